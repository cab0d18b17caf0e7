//! WebSocket connections: the handshake goes to the upstream like any request, then bytes flow both ways.

use crate::{
    App,
    caller::Caller,
    clients::{Outgoing, Upstream},
    headers,
    proxy::{head, no_answer},
    refusal::Refusal,
    route::Route,
};
use axum::{body::Body, response::Response};
use http::{HeaderValue, Request, StatusCode, Version, header, request::Parts};
use hyper_util::rt::TokioIo;

/// Passes the handshake on and, when the upstream agrees, everything after it.
pub(crate) async fn pass(
    app: &App,
    route: &Route,
    caller: &Caller,
    upstream: &Upstream,
    mut parts: Parts,
    protocol: HeaderValue,
) -> Result<Response, Refusal> {
    if !protocol.as_bytes().eq_ignore_ascii_case(b"websocket") || parts.version != Version::HTTP_11
    {
        return Err(Refusal::UnknownProtocol);
    }
    // A browser sends a shopper's cookies along with a foreign page's handshake, and no CORS rule stops it.
    if !app.cors.allows_socket(&parts.headers) {
        return Err(Refusal::ForeignOrigin);
    }
    let head = head(&mut parts, caller, Some(protocol.clone()));
    let client = hyper::upgrade::on(Request::from_parts(parts, ()));
    let sent = upstream
        .send(head, Outgoing::empty(), None, route.timeout)
        .await;
    let mut response = sent.map_err(|source| no_answer(upstream, source, route))?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        headers::to_client(response.headers_mut());
        return Ok(response.map(Body::new));
    }
    let server = hyper::upgrade::on(&mut response);
    tokio::spawn(async move {
        match tokio::try_join!(client, server) {
            Ok((client, server)) => {
                let (mut client, mut server) = (TokioIo::new(client), TokioIo::new(server));
                if let Err(error) = tokio::io::copy_bidirectional(&mut client, &mut server).await {
                    tracing::debug!(%error, "a websocket connection broke");
                }
            }
            Err(error) => tracing::debug!(%error, "a websocket connection was not handed over"),
        }
    });
    headers::to_client(response.headers_mut());
    let answered = response.headers_mut();
    answered.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    answered.insert(header::UPGRADE, protocol);
    Ok(response.map(|_| Body::empty()))
}
