//! WebSocket connections: the handshake goes to the upstream like any request, then bytes flow both ways until one side has
//! enough, or the gateway leaves.

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
use kit::serve::Held;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, copy, copy_bidirectional, sink};

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
    let connection = app.upgraded.hold().ok_or(Refusal::Leaving)?;
    let head = head(app, &mut parts, caller, Some(protocol.clone()));
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
                carry(TokioIo::new(client), TokioIo::new(server), connection).await;
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

/// Carries what each side sends to the other until both have ended. When the gateway leaves, each is told that nothing more
/// comes, and what is still on its way from it is read: a socket that is closed before resets its connection, and with it what
/// the other side has not read yet.
async fn carry(
    mut client: impl AsyncRead + AsyncWrite + Unpin,
    mut server: impl AsyncRead + AsyncWrite + Unpin,
    mut held: Held,
) {
    let ended = tokio::select! {
        carried = copy_bidirectional(&mut client, &mut server) => carried.map(drop),
        () = held.closing() => async {
            let (mut from_client, mut from_server) = (sink(), sink());
            tokio::try_join!(client.shutdown(), server.shutdown())?;
            tokio::try_join!(copy(&mut client, &mut from_client), copy(&mut server, &mut from_server))?;
            Ok(())
        }.await,
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a websocket connection broke");
    }
}
