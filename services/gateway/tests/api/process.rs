use crate::{
    sockets::{echo, echoes, handshake, shake_hands},
    world::{Server, read_head},
};
use axum::Router;
use kit::testing::{TestIssuer, free_port, wait_for};
use std::{
    net::SocketAddr,
    process::{Output, Stdio},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    process::{Child, Command},
};

fn gateway(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gateway"));
    command
        .env_clear()
        .envs(variables.iter().copied())
        .stdout(Stdio::null())
        .kill_on_drop(true);
    command
}

fn keys() -> tempfile::NamedTempFile {
    let keys = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(keys.path(), TestIssuer::new().jwks()).expect("written");
    keys
}

/// What the real program says when it can't start.
async fn complaint(name: &str, value: &str) -> String {
    let keys = keys();
    let mut variables = vec![
        ("CATALOG_URL", "http://127.0.0.1:1"),
        ("STOREFRONT_URL", "http://127.0.0.1:1"),
        ("USERS_URL", "http://127.0.0.1:1"),
        ("CART_URL", "http://127.0.0.1:1"),
        ("ORDERS_URL", "http://127.0.0.1:1"),
        ("PAYMENT_URL", "http://127.0.0.1:1"),
        ("NOTIFICATIONS_URL", "http://127.0.0.1:1"),
        ("JWKS_FILE", keys.path().to_str().expect("text")),
    ];
    variables.retain(|(other, _)| *other != name);
    variables.push((name, value));
    let Output { status, stderr, .. } = gateway(&variables).output().await.expect("a program");
    let said = String::from_utf8(stderr).expect("text");
    assert!(!status.success(), "{name}={value} starts: {said}");
    said
}

