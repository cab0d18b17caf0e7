use crate::world::{Gateway, Mirror, Server, assert_problem};
use amazoff_gateway::clients::{Head, Outgoing, Upstream, UpstreamError};
use axum::{Router, body::Body, extract::Request};
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use http::{HeaderMap, Method};
use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::mpsc,
};

fn streamed(receiver: mpsc::Receiver<Bytes>) -> reqwest::Body {
    let stream = stream::unfold(receiver, async |mut receiver| {
        receiver
            .recv()
            .await
            .map(|chunk| (Ok::<_, Infallible>(chunk), receiver))
    });
    reqwest::Body::wrap_stream(stream)
}

#[tokio::test]
async fn refuses_bodies_that_are_too_large_announced_or_not() {
    let mirror = Mirror::default();
    let server = Server::start(mirror.router());
    let gateway = Gateway::before(server.addr);
    let token = gateway.token(&["catalog:write"]);
    let mib = 1024 * 1024;
    let post = || {
        gateway
            .http
            .post(gateway.url("/v1/products"))
            .bearer_auth(&token)
    };

    assert_eq!(
        post()
            .body(vec![b'x'; mib])
            .send()
            .await
            .expect("an answer")
            .status(),
        200
    );
    assert_problem(
        &post()
            .body(vec![b'x'; mib + 1])
            .send()
            .await
            .expect("an answer"),
        413,
    );
    assert_eq!(mirror.seen(), 1);

    let chunked = |chunks: usize| {
        let chunk = Bytes::from(vec![b'x'; mib / 4]);
        reqwest::Body::wrap_stream(stream::iter(std::iter::repeat_n(
            Ok::<_, Infallible>(chunk),
            chunks,
        )))
    };
    assert_eq!(
        post()
            .body(chunked(4))
            .send()
            .await
            .expect("an answer")
            .status(),
        200
    );
    assert_problem(
        &post().body(chunked(5)).send().await.expect("an answer"),
        413,
    );
    // The upstream is not blamed for it.
    assert_eq!(gateway.get("/v1/products").await.status(), 200);
}

#[tokio::test]
async fn imports_stream_both_ways_at_once() {
    let echo = Router::new().fallback(async |request: Request| {
        Body::from_stream(request.into_body().into_data_stream())
    });
    let server = Server::start(echo);
    let gateway = Gateway::before(server.addr);
    let (sender, receiver) = mpsc::channel(1);
    let request = gateway
        .http
        .post(gateway.url("/v1/imports/products"))
        .bearer_auth(gateway.token(&["catalog:write"]));
    sender
        .send(Bytes::from_static(b"first\n"))
        .await
        .expect("sent");
    let response = request
        .body(streamed(receiver))
        .send()
        .await
        .expect("an answer");
    let mut lines = response.bytes_stream();
    assert_eq!(
        lines.next().await.expect("a line").expect("a line"),
        "first\n"
    );
    for index in 0..100 {
        let line = format!("line {index}\n");
        sender.send(line.clone().into()).await.expect("sent");
        assert_eq!(lines.next().await.expect("a line").expect("a line"), line);
    }
    drop(sender);
    assert!(lines.next().await.is_none());
}

#[tokio::test]
async fn asks_for_the_body_only_when_it_is_wanted() {
    let mirror = Mirror::default();
    let server = Server::start(mirror.router());
    let gateway = Gateway::before(server.addr);
    let token = gateway.token(&["catalog:write"]);
    let head = |length: usize| {
        format!(
            "POST /v1/products HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\ncontent-length: {length}\r\nexpect: 100-continue\r\n\r\n"
        )
    };
    let mut stream = TcpStream::connect(gateway.addr)
        .await
        .expect("a connection");
    stream.write_all(head(5).as_bytes()).await.expect("sent");
    let mut answer = [0; 25];
    stream.read_exact(&mut answer).await.expect("an answer");
    assert_eq!(&answer[..], b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"hello").await.expect("sent");
    let mut answer = [0; 15];
    stream.read_exact(&mut answer).await.expect("an answer");
    assert_eq!(&answer[..], b"HTTP/1.1 200 OK");

    let refused = gateway.raw(head(2_000_000).as_bytes()).await;
    assert!(refused.starts_with("HTTP/1.1 413 "), "{refused}");
}

#[tokio::test]
async fn a_client_that_leaves_takes_its_request_with_it() {
    struct Gone(Arc<AtomicBool>);
    impl Drop for Gone {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    let (gone, (started, mut asked)) = (Arc::new(AtomicBool::new(false)), mpsc::channel(1));
    let noticed = Arc::clone(&gone);
    let server = Server::start(Router::new().fallback(async move || {
        let _gone = Gone(noticed);
        started.send(()).await.expect("the test listens");
        std::future::pending::<()>().await;
    }));
    let gateway = Gateway::before(server.addr);
    let request = tokio::spawn(gateway.http.get(gateway.url("/en/")).send());
    asked.recv().await.expect("asked");
    request.abort();
    kit::testing::wait_for("the upstream to notice", async || {
        gone.load(Ordering::SeqCst).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_body_that_stops_coming_is_the_clients_fault() {
    let mirror = Mirror::default();
    let server = Server::start(mirror.router());
    let upstream = Upstream::new(
        "mirror",
        &format!("http://{}", server.addr)
            .parse()
            .expect("an address"),
    );
    let (sender, receiver) = mpsc::channel::<Bytes>(1);
    let stream = stream::unfold(receiver, async |mut receiver| {
        receiver
            .recv()
            .await
            .map(|chunk| (Ok::<_, Infallible>(chunk), receiver))
    });
    let (body, progress) = Outgoing::counted(Body::from_stream(stream), 100);
    let head = Head {
        method: Method::POST,
        uri: "/".parse().expect("a path"),
        headers: HeaderMap::new(),
    };
    sender.send(Bytes::from_static(b"one")).await.expect("sent");
    let outcome = upstream
        .send(head, body, Some(&progress), Duration::from_millis(100))
        .await;
    assert!(
        matches!(outcome, Err(UpstreamError::BodyTooSlow)),
        "{:?}",
        outcome.err()
    );
}
