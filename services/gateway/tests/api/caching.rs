use crate::world::{Gateway, Server};
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use futures::future::join_all;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use kit::testing::{Redis, wait_for};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// An upstream whose answer the test decides, and that counts how often it was asked.
#[derive(Clone, Default)]
struct Source(Arc<Inner>);

#[derive(Default)]
struct Inner {
    asked: AtomicUsize,
    status: Mutex<StatusCode>,
    headers: Mutex<HeaderMap>,
    pause: Mutex<Duration>,
}

impl Source {
    fn with(headers: &[(&'static str, &'static str)]) -> Self {
        let source = Self::default();
        source.set(headers);
        source
    }

    fn set(&self, headers: &[(&'static str, &'static str)]) {
        let headers = headers.iter().map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        });
        *self.0.headers.lock().expect("a lock") = headers.collect();
    }

    fn fail(&self, status: StatusCode) {
        *self.0.status.lock().expect("a lock") = status;
    }

    fn asked(&self) -> usize {
        self.0.asked.load(Ordering::SeqCst)
    }

    fn start(&self) -> Server {
        Server::start(Router::new().fallback(answer).with_state(self.clone()))
    }
}

/// Numbers its answers; in French when asked for it.
async fn answer(State(source): State<Source>, request: Request) -> Response {
    let number = source.0.asked.fetch_add(1, Ordering::SeqCst) + 1;
    let pause = *source.0.pause.lock().expect("a lock");
    // How slow the source is, not a wait of the test's.
    tokio::time::sleep(pause).await;
    let headers = source.0.headers.lock().expect("a lock").clone();
    let status = *source.0.status.lock().expect("a lock");
    let unchanged = headers
        .get(header::ETAG)
        .is_some_and(|etag| request.headers().get(header::IF_NONE_MATCH) == Some(etag));
    if unchanged && status == StatusCode::OK {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    let language = request
        .headers()
        .get(header::ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("-");
    (status, headers, Body::from(format!("{number} {language}"))).into_response()
}

const MINUTE: (&str, &str) = ("cache-control", "public, max-age=60");

async fn text(response: reqwest::Response) -> (String, String) {
    let state = response
        .headers()
        .get("x-cache")
        .map(|state| state.to_str().expect("text").to_owned());
    (
        state.unwrap_or_default(),
        response.text().await.expect("a body"),
    )
}

#[track_caller]
fn check(found: &(String, String), state: &str, body: &str) {
    assert_eq!((found.0.as_str(), found.1.as_str()), (state, body));
}

#[tokio::test]
async fn gives_a_kept_answer_out_until_it_is_old() {
    let source = Source::with(&[MINUTE]);
    let server = source.start();
    let gateway = Gateway::before(server.addr);
    check(&text(gateway.get("/en/").await).await, "MISS", "1 -");
    gateway.clock.advance(Duration::from_secs(59));
    let hit = gateway.get("/en/").await;
    assert_eq!(hit.headers()["age"], "59");
    assert_eq!(hit.headers()["cache-status"], "gateway; hit");
    check(&text(hit).await, "HIT", "1 -");
    let head = gateway
        .http
        .head(gateway.url("/en/"))
        .send()
        .await
        .expect("an answer");
    assert_eq!(head.headers()["content-length"], "3");
    check(&text(gateway.get("/en/?other").await).await, "MISS", "2 -");
    gateway.clock.advance(Duration::from_secs(1));
    check(&text(gateway.get("/en/").await).await, "MISS", "3 -");
}

#[tokio::test]
async fn never_gives_out_what_is_someones_own() {
    for headers in [
        &[("cache-control", "private, max-age=60")][..],
        &[("cache-control", "no-store")],
        &[
            ("cache-control", "public, max-age=60"),
            ("set-cookie", "session=1"),
        ],
        &[("cache-control", "public, max-age=60"), ("vary", "*")],
        &[("cache-control", "public, max-age=60"), ("vary", "cookie")],
        &[],
    ] {
        let source = Source::with(headers);
        let server = source.start();
        let gateway = Gateway::before(server.addr);
        for number in 1..4 {
            check(
                &text(gateway.get("/en/").await).await,
                "MISS",
                &format!("{number} -"),
            );
        }
    }
}

#[tokio::test]
async fn keeps_nothing_of_callers_with_a_token_and_gives_them_nothing_kept() {
    let source = Source::with(&[MINUTE]);
    let server = source.start();
    let gateway = Gateway::before(server.addr);
    let known = async || {
        gateway
            .http
            .get(gateway.url("/en/"))
            .bearer_auth(gateway.token(&[]))
            .send()
            .await
            .expect("an answer")
    };
    check(&text(known().await).await, "", "1 -");
    check(&text(gateway.get("/en/").await).await, "MISS", "2 -");
    check(&text(known().await).await, "", "3 -");
}

#[tokio::test]
async fn keeps_one_answer_for_each_value_it_varies_on() {
    let source = Source::with(&[MINUTE, ("vary", "accept-language")]);
    let server = source.start();
    let gateway = Gateway::before(server.addr);
    let get = async |language| {
        text(
            gateway
                .http
                .get(gateway.url("/en/"))
                .header("accept-language", language)
                .send()
                .await
                .expect("an answer"),
        )
        .await
    };
    check(&get("fr").await, "MISS", "1 fr");
    check(&get("en").await, "MISS", "2 en");
    check(&get("fr").await, "HIT", "1 fr");
    check(&get("en").await, "HIT", "2 en");
}

#[tokio::test]
async fn asks_once_for_everyone_who_waits() {
    let source = Source::with(&[MINUTE]);
    *source.0.pause.lock().expect("a lock") = Duration::from_millis(200);
    let server = source.start();
    let gateway = Gateway::before(server.addr);
    let answers = join_all((0..20).map(async |_| text(gateway.get("/en/").await).await)).await;
    assert!(answers.iter().all(|(_, body)| body == "1 -"), "{answers:?}");
    assert_eq!(source.asked(), 1);

    // The one that asks may leave: another one of those who wait takes over.
    let asking = tokio::spawn(
        gateway
            .http
            .get(gateway.url("/en/?again"))
            .timeout(Duration::from_millis(100))
            .send(),
    );
    wait_for("the first to ask", async || {
        (source.asked() == 2).then_some(())
    })
    .await;
    check(&text(gateway.get("/en/?again").await).await, "MISS", "3 -");
    assert!(asking.await.expect("joined").is_err());
}

#[tokio::test]
async fn confirms_with_the_tag_and_answers_who_has_it() {
    let source = Source::with(&[("cache-control", "public, max-age=5"), ("etag", "\"7\"")]);
    let server = source.start();
    let gateway = Gateway::before(server.addr);
    check(&text(gateway.get("/en/").await).await, "MISS", "1 -");
    let has_it = gateway
        .http
        .get(gateway.url("/en/"))
        .header("if-none-match", "\"7\"")
        .send()
        .await
        .expect("an answer");
    assert_eq!((has_it.status().as_u16(), source.asked()), (304, 1));
    gateway.clock.advance(Duration::from_secs(5));
    check(&text(gateway.get("/en/").await).await, "REVALIDATED", "1 -");
    check(&text(gateway.get("/en/").await).await, "HIT", "1 -");
    assert_eq!(source.asked(), 2);
}

#[tokio::test]
async fn gives_the_old_answer_while_it_fetches_a_new_one() {
    let source = Source::with(&[(
        "cache-control",
        "public, max-age=5, stale-while-revalidate=60",
    )]);
    let server = source.start();
    let gateway = Gateway::before(server.addr);
    check(&text(gateway.get("/en/").await).await, "MISS", "1 -");
    gateway.clock.advance(Duration::from_secs(10));
    check(&text(gateway.get("/en/").await).await, "STALE", "1 -");
    let newer = async || {
        let found = text(gateway.get("/en/").await).await;
        (found.1 == "2 -").then_some(found)
    };
    check(&wait_for("the new answer", newer).await, "HIT", "2 -");
    assert_eq!(source.asked(), 2);
}

#[tokio::test]
async fn the_old_answer_stands_in_when_it_may() {
    let source = Source::with(&[("cache-control", "public, max-age=5, stale-if-error=60")]);
    let server = source.start();
    let gateway = Gateway::before(server.addr);
    check(&text(gateway.get("/en/").await).await, "MISS", "1 -");
    source.fail(StatusCode::INTERNAL_SERVER_ERROR);
    gateway.clock.advance(Duration::from_secs(10));
    check(&text(gateway.get("/en/").await).await, "STALE", "1 -");
    gateway.clock.advance(Duration::from_mins(1));
    assert_eq!(gateway.get("/en/").await.status(), 500);
    source.fail(StatusCode::OK);
    check(&text(gateway.get("/en/").await).await, "MISS", "4 -");
}

#[tokio::test]
async fn a_change_makes_what_is_kept_of_its_address_old() {
    let source = Source::with(&[MINUTE]);
    let server = source.start();
    let gateway = Gateway::before(server.addr);
    check(
        &text(gateway.get("/v1/products/1").await).await,
        "MISS",
        "1 -",
    );
    check(
        &text(gateway.get("/v1/products/1").await).await,
        "HIT",
        "1 -",
    );
    let put = gateway
        .http
        .put(gateway.url("/v1/products/1"))
        .bearer_auth(gateway.token(&["catalog:write"]));
    assert_eq!(
        put.body("{}").send().await.expect("an answer").status(),
        200
    );
    check(
        &text(gateway.get("/v1/products/1").await).await,
        "MISS",
        "3 -",
    );
}

#[tokio::test]
async fn replicas_share_answers_while_there_is_redis_and_nobody_fails_without() {
    let mut redis = Redis::start().await;
    let source = Source::with(&[MINUTE, ("vary", "accept-language")]);
    let server = source.start();
    let url = redis.url();
    let flags = ["--redis-url", url.as_str()];
    let first = Gateway::with(server.addr, &flags);
    let second = Gateway::of(
        server.addr,
        &flags,
        Arc::clone(&first.issuer),
        first.clock.clone(),
    );
    let connected = async || (first.app.is_sharing() && second.app.is_sharing()).then_some(());
    wait_for("both replicas to connect", connected).await;

    // Both replicas are one shop: they are asked for the same host.
    let get = async |gateway: &Gateway, path: &str| {
        let request = gateway
            .http
            .get(gateway.url(path))
            .header("host", "shop.example")
            .header("accept-language", "fr");
        text(request.send().await.expect("an answer")).await
    };
    check(&get(&first, "/en/").await, "MISS", "1 fr");
    let shared = async || {
        // Sharing happens in the background: other addresses show when it has.
        let path = format!("/en/?{}", source.asked());
        get(&first, &path).await;
        let before = source.asked();
        tokio::task::yield_now().await;
        get(&second, &path).await;
        (source.asked() == before).then_some(())
    };
    wait_for("an answer to be shared", shared).await;
    check(&get(&second, "/en/").await, "HIT", "1 fr");

    redis.kill().await;
    check(&get(&second, "/en/").await, "HIT", "1 fr");
    let asked = source.asked();
    for number in 1..10 {
        assert_eq!(get(&first, &format!("/en/?alone={number}")).await.0, "MISS");
    }
    assert_eq!(source.asked(), asked + 9);
    redis.restart().await;
    wait_for("both replicas to connect again", connected).await;
    wait_for("an answer to be shared again", shared).await;
}