#[tokio::test]
async fn a_wrong_setting_stops_the_start_with_a_sentence_that_names_it() {
    for (name, value, expected) in [
        ("CATALOG_URL", "https://catalog/x", "must be the address"),
        ("CATALOG_URL", "", "must be set"),
        ("PUBLIC_URL", "shop.example", "must be an address"),
        ("TRUSTED_PROXIES", "10.0.0.0/99", "can't be \"10.0.0.0/99\""),
        ("CORS_ORIGINS", "partner.example", "must be an origin"),
        ("RATE_LIMITS", "pages=fast", "must be class="),
        ("CACHE_MIB", "lots", "invalid digit"),
        ("REDIS_URL", "nonsense", "must be an address"),
        ("JWKS_FILE", "/nonexistent", "can't be read"),
        ("LOG_FORMAT", "xml", "it is one of json, pretty"),
        ("LOG_FILTER", "gateway=loud=no", "is not a filter"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector", "can't be"),
    ] {
        let said = complaint(name, value).await;
        let sentence = said.trim_end();
        assert!(
            sentence.starts_with(&format!("Error: {name}"))
                && sentence.contains(expected)
                && !sentence.contains('\n'),
            "{name}={value}: {said}"
        );
    }
}

/// A gateway as it is deployed: the program, in a process of its own.
struct Running {
    addr: SocketAddr,
    child: Child,
    _keys: tempfile::NamedTempFile,
}

impl Running {
    async fn before(upstream: SocketAddr, variables: &[(&str, &str)]) -> Self {
        let keys = keys();
        let addr = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let upstream = format!("http://{upstream}");
        let child = gateway(&[
            ("CATALOG_URL", &upstream),
            ("STOREFRONT_URL", &upstream),
            ("USERS_URL", &upstream),
            ("CART_URL", &upstream),
            ("ORDERS_URL", &upstream),
            ("PAYMENT_URL", &upstream),
            ("NOTIFICATIONS_URL", &upstream),
            ("JWKS_FILE", keys.path().to_str().expect("text")),
            ("API_ADDR", &addr.to_string()),
            ("ADMIN_ADDR", &format!("127.0.0.1:{}", free_port())),
        ])
        .envs(variables.iter().copied())
        .spawn()
        .expect("a program");
        wait_for("the gateway", || async {
            TcpStream::connect(addr).await.ok()
        })
        .await;
        Self {
            addr,
            child,
            _keys: keys,
        }
    }

    async fn terminate(&self) {
        let id = self.child.id().expect("a process").to_string();
        let kill = Command::new("kill").args(["-TERM", &id]).status().await;
        assert!(kill.expect("a program").success());
    }

    async fn assert_ends(mut self) {
        let ended = tokio::time::timeout(Duration::from_secs(10), self.child.wait());
        let status = ended.await.expect("it ends").expect("a status");
        assert!(status.success(), "{status}");
    }

    /// Asks for a websocket and reads all there is in answer.
    async fn refused_handshake(&self) -> Option<String> {
        let mut stream = TcpStream::connect(self.addr).await.ok()?;
        let request = handshake(self.addr, "");
        stream.write_all(request.as_bytes()).await.ok()?;
        let head = read_head(&mut stream).await;
        if head.starts_with("HTTP/1.1 101 ") {
            return None;
        }
        let mut body = String::new();
        stream.read_to_string(&mut body).await.ok()?;
        Some(head + &body)
    }
}

#[tokio::test]
async fn variables_that_are_set_but_empty_count_as_unset() {
    let server = Server::start(Router::new().fallback(|| async { "hello" }));
    let empty = [
        "TRUSTED_PROXIES",
        "CORS_ORIGINS",
        "RATE_LIMITS",
        "CACHE_MIB",
        "REDIS_URL",
        "PUBLIC_URL",
        "LOG_FILTER",
        "LOG_FORMAT",
        "SHUTDOWN_GRACE_MS",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
    ];
    let gateway = Running::before(server.addr, &empty.map(|name| (name, ""))).await;
    let answer = reqwest::get(format!("http://{}/en/", gateway.addr)).await;
    assert_eq!(answer.expect("an answer").status(), 200);
}

#[tokio::test]
async fn websockets_live_on_while_the_gateway_leaves_and_end_with_it() {
    let server = Server::start(Router::new().fallback(echo));
    let periods = [("SHUTDOWN_DRAIN_MS", "700"), ("SHUTDOWN_GRACE_MS", "2500")];
    let gateway = Running::before(server.addr, &periods).await;
    let mut socket = shake_hands(gateway.addr).await;
    echoes(&mut socket, "before").await;

    gateway.terminate().await;
    let refusal = wait_for("new websockets to be refused", || {
        gateway.refused_handshake()
    })
    .await;
    assert!(
        refusal.starts_with("HTTP/1.1 503 ") && refusal.contains("/problems/leaving"),
        "{refusal}"
    );
    echoes(&mut socket, "meanwhile").await;

    let mut rest = Vec::new();
    let ended = socket.read_to_end(&mut rest).await;
    assert!(
        ended.is_ok() && rest.is_empty(),
        "it ends, and is not reset: {ended:?} {rest:?}"
    );
    gateway.assert_ends().await;
}

#[tokio::test]
async fn the_gateway_leaves_at_once_when_the_last_websocket_has_ended() {
    let server = Server::start(Router::new().fallback(echo));
    let long = [("SHUTDOWN_GRACE_MS", "600000")];
    let gateway = Running::before(server.addr, &long).await;
    let mut socket = shake_hands(gateway.addr).await;
    echoes(&mut socket, "before").await;
    gateway.terminate().await;
    wait_for("the door to close", || async {
        TcpStream::connect(gateway.addr).await.err()
    })
    .await;
    echoes(&mut socket, "meanwhile").await;
    drop(socket);
    gateway.assert_ends().await;
}

#[tokio::test]
async fn a_request_that_is_not_http_gets_a_problem_document() {
    let server = Server::start(Router::new().fallback(echo));
    let gateway = Running::before(server.addr, &[]).await;
    let mut stream = TcpStream::connect(gateway.addr).await.expect("connected");
    let request = "GET /en/ HTTP/1.1\r\nhost: a\r\n folded: 1\r\n\r\n";
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert!(
        answer.starts_with("HTTP/1.1 400 ") && answer.contains("/problems/malformed-request"),
        "{answer}"
    );
}
