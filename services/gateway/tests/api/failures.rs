use crate::world::{Gateway, Mirror, RawServer, Server, assert_problem, kind, read_head};
use axum::Router;
use futures::future::join_all;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::io::AsyncWriteExt as _;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[tokio::test]
async fn answers_504_when_the_upstream_takes_too_long() {
    let server = Server::start(Router::new().fallback(std::future::pending::<()>));
    let gateway = Gateway::before(server.addr);
    let started = Instant::now();
    let response = gateway.get("/v1/suggestions?q=milk").await;
    assert_problem(&response, 504);
    assert_eq!(kind(response).await, "upstream-slow");
    assert!((Duration::from_secs(3)..Duration::from_secs(5)).contains(&started.elapsed()));
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_not_taken_for_whole() {
    for half in [
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\ncache-control: max-age=60\r\n\r\nhalf",
    ] {
        let server = RawServer::start(async move |mut stream, number| {
            read_head(&mut stream).await;
            let answer = if number == 0 { half.as_bytes() } else { OK };
            stream.write_all(answer).await.expect("sent");
        })
        .await;
        let gateway = Gateway::before(server.addr);
        let first = gateway.get("/en/").await;
        let whole = first.status() == 200 && first.text().await.is_ok();
        assert!(!whole, "{half}");
        assert_eq!(gateway.get("/en/").await.text().await.expect("whole"), "ok");
    }
}

#[tokio::test]
async fn an_upstream_that_closes_kept_connections_fails_nobody() {
    // Answers one request a connection, promises to go on, and closes when the next one arrives.
    let server = RawServer::start(async |mut stream, _| {
        read_head(&mut stream).await;
        stream.write_all(OK).await.expect("sent");
        read_head(&mut stream).await;
    })
    .await;
    let gateway = Gateway::before(server.addr);
    for _ in 0..50 {
        assert_eq!(gateway.get("/en/").await.status(), 200);
    }
}

#[tokio::test]
async fn a_change_that_may_have_arrived_is_not_sent_twice() {
    let arrived = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&arrived);
    let server = RawServer::start(move |mut stream, _| {
        let count = Arc::clone(&count);
        async move {
            if read_head(&mut stream).await.starts_with("POST") {
                count.fetch_add(1, Ordering::SeqCst);
            }
        }
    })
    .await;
    let gateway = Gateway::before(server.addr);
    let token = gateway.token(&["catalog:write"]);
    let response = gateway
        .http
        .post(gateway.url("/v1/products"))
        .bearer_auth(token)
        .body("{}")
        .send()
        .await
        .expect("an answer");
    assert_problem(&response, 502);
    assert_eq!(kind(response).await, "upstream-failed");
    assert_eq!(arrived.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_upstream_that_stays_away_is_left_alone_until_it_is_back() {
    let server = Server::start(Mirror::default().router());
    let gateway = Gateway::before(server.addr);
    let addr = server.stop().await;

    let failed =
        join_all((0..10).map(async |number| gateway.get(&format!("/en/?{number}")).await)).await;
    for response in failed {
        assert_problem(&response, 502);
    }
    let started = Instant::now();
    let response = gateway.get("/en/").await;
    assert_problem(&response, 503);
    assert!(response.headers().contains_key("retry-after"));
    assert_eq!(kind(response).await, "upstream-unavailable");
    assert!(
        started.elapsed() < Duration::from_millis(500),
        "it fails at once"
    );

    let _server = Server::start_at(addr, Mirror::default().router());
    kit::testing::wait_for("the gateway to try again", async || {
        gateway
            .get("/en/")
            .await
            .status()
            .is_success()
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn nobody_notices_an_upstream_that_restarts() {
    let mut server = Server::start(Mirror::default().router());
    let gateway = Arc::new(Gateway::before(server.addr));
    let (done, answered) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let shoppers = (0..8).map(|_| {
        let (gateway, done, answered) = (
            Arc::clone(&gateway),
            Arc::clone(&done),
            Arc::clone(&answered),
        );
        tokio::spawn(async move {
            while !done.load(Ordering::SeqCst) {
                assert_eq!(gateway.get("/en/").await.status(), 200);
                answered.fetch_add(1, Ordering::SeqCst);
            }
        })
    });
    let shoppers: Vec<_> = shoppers.collect();
    for _ in 0..3 {
        let before = answered.load(Ordering::SeqCst);
        kit::testing::wait_for("traffic", async || {
            (answered.load(Ordering::SeqCst) > before + 50).then_some(())
        })
        .await;
        let addr = server.stop().await;
        // Nobody listens for as long as a process takes to start.
        tokio::time::sleep(Duration::from_millis(300)).await;
        server = Server::start_at(addr, Mirror::default().router());
    }
    let before = answered.load(Ordering::SeqCst);
    kit::testing::wait_for("traffic", async || {
        (answered.load(Ordering::SeqCst) > before + 50).then_some(())
    })
    .await;
    done.store(true, Ordering::SeqCst);
    for shopper in join_all(shoppers).await {
        shopper.expect("every GET was answered");
    }
}
