//! Registration, and what it tells to whom.

use std::time::{Duration, Instant};

use http::{Method, StatusCode};
use serde_json::json;

use crate::world::{PASSWORD, Session, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_registers_proves_the_address_and_is_logged_in() {
    let world = World::new().await;
    world
        .register(" Ada@Example.COM ")
        .await
        .expect(StatusCode::ACCEPTED);
    world
        .try_log_in("ada@example.com", PASSWORD)
        .await
        .expect(StatusCode::UNAUTHORIZED);

    let mails = world.mails().await;
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert_eq!(mails[0]["type"], "amazoff.person.registered");
    let data = &mails[0]["data"];
    assert_eq!(
        (&data["email"], &data["name"], &data["locale"]),
        (
            &json!("ada@example.com"),
            &json!("Ada Lovelace"),
            &json!("fr")
        )
    );
    let link = data["verify_url"].as_str().expect("a link");
    let token = link
        .strip_prefix("https://shop.example/fr/account/verify?token=")
        .expect("the page of the shop");

    let confirm = || world.post("/v1/registrations/confirm", json!({"token": token}));
    let answer = confirm().await.expect(StatusCode::OK);
    assert_eq!(answer.headers["cache-control"], "private, no-store");
    let person = &answer.json()["person"];
    assert_eq!(
        (&person["roles"], &person["permissions"]),
        (&json!(["customer"]), &json!([]))
    );
    let session = Session::of(&answer);
    world
        .by(&session, Method::GET, "/v1/me", None)
        .await
        .expect(StatusCode::OK);
    assert_eq!(
        confirm().await.expect(StatusCode::BAD_REQUEST).kind(),
        "token-not-valid",
        "once"
    );
    assert_eq!(world.log_in("ADA@example.com").await.id, session.id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whether_an_address_has_an_account_is_told_to_its_owner_alone() {
    let world = World::new().await;
    let unknown = world
        .register("ada@example.com")
        .await
        .expect(StatusCode::ACCEPTED);
    let token = world
        .token_in_mail("amazoff.person.registered", "verify_url")
        .await;
    world
        .post("/v1/registrations/confirm", json!({"token": token}))
        .await
        .expect(StatusCode::OK);

    let known = world
        .register("ada@example.com")
        .await
        .expect(StatusCode::ACCEPTED);
    assert_eq!(known.body, unknown.body);
    assert_eq!(known.headers, unknown.headers);
    let mails = world.mails().await;
    assert_eq!(mails[0]["type"], "amazoff.person.registration_repeated");
    assert_eq!(mails[0]["data"].get("verify_url"), None);

    let reset = |email: &str| world.post("/v1/password-resets", json!({"email": email}));
    let (known, unknown) = (
        reset("ada@example.com").await,
        reset("eve@example.com").await,
    );
    assert_eq!(
        (known.status, &known.body, &known.headers),
        (unknown.status, &unknown.body, &unknown.headers)
    );
    let mails = world.mails().await;
    assert_eq!(mails.len(), 1, "{mails:?}");
}

/// Both answers leave at the same beat, however long the work took.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn registering_and_resetting_take_as_long_for_known_and_unknown_addresses() {
    let world = World::new().await;
    world.customer("ada@example.com").await;
    for path in ["/v1/registrations", "/v1/password-resets"] {
        let mut quickest = Vec::new();
        for email in ["ada@example.com", "nobody@example.com"] {
            let mut times = Vec::new();
            for _ in 0..5 {
                let body = if path == "/v1/registrations" {
                    json!({"email": email, "password": PASSWORD, "name": "Ada"})
                } else {
                    json!({"email": email})
                };
                let began = Instant::now();
                world.post(path, body).await.expect(StatusCode::ACCEPTED);
                times.push(began.elapsed());
            }
            times.sort();
            quickest.push(times[0]);
        }
        let beats: Vec<u128> = quickest
            .iter()
            .map(|time| (*time + Duration::from_millis(60)).as_millis() / 250)
            .collect();
        assert_eq!(beats[0], beats[1], "{path}: {quickest:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registration_names_what_is_wrong() {
    let world = World::new().await;
    let good =
        json!({"email": "ada@example.com", "password": PASSWORD, "name": "Ada", "locale": "en"});
    for (field, value) in [
        ("email", json!("ada")),
        ("password", json!("short")),
        ("password", json!("password1")),
        ("password", json!("ada@example.com")),
        ("name", json!("")),
        ("name", json!("https://evil.example")),
        ("locale", json!("de")),
        ("role", json!("admin")),
    ] {
        let mut body = good.clone();
        body[field] = value.clone();
        let answer = world
            .post("/v1/registrations", body)
            .await
            .expect(StatusCode::BAD_REQUEST);
        let named = answer.fields().join(" ");
        assert!(
            named.contains(field) || field == "role",
            "{field} {value}: {named}"
        );
    }
    assert!(world.mails().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_works_for_a_day_and_the_last_account_wins_nothing() {
    let world = World::new().await;
    world.register("ada@example.com").await;
    let old = world
        .token_in_mail("amazoff.person.registered", "verify_url")
        .await;
    world.advance(24 * 3600);
    world
        .post("/v1/registrations/confirm", json!({"token": old}))
        .await
        .expect(StatusCode::BAD_REQUEST);

    world.register("ada@example.com").await;
    let first = world
        .token_in_mail("amazoff.person.registered", "verify_url")
        .await;
    world.register("ada@example.com").await;
    let second = world
        .token_in_mail("amazoff.person.registered", "verify_url")
        .await;
    world
        .post("/v1/registrations/confirm", json!({"token": second}))
        .await
        .expect(StatusCode::OK);
    world
        .post("/v1/registrations/confirm", json!({"token": first}))
        .await
        .expect(StatusCode::BAD_REQUEST);
    for nonsense in ["", "x", &"x".repeat(200)] {
        world
            .post("/v1/registrations/confirm", json!({"token": nonsense}))
            .await
            .expect(StatusCode::BAD_REQUEST);
    }
    // What was never confirmed is forgotten, its key too.
    amazoff_users::sweep_expired::sweep(&world.app)
        .await
        .expect("swept");
    let dump = world.dump().await;
    assert_eq!(dump.matches("registration: ").count(), 0);
    assert_eq!(dump.matches("person_key: ").count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_flooded_with_our_mails() {
    let world = World::new().await;
    for _ in 0..8 {
        world
            .register("ada@example.com")
            .await
            .expect(StatusCode::ACCEPTED);
    }
    let mails = world.mails().await;
    assert!(mails.len() <= 4, "{}", mails.len());

    let mut refused = None;
    for number in 0..60 {
        let answer = world
            .post(
                "/v1/password-resets",
                json!({"email": format!("p{number}@example.com")}),
            )
            .await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("one client asks for mails to everybody");
    assert!(refused.headers.contains_key("retry-after"));
}
