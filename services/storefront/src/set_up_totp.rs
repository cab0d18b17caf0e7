//! Codes from an authenticator app as a second step at login: setting them up, and going without again.

use crate::{
    assets,
    clients::neighbor::problem_kind,
    drawing,
    form::{Field, Form, Mistakes},
    form_page::{FormPage, Summary},
    messages::Messages,
    page_error::PageError,
    qr_code::{self, Picture},
    read_shopper::{Posted, Shopper},
    shell::Shell,
};
use askama::Template;
use axum::response::Response;
use http::StatusCode;
use kit::client::ClientError;

/// What the addresses begin with that authenticator apps open.
const APP_LINK: &str = "otpauth://totp/";

#[derive(Template)]
#[template(path = "totp_scan.html", whitespace = "minimize")]
struct ScanPage {
    t: &'static Messages,
    shell: Shell,
    token: String,
    mistakes: Option<Summary>,
    picture: Option<Picture>,
    uri: String,
    secret: String,
    field: Field,
    base: String,
}

#[derive(Template)]
#[template(path = "totp_codes.html", whitespace = "minimize")]
struct CodesPage {
    t: &'static Messages,
    shell: Shell,
    codes: Vec<String>,
    base: String,
}

/// `GET /{language}/account/totp`: the way in, or the way out.
pub(crate) async fn show_totp(mut shopper: Shopper) -> Response {
    let (_, person) = match shopper.person_or_login().await {
        Ok(found) => found,
        Err(detour) => return shopper.detour(detour),
    };
    let mistakes = Mistakes::default();
    let page = if person.has_totp {
        removal_page(&mut shopper, &person.email, &mistakes)
    } else {
        let mut page = beginning_page(&mut shopper, &person.email, &mistakes);
        let t = shopper.messages().security;
        page.alert = shopper
            .visit
            .query()
            .contains("problem=over")
            .then_some(t.totp_over);
        page
    };
    shopper.page(&page)
}

fn beginning_page(shopper: &mut Shopper, email: &str, mistakes: &Mistakes) -> FormPage {
    let t = shopper.messages();
    let mut page = shopper.form_page(
        t.security.totp_set_up,
        t.security.totp_begin_text,
        "account/totp",
        t.security.totp_continue,
    );
    page.username = Some(email.to_owned());
    page.fields = vec![Shopper::password_field(
        "password",
        t.account.password,
        mistakes,
    )];
    page.mistakes = Summary::new(shopper, mistakes);
    page.links = vec![(t.account.menu, shopper.path("account"))];
    page
}

fn removal_page(shopper: &mut Shopper, email: &str, mistakes: &Mistakes) -> FormPage {
    let t = shopper.messages();
    let mut page = shopper.form_page(
        t.security.totp_turn_off,
        t.security.totp_remove_text,
        "account/totp/remove",
        t.security.totp_turn_off,
    );
    page.is_final = true;
    page.username = Some(email.to_owned());
    page.fields = vec![
        Shopper::password_field("password", t.account.password, mistakes),
        Shopper::code_field(t.account.code, t.account.code_hint, mistakes),
    ];
    page.mistakes = Summary::new(shopper, mistakes);
    page.links = vec![(t.account.menu, shopper.path("account"))];
    page
}

/// `POST /{language}/account/totp`: the password is asked for, so that nobody who finds a browser open locks its owner out.
pub(crate) async fn begin_totp(posted: Posted) -> Response {
    let Posted { mut shopper, form } = posted;
    let (who, person) = match shopper.person_or_login().await {
        Ok(found) => found,
        Err(detour) => return shopper.detour(detour),
    };
    let Some(users) = shopper.app.users.clone() else {
        return shopper.fail(&PageError::NotFound);
    };
    let mut mistakes = Mistakes::default();
    match users.begin_totp(&who, form.raw("password")).await {
        Ok(key) => {
            let page = scan_page(&mut shopper, &key.uri, &key.secret, &mistakes);
            return shopper.page(&page);
        }
        Err(error) if problem_kind(&error) == Some("totp-in-use") => {
            let href = shopper.path("account/totp");
            return shopper.see(&href);
        }
        Err(error) => {
            if let Err(error) = note_password(&shopper, error, &mut mistakes) {
                return shopper.fail(&PageError::Closed(error));
            }
        }
    }
    let page = beginning_page(&mut shopper, &person.email, &mistakes);
    shopper.wrong(&page)
}

