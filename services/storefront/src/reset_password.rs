//! A forgotten password: a mail, and a new one.

use crate::{
    clients::neighbor::{Who, problem_kind},
    form::{Form, Mistakes, is_email},
    form_page::{FormPage, Summary},
    page_error::PageError,
    read_shopper::{Posted, Shopper},
    register_person::{note, token_over},
};
use axum::response::Response;

/// `GET /{language}/account/forgot`
pub(crate) async fn show_forgot(mut shopper: Shopper) -> Response {
    if shopper.app.users.is_none() {
        return shopper.fail(&PageError::NotFound);
    }
    let page = forgot_page(&mut shopper, "", &Mistakes::default());
    shopper.page(&page)
}

fn forgot_page(shopper: &mut Shopper, email: &str, mistakes: &Mistakes) -> FormPage {
    let t = shopper.messages().account;
    let mut page = shopper.form_page(
        t.forgot_title,
        t.forgot_text,
        "account/forgot",
        t.forgot_button,
    );
    page.fields = vec![shopper.email_field(email, mistakes)];
    page.mistakes = Summary::new(shopper, mistakes);
    page.links = vec![(t.login_title, shopper.path("account/login"))];
    page
}

/// `POST /{language}/account/forgot`
pub(crate) async fn forget_password(posted: Posted) -> Response {
    let Posted { mut shopper, form } = posted;
    let Some(users) = shopper.app.users.clone() else {
        return shopper.fail(&PageError::NotFound);
    };
    let email = form.text("email");
    let mut mistakes = Mistakes::default();
    mistakes.require(
        is_email(email),
        "email",
        shopper.messages().checkout.email_wrong,
    );
    if mistakes.is_empty() {
        let who = Who::anyone().from(&shopper.headers);
        match users.forget_password(&who, email).await {
            Ok(()) => {
                let href = shopper.path("account/forgot/done");
                return shopper.see(&href);
            }
            Err(error) => {
                if let Err(error) = note(&shopper, error, &mut mistakes) {
                    return shopper.fail(&PageError::Closed(error));
                }
            }
        }
    }
    let page = forgot_page(&mut shopper, email, &mistakes);
    shopper.wrong(&page)
}

/// `GET /{language}/account/forgot/done`
pub(crate) async fn show_forgot_done(shopper: Shopper) -> Response {
    let t = shopper.messages();
    let page = shopper.message_page(
        "paper",
        t.account.forgot_done_title,
        t.account.forgot_done_text,
        vec![(t.account.login_title, shopper.path("account/login"))],
    );
    shopper.page(&page)
}

/// `GET /{language}/account/reset?token=`
pub(crate) async fn show_reset(mut shopper: Shopper) -> Response {
    let query = Form::parse(shopper.visit.query().as_bytes());
    let page = reset_page(&mut shopper, query.text("token"), &Mistakes::default());
    shopper.page(&page)
}

fn reset_page(shopper: &mut Shopper, token: &str, mistakes: &Mistakes) -> FormPage {
    let t = shopper.messages().account;
    let mut page = shopper.form_page(t.reset_title, "", "account/reset", t.reset_button);
    page.fields = vec![shopper.new_password_field(t.new_password, mistakes)];
    page.mistakes = Summary::new(shopper, mistakes);
    page.hidden = vec![("mail_token", token.to_owned())];
    page
}

/// `POST /{language}/account/reset`
pub(crate) async fn reset_password(posted: Posted) -> Response {
    let Posted { mut shopper, form } = posted;
    let Some(users) = shopper.app.users.clone() else {
        return shopper.fail(&PageError::NotFound);
    };
    let (token, password) = (form.text("mail_token"), form.raw("password"));
    let mut mistakes = Mistakes::default();
    shopper.judge_password(password, &mut mistakes);
    if mistakes.is_empty() {
        let who = Who::anyone().from(&shopper.headers);
        match users.reset_password(&who, token, password).await {
            Ok(()) => {
                shopper.forget_session();
                let href = shopper.path("account/login?done=reset");
                return shopper.see(&href);
            }
            Err(error) if problem_kind(&error) == Some("token-not-valid") => {
                return token_over(shopper, "account/forgot");
            }
            Err(error) => {
                if let Err(error) = note(&shopper, error, &mut mistakes) {
                    return shopper.fail(&PageError::Closed(error));
                }
            }
        }
    }
    let page = reset_page(&mut shopper, token, &mistakes);
    shopper.wrong(&page)
}
