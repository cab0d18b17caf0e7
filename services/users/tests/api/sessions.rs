//! Sessions: rotation, replay, lost answers, logging out.

use futures::future::join_all;
use http::{Method, StatusCode};
use serde_json::Value;

use crate::world::{Session, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_token_is_exchanged_for_the_next_pair() {
    let world = World::new().await;
    let first = world.customer("ada@example.com").await;
    world.advance(600);
    assert!(!world.is_let_in(&first).await, "the access token has ended");
    let second = Session::of(&world.refresh(&first.refresh).await.expect(StatusCode::OK));
    assert!(world.is_let_in(&second).await);
    assert_ne!(
        (&first.access, &first.refresh),
        (&second.access, &second.refresh)
    );
    world.advance(600);
    let third = Session::of(&world.refresh(&second.refresh).await.expect(StatusCode::OK));
    assert!(world.is_let_in(&third).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_replay_of_a_used_token_ends_the_session_for_both() {
    let world = World::new().await;
    let stolen = world.customer("ada@example.com").await;
    let other_device = world.log_in("ada@example.com").await;
    let owner = Session::of(&world.refresh(&stolen.refresh).await.expect(StatusCode::OK));
    world.advance(11);
    let thief = world
        .refresh(&stolen.refresh)
        .await
        .expect(StatusCode::UNAUTHORIZED);
    assert_eq!(thief.kind(), "session-over");
    let after = world
        .refresh(&owner.refresh)
        .await
        .expect(StatusCode::UNAUTHORIZED);
    assert_eq!(after.body, thief.body, "a thief learns nothing");
    assert!(
        !world.is_let_in(&owner).await,
        "access tokens of the session are refused at once"
    );
    // Another session is another family: it goes on with new tokens.
    let other = Session::of(
        &world
            .refresh(&other_device.refresh)
            .await
            .expect(StatusCode::OK),
    );
    assert!(world.is_let_in(&other).await);
    assert!(world.dump().await.contains("session.replayed"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_is_given_again_for_a_moment() {
    let world = World::new().await;
    let first = world.customer("ada@example.com").await;
    let lost = Session::of(&world.refresh(&first.refresh).await.expect(StatusCode::OK));
    world.advance(9);
    let again = Session::of(&world.refresh(&first.refresh).await.expect(StatusCode::OK));
    assert_eq!(again.refresh, lost.refresh, "the same successor");
    let next = Session::of(&world.refresh(&again.refresh).await.expect(StatusCode::OK));
    // The successor was used, so the answer was not lost after all.
    world
        .refresh(&first.refresh)
        .await
        .expect(StatusCode::UNAUTHORIZED);
    world
        .refresh(&next.refresh)
        .await
        .expect(StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tabs_that_refresh_at_the_same_moment_stay_logged_in() {
    let world = World::new().await;
    let session = world.customer("ada@example.com").await;
    let answers = join_all((0..8).map(|_| world.refresh(&session.refresh))).await;
    let tokens: Vec<String> = answers
        .into_iter()
        .map(|answer| Session::of(&answer.expect(StatusCode::OK)).refresh)
        .collect();
    assert!(
        tokens.iter().all(|token| *token == tokens[0]),
        "one successor for all"
    );
    world.refresh(&tokens[0]).await.expect(StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_ends_when_it_is_not_used_and_after_ninety_days_when_it_is() {
    const DAY: u64 = 86_400;
    let world = World::new().await;
    let idle = world.customer("ada@example.com").await;
    let mut used = world.log_in("ada@example.com").await;
    for day in 1..=89 {
        world.advance(DAY);
        used = Session::of(&world.refresh(&used.refresh).await.expect(StatusCode::OK));
        if day == 30 {
            world
                .refresh(&idle.refresh)
                .await
                .expect(StatusCode::UNAUTHORIZED);
        }
    }
    world.advance(DAY);
    world
        .refresh(&used.refresh)
        .await
        .expect(StatusCode::UNAUTHORIZED);
    world.advance(8 * DAY);
    amazoff_users::sweep_expired::sweep(&world.app)
        .await
        .expect("swept");
    assert_eq!(world.dump().await.matches("refresh_token: ").count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logging_out_acts_at_once_and_on_this_session_alone() {
    let world = World::new().await;
    let here = world.customer("ada@example.com").await;
    let there = world.log_in("ada@example.com").await;
    let log_out = || {
        world.post(
            "/v1/sessions/logout",
            serde_json::json!({"refresh_token": here.refresh}),
        )
    };
    log_out().await.expect(StatusCode::NO_CONTENT);
    log_out().await.expect(StatusCode::NO_CONTENT);
    assert!(!world.is_let_in(&here).await);
    world
        .refresh(&here.refresh)
        .await
        .expect(StatusCode::UNAUTHORIZED);
    let there = Session::of(&world.refresh(&there.refresh).await.expect(StatusCode::OK));
    assert!(world.is_let_in(&there).await);
    world
        .post(
            "/v1/sessions/logout",
            serde_json::json!({"refresh_token": "x".repeat(129)}),
        )
        .await
        .expect(StatusCode::BAD_REQUEST);
    world
        .post(
            "/v1/sessions/logout",
            serde_json::json!({"refresh_token": "unknown"}),
        )
        .await
        .expect(StatusCode::NO_CONTENT);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_see_their_sessions_and_end_one_or_all() {
    let world = World::new().await;
    let first = world.customer("ada@example.com").await;
    world.advance(5);
    let body = serde_json::json!({"email": "ada@example.com", "password": crate::world::PASSWORD});
    let answer = world
        .call(
            Method::POST,
            "/v1/sessions",
            &[("user-agent", "A browser")],
            Some(body),
        )
        .await;
    let second = Session::of(&answer.expect(StatusCode::CREATED));
    let list = world
        .by(&second, Method::GET, "/v1/me/sessions", None)
        .await
        .expect(StatusCode::OK)
        .json();
    let items = list["items"].as_array().expect("items");
    assert_eq!(items.len(), 2);
    assert_eq!(
        (&items[0]["device"], &items[1]["device"]),
        (&"A browser".into(), &Value::Null)
    );

    let path = format!(
        "/v1/me/sessions/{}",
        items[1]["id"].as_str().expect("an id")
    );
    world
        .by(&second, Method::DELETE, &path, None)
        .await
        .expect(StatusCode::NO_CONTENT);
    world
        .refresh(&first.refresh)
        .await
        .expect(StatusCode::UNAUTHORIZED);
    world.advance(1);
    let second = Session::of(&world.refresh(&second.refresh).await.expect(StatusCode::OK));
    world
        .by(&second, Method::DELETE, &path, None)
        .await
        .expect(StatusCode::NOT_FOUND);

    world
        .by(&second, Method::DELETE, "/v1/me/sessions", None)
        .await
        .expect(StatusCode::NO_CONTENT);
    assert!(!world.is_let_in(&second).await);
    world
        .refresh(&second.refresh)
        .await
        .expect(StatusCode::UNAUTHORIZED);
    // Who logs in within the same second is let in all the same.
    let third = world.log_in("ada@example.com").await;
    assert!(world.is_let_in(&third).await);
}
