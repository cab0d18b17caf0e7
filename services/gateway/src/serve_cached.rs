//! Answers anonymous GETs from what is kept, and keeps what may be kept.

mod flights;
mod read;

pub(crate) use flights::Flights;

use crate::{
    App,
    cache::Found,
    caller::Caller,
    clients::{self, Head, Outgoing, Upstream, UpstreamError},
    db::answers,
    freshness::Terms,
    headers,
    proxy::{Answer, head, no_answer},
    refusal::Refusal,
    route::Route,
    stored::{CACHE_STATUS, Stored, Via, X_CACHE},
    variant::{Codings, Key, vary},
};
use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode, header, request::Parts};
use http_body::Body as _;
use smallvec::SmallVec;
use std::sync::Arc;

use self::{
    flights::Landing,
    read::{MAX_KEPT, Read, read},
};

/// Headers that ask for less than the whole answer. The cache fetches it whole, and answers such questions itself.
const CONDITIONS: [HeaderName; 6] = [
    header::IF_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_NONE_MATCH,
    header::IF_RANGE,
    header::IF_UNMODIFIED_SINCE,
    header::RANGE,
];

/// Everything a fetch needs, so that it can also go on after its request.
pub(crate) struct Fetch {
    app: App,
    route: &'static Route,
    caller: Caller,
    key: Key,
    parts: Arc<Parts>,
    /// Whether its answer is of no use to others, so that nobody should wait for it.
    alone: bool,
}

/// What a fetch brought.
enum Fetched {
    /// An answer that is kept now.
    Kept(Arc<Stored>, Via),
    /// An answer that must not be kept.
    Passed(Response),
}

/// Whether a request may be answered from what is kept for others: it names nobody, changes nothing and asks for the whole.
pub(crate) fn may_share(route: &Route, parts: &Parts) -> bool {
    route.cached
        && matches!(parts.method, Method::GET | Method::HEAD)
        && !parts.headers.contains_key(header::AUTHORIZATION)
        && !parts.headers.contains_key(header::RANGE)
}

/// The answer that is kept, or what it takes to fetch one. Nothing waits here: a fetch needs room for all it may do, which an
/// answer that is kept should not have to pay for.
pub(crate) fn look(
    app: &App,
    route: &'static Route,
    caller: &Caller,
    parts: Parts,
) -> Result<Answer, Fetch> {
    let key = Key::of(&parts, caller);
    let mut alone = parts.method == Method::HEAD;
    if let Some(cache) = &app.cache {
        let (method, asked) = (&parts.method, &parts.headers);
        let now = app.now();
        match cache.find(&key, asked, now) {
            Found::Fresh(stored) => {
                app.cache_metrics.hits.inc();
                return Ok(kept(stored.answer(method, asked, now, Via::Hit)));
            }
            Found::Usable(stored) => {
                app.cache_metrics.stale.inc();
                let answer = stored.answer(method, asked, now, Via::Refreshing);
                if stored.begin_refresh() {
                    Fetch::new(app, route, caller, key, parts, true).refresh(stored);
                }
                return Ok(kept(answer));
            }
            Found::Pass => {
                app.cache_metrics.passed.inc();
                alone = true;
            }
            Found::Stale(_) | Found::Nothing => {}
        }
    }
    Err(Fetch::new(app, route, caller, key, parts, alone))
}

impl Fetch {
    fn new(
        app: &App,
        route: &'static Route,
        caller: &Caller,
        key: Key,
        parts: Parts,
        alone: bool,
    ) -> Self {
        Self {
            app: app.clone(),
            route,
            caller: *caller,
            key,
            parts: Arc::new(parts),
            alone,
        }
    }

