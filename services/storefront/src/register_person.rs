//! Getting an account: asked for in a form, finished by the link in a mail.

use crate::{
    clients::neighbor::Who,
    form::{Field, Form, Mistakes, is_email, is_line},
    form_page::{FormPage, Summary},
    jar::Cookie,
    page_error::PageError,
    read_shopper::{Posted, Shopper},
};
use axum::response::Response;
use http::StatusCode;
use kit::client::ClientError;

/// `GET /{language}/account/register?order=`: after an order, with its name and e-mail filled in.
pub(crate) async fn show_registration(mut shopper: Shopper) -> Response {
    if shopper.app.users.is_none() {
        return shopper.fail(&PageError::NotFound);
    }
    let query = Form::parse(shopper.visit.query().as_bytes());
    let order = match query.filled("order") {
        Some(id) => shopper.order(id).await.ok().flatten(),
        None => None,
    };
    let (name, email) = order
        .map(|(order, _)| {
            let name = order
                .addresses
                .map(|addresses| addresses.shipping.name)
                .unwrap_or_default();
            (name, order.email.unwrap_or_default())
        })
        .unwrap_or_default();
    let page = page(&mut shopper, &name, &email, &Mistakes::default());
    shopper.page(&page)
}

fn page(shopper: &mut Shopper, name: &str, email: &str, mistakes: &Mistakes) -> FormPage {
    let t = shopper.messages().account;
    let mut page = shopper.form_page(
        t.register_title,
        t.register_text,
        "account/register",
        t.register_button,
    );
    page.fields = vec![
        Field::new("name", t.name, "text")
            .filled_by("name", "text")
            .at_most(100)
            .with(name)
            .judged(mistakes),
        shopper.email_field(email, mistakes),
        shopper.new_password_field(t.password, mistakes),
    ];
    page.mistakes = Summary::new(shopper, mistakes);
    page.links = vec![(t.have_account, shopper.path("account/login"))];
    page
}

/// `POST /{language}/account/register`
pub(crate) async fn register(posted: Posted) -> Response {
    let Posted { mut shopper, form } = posted;
    let t = shopper.messages();
    let Some(users) = shopper.app.users.clone() else {
        return shopper.fail(&PageError::NotFound);
    };
    let (name, email, password) = (form.text("name"), form.text("email"), form.raw("password"));
    let mut mistakes = Mistakes::default();
    let is_name = !name.is_empty() && is_line(name, 100);
    mistakes.require(is_name, "name", t.account.name_wrong);
    mistakes.require(is_email(email), "email", t.checkout.email_wrong);
    shopper.judge_password(password, &mut mistakes);
    if mistakes.is_empty() {
        let who = Who::anyone().from(&shopper.headers);
        match users
            .register(&who, email, password, name, shopper.language())
            .await
        {
            Ok(()) => {
                let href = shopper.path("account/registered");
                return shopper.see(&href);
            }
            Err(error) => {
                if let Err(error) = note(&shopper, error, &mut mistakes) {
                    return shopper.fail(&PageError::Closed(error));
                }
            }
        }
    }
    let page = page(&mut shopper, name, email, &mistakes);
    shopper.wrong(&page)
}

/// What the service did not accept, at the field it is about.
pub(crate) fn note(
    shopper: &Shopper,
    error: ClientError,
    mistakes: &mut Mistakes,
) -> Result<(), ClientError> {
    let t = shopper.messages();
    match error.status() {
        Some(StatusCode::TOO_MANY_REQUESTS) => {
            mistakes.add("email", t.account.too_often);
        }
        Some(StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY) => {
            for field in error
                .problem()
                .map(|problem| problem.errors.as_slice())
                .unwrap_or_default()
            {
                match field.field.as_str() {
                    "name" => mistakes.add("name", t.account.name_wrong),
                    "email" => mistakes.add("email", t.checkout.email_wrong),
                    "password" | "new" => mistakes.add("password", t.account.password_weak),
                    _ => {}
                }
            }
            if mistakes.is_empty() {
                mistakes.add("password", t.account.refused);
            }
        }
        _ => return Err(error),
    }
    Ok(())
}

/// `GET /{language}/account/registered`
pub(crate) async fn show_registered(shopper: Shopper) -> Response {
    let t = shopper.messages();
    let page = shopper.message_page(
        "paper",
        t.account.registered_title,
        t.account.registered_text,
        vec![(t.back_home, shopper.path(""))],
    );
    shopper.page(&page)
}

/// `GET /{language}/account/verify?token=`: a button and no more, since programs that read mails follow links too.
pub(crate) async fn show_verification(mut shopper: Shopper) -> Response {
    let t = shopper.messages().account;
    let query = Form::parse(shopper.visit.query().as_bytes());
    let mut page = shopper.form_page(
        t.verify_title,
        t.verify_text,
        "account/verify",
        t.verify_button,
    );
    page.hidden = vec![("mail_token", query.text("token").to_owned())];
    shopper.page(&page)
}

/// `POST /{language}/account/verify`
pub(crate) async fn verify(posted: Posted) -> Response {
    let Posted { mut shopper, form } = posted;
    let Some(users) = shopper.app.users.clone() else {
        return shopper.fail(&PageError::NotFound);
    };
    let who = Who::anyone().from(&shopper.headers);
    match users.confirm(&who, form.text("mail_token")).await {
        Ok(session) => {
            shopper.jar.remove(Cookie::Visit);
            shopper.keep(&session);
            if let Err(error) = shopper.cart().await {
                tracing::warn!(error = %kit::problem::chain(&error), "a cart is merged later");
            }
            let href = shopper.path("account");
            shopper.see(&href)
        }
        Err(error)
            if error
                .status()
                .is_some_and(|status| status.is_client_error()) =>
        {
            token_over(shopper, "account/register")
        }
        Err(error) => shopper.fail(&PageError::Closed(error)),
    }
}

/// The link of a mail does not work any more.
pub(crate) fn token_over(shopper: Shopper, again: &str) -> Response {
    let t = shopper.messages().account;
    let label = if again.ends_with("forgot") {
        t.forgot_title
    } else {
        t.register_title
    };
    let page = shopper.message_page(
        "empty",
        t.token_over_title,
        t.token_over_text,
        vec![
            (label, shopper.path(again)),
            (t.login_title, shopper.path("account/login")),
        ],
    );
    shopper.wrong(&page)
}
