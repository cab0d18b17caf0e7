use crate::world::{Gateway, Mirror, Server, assert_problem, kind};
use http::{HeaderMap, HeaderValue};
use kit::{
    auth::{CLIENT_ADDRESS, MAY_SAY},
    clock::Clock,
    testing::TestIssuer,
};
use serde_json::Value;
use std::sync::Arc;

fn mirrored() -> (Mirror, Server, Gateway) {
    let mirror = Mirror::default();
    let server = Server::start(mirror.router());
    let gateway = Gateway::before(server.addr);
    (mirror, server, gateway)
}

#[tokio::test]
async fn passes_requests_on_as_they_are() {
    let (_mirror, _server, gateway) = mirrored();
    let token = gateway.token(&["catalog:write"]);
    let request = gateway
        .http
        .put(gateway.url("/v1/products/1?x=%20y&z"))
        .bearer_auth(&token)
        .header("if-match", "\"3\"");
    let seen: Value = request
        .body("{\"a\":1}")
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("json");
    assert_eq!(seen["method"], "PUT");
    assert_eq!(seen["uri"], "/v1/products/1?x=%20y&z");
    assert_eq!(seen["body"], "{\"a\":1}");
    assert_eq!(seen["headers"]["if-match"], "\"3\"");
    assert_eq!(seen["headers"]["authorization"], format!("Bearer {token}"));
    assert_eq!(seen["headers"]["host"], gateway.addr.to_string());
    assert_eq!(seen["headers"]["x-forwarded-for"], "127.0.0.1");
    assert_eq!(seen["headers"]["x-forwarded-proto"], "http");
    assert!(
        seen["headers"]["traceparent"].is_string() && seen["headers"]["x-request-id"].is_string()
    );
}

#[tokio::test]
async fn strips_what_only_the_gateway_may_say() {
    let (_mirror, _server, gateway) = mirrored();
    let forged = [
        "x-user-id",
        "x-amazoff-roles",
        "x-forwarded-for",
        "x-forwarded-host",
        "forwarded",
        "x-real-ip",
    ];
    let mut request = gateway.http.get(gateway.url("/en/"));
    for name in forged {
        request = request.header(name, "6.6.6.6");
    }
    let text = request
        .send()
        .await
        .expect("an answer")
        .text()
        .await
        .expect("text");
    assert!(!text.contains("6.6.6.6"), "{text}");
}

#[tokio::test]
async fn believes_trusted_proxies() {
    let mirror = Mirror::default();
    let server = Server::start(mirror.router());
    let gateway = Gateway::with(server.addr, &["--trusted-proxies", "127.0.0.0/8"]);
    let request = gateway.http.get(gateway.url("/en/"));
    let request = request
        .header("x-forwarded-for", "6.6.6.6, 192.0.2.7")
        .header("x-forwarded-proto", "https");
    let response = request
        .header("x-forwarded-host", "shop.example")
        .send()
        .await
        .expect("an answer");
    assert_eq!(
        response.headers()["strict-transport-security"],
        "max-age=31536000"
    );
    let seen: Value = response.json().await.expect("json");
    assert_eq!(seen["headers"]["x-forwarded-for"], "192.0.2.7");
    assert_eq!(seen["headers"]["x-forwarded-proto"], "https");
    assert_eq!(seen["headers"]["x-forwarded-host"], "shop.example");
    assert_eq!(seen["headers"]["forwarded"], "for=192.0.2.7;proto=https");
}

#[tokio::test]
async fn answers_404_for_what_is_nobodys_business() {
    let (mirror, _server, gateway) = mirrored();
    for path in [
        "/v1",
        "/v1/nothing",
        "/internal/v1/people/1",
        "/metrics",
        "/health",
        "/health/ready",
    ] {
        let response = gateway.get(path).await;
        assert_problem(&response, 404);
        assert_eq!(kind(response).await, "no-such-address", "{path}");
    }
    assert_eq!(mirror.seen(), 0);
}

