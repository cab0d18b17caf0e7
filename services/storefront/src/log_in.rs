//! Logging in and out.

use crate::{
    clients::neighbor::{Who, problem_kind},
    form::{Form, Mistakes, is_email},
    form_page::{FormPage, Summary},
    jar::Cookie,
    page_error::PageError,
    read_shopper::{Posted, Shopper},
};
use axum::response::Response;
use http::StatusCode;

/// `GET /{language}/account/login?next=`
pub(crate) async fn show_login(mut shopper: Shopper) -> Response {
    if shopper.app.users.is_none() {
        return shopper.fail(&PageError::NotFound);
    }
    let query = Form::parse(shopper.visit.query().as_bytes());
    if let Ok(Some(_)) = shopper.person().await {
        let href = shopper.next_href(query.text("next"));
        return shopper.see(&href);
    }
    let t = shopper.messages().account;
    let said = match query.text("done") {
        "reset" => Some(t.reset_done),
        "logged-out" => Some(t.logged_out),
        "sessions" => Some(t.sessions_ended),
        _ => None,
    };
    let mut page = page(&mut shopper, &query, &Mistakes::default(), false);
    page.said = said;
    page.alert =
        (query.text("problem") == "passkey").then_some(shopper.messages().security.passkey_unknown);
    shopper.page(&page)
}

fn page(shopper: &mut Shopper, form: &Form, mistakes: &Mistakes, asks_code: bool) -> FormPage {
    let t = shopper.messages().account;
    let next = form.text("next").to_owned();
    let mut page = shopper.form_page(t.login_title, "", "account/login", t.login_button);
    page.fields = vec![
        shopper.email_field(form.text("email"), mistakes),
        Shopper::password_field("password", t.password, mistakes),
    ];
    if asks_code {
        page.fields
            .push(Shopper::code_field(t.code, t.code_hint, mistakes));
    }
    page.mistakes = Summary::new(shopper, mistakes);
    page.links = vec![
        (t.forgot, shopper.path("account/forgot")),
        (t.no_account, shopper.path("account/register")),
    ];
    page.hidden = vec![("next", next)];
    page.passkey = Some(shopper.path("account/login/passkey"));
    page
}

/// `POST /{language}/account/login`
pub(crate) async fn log_in(posted: Posted) -> Response {
    let Posted { mut shopper, form } = posted;
    let t = shopper.messages();
    let Some(users) = shopper.app.users.clone() else {
        return shopper.fail(&PageError::NotFound);
    };
    let (email, password) = (form.text("email"), form.raw("password"));
    let mut mistakes = Mistakes::default();
    mistakes.require(is_email(email), "email", t.checkout.email_wrong);
    mistakes.require(!password.is_empty(), "password", t.account.password_missing);
    let mut asks_code = form.has("code");
    let mut alert = None;
    if mistakes.is_empty() {
        let who = Who::anyone().from(&shopper.headers);
        match users
            .log_in(&who, email, password, form.filled("code"))
            .await
        {
            Ok(session) => return shopper.let_in(&session, form.text("next")).await,
            Err(error) if problem_kind(&error) == Some("second-factor-required") => {
                asks_code = true;
                alert = Some(t.account.code_needed);
            }
            Err(error) => match error.status() {
                Some(StatusCode::TOO_MANY_REQUESTS) => {
                    mistakes.add("email", t.account.too_often);
                }
                Some(status) if status.is_client_error() => {
                    mistakes.add("email", t.account.wrong);
                }
                _ => return shopper.fail(&PageError::Closed(error)),
            },
        }
    }
    let mut page = page(&mut shopper, &form, &mistakes, asks_code);
    page.alert = alert;
    shopper.wrong(&page)
}

/// `POST /{language}/account/logout`
pub(crate) async fn log_out(posted: Posted) -> Response {
    let Posted { mut shopper, .. } = posted;
    if let (Some(users), Some(refresh)) = (&shopper.app.users, shopper.jar.get(Cookie::Refresh))
        && let Err(error) = users.log_out(refresh).await
    {
        // The browser forgets it all the same.
        tracing::warn!(error = %kit::problem::chain(&error), "a session was not ended");
    }
    shopper.forget_session();
    shopper.jar.remove(Cookie::Visit);
    shopper.jar.remove(Cookie::Draft);
    let href = shopper.path("account/login?done=logged-out");
    shopper.see(&href)
}
