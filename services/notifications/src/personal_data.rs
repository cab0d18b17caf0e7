//! What notifications keeps on a person, told and forgotten.

use axum::extract::State;
use http::StatusCode;
use jiff::Timestamp;
use kit::{
    Problem,
    auth::Identity,
    extract::{Json, Path, PersonEmail},
};
use serde::Serialize;
use uuid::Uuid;

use crate::{
    App,
    db::{mails, queue},
    mail::{Mail, State as MailState},
    seal_mail,
};

/// The permission to read all that is kept on a person.
pub const EXPORT: &str = "people:export";
/// The permission to forget a person.
pub const ERASE: &str = "people:erase";

/// All that is kept on a person.
#[derive(Debug, Serialize)]
pub struct Export {
    /// The mails of the last month.
    pub mails: Vec<ExportedMail>,
}

/// A mail to a person.
#[derive(Debug, Serialize)]
pub struct ExportedMail {
    /// What kind of mail it is.
    pub kind: String,
    /// What it is about.
    pub about: String,
    /// What became of it.
    pub state: MailState,
    /// When it was queued.
    pub created_at: Timestamp,
    /// When the mail server took it.
    pub sent_at: Option<Timestamp>,
}

/// `GET /internal/v1/people/{id}`: mails about orders know their reader by the address alone.
pub async fn export_person(
    State(app): State<App>,
    Path(person): Path<Uuid>,
    caller: Identity,
    PersonEmail(email): PersonEmail,
) -> Result<Json<Export>, Problem> {
    caller.require(EXPORT)?;
    let mails = find(&app, person, email.as_deref()).await?;
    let mails = mails.into_iter().map(|mail| ExportedMail {
        kind: mail.kind,
        about: mail.about,
        state: mail.state,
        created_at: mail.created_at,
        sent_at: mail.sent_at,
    });
    Ok(Json(Export {
        mails: mails.collect(),
    }))
}

/// `DELETE /internal/v1/people/{id}`. What was not sent is not sent any more, but for the mail that says that the account is gone.
pub async fn erase_person(
    State(app): State<App>,
    Path(person): Path<Uuid>,
    caller: Identity,
    PersonEmail(email): PersonEmail,
) -> Result<StatusCode, Problem> {
    caller.require(ERASE)?;
    for mail in find(&app, person, email.as_deref()).await? {
        queue::delete(&app.db, mail.id).await?;
        seal_mail::destroy_key(&app, mail.reader).await?;
        mails::replace(&app.db, &mail.erased()).await?;
    }
    if let Some(email) = &email {
        seal_mail::destroy_key(&app, seal_mail::reader(&app, email)?).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn find(app: &App, person: Uuid, email: Option<&str>) -> Result<Vec<Mail>, Problem> {
    let reader = email
        .map(|email| seal_mail::reader(app, email))
        .transpose()?;
    Ok(mails::of_person(&app.db, person, reader).await?)
}
