use crate::world::{Gateway, Mirror, Server, assert_problem, kind};
use kit::testing::TestIssuer;
use std::time::Duration;

#[tokio::test]
async fn anyone_may_read_and_a_token_is_passed_on() {
    let mirror = Mirror::default();
    let server = Server::start(mirror.router());
    let gateway = Gateway::before(server.addr);
    assert_eq!(gateway.get("/v1/products").await.status(), 200);
    let request = gateway
        .http
        .get(gateway.url("/v1/products"))
        .bearer_auth(gateway.token(&[]));
    assert_eq!(request.send().await.expect("an answer").status(), 200);
    assert_eq!(mirror.seen(), 2);
}

const REQUEST_ID: &str = "0123456789abcdef";
const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// What the upstream and the client learn of the request id and the trace that the client has chosen.
async fn chosen_context(flags: &[&str]) -> (bool, bool) {
    let mirror = Mirror::default();
    let server = Server::start(mirror.router());
    let gateway = Gateway::with(server.addr, flags);
    let request = gateway
        .http
        .get(gateway.url("/en/"))
        .header("x-request-id", REQUEST_ID)
        .header("traceparent", TRACEPARENT)
        .header("tracestate", "vendor=1");
    let response = request.send().await.expect("an answer");
    let answered = response.headers()["x-request-id"].clone();
    let seen: serde_json::Value = response.json().await.expect("JSON");
    let seen = &seen["headers"];
    assert_eq!(seen["x-request-id"], answered.to_str().expect("text"));
    let trace = seen["traceparent"].as_str().expect("a trace");
    let same_trace = trace[..35] == TRACEPARENT[..35];
    assert_eq!(seen["tracestate"].is_string(), same_trace);
    (answered == REQUEST_ID, same_trace)
}

#[tokio::test]
async fn only_a_trusted_proxy_chooses_request_ids_and_traces() {
    assert_eq!(chosen_context(&[]).await, (false, false));
    let trusting = ["--trusted-proxies", "127.0.0.0/8"];
    assert_eq!(chosen_context(&trusting).await, (true, true));
}

#[tokio::test]
async fn tokens_that_are_not_good_go_no_further() {
    let mirror = Mirror::default();
    let server = Server::start(mirror.router());
    let gateway = Gateway::before(server.addr);
    let good = gateway.token(&["catalog:write"]);
    let of_another = TestIssuer::new().token(&gateway.clock, "someone", &["catalog:write"]);
    for authorization in [
        "Bearer nonsense",
        "Basic dXNlcjpwYXNz",
        "Bearer",
        &format!("Bearer {of_another}"),
        &format!("Bearer {good}x"),
    ] {
        let response = gateway
            .http
            .get(gateway.url("/en/"))
            .header("authorization", authorization)
            .send()
            .await
            .expect("an answer");
        assert_problem(&response, 401);
        assert!(response.headers().contains_key("www-authenticate"));
        assert_eq!(kind(response).await, "token-invalid", "{authorization}");
    }
    gateway.clock.advance(Duration::from_secs(601));
    let response = gateway
        .http
        .get(gateway.url("/en/"))
        .bearer_auth(good)
        .send()
        .await
        .expect("an answer");
    assert_problem(&response, 401);
    assert_eq!(kind(response).await, "token-expired");
    assert_eq!(mirror.seen(), 0);
}

#[tokio::test]
async fn changes_need_a_token_and_imports_a_permission() {
    let mirror = Mirror::default();
    let server = Server::start(mirror.router());
    let gateway = Gateway::before(server.addr);
    for (path, permissions, status, expected) in [
        ("/v1/products", None, 401, "token-required"),
        ("/v1/imports/products", None, 401, "token-required"),
        (
            "/v1/imports/products",
            Some(&["catalog:read_unpublished"][..]),
            403,
            "forbidden",
        ),
    ] {
        let mut request = gateway.http.post(gateway.url(path)).body("{}");
        if let Some(permissions) = permissions {
            request = request.bearer_auth(gateway.token(permissions));
        }
        let response = request.send().await.expect("an answer");
        assert_problem(&response, status);
        assert_eq!(kind(response).await, expected, "{path}");
    }
    assert_eq!(mirror.seen(), 0);
    for path in ["/v1/products", "/v1/imports/products"] {
        let request = gateway
            .http
            .post(gateway.url(path))
            .bearer_auth(gateway.token(&["catalog:write"]))
            .body("{}");
        assert_eq!(
            request.send().await.expect("an answer").status(),
            200,
            "{path}"
        );
    }
}
