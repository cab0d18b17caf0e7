//! Who a page is for: what the browser's cookies say, and how a page of their own is answered.

use crate::{
    App,
    answer_page::{CONTENT_SECURITY_POLICY, Visit, render},
    clients::{
        neighbor::Who,
        users::{Person, Session},
    },
    form::Form,
    jar::{Cookie, Jar},
    language::Language,
    messages::Messages,
    origin::{Origin, form_token, is_form_token, origin},
    page_error::PageError,
    shell::Shell,
    show_error,
};
use askama::Template;
use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request},
    response::Response,
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts};
use kit::client::ClientError;

/// Nobody keeps a page that is for one person.
pub(crate) const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-store");
/// An access token is renewed this many seconds before it ends, so that it doesn't end on its way.
const EARLY: i64 = 30;

/// A request for a page that is for one person.
pub(crate) struct Shopper {
    pub(crate) app: App,
    pub(crate) visit: Visit,
    pub(crate) jar: Jar,
    pub(crate) headers: HeaderMap,
}

/// Whether somebody is logged in.
#[derive(Debug, Clone)]
pub(crate) enum Access {
    /// In whose name services are asked.
    Person(Who),
    /// A guest.
    Nobody,
}

impl Access {
    pub(crate) fn person(&self) -> Option<&Who> {
        match self {
            Self::Person(who) => Some(who),
            Self::Nobody => None,
        }
    }
}

impl Shopper {
    /// The language of the page.
    pub(crate) fn language(&self) -> Language {
        self.visit.language
    }

    /// What is said in it.
    pub(crate) fn messages(&self) -> &'static Messages {
        self.visit.language.messages()
    }

    /// A path of the shop in the shopper's language.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/{}/{rest}", self.visit.language.code())
    }

    /// The frame of a page of one's own; the same page exists in the other language.
    pub(crate) fn shell(&self, title: &str, description: &str) -> Shell {
        let rest = self
            .visit
            .here()
            .trim_start_matches('/')
            .split_once('/')
            .map_or_else(String::new, |(_, rest)| rest.to_owned());
        self.visit
            .shell(|language| format!("/{}/{rest}", language.code()))
            .titled(title, description.to_owned())
            .unlisted()
    }

    /// The token that this browser's forms carry.
    pub(crate) fn form_token(&mut self) -> String {
        if let Some(visit) = self.jar.get(Cookie::Visit) {
            return form_token(visit);
        }
        let visit = random_text();
        self.jar.set(Cookie::Visit, &visit);
        form_token(&visit)
    }

    /// In whose name services are asked, if somebody is logged in; renews the session when its access token has ended.
    pub(crate) async fn access(&mut self) -> Result<Access, ClientError> {
        if let Some(access) = self.jar.get(Cookie::Access) {
            return Ok(Access::Person(Who::person(access).from(&self.headers)));
        }
        self.renewed().await
    }

    /// As [`Shopper::access`], but with a token that was issued just now.
    pub(crate) async fn renewed(&mut self) -> Result<Access, ClientError> {
        let (Some(sessions), Some(refresh)) =
            (self.app.sessions.clone(), self.jar.get(Cookie::Refresh))
        else {
            return Ok(Access::Nobody);
        };
        let Some(session) = sessions.renew(refresh).await? else {
            self.forget_session();
            return Ok(Access::Nobody);
        };
        let who = Who::person(&session.access_token).from(&self.headers);
        self.keep(&session);
        Ok(Access::Person(who))
    }

    /// Whether the browser holds a session, as far as one can tell without asking.
    pub(crate) fn seems_known(&self) -> bool {
        self.jar.get(Cookie::Refresh).is_some() || self.jar.get(Cookie::Access).is_some()
    }

    /// Keeps a session in the browser.
    pub(crate) fn keep(&mut self, session: &Session) {
        let left = session.expires_at.as_second() - self.app.clock.now().as_second() - EARLY;
        match u64::try_from(left) {
            Ok(left) if left > 0 => {
                self.jar
                    .set_for(Cookie::Access, &session.access_token, Some(left));
            }
            _ => self.jar.remove(Cookie::Access),
        }
        self.jar.set(Cookie::Refresh, &session.refresh_token);
        self.jar.set(Cookie::Known, "1");
    }

    /// Has the browser forget the session, and the cart that belongs to it.
    pub(crate) fn forget_session(&mut self) {
        self.jar.remove(Cookie::Access);
        self.jar.remove(Cookie::Refresh);
        let is_own = |cart: &str| !cart.contains('.');
        if self.jar.get(Cookie::Cart).is_some_and(is_own) {
            self.jar.remove(Cookie::Cart);
        }
        if self.jar.get(Cookie::Cart).is_none() {
            self.jar.remove(Cookie::Known);
        }
    }

    /// Who is logged in, in person.
    pub(crate) async fn person(&mut self) -> Result<Option<(Who, Person)>, ClientError> {
        let Some(users) = self.app.users.clone() else {
            return Ok(None);
        };
        let mut access = self.access().await?;
        for may_renew in [true, false] {
            let Access::Person(who) = &access else {
                return Ok(None);
            };
            match users.me(who).await {
                Ok(person) => return Ok(Some((who.clone(), person))),
                // Roles changed, or the session was ended elsewhere: the refresh token knows.
                Err(error) if is_refused(&error) && may_renew => access = self.renewed().await?,
                Err(error) if is_refused(&error) => {
                    self.forget_session();
                    return Ok(None);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// A page for this shopper alone.
    pub(crate) fn page(self, template: &impl Template) -> Response {
        self.page_with(StatusCode::OK, template, None)
    }

    /// A page that says what is wrong with what was sent.
    pub(crate) fn wrong(self, template: &impl Template) -> Response {
        self.page_with(StatusCode::UNPROCESSABLE_ENTITY, template, None)
    }

    /// A page under its own content security policy.
    pub(crate) fn page_with(
        self,
        status: StatusCode,
        template: &impl Template,
        policy: Option<&str>,
    ) -> Response {
        match render(template) {
            Ok(html) => {
                let mut response = self.visit.html(status, html, PRIVATE);
                let headers = response.headers_mut();
                headers.remove(header::ETAG);
                if let Some(policy) = policy.and_then(|policy| HeaderValue::from_str(policy).ok()) {
                    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
                }
                self.with_cookies(response)
            }
            Err(error) => self.fail(&error),
        }
    }

    /// To another page: what was sent is done, and reloading does not send it again.
    pub(crate) fn see(self, href: &str) -> Response {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::SEE_OTHER;
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, PRIVATE);
        if let Ok(location) = HeaderValue::from_str(href) {
            headers.insert(header::LOCATION, location);
        }
        self.with_cookies(response)
    }

    /// The page that says what went wrong.
    pub(crate) fn fail(self, error: &PageError) -> Response {
        let response = show_error::answer(&self.visit, error);
        self.with_cookies(response)
    }

    /// Any other answer.
    pub(crate) fn answer(self, mut response: Response) -> Response {
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, PRIVATE);
        self.with_cookies(response)
    }

    fn with_cookies(&self, mut response: Response) -> Response {
        for cookie in self.jar.changes() {
            response
                .headers_mut()
                .append(header::SET_COOKIE, cookie.clone());
        }
        response
    }
}

/// Whether a service does not accept the token.
pub(crate) fn is_refused(error: &ClientError) -> bool {
    error.status() == Some(StatusCode::UNAUTHORIZED)
}

/// Whether there is no such thing, or not for this shopper.
pub(crate) fn is_absent(error: &ClientError) -> bool {
    matches!(
        error.status(),
        Some(StatusCode::NOT_FOUND | StatusCode::FORBIDDEN | StatusCode::GONE)
    )
}

/// 128 bits that nobody guesses.
fn random_text() -> String {
    BASE64_URL_SAFE_NO_PAD.encode(kit::clock::random_bytes::<16>())
}

/// The policy of a page whose forms lead on to other sites, such as a provider of payments.
pub(crate) fn policy_with(changes: &[(&str, &str)]) -> String {
    let mut policy = CONTENT_SECURITY_POLICY.to_owned();
    for (directive, sources) in changes {
        let start = format!("{directive} 'self'");
        if policy.contains(&start) {
            policy = policy.replace(&start, &format!("{start} {sources}"));
        } else {
            for part in ["; ", directive, " ", sources] {
                policy.push_str(part);
            }
        }
    }
    policy
}

impl FromRequestParts<App> for Shopper {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let visit = Visit::from_request_parts(parts, app).await?;
        Ok(Self {
            jar: Jar::new(&parts.headers, app.is_secure()),
            headers: parts.headers.clone(),
            app: app.clone(),
            visit,
        })
    }
}

