//! The database goes away and comes back.

use futures::future::join_all;
use http::{Method, StatusCode};
use serde_json::json;

use crate::world::{PASSWORD, World};
use kit::testing::wait_for;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_database_everything_says_try_again() {
    let mut world = World::new().await;
    let ada = world.customer("ada@example.com").await;
    world.mariadb.kill().await;
    // All at once: each waits its two seconds for a connection.
    let asked = [
        (
            Method::POST,
            "/v1/sessions",
            Some(json!({"email": "ada@example.com", "password": PASSWORD})),
        ),
        (
            Method::POST,
            "/v1/sessions/refresh",
            Some(json!({"refresh_token": ada.refresh})),
        ),
        (
            Method::POST,
            "/v1/password-resets",
            Some(json!({"email": "ada@example.com"})),
        ),
        (Method::GET, "/v1/me", None),
        (Method::GET, "/internal/v1/revocations", None),
    ];
    let asking = asked.map(|(method, path, body)| world.by(&ada, method, path, body));
    for answer in join_all(asking).await {
        let answer = answer.expect(StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.headers.contains_key("retry-after"));
        assert_eq!(answer.headers["content-type"], "application/problem+json");
    }
    world.mariadb.restart().await;
    wait_for("the database to be found again", async || {
        let answer = world.by(&ada, Method::GET, "/v1/me", None).await;
        (answer.status == StatusCode::OK).then_some(())
    })
    .await;
    world.refresh(&ada.refresh).await.expect(StatusCode::OK);
}
