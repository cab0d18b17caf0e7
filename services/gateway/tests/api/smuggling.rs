use crate::world::{Gateway, Mirror, Server};

/// Sends bytes that hold one request and try to hide another, and counts what the upstream sees.
async fn check(bytes: &str, expected_status: &str, expected_seen: usize) {
    let mirror = Mirror::default();
    let server = Server::start(mirror.router());
    let gateway = Gateway::before(server.addr);
    let token = gateway.token(&["catalog:write"]);
    let bytes = bytes.replace("AUTH", &format!("authorization: Bearer {token}"));
    let answer = gateway.raw(bytes.as_bytes()).await;
    let found: Vec<&str> = answer
        .lines()
        .filter_map(|line| line.strip_prefix("HTTP/1.1 "))
        .collect();
    assert_eq!(
        found.first().map(|line| &line[..3]),
        Some(expected_status),
        "{bytes}\n{answer}"
    );
    assert_eq!(found.len(), 1, "one answer only: {answer}");
    assert_eq!(mirror.seen(), expected_seen, "{bytes}\n{answer}");
    assert!(!answer.contains("/hidden"), "{answer}");
}

#[tokio::test]
async fn length_and_chunks_together_frame_one_request_and_end_the_connection() {
    for headers in [
        "content-length: 6\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 6",
    ] {
        let bytes = format!(
            "POST /v1/products HTTP/1.1\r\nhost: a\r\nAUTH\r\n{headers}\r\n\r\n0\r\n\r\nGET /hidden HTTP/1.1\r\nhost: a\r\n\r\n"
        );
        check(&bytes, "200", 1).await;
    }
}

#[tokio::test]
async fn refuses_lengths_that_disagree_or_are_no_numbers() {
    for headers in [
        "content-length: 5\r\ncontent-length: 6",
        "content-length: 5, 6",
        "content-length: +5",
        "content-length: 0x5",
        "content-length: -1",
        "content-length: 5 6",
        "content-length: 99999999999999999999",
    ] {
        check(
            &format!("POST /v1/products HTTP/1.1\r\nhost: a\r\nAUTH\r\n{headers}\r\n\r\nhello"),
            "400",
            0,
        )
        .await;
    }
}

#[tokio::test]
async fn refuses_encodings_it_does_not_know() {
    for headers in [
        "transfer-encoding: identity",
        "transfer-encoding: chunked, identity",
        "transfer-encoding: xchunked",
        "transfer-encoding: \u{b}chunked",
        "transfer-encoding: chunked\r\ntransfer-encoding: identity",
    ] {
        let bytes = format!(
            "POST /v1/products HTTP/1.1\r\nhost: a\r\nAUTH\r\n{headers}\r\n\r\n0\r\n\r\nGET /hidden HTTP/1.1\r\nhost: a\r\n\r\n"
        );
        check(&bytes, "400", 0).await;
    }
}

#[tokio::test]
async fn refuses_heads_that_servers_read_differently() {
    for head in [
        "POST /v1/products HTTP/1.1\r\nhost: a\r\ncontent-length : 5\r\n\r\nhello",
        "GET /en/ HTTP/1.1\r\nhost: a\r\n folded: 1\r\n\r\n",
        "GET /en/ HTTP/1.1\r\nhost: a\r\nx\0y: 1\r\n\r\n",
        "GET /en/ HTTP/9.9\r\nhost: a\r\n\r\n",
        "GET /en/ x HTTP/1.1\r\nhost: a\r\n\r\n",
        "POST /v1/products HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    ] {
        check(head, "400", 0).await;
    }
}

#[tokio::test]
async fn a_broken_chunk_never_completes_a_request() {
    let mirror = Mirror::default();
    let server = Server::start(mirror.router());
    let gateway = Gateway::before(server.addr);
    let token = gateway.token(&["catalog:write"]);
    for chunk in [
        "5;\n\r\nhello\r\n0\r\n\r\n",
        "-5\r\nhello\r\n0\r\n\r\n",
        "5\r\nhelloXX0\r\n\r\n",
        "zz\r\n\r\n",
        "fffffffffffffffff\r\n",
    ] {
        let head = format!(
            "POST /v1/products HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\ntransfer-encoding: chunked\r\n\r\n"
        );
        let answer = gateway.raw(format!("{head}{chunk}").as_bytes()).await;
        assert!(!answer.starts_with("HTTP/1.1 200"), "{chunk:?}: {answer}");
    }
}
