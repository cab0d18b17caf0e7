//! Forgetting and changing the password.

use http::{Method, StatusCode};
use serde_json::json;

use crate::world::{PASSWORD, Session, World};

const NEW: &str = "five large tea pots";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forgotten_password_is_replaced_and_every_session_ends() {
    let world = World::new().await;
    let session = world.customer("ada@example.com").await;
    world
        .post("/v1/password-resets", json!({"email": "Ada@Example.com"}))
        .await
        .expect(StatusCode::ACCEPTED);
    let token = world
        .token_in_mail("amazoff.person.password_reset_requested", "reset_url")
        .await;
    assert!(
        world.is_let_in(&session).await,
        "asking alone changes nothing"
    );

    let confirm = |password: &str| {
        world.post(
            "/v1/password-resets/confirm",
            json!({"token": token, "password": password}),
        )
    };
    assert_eq!(
        confirm("password1")
            .await
            .expect(StatusCode::BAD_REQUEST)
            .fields(),
        ["password"]
    );
    confirm(NEW).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(
        confirm("another tea pot")
            .await
            .expect(StatusCode::BAD_REQUEST)
            .kind(),
        "token-not-valid",
        "once"
    );
    assert!(!world.is_let_in(&session).await);
    world
        .refresh(&session.refresh)
        .await
        .expect(StatusCode::UNAUTHORIZED);
    world
        .try_log_in("ada@example.com", PASSWORD)
        .await
        .expect(StatusCode::UNAUTHORIZED);
    world
        .try_log_in("ada@example.com", NEW)
        .await
        .expect(StatusCode::CREATED);
    assert_eq!(
        world.mails().await[0]["type"],
        "amazoff.person.password_changed"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_works_for_half_an_hour_and_not_after_another_was_used() {
    let world = World::new().await;
    world.customer("ada@example.com").await;
    let mut tokens = Vec::new();
    for _ in 0..2 {
        world
            .post("/v1/password-resets", json!({"email": "ada@example.com"}))
            .await
            .expect(StatusCode::ACCEPTED);
        tokens.push(
            world
                .token_in_mail("amazoff.person.password_reset_requested", "reset_url")
                .await,
        );
    }
    let confirm = |token: String| {
        world.post(
            "/v1/password-resets/confirm",
            json!({"token": token, "password": NEW}),
        )
    };
    confirm(tokens[0].clone())
        .await
        .expect(StatusCode::NO_CONTENT);
    confirm(tokens[1].clone())
        .await
        .expect(StatusCode::BAD_REQUEST);

    world
        .post("/v1/password-resets", json!({"email": "ada@example.com"}))
        .await
        .expect(StatusCode::ACCEPTED);
    let late = world
        .token_in_mail("amazoff.person.password_reset_requested", "reset_url")
        .await;
    world.advance(30 * 60);
    confirm(late).await.expect(StatusCode::BAD_REQUEST);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changing_the_password_needs_the_old_one_and_ends_the_other_sessions() {
    let world = World::new().await;
    let here = world.customer("ada@example.com").await;
    let there = world.log_in("ada@example.com").await;
    let change = |current: &str, new: &str| {
        world.by(
            &here,
            Method::PUT,
            "/v1/me/password",
            Some(json!({"current": current, "new": new})),
        )
    };
    let wrong = change("not her password", NEW)
        .await
        .expect(StatusCode::FORBIDDEN);
    assert_eq!(
        (wrong.kind().as_str(), wrong.fields()),
        ("wrong-password", vec!["current".to_owned()])
    );
    assert_eq!(change(PASSWORD, "ada.ada.ada").await.status, StatusCode::OK);
    let here = world.log_in_with("ada@example.com", "ada.ada.ada").await;
    assert!(!world.is_let_in(&there).await);
    world
        .refresh(&there.refresh)
        .await
        .expect(StatusCode::UNAUTHORIZED);

    let weak = world
        .by(
            &here,
            Method::PUT,
            "/v1/me/password",
            Some(json!({"current": "ada.ada.ada", "new": "12345678"})),
        )
        .await;
    assert_eq!(weak.expect(StatusCode::BAD_REQUEST).fields(), ["new"]);
    let answer = world
        .by(
            &here,
            Method::PUT,
            "/v1/me/password",
            Some(json!({"current": "ada.ada.ada", "new": NEW})),
        )
        .await;
    let new_session = Session::of(&answer.expect(StatusCode::OK));
    assert!(
        world.is_let_in(&new_session).await,
        "who changes it stays logged in"
    );
    assert!(!world.is_let_in(&here).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stolen_token_can_not_guess_the_password_faster_than_anybody() {
    let world = World::new().await;
    let session = world.customer("ada@example.com").await;
    let mut statuses = Vec::new();
    for _ in 0..12 {
        let body = json!({"current": "not her password", "new": NEW});
        statuses.push(
            world
                .by(&session, Method::PUT, "/v1/me/password", Some(body))
                .await
                .status,
        );
    }
    assert_eq!(statuses[10], StatusCode::FORBIDDEN);
    assert_eq!(statuses[11], StatusCode::TOO_MANY_REQUESTS);
}