    /// Fetches the answer once for everyone who is asking for it now.
    pub(crate) async fn bring(self) -> Result<Answer, Refusal> {
        let Some(cache) = self.app.cache.as_ref().filter(|_| !self.alone) else {
            return self.pass().await.map(Answer::New);
        };
        let ticket = self.app.flights.board(&self.key);
        let mut own = None;
        let landing = *ticket
            .flight
            .get_or_init(async || {
                let fetched = self.run().await;
                let landing = match fetched {
                    Ok(_) => Landing::Answered,
                    Err(_) => Landing::Failed,
                };
                own = Some(fetched);
                ticket.depart();
                landing
            })
            .await;
        if let Some(fetched) = own {
            return fetched.map(|fetched| self.respond(fetched));
        }
        let now = self.app.now();
        let (method, asked) = (&self.parts.method, &self.parts.headers);
        match cache.find(&self.key, asked, now) {
            Found::Fresh(stored) | Found::Usable(stored) => {
                self.app.cache_metrics.collapsed.inc();
                Ok(kept(stored.answer(method, asked, now, Via::Collapsed)))
            }
            Found::Stale(stored) if landing == Landing::Failed && stored.stands_in(now) => {
                self.app.cache_metrics.stale.inc();
                Ok(kept(stored.answer(method, asked, now, Via::StandingIn)))
            }
            // It failed for the one that tried: trying again for each that waited would only add to the trouble.
            _ if landing == Landing::Failed => {
                let upstream = self.upstream()?;
                let left_alone = UpstreamError::LeftAlone(upstream.name);
                Err(no_answer(upstream, left_alone, self.route))
            }
            _ => self.pass().await.map(Answer::New),
        }
    }

    fn upstream(&self) -> Result<&Upstream, Refusal> {
        self.app
            .upstream(self.route.target)
            .ok_or(Refusal::NoSuchAddress)
    }

    /// Passes a request on without keeping the answer.
    async fn pass(&self) -> Result<Response, Refusal> {
        let upstream = self.upstream()?;
        let mut response = self
            .send(upstream, self.head(None, false))
            .await?
            .map(Body::new);
        headers::to_client(response.headers_mut());
        response
            .headers_mut()
            .insert(CACHE_STATUS, HeaderValue::from_static("gateway; fwd=miss"));
        response
            .headers_mut()
            .insert(X_CACHE, HeaderValue::from_static("MISS"));
        Ok(response)
    }

    /// Fetches a new answer while the old one is given out.
    fn refresh(self, stored: Arc<Stored>) {
        let fetching = async move {
            match self.renew(Some(Arc::clone(&stored))).await {
                Ok(_) => {}
                Err(refusal) => {
                    tracing::info!(key = self.key.as_str(), %refusal, "an answer could not be refreshed");
                }
            }
            stored.end_refresh();
        };
        match kit::context::current() {
            Some(context) => drop(tokio::spawn(kit::context::scope(context, fetching))),
            None => drop(tokio::spawn(fetching)),
        }
    }

    /// Looks in Redis, then asks the upstream.
    async fn run(&self) -> Result<Fetched, Refusal> {
        let now = self.app.now();
        let kept = match self
            .app
            .cache
            .as_ref()
            .map(|cache| cache.find(&self.key, &self.parts.headers, now))
        {
            // The fetch before this one has just brought it.
            Some(Found::Fresh(stored)) => return Ok(Fetched::Kept(stored, Via::Hit)),
            Some(Found::Usable(stored) | Found::Stale(stored)) => Some(stored),
            _ => None,
        };
        if kept.is_none()
            && let Some((vary, stored)) =
                answers::get(&self.app, &self.key, &self.parts.headers).await
            && stored.terms.at(stored.age(now)) != crate::freshness::Freshness::Stale
            && (stored.terms.public || !self.parts.headers.contains_key(header::COOKIE))
        {
            self.app.cache_metrics.shared.inc();
            let stored = Arc::new(stored);
            self.keep(vary, &stored);
            return Ok(Fetched::Kept(stored, Via::Hit));
        }
        self.renew(kept).await
    }

