//! Name and language, password, sessions; taking one's data along, and leaving.

use crate::{
    clients::neighbor::problem_kind,
    form::{Entry, Field, Mistakes, is_line},
    form_page::{FormPage, Summary},
    jar::Cookie,
    language::Language,
    page_error::PageError,
    read_shopper::{Posted, Shopper},
    register_person::note,
};
use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, header};

/// `GET /{language}/account/profile`
pub(crate) async fn show_profile(mut shopper: Shopper) -> Response {
    let (_, person) = match shopper.person_or_login().await {
        Ok(found) => found,
        Err(detour) => return shopper.detour(detour),
    };
    let page = profile_page(
        &mut shopper,
        &person.name,
        &person.locale,
        &Mistakes::default(),
    );
    shopper.page(&page)
}

fn profile_page(shopper: &mut Shopper, name: &str, locale: &str, mistakes: &Mistakes) -> FormPage {
    let t = shopper.messages().account;
    let languages = Language::ALL
        .iter()
        .map(|language| Entry {
            value: language.code().to_owned(),
            label: language.messages().this_language.to_owned(),
            is_chosen: language.code() == locale,
        })
        .collect();
    let mut page = shopper.form_page(t.profile, "", "account/profile", t.save);
    page.fields = vec![
        Field::new("name", t.name, "text")
            .filled_by("name", "text")
            .at_most(100)
            .with(name)
            .judged(mistakes),
        Field::new("locale", t.language, "select")
            .filled_by("language", "")
            .among(languages)
            .judged(mistakes),
    ];
    page.mistakes = Summary::new(shopper, mistakes);
    page.links = vec![(t.menu, shopper.path("account"))];
    page
}

/// `POST /{language}/account/profile`
pub(crate) async fn edit_profile(posted: Posted) -> Response {
    let Posted { mut shopper, form } = posted;
    let (who, _) = match shopper.person_or_login().await {
        Ok(found) => found,
        Err(detour) => return shopper.detour(detour),
    };
    let Some(users) = shopper.app.users.clone() else {
        return shopper.fail(&PageError::NotFound);
    };
    let name = form.text("name");
    let language = Language::from_code(form.text("locale")).unwrap_or_else(|| shopper.language());
    let mut mistakes = Mistakes::default();
    let is_name = !name.is_empty() && is_line(name, 100);
    mistakes.require(is_name, "name", shopper.messages().account.name_wrong);
    if mistakes.is_empty() {
        match users.rename(&who, name, language).await {
            Ok(()) => {
                let href = shopper.path("account?done=saved");
                return shopper.see(&href);
            }
            Err(error)
                if matches!(
                    error.status(),
                    Some(StatusCode::PRECONDITION_FAILED | StatusCode::CONFLICT)
                ) =>
            {
                mistakes.add("name", shopper.messages().account.changed_meanwhile);
            }
            Err(error) => {
                if let Err(error) = note(&shopper, error, &mut mistakes) {
                    return shopper.fail(&PageError::Closed(error));
                }
            }
        }
    }
    let page = profile_page(&mut shopper, name, language.code(), &mistakes);
    shopper.wrong(&page)
}

/// `GET /{language}/account/password`
pub(crate) async fn show_password(mut shopper: Shopper) -> Response {
    let (_, person) = match shopper.person_or_login().await {
        Ok(found) => found,
        Err(detour) => return shopper.detour(detour),
    };
    let page = password_page(&mut shopper, &person.email, &Mistakes::default());
    shopper.page(&page)
}

fn password_page(shopper: &mut Shopper, email: &str, mistakes: &Mistakes) -> FormPage {
    let t = shopper.messages().account;
    let mut page = shopper.form_page(t.change_password, "", "account/password", t.save);
    page.username = Some(email.to_owned());
    page.fields = vec![
        Shopper::password_field("current", t.current_password, mistakes),
        shopper.new_password_field(t.new_password, mistakes),
    ];
    page.mistakes = Summary::new(shopper, mistakes);
    page.links = vec![(t.menu, shopper.path("account"))];
    page
}

/// `POST /{language}/account/password`
pub(crate) async fn change_password(posted: Posted) -> Response {
    let Posted { mut shopper, form } = posted;
    let (who, person) = match shopper.person_or_login().await {
        Ok(found) => found,
        Err(detour) => return shopper.detour(detour),
    };
    let Some(users) = shopper.app.users.clone() else {
        return shopper.fail(&PageError::NotFound);
    };
    let t = shopper.messages().account;
    let mut mistakes = Mistakes::default();
    mistakes.require(form.has("current"), "current", t.password_missing);
    shopper.judge_password(form.raw("password"), &mut mistakes);
    if mistakes.is_empty() {
        match users
            .change_password(&who, form.raw("current"), form.raw("password"))
            .await
        {
            Ok(session) => {
                shopper.keep(&session);
                let href = shopper.path("account?done=password");
                return shopper.see(&href);
            }
            Err(error) if problem_kind(&error) == Some("wrong-password") => {
                mistakes.add("current", t.password_wrong);
            }
            Err(error) => {
                if let Err(error) = note(&shopper, error, &mut mistakes) {
                    return shopper.fail(&PageError::Closed(error));
                }
            }
        }
    }
    let page = password_page(&mut shopper, &person.email, &mistakes);
    shopper.wrong(&page)
}