fn scan_page(shopper: &mut Shopper, uri: &str, secret: &str, mistakes: &Mistakes) -> ScanPage {
    let t = shopper.messages();
    ScanPage {
        t,
        shell: shopper.shell(t.security.totp_scan_title, t.account.description),
        token: shopper.form_token(),
        mistakes: Summary::new(shopper, mistakes),
        picture: qr_code::picture(uri),
        uri: uri.to_owned(),
        secret: secret.to_owned(),
        field: Shopper::code_field(t.security.totp_code, t.security.totp_code_hint, mistakes),
        base: shopper.path("account"),
    }
}

/// `POST /{language}/account/totp/confirm`
pub(crate) async fn confirm_totp(posted: Posted) -> Response {
    let Posted { mut shopper, form } = posted;
    let (who, _) = match shopper.person_or_login().await {
        Ok(found) => found,
        Err(detour) => return shopper.detour(detour),
    };
    let Some(users) = shopper.app.users.clone() else {
        return shopper.fail(&PageError::NotFound);
    };
    let t = shopper.messages();
    let mut mistakes = Mistakes::default();
    match users.confirm_totp(&who, form.text("code")).await {
        Ok(codes) => {
            let page = CodesPage {
                t,
                shell: shopper.shell(t.security.codes_title, t.account.description),
                codes,
                base: shopper.path("account"),
            };
            return shopper.page(&page);
        }
        Err(error) if problem_kind(&error) == Some("totp-not-begun") => {
            let href = shopper.path("account/totp?problem=over");
            return shopper.see(&href);
        }
        Err(error) => match error.status() {
            Some(StatusCode::TOO_MANY_REQUESTS) => mistakes.add("code", t.account.too_often),
            Some(status) if status.is_client_error() => {
                mistakes.add("code", t.security.totp_code_wrong);
            }
            _ => return shopper.fail(&PageError::Closed(error)),
        },
    }
    // The page is shown again with the key that it was sent with; an address of another kind is not drawn.
    let uri = form.text("uri");
    let uri = if uri.starts_with(APP_LINK) { uri } else { "" };
    let page = scan_page(&mut shopper, uri, form.text("secret"), &mistakes);
    shopper.wrong(&page)
}

/// `POST /{language}/account/totp/remove`
pub(crate) async fn remove_totp(posted: Posted) -> Response {
    let Posted { mut shopper, form } = posted;
    let (who, person) = match shopper.person_or_login().await {
        Ok(found) => found,
        Err(detour) => return shopper.detour(detour),
    };
    let Some(users) = shopper.app.users.clone() else {
        return shopper.fail(&PageError::NotFound);
    };
    let mut mistakes = Mistakes::default();
    match users
        .remove_totp(&who, form.raw("password"), form.text("code"))
        .await
    {
        Ok(()) => {
            let href = shopper.path("account?done=totp-removed");
            return shopper.see(&href);
        }
        Err(error) if is_about(&error, "code") => {
            mistakes.add("code", shopper.messages().security.totp_code_wrong);
        }
        Err(error) => {
            if let Err(error) = note_password(&shopper, error, &mut mistakes) {
                return shopper.fail(&PageError::Closed(error));
            }
        }
    }
    let page = removal_page(&mut shopper, &person.email, &mistakes);
    shopper.wrong(&page)
}

fn is_about(error: &ClientError, field: &str) -> bool {
    error
        .problem()
        .is_some_and(|problem| problem.errors.iter().any(|one| one.field == field))
}

/// What is wrong with a password that was asked for once more.
pub(crate) fn note_password(
    shopper: &Shopper,
    error: ClientError,
    mistakes: &mut Mistakes,
) -> Result<(), ClientError> {
    let t = shopper.messages().account;
    match error.status() {
        Some(StatusCode::TOO_MANY_REQUESTS) => mistakes.add("password", t.too_often),
        Some(status) if status.is_client_error() => mistakes.add("password", t.password_wrong),
        _ => return Err(error),
    }
    Ok(())
}

impl Shopper {
    /// The field of a code.
    pub(crate) fn code_field(
        label: &'static str,
        hint: &'static str,
        mistakes: &Mistakes,
    ) -> Field {
        Field::new("code", label, "text")
            .filled_by("one-time-code", "text")
            .at_most(40)
            .hinted(hint)
            .judged(mistakes)
    }

    /// The query of the page asked for.
    pub(crate) fn asked(&self, name: &str) -> String {
        Form::parse(self.visit.query().as_bytes())
            .text(name)
            .to_owned()
    }
}
