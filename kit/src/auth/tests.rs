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