/// `POST /{language}/account/sessions/end`
pub(crate) async fn end_sessions(posted: Posted) -> Response {
    let Posted { mut shopper, .. } = posted;
    let (who, _) = match shopper.person_or_login().await {
        Ok(found) => found,
        Err(detour) => return shopper.detour(detour),
    };
    let Some(users) = shopper.app.users.clone() else {
        return shopper.fail(&PageError::NotFound);
    };
    match users.end_sessions(&who).await {
        Ok(()) => {
            shopper.forget_session();
            let href = shopper.path("account/login?done=sessions");
            shopper.see(&href)
        }
        Err(error) => shopper.fail(&PageError::Closed(error)),
    }
}

/// `POST /{language}/account/export`: a form, so that no link of another site makes the services gather it.
pub(crate) async fn export_data(posted: Posted) -> Response {
    let Posted { mut shopper, .. } = posted;
    let (who, _) = match shopper.person_or_login().await {
        Ok(found) => found,
        Err(detour) => return shopper.detour(detour),
    };
    let Some(users) = shopper.app.users.clone() else {
        return shopper.fail(&PageError::NotFound);
    };
    match users.export(&who).await {
        Ok(json) => {
            let headers = [
                (header::CONTENT_TYPE, "application/json"),
                (
                    header::CONTENT_DISPOSITION,
                    "attachment; filename=\"amazoff.json\"",
                ),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            ];
            shopper.answer((headers, json).into_response())
        }
        Err(error) => shopper.fail(&PageError::Closed(error)),
    }
}

/// `GET /{language}/account/delete`
pub(crate) async fn ask_to_delete(mut shopper: Shopper) -> Response {
    let (_, person) = match shopper.person_or_login().await {
        Ok(found) => found,
        Err(detour) => return shopper.detour(detour),
    };
    let page = delete_page(&mut shopper, &person.email, &Mistakes::default());
    shopper.page(&page)
}

fn delete_page(shopper: &mut Shopper, email: &str, mistakes: &Mistakes) -> FormPage {
    let t = shopper.messages().account;
    let mut page = shopper.form_page(
        t.delete_sure_title,
        t.delete_sure_text,
        "account/delete",
        t.delete_button,
    );
    page.is_final = true;
    page.username = Some(email.to_owned());
    page.fields = vec![Shopper::password_field("password", t.password, mistakes)];
    page.mistakes = Summary::new(shopper, mistakes);
    page.links = vec![(t.menu, shopper.path("account"))];
    page
}

/// `POST /{language}/account/delete`
pub(crate) async fn delete_account(posted: Posted) -> Response {
    let Posted { mut shopper, form } = posted;
    let (who, person) = match shopper.person_or_login().await {
        Ok(found) => found,
        Err(detour) => return shopper.detour(detour),
    };
    let Some(users) = shopper.app.users.clone() else {
        return shopper.fail(&PageError::NotFound);
    };
    let t = shopper.messages().account;
    let mut mistakes = Mistakes::default();
    match users.erase(&who, form.raw("password")).await {
        Ok(()) => {
            shopper.forget_session();
            for cookie in [
                Cookie::Draft,
                Cookie::Visit,
                Cookie::Orders,
                Cookie::Payment,
            ] {
                shopper.jar.remove(cookie);
            }
            let href = shopper.path("account/deleted");
            return shopper.see(&href);
        }
        Err(error) if problem_kind(&error) == Some("wrong-password") => {
            mistakes.add("password", t.password_wrong);
        }
        Err(error) => match error.status() {
            Some(StatusCode::TOO_MANY_REQUESTS) => mistakes.add("password", t.too_often),
            Some(status) if status.is_client_error() => mistakes.add("password", t.refused),
            _ => return shopper.fail(&PageError::Closed(error)),
        },
    }
    let page = delete_page(&mut shopper, &person.email, &mistakes);
    shopper.wrong(&page)
}

/// `GET /{language}/account/deleted`
pub(crate) async fn show_deleted(shopper: Shopper) -> Response {
    let t = shopper.messages();
    let page = shopper.message_page(
        "garden",
        t.account.deleted_title,
        t.account.deleted_text,
        vec![(t.back_home, shopper.path(""))],
    );
    shopper.page(&page)
}

/// What is typed in the address bar of a page that only takes forms leads to the account.
pub(crate) async fn to_account(shopper: Shopper) -> Response {
    let href = shopper.path("account");
    shopper.see(&href)
}
