//! One request's way through the gateway.

use crate::{
    App,
    caller::Caller,
    clients::{Head, Outgoing, Progress, Upstream, UpstreamError},
    headers, pass_socket,
    refusal::Refusal,
    route::{self, Access, Class, Route},
    routes, serve_cached,
    variant::Key,
};
use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, Method, Request, Uri, header, request::Parts};
use http_body::Body as _;
use kit::{
    Problem,
    auth::{CLIENT_ADDRESS, Identity},
    serve::Answered,
};
use std::net::SocketAddr;

/// The most bytes a request's headers may take.
const MAX_HEADERS: usize = 16 * 1024;

/// Answers a request: finds its route, checks it, passes it on, and dresses what comes back.
pub(crate) async fn handle(app: App, request: Request<Body>, peer: SocketAddr) -> Answered {
    let caller = Caller::of(peer.ip(), request.headers(), &app.trusted);
    let origin = request.headers().get(header::ORIGIN).cloned();
    let path = request.uri().path();
    let route = route::find(routes::ROUTES, path);
    let answer = match route {
        _ if !route::is_plain(path) => Err(Refusal::AmbiguousPath),
        None => Err(Refusal::NoSuchAddress),
        Some(route) => match app.cors.preflight(request.method(), request.headers()) {
            Some(preflight) => Ok(Answer::New(preflight.into_response())),
            None => pass(&app, route, &caller, request).await,
        },
    };
    let answer =
        answer.unwrap_or_else(|refusal| Answer::New(Problem::from(refusal).into_response()));
    let mut response = match answer {
        Answer::Kept(response) => response,
        Answer::New(mut response) => {
            headers::secure(response.headers_mut(), app.https || caller.https);
            response
        }
    };
    app.cors.allow(origin.as_ref(), response.headers_mut());
    let route = route.map_or("none", |route| route.name);
    Answered { route, response }
}

/// An answer to a request.
pub(crate) enum Answer {
    /// As it was kept: with its security headers.
    Kept(Response),
    /// As it came, or as the gateway made it.
    New(Response),
}

/// What takes long or much room is boxed: the room of this function is made for every request, also for those that need little.
async fn pass(
    app: &App,
    route: &'static Route,
    caller: &Caller,
    request: Request<Body>,
) -> Result<Answer, Refusal> {
    let (mut parts, body) = request.into_parts();
    let upstream = app.upstream(route.target).ok_or(Refusal::NoSuchAddress)?;
    if headers::size(&parts.headers) > MAX_HEADERS {
        return Err(Refusal::HeadersTooLarge);
    }
    let class = class(route, &parts.method);
    let identity = match app.verifier.identify(&parts.headers) {
        Ok(identity) => identity,
        // Counted too: looking at a bad token costs more than most requests.
        Err(error) => {
            app.limiter.admit(class, caller.network(), None).await?;
            return Err(Refusal::Token(error));
        }
    };
    app.limiter
        .admit(class, caller.network(), identity.as_ref())
        .await?;
    permit(route, &parts.method, identity.as_ref())?;
    if let Some(protocol) = headers::wanted_upgrade(&parts.headers) {
        let passing = pass_socket::pass(app, route, caller, upstream, parts, protocol);
        return Box::pin(passing).await.map(Answer::New);
    }
    let (body, progress) = limit_body(route, &parts, body)?;
    if progress.is_none() && app.cache.is_some() && serve_cached::may_share(route, &parts) {
        return match serve_cached::look(app, route, caller, parts) {
            Ok(kept) => Ok(kept),
            Err(fetch) => Box::pin(fetch.bring()).await,
        };
    }
    let changes = (route.cached && app.cache.is_some() && !parts.method.is_safe())
        .then(|| Key::of(&parts, caller));
    let head = head(app, &mut parts, caller, None);
    let sending = upstream.send(head, body, progress.as_ref(), route.timeout);
    let sent = Box::pin(sending).await;
    let mut response = sent.map_err(|source| no_answer(upstream, source, route))?;
    if let Some(key) = changes.filter(|_| !response.status().is_client_error()) {
        serve_cached::forget(app, &key);
    }
    headers::to_client(response.headers_mut());
    Ok(Answer::New(response.map(Body::new)))
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
fn class(route: &Route, method: &Method) -> Class {
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
) -> Result<(Outgoing, Option<Progress>), Refusal> {
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
pub(crate) fn head(
    app: &App,
    parts: &mut Parts,
    caller: &Caller,
    upgrade: Option<HeaderValue>,
) -> Head {
    let mut sent = std::mem::take(&mut parts.headers);
    if let Some(authority) = parts.uri.authority()
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        sent.insert(header::HOST, host);
    }
    headers::to_upstream(&mut sent, caller, upgrade);
    if let Some(said) = app
        .addresses
        .as_ref()
        .and_then(|tokens| tokens.value(caller.address))
    {
        sent.insert(CLIENT_ADDRESS, said);
    }
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

pub(crate) fn no_answer(upstream: &Upstream, source: UpstreamError, route: &Route) -> Refusal {
    match source {
        UpstreamError::BodyTooLarge => Refusal::BodyTooLarge(route.max_body),
        source => Refusal::Upstream {
            upstream: upstream.name,
            source,
        },
    }
}