    /// Asks the upstream, and whether what is kept has changed when something is. What is kept stands in when it may.
    async fn renew(&self, kept: Option<Arc<Stored>>) -> Result<Fetched, Refusal> {
        let metrics = &self.app.cache_metrics;
        let stand_in = |refusal: Refusal| match &kept {
            Some(stored) if stored.stands_in(self.app.now()) => {
                metrics.stale.inc();
                Ok(Fetched::Kept(Arc::clone(stored), Via::StandingIn))
            }
            _ => Err(refusal),
        };
        let upstream = self.upstream()?;
        let etag = kept
            .as_ref()
            .and_then(|stored| stored.headers.get(header::ETAG));
        let mut response = match self.send(upstream, self.head(etag, true)).await {
            Ok(response) => response,
            Err(refusal) => return stand_in(refusal),
        };
        metrics.misses.inc();
        headers::to_client(response.headers_mut());
        if response.status().is_server_error() {
            let failed = self.passed(response.map(Body::new));
            return stand_in(Refusal::NoSuchAddress).or(Ok(failed));
        }
        let now = self.app.now();
        if let Some(stored) = kept
            .as_ref()
            .filter(|_| response.status() == StatusCode::NOT_MODIFIED)
        {
            let terms = Terms::of(stored.status, response.headers()).unwrap_or(stored.terms);
            let confirmed = Arc::new(stored.confirmed(response.headers(), terms, now));
            if let Some(vary) = vary(&stored.headers) {
                self.keep_and_share(vary, &confirmed);
            }
            return Ok(Fetched::Kept(confirmed, Via::Revalidated));
        }
        let terms = Terms::of(response.status(), response.headers());
        // Who sends cookies may have got an answer of their own, unless it is said to be for everyone.
        let terms =
            terms.filter(|terms| terms.public || !self.parts.headers.contains_key(header::COOKIE));
        let small = response.body().size_hint().lower() <= MAX_KEPT;
        let (Some(terms), Some(vary), true) = (terms, vary(response.headers()), small) else {
            if let Some(cache) = &self.app.cache {
                cache.pass(&self.key, now);
            }
            return Ok(self.passed(response.map(Body::new)));
        };
        let (parts, body) = response.into_parts();
        let body = match read(body).await {
            Ok(Read::Whole(body)) => body,
            Ok(Read::TooLarge(body)) => return Ok(self.passed(Response::from_parts(parts, body))),
            Err(source) => {
                return stand_in(Refusal::AnswerBroken {
                    upstream: upstream.name,
                    source,
                });
            }
        };
        let mut kept_headers = parts.headers;
        headers::secure(&mut kept_headers, self.app.https || self.caller.https);
        let stored = Arc::new(Stored::new(parts.status, kept_headers, body, terms, now));
        self.keep_and_share(vary, &stored);
        Ok(Fetched::Kept(stored, Via::Fetched))
    }

    fn keep_and_share(&self, vary: SmallVec<[HeaderName; 2]>, stored: &Arc<Stored>) {
        answers::put(&self.app, &self.key, &vary, &self.parts.headers, stored);
        self.keep(vary, stored);
    }

    fn keep(&self, vary: SmallVec<[HeaderName; 2]>, stored: &Arc<Stored>) {
        if let Some(cache) = &self.app.cache {
            cache.keep(&self.key, vary, &self.parts.headers, Arc::clone(stored));
        }
    }

    fn passed(&self, mut response: Response) -> Fetched {
        self.app.cache_metrics.passed.inc();
        response
            .headers_mut()
            .insert(CACHE_STATUS, HeaderValue::from_static("gateway; fwd=miss"));
        response
            .headers_mut()
            .insert(X_CACHE, HeaderValue::from_static("MISS"));
        Fetched::Passed(response)
    }

    fn respond(&self, fetched: Fetched) -> Answer {
        match fetched {
            Fetched::Kept(stored, via) => {
                let asked = &self.parts.headers;
                kept(stored.answer(&self.parts.method, asked, self.app.now(), via))
            }
            Fetched::Passed(response) => Answer::New(response),
        }
    }

    async fn send(
        &self,
        upstream: &Upstream,
        head: Head,
    ) -> Result<http::Response<clients::Answer>, Refusal> {
        let sent = upstream
            .send(head, Outgoing::empty(), None, self.route.timeout)
            .await;
        sent.map_err(|source| no_answer(upstream, source, self.route))
    }

    /// The request as the upstream gets it. One whose answer is to be kept asks for the whole, in one of few compressions.
    fn head(&self, etag: Option<&HeaderValue>, to_keep: bool) -> Head {
        let mut parts = Parts::clone(&self.parts);
        if to_keep {
            for name in CONDITIONS {
                parts.headers.remove(name);
            }
            parts.headers.insert(
                header::ACCEPT_ENCODING,
                Codings::of(&self.parts.headers).header(),
            );
            if let Some(etag) = etag {
                parts.headers.insert(header::IF_NONE_MATCH, etag.clone());
            }
        }
        head(&self.app, &mut parts, &self.caller, None)
    }
}

fn kept(response: http::Response<Bytes>) -> Answer {
    Answer::Kept(response.map(Body::from))
}

/// Forgets what is kept of an address that was just changed (RFC 9111, section 4.4).
pub(crate) fn forget(app: &App, key: &Key) {
    if let Some(cache) = &app.cache {
        cache.forget(key);
        answers::forget(app, key);
    }
}