#[tokio::test]
async fn refuses_paths_that_could_mean_something_else() {
    let (mirror, _server, gateway) = mirrored();
    for path in [
        "/en/../internal/v1/people/1",
        "/en/%2e%2e/internal",
        "//internal/v1",
        "/en/%2Finternal",
        "/en\\..\\internal",
    ] {
        let answer = gateway
            .raw(format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").as_bytes())
            .await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{path}: {answer}");
    }
    assert_eq!(mirror.seen(), 0);
}

#[tokio::test]
async fn refuses_headers_that_are_too_large() {
    let (mirror, _server, gateway) = mirrored();
    let response = gateway
        .http
        .get(gateway.url("/en/"))
        .header("cookie", "x".repeat(17_000))
        .send()
        .await
        .expect("an answer");
    assert_problem(&response, 431);
    assert_eq!(mirror.seen(), 0);
}

#[tokio::test]
async fn speaks_http_2_without_tls() {
    let (_mirror, _server, gateway) = mirrored();
    let http = reqwest::Client::builder()
        .http2_prior_knowledge()
        .build()
        .expect("a client");
    let response = http
        .get(gateway.url("/en/?a=b"))
        .send()
        .await
        .expect("an answer");
    assert_eq!(response.version(), http::Version::HTTP_2);
    let seen: Value = response.json().await.expect("json");
    assert_eq!(seen["uri"], "/en/?a=b");
    assert_eq!(seen["headers"]["host"], gateway.addr.to_string());
}

#[tokio::test]
async fn every_answer_has_security_headers() {
    let (_mirror, _server, gateway) = mirrored();
    for path in ["/en/", "/v1/carts"] {
        let response = gateway.get(path).await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "strict-origin-when-cross-origin"),
            ("content-security-policy", "frame-ancestors 'self'"),
        ] {
            assert_eq!(response.headers()[name], value, "{path}");
        }
        assert!(
            !response
                .headers()
                .contains_key("access-control-allow-origin"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn lets_pages_of_declared_origins_call() {
    let mirror = Mirror::default();
    let server = Server::start(mirror.router());
    let gateway = Gateway::with(server.addr, &["--cors-origins", "https://partner.example"]);
    let ask = |origin: &'static str| {
        gateway
            .http
            .request(http::Method::OPTIONS, gateway.url("/v1/products"))
            .header("origin", origin)
    };
    let response = ask("https://partner.example")
        .header("access-control-request-method", "PUT")
        .send()
        .await
        .expect("an answer");
    assert_eq!(response.status(), 204);
    assert_eq!(
        response.headers()["access-control-allow-origin"],
        "https://partner.example"
    );
    assert_eq!(mirror.seen(), 0);
    for (origin, allowed) in [
        ("https://partner.example", true),
        ("https://evil.example", false),
    ] {
        let response = gateway
            .http
            .get(gateway.url("/v1/products"))
            .header("origin", origin)
            .send()
            .await
            .expect("an answer");
        assert_eq!(
            response
                .headers()
                .contains_key("access-control-allow-origin"),
            allowed
        );
        assert_eq!(response.headers()["vary"], "origin");
    }
}

#[tokio::test]
async fn says_whose_request_it_is_in_a_way_that_nobody_else_can() {
    let (mirror, mut issuer) = (Mirror::default(), TestIssuer::new());
    let server = Server::start(mirror.router());
    let clock = Clock::fixed(jiff::Timestamp::from_second(1_800_000_000).expect("an instant"));
    let key = tempfile::NamedTempFile::new().expect("a file");
    let jwk = kit::testing::private_jwk();
    std::fs::write(key.path(), &jwk).expect("written");
    issuer.key_of("gateway", &[MAY_SAY], &jwk);
    let verifier = issuer.verifier(clock.clone());
    let path = key.path().display().to_string();
    let flags = [
        "--signing-key-file",
        &path,
        "--trusted-proxies",
        "127.0.0.1/32",
    ];
    let gateway = Gateway::of(server.addr, &flags, Arc::new(issuer), clock);
    for address in ["192.0.2.7", "2001:db8::7"] {
        let request = gateway
            .http
            .get(gateway.url(&format!("/en/cart?{address}")))
            .header("x-forwarded-for", format!("6.6.6.6, {address}"))
            // Another client's, which somebody may have got hold of.
            .header(CLIENT_ADDRESS, "6.6.6.6");
        let answer = request.send().await.expect("an answer");
        let seen: Value = answer.json().await.expect("json");
        let said = seen["headers"][CLIENT_ADDRESS.as_str()].as_str();
        let said = HeaderValue::from_str(said.expect("it is said")).expect("a header");
        let headers = HeaderMap::from_iter([(CLIENT_ADDRESS, said)]);
        assert_eq!(verifier.client_address(&headers), address.parse().ok());
    }
}
