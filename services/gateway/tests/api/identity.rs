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
