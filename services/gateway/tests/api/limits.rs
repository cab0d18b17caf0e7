use crate::world::{Gateway, Mirror, Server, assert_problem};
use kit::{
    clock::Clock,
    testing::{Redis, wait_for},
};
use std::sync::Arc;

const SLOW: &[&str] = &["--rate-limits", "pages=1:20"];

#[expect(clippy::panic, reason = "a request that fails fails the test")]
async fn passed(gateway: &Gateway, requests: usize) -> usize {
    let mut passed = 0;
    for _ in 0..requests {
        match gateway.get("/en/").await.status().as_u16() {
            200 => passed += 1,
            429 => {}
            other => panic!("neither passed nor limited: {other}"),
        }
    }
    passed
}

#[tokio::test]
async fn says_how_long_to_wait() {
    let server = Server::start(Mirror::default().router());
    let gateway = Gateway::with(server.addr, SLOW);
    assert!((20..=21).contains(&passed(&gateway, 30).await));
    let response = gateway.get("/en/").await;
    assert_problem(&response, 429);
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(response.headers()["ratelimit"], "\"pages\";r=0;t=1");
    assert_eq!(
        response.headers()["ratelimit-policy"],
        "\"pages\";q=20;w=20"
    );
    // Other classes and other clients are not affected.
    assert_eq!(gateway.get("/v1/products").await.status(), 200);
    let known = gateway
        .http
        .get(gateway.url("/en/"))
        .bearer_auth(gateway.token(&[]));
    assert_eq!(known.send().await.expect("an answer").status(), 200);
}

#[tokio::test]
async fn replicas_share_limits_while_there_is_redis_and_nobody_fails_without() {
    let mut redis = Redis::start().await;
    let server = Server::start(Mirror::default().router());
    let url = redis.url();
    let flags = [
        SLOW,
        &["--redis-url", &url, "--trusted-proxies", "127.0.0.0/8"],
    ]
    .concat();
    let first = Gateway::with(server.addr, &flags);
    let second = Gateway::of(
        server.addr,
        &flags,
        Arc::clone(&first.issuer),
        first.clock.clone(),
    );
    let connected = async || {
        let both = first.app.is_sharing() && second.app.is_sharing();
        both.then_some(())
    };
    wait_for("both replicas to connect", connected).await;
    let both = passed(&first, 30).await + passed(&second, 30).await;
    assert!((18..=22).contains(&both), "{both} passed of a burst of 20");

    redis.kill().await;
    // Each goes on alone: what it let pass itself counts on, and other clients are served.
    for gateway in [&first, &second] {
        for client in 0..10 {
            let request = gateway
                .http
                .get(gateway.url("/en/"))
                .header("x-forwarded-for", format!("192.0.2.{client}"));
            assert_eq!(request.send().await.expect("an answer").status(), 200);
        }
    }
    assert!(!first.app.is_sharing());

    redis.restart().await;
    wait_for("both replicas to connect again", connected).await;
    let request = |gateway: &Gateway| {
        gateway
            .http
            .get(gateway.url("/en/"))
            .header("x-forwarded-for", "192.0.2.99")
            .send()
    };
    let mut both = 0;
    for _ in 0..20 {
        for gateway in [&first, &second] {
            both += usize::from(request(gateway).await.expect("an answer").status() == 200);
        }
    }
    assert!((18..=22).contains(&both), "{both} passed of a burst of 20");
}

#[tokio::test]
async fn a_redis_that_hangs_slows_nobody_down() {
    // Accepts connections and never answers.
    let silent = crate::world::RawServer::start(async |stream, _| {
        let _held = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let server = Server::start(Mirror::default().router());
    let url = format!("redis://{}/", silent.addr);
    let clock = Clock::fixed(jiff::Timestamp::UNIX_EPOCH);
    let gateway = Gateway::of(
        server.addr,
        &["--rate-limits", "pages=100:100", "--redis-url", &url],
        Arc::default(),
        clock,
    );
    let started = std::time::Instant::now();
    assert_eq!(passed(&gateway, 50).await, 50);
    assert!(
        started.elapsed() < std::time::Duration::from_secs(2),
        "{:?}",
        started.elapsed()
    );
}
