//! A browser without scripts: it keeps cookies, fills in forms as they stand in the page, and follows where it is sent.

use crate::{
    html::{attribute, unescape},
    world::{Answer, ORIGIN},
};
use axum::{Router, body::Body};
use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use std::collections::BTreeMap;
use tower::ServiceExt as _;

pub(crate) struct Browser {
    router: Router,
    pub(crate) cookies: BTreeMap<String, String>,
    /// Where it is.
    pub(crate) path: String,
}

impl Browser {
    pub(crate) fn new(router: Router) -> Self {
        Self {
            router,
            cookies: BTreeMap::new(),
            path: String::new(),
        }
    }

    /// Goes to a page, and on to where it leads.
    pub(crate) async fn open(&mut self, path: &str) -> Answer {
        let answer = self.request(Method::GET, path, None, &[]).await;
        self.follow(path, answer).await
    }

    /// Sends the form with this action as it stands in the page, with some fields filled in; a field of `None` is left out.
    pub(crate) async fn send(
        &mut self,
        page: &Answer,
        action: &str,
        typed: &[(&str, &str)],
    ) -> Answer {
        let (action, method, fields) = form(page.text(), action);
        let body = with(fields, typed);
        if method == "get" {
            return self.open(&format!("{action}?{body}")).await;
        }
        let answer = self.post(&action, body).await;
        self.follow(&action, answer).await
    }

    /// As [`Browser::send`], and stops at the answer.
    pub(crate) async fn send_only(
        &mut self,
        page: &Answer,
        action: &str,
        typed: &[(&str, &str)],
    ) -> Answer {
        let (action, _, fields) = form(page.text(), action);
        self.post(&action, with(fields, typed)).await
    }

    /// Sends the fields of a form somewhere else, as a script does.
    pub(crate) async fn send_to(
        &mut self,
        page: &Answer,
        action: &str,
        to: &str,
        typed: &[(&str, &str)],
    ) -> Answer {
        let (_, _, fields) = form(page.text(), action);
        self.post(to, with(fields, typed)).await
    }

    async fn post(&mut self, action: &str, body: String) -> Answer {
        let ours = [("sec-fetch-site", "same-origin"), ("origin", ORIGIN)];
        self.request(Method::POST, action, Some(body), &ours).await
    }

    async fn follow(&mut self, path: &str, answer: Answer) -> Answer {
        let (mut path, mut answer) = (path.to_owned(), answer);
        for _ in 0..8 {
            if !answer.status.is_redirection() {
                break;
            }
            let location = answer.header(header::LOCATION).to_owned();
            let Some(next) = location
                .strip_prefix(ORIGIN)
                .or_else(|| location.starts_with('/').then_some(location.as_str()))
            else {
                path = location;
                break;
            };
            path = next.to_owned();
            if next.starts_with("/v1/") {
                break;
            }
            answer = self.request(Method::GET, next, None, &[]).await;
        }
        self.path = path;
        answer
    }

    pub(crate) async fn request(
        &mut self,
        method: Method,
        path: &str,
        body: Option<String>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if !cookies.is_empty() {
            request = request.header(header::COOKIE, cookies.join("; "));
        }
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request
            .body(body.map_or_else(Body::empty, Body::from))
            .expect("a request");
        let response = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("an answer");
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            self.keep(cookie.to_str().expect("ASCII"));
        }
        Answer {
            status: parts.status,
            headers: parts.headers,
            bytes: body.collect().await.expect("a body").to_bytes().to_vec(),
        }
    }

    fn keep(&mut self, cookie: &str) {
        let (pair, attributes) = cookie.split_once("; ").expect("attributes");
        let (name, value) = pair.split_once('=').expect("a value");
        assert!(
            name.starts_with("__Host-") && attributes.contains("Secure"),
            "{cookie}"
        );
        assert!(attributes.contains("SameSite=Lax") && attributes.contains("Path=/"));
        assert!(cookie.len() < 4096, "{} bytes", cookie.len());
        if attributes.contains("Max-Age=0") {
            self.cookies.remove(name);
        } else {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }

    /// Puts the green tea into the cart, as its page's form does.
    pub(crate) async fn take_tea(&mut self, quantity: &str) -> Answer {
        let page = self.open("/en/p/green-tea-1").await;
        self.send(&page, "/en/cart/lines", &[("quantity", quantity)])
            .await
    }

    /// Fills in the first step of the checkout and chooses the first way to be reached.
    pub(crate) async fn reach_review(&mut self) -> Answer {
        let page = self.open("/en/checkout?step=address").await;
        assert_eq!(page.status, StatusCode::OK);
        let page = self.send(&page, "/en/checkout/address", &DETAILS).await;
        let page = self.send(&page, "/en/checkout/delivery", &[]).await;
        assert_eq!(self.path, "/en/checkout?step=review", "{}", page.text());
        page
    }

    /// Logs in.
    pub(crate) async fn log_in(&mut self) -> Answer {
        let page = self.open("/en/account/login").await;
        let typed = [
            ("email", crate::neighbors::EMAIL),
            ("password", crate::neighbors::PASSWORD),
        ];
        self.send(&page, "/en/account/login", &typed).await
    }
}

/// What a guest fills in.
pub(crate) const DETAILS: [(&str, &str); 6] = [
    ("email", "guest@example.com"),
    ("name", "Grace Hopper"),
    ("line1", "1 rue de la Paix"),
    ("postal_code", "75002"),
    ("city", "Paris"),
    ("country", "FR"),
];

fn with(mut fields: Vec<(String, String)>, typed: &[(&str, &str)]) -> String {
    for (name, value) in typed {
        fields.retain(|(known, _)| known != name);
        fields.push(((*name).to_owned(), (*value).to_owned()));
    }
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
}

/// The first form of a page with this action: its action, its method, and its fields as they stand.
fn form(html: &str, action: &str) -> (String, String, Vec<(String, String)>) {
    let form = html
        .split("<form ")
        .skip(1)
        .find(|form| {
            attribute(form.split('>').next().unwrap_or_default(), "action") == Some(action)
        })
        .expect("a form that leads there");
    let (head, rest) = form.split_once('>').expect("a tag");
    let inside = rest.split("</form>").next().expect("an end");
    let method = attribute(head, "method").unwrap_or("get").to_owned();
    let mut fields = Vec::new();
    for tag in inside.split('<') {
        let tag = tag.split('>').next().unwrap_or_default();
        let Some(tag) = tag.strip_prefix("input ") else {
            continue;
        };
        let kind = attribute(tag, "type").unwrap_or("text");
        let is_off = matches!(kind, "radio" | "checkbox")
            && !tag.ends_with("checked")
            && !tag.contains(" checked ");
        if let (Some(name), false) = (attribute(tag, "name"), is_off) {
            let value = attribute(tag, "value").unwrap_or_default();
            fields.push((name.to_owned(), unescape(value)));
        }
    }
    for select in inside.split("<select ").skip(1) {
        let name = attribute(select.split('>').next().unwrap_or_default(), "name");
        let options: Vec<&str> = select.split("<option ").skip(1).collect();
        let chosen = options
            .iter()
            .find(|option| {
                option
                    .split('>')
                    .next()
                    .is_some_and(|tag| tag.contains(" selected"))
            })
            .or_else(|| options.first());
        if let (Some(name), Some(option)) = (name, chosen) {
            let value = attribute(option.split('>').next().unwrap_or_default(), "value");
            fields.push((name.to_owned(), unescape(value.unwrap_or_default())));
        }
    }
    (action.to_owned(), method, fields)
}
