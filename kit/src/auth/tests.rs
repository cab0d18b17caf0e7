use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::testing::TestIssuer;

fn clock() -> Clock {
    Clock::fixed(Timestamp::from_second(1_700_000_000).expect("in range"))
}

#[test]
fn accepts_its_own_token_until_it_expires() {
    let (issuer, clock) = (TestIssuer::new(), clock());
    let verifier = issuer.verifier(clock.clone());
    let token = issuer.token(&clock, "staff", &["catalog:write"]);
    let identity = Identity(verifier.verify(&token).expect("valid"));
    assert_eq!(identity.subject(), "staff");
    assert!(identity.require("catalog:write").is_ok());
    assert_eq!(
        identity
            .require("orders:refund")
            .map_err(|problem| problem.status()),
        Err(StatusCode::FORBIDDEN)
    );

    clock.advance(Duration::from_secs(601));
    assert_eq!(
        verifier.verify(&token),
        Err(TokenError::Expired),
        "also when remembered"
    );
    assert_eq!(
        issuer.verifier(clock).verify(&token),
        Err(TokenError::Expired)
    );
}

#[test]
fn refuses_what_it_did_not_sign() {
    let (issuer, clock) = (TestIssuer::new(), clock());
    let verifier = issuer.verifier(clock.clone());
    let token = issuer.token(&clock, "staff", &[]);
    let stranger = TestIssuer::new().token(&clock, "staff", &[]);
    assert_eq!(verifier.verify(&stranger), Err(TokenError::UnknownKey));

    let parts: Vec<&str> = token.split('.').collect();
    let other = issuer.token(&clock, "admin", &[]);
    let other_body = other.split('.').nth(1).expect("three parts");
    let unsigned_header = "eyJhbGciOiJub25lIn0";
    for (forged, why) in [
        (
            format!("{}.{other_body}.{}", parts[0], parts[2]),
            "another body",
        ),
        (format!("{unsigned_header}.{}.", parts[1]), "alg none"),
        (token.trim_end_matches(|_: char| true).to_owned(), "empty"),
        (format!("{token}x"), "longer signature"),
        ("a.b.c".to_owned(), "no JSON"),
        ("x".repeat(MAX_TOKEN_BYTES + 1), "too long"),
    ] {
        assert!(
            matches!(
                verifier.verify(&forged),
                Err(TokenError::Invalid | TokenError::UnknownKey)
            ),
            "{why}"
        );
    }
}

#[test]
fn a_rotated_key_is_found_without_a_restart_and_the_old_one_is_forgotten() {
    let (old, new, clock) = (TestIssuer::new(), TestIssuer::new(), clock());
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("jwks.json");
    std::fs::write(&path, old.jwks()).expect("written");
    let verifier = Verifier::from_file(path.clone(), clock.clone()).expect("keys");
    let (old_token, new_token) = (old.token(&clock, "a", &[]), new.token(&clock, "b", &[]));
    assert!(verifier.verify(&old_token).is_ok());
    assert_eq!(verifier.verify(&new_token), Err(TokenError::UnknownKey));

    std::fs::write(&path, new.jwks()).expect("written");
    let file = std::fs::File::options()
        .write(true)
        .open(&path)
        .expect("opened");
    file.set_modified(SystemTime::UNIX_EPOCH)
        .expect("a different time, however coarse the file system's clock");
    clock.advance(Duration::from_secs(3));
    assert!(verifier.verify(&new_token).is_ok());
    assert_eq!(verifier.verify(&old_token), Err(TokenError::UnknownKey));
}

#[test]
fn a_key_file_that_breaks_later_leaves_the_old_keys_in_use() {
    let (issuer, clock) = (TestIssuer::new(), clock());
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("jwks.json");
    std::fs::write(&path, issuer.jwks()).expect("written");
    let verifier = Verifier::from_file(path.clone(), clock.clone()).expect("keys");
    std::fs::remove_file(&path).expect("removed");
    clock.advance(Duration::from_mins(1));
    assert!(verifier.verify(&issuer.token(&clock, "a", &[])).is_ok());
}

