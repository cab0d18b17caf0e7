//! Telling people what is kept, and forgetting them.

use std::sync::atomic::Ordering;

use amazoff_users::{carry_out_erasures::run_once, email::Email, role::Role};
use http::{Method, StatusCode};
use serde_json::json;

use crate::world::{PASSWORD, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_holds_what_every_service_keeps_or_is_none() {
    let world = World::new().await;
    let ada = world.customer("ada@example.com").await;
    let address = json!({"name": "Ada", "line1": "1 Lane", "postal_code": "", "city": "Paris", "country": "FR"});
    world
        .by(&ada, Method::POST, "/v1/me/addresses", Some(address))
        .await
        .expect(StatusCode::CREATED);
    let export = || world.by(&ada, Method::GET, "/v1/me/export", None);
    let kept = export().await.expect(StatusCode::OK).json();
    assert_eq!(
        kept["services"]["users"]["person"]["email"],
        "ada@example.com"
    );
    assert_eq!(kept["services"]["users"]["addresses"][0]["city"], "Paris");
    assert_eq!(
        kept["services"]["orders"]["orders"][0]["person"],
        json!(ada.id)
    );
    assert_eq!(
        kept["services"]["orders"]["orders"][0]["email"],
        "ada@example.com"
    );
    let token = world
        .orders
        .tokens
        .lock()
        .expect("unpoisoned")
        .last()
        .cloned()
        .expect("called");
    let claims = world
        .app
        .verifier
        .verify(token.trim_start_matches("Bearer "))
        .expect("a service token");
    assert_eq!(claims.sub, "service:users");

    world.orders.is_away.store(true, Ordering::SeqCst);
    let answer = export().await.expect(StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        answer.json()["detail"]
            .as_str()
            .expect("a detail")
            .contains("orders")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_to_be_erased_is_forgotten_everywhere() {
    let world = World::new().await;
    let admin = world.staff("admin@example.com", Role::Admin).await;
    let ada = world.customer("ada.lovelace@example.com").await;
    let address = json!({"name": "Ada Lovelace", "line1": "1 Analytical Lane", "postal_code": "", "city": "Paris", "country": "FR"});
    world
        .by(&ada, Method::POST, "/v1/me/addresses", Some(address))
        .await
        .expect(StatusCode::CREATED);
    world
        .post(
            "/v1/password-resets",
            json!({"email": "ada.lovelace@example.com"}),
        )
        .await;
    world.register("ada.lovelace@example.com").await;
    world
        .try_log_in("ada.lovelace@example.com", "not her password")
        .await;
    let erase = |password: &str| {
        world.by(
            &ada,
            Method::DELETE,
            "/v1/me",
            Some(json!({"password": password})),
        )
    };
    erase("not her password")
        .await
        .expect(StatusCode::FORBIDDEN);

    world.orders.is_away.store(true, Ordering::SeqCst);
    erase(PASSWORD).await.expect(StatusCode::ACCEPTED);
    assert!(!world.is_let_in(&ada).await, "at once");
    world
        .refresh(&ada.refresh)
        .await
        .expect(StatusCode::UNAUTHORIZED);
    world
        .try_log_in("ada.lovelace@example.com", PASSWORD)
        .await
        .expect(StatusCode::UNAUTHORIZED);
    assert_eq!(run_once(&world.app).await.expect("tried"), 1);
    assert_eq!(run_once(&world.app).await.expect("not due"), 0);
    assert!(world.orders.erased.lock().expect("unpoisoned").is_empty());

    // The other service is back: what was put off is done, and only now goes what it took to ask.
    world.orders.is_away.store(false, Ordering::SeqCst);
    world.advance(31);
    assert_eq!(run_once(&world.app).await.expect("erased"), 1);
    assert_eq!(
        *world.orders.erased.lock().expect("unpoisoned"),
        [(ada.id, "ada.lovelace@example.com".to_owned())]
    );
    let mails = world.mails().await;
    assert_eq!(
        mails.last().expect("a mail")["type"],
        "amazoff.person.erased"
    );
    assert_eq!(mails.last().expect("a mail")["data"]["locale"], "fr");
    world.forget_delivered().await;

    let dump = world.dump().await;
    let lower = dump.to_lowercase();
    for trace in ["lovelace", "analytical"] {
        assert!(!lower.contains(trace), "{trace} in {dump}");
    }
    let email = Email::parse("ada.lovelace@example.com").expect("an address");
    let index = world.app.email_index(&email).expect("an index");
    assert!(
        !dump.contains(&*String::from_utf8_lossy(&index)),
        "not even its keyed hash"
    );
    let id = ada.id.to_string();
    assert_eq!(dump.matches("person_key: ").count(), 1, "the admin's");
    let audit = world
        .by(&admin, Method::GET, "/v1/audit", None)
        .await
        .expect(StatusCode::OK)
        .json();
    let of_ada: Vec<&str> = audit["items"]
        .as_array()
        .expect("items")
        .iter()
        .filter(|entry| entry["subject"] == id)
        .filter_map(|entry| entry["action"].as_str())
        .collect();
    assert_eq!(
        of_ada,
        [
            "person.erased",
            "person.erasure_asked",
            "person.reset_requested",
            "person.registered"
        ],
        "the trail stays"
    );

    world.customer("ada.lovelace@example.com").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_address_is_free_at_once_and_the_last_admin_stays() {
    let world = World::new().await;
    let admin = world.staff("admin@example.com", Role::Admin).await;
    let answer = world
        .by(
            &admin,
            Method::DELETE,
            "/v1/me",
            Some(json!({"password": PASSWORD})),
        )
        .await;
    assert_eq!(answer.expect(StatusCode::CONFLICT).kind(), "last-admin");

    world.orders.is_away.store(true, Ordering::SeqCst);
    let ada = world.customer("ada@example.com").await;
    world
        .by(
            &ada,
            Method::DELETE,
            "/v1/me",
            Some(json!({"password": PASSWORD})),
        )
        .await
        .expect(StatusCode::ACCEPTED);
    let again = world.customer("ada@example.com").await;
    assert_ne!(again.id, ada.id);
    run_once(&world.app).await.expect("tried");
    assert!(world.is_let_in(&again).await);
}
