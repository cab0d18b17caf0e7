//! One request's way through the gateway.

use crate::{
    App,
    caller::Caller,
    headers,
    refusal::Refusal,
    route::{self, Access, Class, Route},
    routes, upgrade,
    upstream::{Head, Outgoing, Upstream},
};
use axum::{
    body::Body,
    extract::{ConnectInfo, State},
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, Method, Request, Uri, header, request::Parts};
use http_body::Body as _;
use kit::{Problem, auth::Identity, metrics};
use std::net::SocketAddr;

/// The most bytes a request's headers may take.
const MAX_HEADERS: usize = 16 * 1024;

/// Answers a request: finds its route, checks it, passes it on, and dresses what comes back.
pub(crate) async fn handle(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request<Body>,
) -> Response {
    let caller = Caller::of(peer.ip(), request.headers(), &app.trusted);
    let path = request.uri().path();
    let route = route::find(routes::ROUTES, path);
    let answer = match route {
        Some(route) if route::is_plain(path) => pass(&app, route, &caller, request).await,
        Some(_) => Err(Refusal::AmbiguousPath),
        None => Err(Refusal::NoSuchAddress),
    };
    let mut response = answer.unwrap_or_else(|refusal| Problem::from(refusal).into_response());
    headers::secure(response.headers_mut(), app.https || caller.https);
    if let Some(route) = route {
        response.extensions_mut().insert(metrics::Route(route.name));
    }
    response
}

async fn pass(
    app: &App,
    route: &'static Route,
    caller: &Caller,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    let (mut parts, body) = request.into_parts();
    let upstream = app.upstream(route.target).ok_or(Refusal::NoSuchAddress)?;
    if headers::size(&parts.headers) > MAX_HEADERS {
        return Err(Refusal::HeadersTooLarge);
    }
    let identity = app
        .verifier
        .identify(&parts.headers)
        .map_err(Refusal::Token)?;
    permit(route, &parts.method, identity.as_ref())?;
    if let Some(protocol) = headers::wanted_upgrade(&parts.headers) {
        return upgrade::pass(app, route, caller, upstream, parts, protocol).await;
    }
    let (body, progress) = limit_body(route, &parts, body)?;
    let head = head(&mut parts, caller, None);
    let sent = upstream
        .send(head, body, progress.as_ref(), route.timeout)
        .await;
    let mut response = sent.map_err(|source| no_answer(upstream, source, route))?;
    headers::to_client(response.headers_mut());
    Ok(response.map(Body::new))
}

/// Whether the caller may ask this at all; the service behind decides about the rest.
fn permit(route: &Route, method: &Method, identity: Option<&Identity>) -> Result<(), Refusal> {
    match (route.access, identity) {
        (Access::Anyone, _) | (Access::WritesNeedToken, Some(_)) => Ok(()),
        (Access::WritesNeedToken, None) if method.is_safe() => Ok(()),
        (Access::WritesNeedToken | Access::Needs(_), None) => Err(Refusal::TokenNeeded),
        (Access::Needs(permission), Some(identity)) if identity.may(permission) => Ok(()),
        (Access::Needs(permission), Some(_)) => Err(Refusal::PermissionNeeded(permission)),
    }
}

/// What a request counts as when requests are limited.
pub(crate) fn class(route: &Route, method: &Method) -> Class {
    match route.class {
        Class::Reads | Class::Pages if !method.is_safe() => routes::CHANGES,
        class => class,
    }
}

/// Refuses what is known to be too large before any of it is read; the rest is counted on its way.
fn limit_body(
    route: &Route,
    parts: &Parts,
    body: Body,
) -> Result<(Outgoing, Option<crate::upstream::Progress>), Refusal> {
    if body.is_end_stream() {
        return Ok((Outgoing::empty(), None));
    }
    let announced = parts
        .headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|bytes: u64| bytes > route.max_body) {
        return Err(Refusal::BodyTooLarge(route.max_body));
    }
    let (body, progress) = Outgoing::counted(body, route.max_body);
    Ok((body, Some(progress)))
}

/// The head as the upstream gets it. HTTP/2 has the host in the address, HTTP/1.1 in a header.
pub(crate) fn head(parts: &mut Parts, caller: &Caller, upgrade: Option<HeaderValue>) -> Head {
    let mut sent = std::mem::take(&mut parts.headers);
    if let Some(authority) = parts.uri.authority()
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        sent.insert(header::HOST, host);
    }
    headers::to_upstream(&mut sent, caller, upgrade);
    kit::context::inject(&mut sent);
    let uri = parts
        .uri
        .path_and_query()
        .cloned()
        .map(Uri::from)
        .unwrap_or_default();
    Head {
        method: parts.method.clone(),
        uri,
        headers: sent,
    }
}

pub(crate) fn no_answer(
    upstream: &Upstream,
    source: crate::upstream::UpstreamError,
    route: &Route,
) -> Refusal {
    match source {
        crate::upstream::UpstreamError::BodyTooLarge => Refusal::BodyTooLarge(route.max_body),
        source => Refusal::Upstream {
            upstream: upstream.name,
            source,
        },
    }
}