/// A form that a page of ours sent, made for this browser.
pub(crate) struct Posted {
    pub(crate) shopper: Shopper,
    pub(crate) form: Form,
}

/// A form of a page that is the same for everyone and so holds no token: the browser says that the page is ours.
pub(crate) struct PostedByAnyPage {
    pub(crate) shopper: Shopper,
    pub(crate) form: Form,
    /// Whether the browser said so, or the form holds the token all the same.
    pub(crate) is_ours: bool,
}

impl FromRequest<App> for Posted {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let posted = PostedByAnyPage::from_request(request, app).await?;
        let (shopper, form) = (posted.shopper, posted.form);
        if has_token(&shopper.jar, &form) {
            Ok(Self { shopper, form })
        } else {
            Err(shopper.fail(&PageError::StaleForm))
        }
    }
}

impl FromRequest<App> for PostedByAnyPage {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let shopper = Shopper::from_request_parts(&mut parts, app).await?;
        let from = origin(&parts.headers, &app.origin);
        if from == Origin::Foreign {
            return Err(shopper.fail(&PageError::StaleForm));
        }
        let request = Request::from_parts(parts, body);
        let Ok(body) = Bytes::from_request(request, &()).await else {
            return Err(shopper.fail(&PageError::Refused));
        };
        let form = Form::parse(&body);
        let is_ours = from == Origin::Ours || has_token(&shopper.jar, &form);
        Ok(Self {
            shopper,
            form,
            is_ours,
        })
    }
}

fn has_token(jar: &Jar, form: &Form) -> bool {
    jar.get(Cookie::Visit)
        .is_some_and(|visit| is_form_token(form.text("token"), visit))
}