#[test]
fn a_service_is_only_itself_and_may_only_what_its_key_says() {
    let (mut issuer, clock) = (TestIssuer::new(), clock());
    let orders = issuer.service(&clock, "orders", &["events:send"]);
    let verifier = issuer.verifier(clock.clone());
    let headers = |bearer| HeaderMap::from_iter([(header::AUTHORIZATION, bearer)]);
    let identity = verifier
        .identify(&headers(orders.bearer()))
        .expect("valid")
        .expect("present");
    assert_eq!(identity.subject(), "service:orders");
    assert!(identity.may("events:send") && !identity.may("orders:write"));

    let own = SigningKey::from_jwk(&crate::testing::private_jwk()).expect("a key");
    let mut entry = own.public_jwk();
    entry["sub"] = "service:cart".into();
    let jwks = serde_json::json!({"keys": [entry]}).to_string();
    let verifier = Verifier::from_jwks(&jwks, clock.clone()).expect("keys");
    let mut claims = identity.claims().clone();
    for (subject, permissions, ok) in [
        ("service:cart", vec!["users:write".to_owned()], true),
        ("service:orders", vec![], false),
        ("0193", vec![], false),
    ] {
        subject.clone_into(&mut claims.sub);
        claims.permissions = permissions;
        let allowed = verifier.verify(&own.sign(&claims).expect("signed"));
        assert_eq!(allowed.is_ok(), ok, "{subject}");
        assert!(allowed.is_ok_and(|claims| claims.permissions.is_empty()) || !ok);
    }
    let forged = issuer.token(&clock, "service:orders", &["events:send"]);
    assert_eq!(
        issuer.verifier(clock).verify(&forged),
        Err(TokenError::Invalid),
        "who signs for persons signs for no service"
    );
}

#[test]
fn a_service_token_is_used_for_half_its_life_and_follows_the_key_file() {
    let clock = clock();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("key.json");
    std::fs::write(&path, crate::testing::private_jwk()).expect("written");
    let tokens = ServiceTokens::from_file(path.clone(), "orders", clock.clone()).expect("a key");
    let first = tokens.bearer();
    assert!(first.is_sensitive());
    clock.advance(Duration::from_secs(29));
    assert_eq!(tokens.bearer(), first);
    std::fs::write(&path, "broken").expect("written");
    clock.advance(Duration::from_secs(1));
    let second = tokens.bearer();
    assert_ne!(second, first);
    std::fs::write(&path, crate::testing::private_jwk()).expect("written");
    assert_eq!(tokens.bearer(), second);
    clock.advance(Duration::from_secs(30));
    let kid = |bearer: &HeaderValue| {
        let token = bearer.to_str().expect("text").replace("Bearer ", "");
        jsonwebtoken::decode_header(token).expect("a token").kid
    };
    assert_eq!(kid(&first), kid(&second));
    assert_ne!(kid(&second), kid(&tokens.bearer()), "the new key signs");
    assert!(ServiceTokens::from_file(folder.path().join("none"), "orders", clock).is_err());
}

#[test]
fn a_revoked_token_is_refused_at_once_and_a_newer_one_is_not() {
    let (issuer, clock) = (TestIssuer::new(), clock());
    let verifier = issuer.verifier(clock.clone());
    let old = issuer.token(&clock, "ann", &[]);
    assert!(verifier.verify(&old).is_ok(), "and remembered");
    clock.advance(Duration::from_secs(5));
    verifier.revoke(HashMap::from([("ann".to_owned(), clock.now().as_second())]));
    assert_eq!(verifier.verify(&old), Err(TokenError::Revoked));
    assert!(verifier.verify(&issuer.token(&clock, "ann", &[])).is_ok());
    assert!(verifier.verify(&issuer.token(&clock, "bob", &[])).is_ok());
}

#[tokio::test]
async fn revocations_are_followed_and_hold_while_nobody_answers() {
    let (issuer, clock) = (TestIssuer::new(), clock());
    let verifier = issuer.verifier(clock.clone());
    let old = issuer.token(&clock, "ann", &[]);
    let now = clock.now().as_second() + 1;
    let answer = serde_json::json!({"since": 0, "people": {"ann": now}});
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let url = format!(
        "http://{}/internal/v1/revocations",
        listener.local_addr().expect("bound")
    );
    let router = axum::Router::new().route(
        "/internal/v1/revocations",
        axum::routing::get(|| std::future::ready(axum::Json(answer))),
    );
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let following = tokio::spawn(follow_revocations(
        verifier.clone(),
        url.parse().expect("a URL"),
    ));
    let refused = || std::future::ready(verifier.verify(&old).is_err().then_some(()));
    crate::testing::wait_for("the revocation", refused).await;
    server.abort();
    assert_eq!(verifier.verify(&old), Err(TokenError::Revoked));
    following.abort();
}
