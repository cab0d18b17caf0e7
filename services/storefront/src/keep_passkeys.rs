//! Passkeys: adding and removing them, and logging in with one. The browser's part is `passkey.js`; what it sends is checked by users alone.

use crate::{
    assets,
    clients::{
        factors::Challenge,
        neighbor::{Who, problem_kind},
    },
    date::format_date,
    drawing,
    form::{Field, Form, Mistakes, is_line},
    jar::Cookie,
    messages::Messages,
    page_error::PageError,
    read_shopper::{Posted, Shopper},
    shell::Shell,
};
use askama::Template;
use axum::{
    Json,
    response::{IntoResponse as _, Response},
};
use http::StatusCode;
use kit::client::ClientError;
use serde_json::{Value, json};

#[derive(Template)]
#[template(path = "passkeys.html", whitespace = "minimize")]
struct PasskeysPage {
    t: &'static Messages,
    shell: Shell,
    token: String,
    said: Option<&'static str>,
    alert: Option<&'static str>,
    passkeys: Vec<PasskeyRow>,
    email: String,
    fields: Vec<Field>,
    base: String,
}

struct PasskeyRow {
    id: String,
    name: String,
    dates: String,
}

/// `GET /{language}/account/passkeys`
pub(crate) async fn show_passkeys(mut shopper: Shopper) -> Response {
    let (who, person) = match shopper.person_or_login().await {
        Ok(found) => found,
        Err(detour) => return shopper.detour(detour),
    };
    let Some(users) = shopper.app.users.clone() else {
        return shopper.fail(&PageError::NotFound);
    };
    let passkeys = match users.passkeys(&who).await {
        Ok(passkeys) => passkeys,
        Err(error) => return shopper.fail(&PageError::Closed(error)),
    };
    let (t, language) = (shopper.messages(), shopper.language());
    let none = Mistakes::default();
    let rows = passkeys.into_iter().map(|passkey| {
        let mut dates = (t.security.passkey_since)(&format_date(passkey.created_at, language));
        if let Some(used) = passkey.last_used_at {
            dates.push_str(", ");
            dates.push_str(&(t.security.passkey_used)(&format_date(used, language)));
        }
        PasskeyRow {
            id: passkey.id,
            name: passkey.name,
            dates,
        }
    });
    let page = PasskeysPage {
        t,
        shell: shopper.shell(t.security.passkeys, t.account.description),
        token: shopper.form_token(),
        said: match shopper.asked("done").as_str() {
            "added" => Some(t.security.passkey_added),
            "removed" => Some(t.security.passkey_removed),
            _ => None,
        },
        alert: (shopper.asked("problem") == "refused").then_some(t.security.passkey_refused),
        passkeys: rows.collect(),
        email: person.email,
        fields: vec![
            Field::new("name", t.security.passkey_name, "text")
                .at_most(100)
                .hinted(t.security.passkey_name_hint),
            Shopper::password_field("password", t.account.current_password, &none),
        ],
        base: shopper.path("account"),
    };
    shopper.page(&page)
}

/// `POST /{language}/account/passkeys/challenge`: what the browser shall ask an authenticator, as JSON.
pub(crate) async fn ask_for_passkey(posted: Posted) -> Response {
    let Posted { mut shopper, form } = posted;
    let t = shopper.messages();
    let (Some(users), Ok(Some((who, _)))) = (shopper.app.users.clone(), shopper.person().await)
    else {
        return challenge(shopper, Err(t.security.passkey_refused));
    };
    let name = form.text("name");
    if name.is_empty() || !is_line(name, 100) {
        return challenge(shopper, Err(t.security.passkey_name_wrong));
    }
    let asked = users.ask_for_passkey(&who, form.raw("password")).await;
    let asked = asked.map_err(|error| match (problem_kind(&error), error.status()) {
        (Some("too-many-passkeys"), _) => t.security.passkey_too_many,
        (_, Some(StatusCode::TOO_MANY_REQUESTS)) => t.account.too_often,
        (_, Some(status)) if status.is_client_error() => t.account.password_wrong,
        _ => t.account.part_away,
    });
    challenge(shopper, asked)
}

/// `POST /{language}/account/passkeys`
pub(crate) async fn add_passkey(posted: Posted) -> Response {
    let Posted { mut shopper, form } = posted;
    let (who, _) = match shopper.person_or_login().await {
        Ok(found) => found,
        Err(detour) => return shopper.detour(detour),
    };
    let Some(users) = shopper.app.users.clone() else {
        return shopper.fail(&PageError::NotFound);
    };
    let Some(credential) = credential(&form) else {
        let href = shopper.path("account/passkeys?problem=refused");
        return shopper.see(&href);
    };
    let added = users
        .add_passkey(&who, form.text("challenge"), form.text("name"), &credential)
        .await;
    done(shopper, added, "added")
}

