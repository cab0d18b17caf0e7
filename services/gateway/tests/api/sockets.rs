use crate::world::{Gateway, Server, read_head};
use axum::{
    Router,
    extract::{WebSocketUpgrade, ws::Message},
    response::Response,
};
use futures::StreamExt as _;
use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

pub(crate) async fn echo(upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(async |mut socket| {
        while let Some(Ok(message)) = socket.next().await {
            if let Message::Text(text) = message {
                socket.send(Message::Text(text)).await.expect("sent");
            }
        }
    })
}

pub(crate) fn handshake(addr: SocketAddr, more: &str) -> String {
    format!(
        "GET /en/live HTTP/1.1\r\nhost: {addr}\r\nconnection: keep-alive, Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
    )
}

/// A short text frame, masked with zeros as a client's must be (RFC 6455, section 5.3).
fn frame(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).expect("short");
    [&[0x81, 0x80 | length, 0, 0, 0, 0], text.as_bytes()].concat()
}

/// A connection that has become a websocket.
pub(crate) async fn shake_hands(addr: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(addr).await.expect("a connection");
    let request = handshake(addr, &format!("origin: http://{addr}\r\n"));
    stream.write_all(request.as_bytes()).await.expect("sent");
    let head = read_head(&mut stream).await.to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 101 "), "{head}");
    assert!(
        head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="),
        "{head}"
    );
    stream
}

/// Asserts that what is said comes back.
pub(crate) async fn echoes(stream: &mut TcpStream, text: &str) {
    stream.write_all(&frame(text)).await.expect("sent");
    let mut answer = vec![0; text.len() + 2];
    stream.read_exact(&mut answer).await.expect("an echo");
    assert_eq!(&answer[2..], text.as_bytes());
}

#[tokio::test]
async fn websockets_pass_through_in_both_directions() {
    let server = Server::start(Router::new().fallback(echo));
    let gateway = Gateway::before(server.addr);
    let mut stream = shake_hands(gateway.addr).await;
    for text in ["hello", "is anyone there?", "bye"] {
        echoes(&mut stream, text).await;
    }
}

#[tokio::test]
async fn foreign_pages_and_other_protocols_are_refused() {
    let server = Server::start(Router::new().fallback(echo));
    let gateway = Gateway::before(server.addr);
    let foreign = gateway
        .raw(handshake(gateway.addr, "origin: https://evil.example\r\n").as_bytes())
        .await;
    assert!(
        foreign.starts_with("HTTP/1.1 403 ") && foreign.contains("foreign-origin"),
        "{foreign}"
    );
    let other = gateway
        .raw(b"GET /en/ HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n")
        .await;
    assert!(
        other.starts_with("HTTP/1.1 400 ") && other.contains("unknown-protocol"),
        "{other}"
    );
}
