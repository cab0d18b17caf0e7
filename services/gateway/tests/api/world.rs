//! A gateway, its neighbors, and a client.

use amazoff_gateway::{App, config::Config, handler};
use axum::{
    Json, Router,
    extract::{ConnectInfo, Request, State},
    response::{IntoResponse as _, Response},
};
use clap::Parser as _;
use http::StatusCode;
use kit::{clock::Clock, testing::TestIssuer};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinHandle,
};

/// Serves a router on a real socket until dropped or stopped.
pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) fn start(router: Router) -> Self {
        Self::start_at("127.0.0.1:0".parse().expect("an address"), router)
    }

    pub(crate) fn start_at(addr: SocketAddr, router: Router) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_reuseaddr(true).expect("an option");
        socket.bind(addr).expect("a free port");
        Self::serve(socket.listen(1024).expect("listening"), router)
    }

    fn serve(listener: TcpListener, router: Router) -> Self {
        let addr = listener.local_addr().expect("bound");
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let task = tokio::spawn(async move {
            axum::serve(listener, service).await.expect("serving");
        });
        Self { addr, task }
    }

    /// Stops accepting; connections that are open are served on.
    pub(crate) async fn stop(mut self) -> SocketAddr {
        self.task.abort();
        let _aborted = (&mut self.task).await;
        self.addr
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Answers bytes of its own to every connection: for upstreams that no HTTP library would let one be.
pub(crate) struct RawServer {
    pub(crate) addr: SocketAddr,
    task: JoinHandle<()>,
}

impl RawServer {
    pub(crate) async fn start<F: Future<Output = ()> + Send + 'static>(
        answer: impl Fn(TcpStream, usize) -> F + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let addr = listener.local_addr().expect("bound");
        let task = tokio::spawn(async move {
            for number in 0.. {
                let (stream, _) = listener.accept().await.expect("a connection");
                tokio::spawn(answer(stream, number));
            }
        });
        Self { addr, task }
    }
}

impl Drop for RawServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Reads a request's head.
pub(crate) async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).expect("text")
}

/// An upstream that tells what it got.
#[derive(Clone, Default)]
pub(crate) struct Mirror {
    seen: Arc<AtomicUsize>,
}

impl Mirror {
    pub(crate) fn router(&self) -> Router {
        Router::new().fallback(reflect).with_state(self.clone())
    }

    pub(crate) fn seen(&self) -> usize {
        self.seen.load(Ordering::SeqCst)
    }
}

async fn reflect(State(mirror): State<Mirror>, request: Request) -> Response {
    mirror.seen.fetch_add(1, Ordering::SeqCst);
    let (parts, body) = request.into_parts();
    let headers: serde_json::Map<String, serde_json::Value> = parts
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().expect("text").into()))
        .collect();
    match axum::body::to_bytes(body, usize::MAX).await {
        Ok(body) => Json(serde_json::json!({
            "method": parts.method.as_str(), "uri": parts.uri.to_string(), "headers": headers, "body": String::from_utf8_lossy(&body),
        }))
        .into_response(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// A gateway before one upstream that is catalog and storefront in one.
pub(crate) struct Gateway {
    pub(crate) addr: SocketAddr,
    pub(crate) app: App,
    pub(crate) clock: Clock,
    pub(crate) issuer: Arc<TestIssuer>,
    pub(crate) http: reqwest::Client,
    _server: Server,
    _keys: tempfile::NamedTempFile,
}

impl Gateway {
    pub(crate) fn before(upstream: SocketAddr) -> Self {
        Self::with(upstream, &[])
    }

    pub(crate) fn with(upstream: SocketAddr, flags: &[&str]) -> Self {
        Self::of(
            upstream,
            flags,
            Arc::default(),
            Clock::fixed(jiff::Timestamp::from_second(1_800_000_000).expect("an instant")),
        )
    }

    pub(crate) fn of(
        upstream: SocketAddr,
        flags: &[&str],
        issuer: Arc<TestIssuer>,
        clock: Clock,
    ) -> Self {
        let keys = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(keys.path(), issuer.jwks()).expect("written");
        let upstream = format!("http://{upstream}");
        let keys_path = keys.path().display().to_string();
        let mut arguments = vec![
            "gateway",
            "--catalog-url",
            &upstream,
            "--storefront-url",
            &upstream,
            "--users-url",
            &upstream,
            "--cart-url",
            &upstream,
            "--orders-url",
            &upstream,
            "--payment-url",
            &upstream,
            "--notifications-url",
            &upstream,
            "--jwks-file",
            &keys_path,
        ];
        // No test is about limits, unless it says so.
        if !flags.contains(&"--rate-limits") {
            arguments.extend([
                "--rate-limits",
                "pages=0:0,reads=0:0,searches=0:0,writes=0:0,imports=0:0,assets=0:0,logins=0:0,webhooks=0:0",
            ]);
        }
        arguments.extend(flags);
        let config = Config::try_parse_from(arguments).expect("a configuration");
        let app = App::new(&config, clock.clone()).expect("a gateway");
        let answer = handler(app.clone());
        let answer = async move |ConnectInfo(peer): ConnectInfo<SocketAddr>, request: Request| {
            answer(request, peer).await
        };
        let server = Server::start(Router::new().fallback(answer));
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(20))
            .build()
            .expect("a client");
        Self {
            addr: server.addr,
            app,
            clock,
            issuer,
            http,
            _server: server,
            _keys: keys,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    pub(crate) async fn get(&self, path: &str) -> reqwest::Response {
        self.http
            .get(self.url(path))
            .send()
            .await
            .expect("an answer")
    }

    pub(crate) fn token(&self, permissions: &[&str]) -> String {
        self.issuer.token(&self.clock, "someone", permissions)
    }

    /// Sends bytes as they are and reads until the connection closes or is silent for a while.
    pub(crate) async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.addr).await.expect("a connection");
        stream.write_all(bytes).await.expect("sent");
        let mut answer = Vec::new();
        let mut buffer = [0; 4096];
        while let Ok(Ok(read)) =
            tokio::time::timeout(Duration::from_millis(300), stream.read(&mut buffer)).await
        {
            if read == 0 {
                break;
            }
            answer.extend_from_slice(&buffer[..read]);
        }
        String::from_utf8_lossy(&answer).into_owned()
    }
}

/// Asserts that an answer is a problem of this kind.
#[track_caller]
pub(crate) fn assert_problem(response: &reqwest::Response, status: u16) {
    assert_eq!(response.status().as_u16(), status, "{response:?}");
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
}

/// The `type` of a problem, without its prefix.
pub(crate) async fn kind(response: reqwest::Response) -> String {
    let problem: serde_json::Value = response.json().await.expect("a problem");
    problem["type"]
        .as_str()
        .expect("a type")
        .trim_start_matches("/problems/")
        .to_owned()
}