/// `POST /{language}/account/passkeys/remove`
pub(crate) async fn remove_passkey(posted: Posted) -> Response {
    let Posted { mut shopper, form } = posted;
    let (who, _) = match shopper.person_or_login().await {
        Ok(found) => found,
        Err(detour) => return shopper.detour(detour),
    };
    let Some(users) = shopper.app.users.clone() else {
        return shopper.fail(&PageError::NotFound);
    };
    let removed = match users.remove_passkey(&who, form.text("id")).await {
        // Twice is no mistake.
        Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => Ok(()),
        removed => removed,
    };
    done(shopper, removed, "removed")
}

fn done(shopper: Shopper, outcome: Result<(), ClientError>, what: &str) -> Response {
    let href = match outcome {
        Ok(()) => shopper.path(&format!("account/passkeys?done={what}")),
        Err(error) if error.is_unavailable() => return shopper.fail(&PageError::Closed(error)),
        Err(error) => {
            tracing::info!(error = %kit::problem::chain(&error), "a passkey was not accepted");
            shopper.path("account/passkeys?problem=refused")
        }
    };
    shopper.see(&href)
}

/// `POST /{language}/account/login/passkey/challenge`: likewise, for whoever wants to log in.
pub(crate) async fn ask_who(posted: Posted) -> Response {
    let Posted { shopper, .. } = posted;
    let t = shopper.messages();
    let Some(users) = shopper.app.users.clone() else {
        return shopper.fail(&PageError::NotFound);
    };
    let who = Who::anyone().from(&shopper.headers);
    let asked = users.ask_who(&who).await.map_err(|error| {
        if error.status() == Some(StatusCode::TOO_MANY_REQUESTS) {
            t.account.too_often
        } else {
            t.account.part_away
        }
    });
    challenge(shopper, asked)
}

/// `POST /{language}/account/login/passkey`
pub(crate) async fn log_in_with_passkey(posted: Posted) -> Response {
    let Posted { shopper, form } = posted;
    let Some(users) = shopper.app.users.clone() else {
        return shopper.fail(&PageError::NotFound);
    };
    let next = form.text("next").to_owned();
    let Some(credential) = credential(&form) else {
        return shopper.refuse_passkey(&next);
    };
    let who = Who::anyone().from(&shopper.headers);
    match users
        .log_in_with_passkey(&who, form.text("challenge"), &credential)
        .await
    {
        Ok(session) => shopper.let_in(&session, &next).await,
        Err(error) if error.is_unavailable() => shopper.fail(&PageError::Closed(error)),
        Err(error) => {
            tracing::info!(error = %kit::problem::chain(&error), "a passkey let nobody in");
            shopper.refuse_passkey(&next)
        }
    }
}

impl Shopper {
    /// Back to the login page, which says that the passkey is of no use here.
    fn refuse_passkey(self, next: &str) -> Response {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("problem", "passkey")
            .append_pair("next", next)
            .finish();
        let href = self.path(&format!("account/login?{query}"));
        self.see(&href)
    }

    /// Begins a session in this browser, with the cart that was filled before.
    pub(crate) async fn let_in(
        mut self,
        session: &crate::clients::users::Session,
        next: &str,
    ) -> Response {
        // Forms opened before belong to who was here before.
        self.jar.remove(Cookie::Visit);
        self.keep(session);
        // What was chosen before comes along; if the cart can't be reached now, it does so later.
        if let Err(error) = self.cart().await {
            tracing::warn!(error = %kit::problem::chain(&error), "a cart is merged later");
        }
        let href = self.next_href(next);
        self.see(&href)
    }
}

fn challenge(shopper: Shopper, asked: Result<Challenge, &'static str>) -> Response {
    let answer = match asked {
        Ok(challenge) => Json(json!(challenge)).into_response(),
        Err(problem) => (
            StatusCode::UNPROCESSABLE_ENTITY,
            Json(json!({ "problem": problem })),
        )
            .into_response(),
    };
    shopper.answer(answer)
}

/// What the authenticator answered: looked at by users, which knows what was asked.
fn credential(form: &Form) -> Option<Value> {
    serde_json::from_str(form.filled("credential")?).ok()
}
