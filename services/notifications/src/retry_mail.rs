//! `POST /v1/mails/{id}/retry`: staff have a mail that was given up tried again.

use axum::extract::State;
use http::StatusCode;
use kit::{
    Problem,
    auth::Identity,
    extract::{Json, Path},
    problem::ProblemSchema,
};
use uuid::Uuid;

use crate::{
    App,
    db::{mails, queue},
    list_mails::MailView,
};

/// The permission to have mails tried again.
pub const WRITE: &str = "mails:write";

/// Has a mail that was given up tried again, from the beginning.
#[utoipa::path(
    post, path = "/v1/mails/{id}/retry", tag = "mails", params(("id" = Uuid, Path)), security(("token" = [])),
    responses(
        (status = 202, body = MailView),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 403, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 404, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 409, body = ProblemSchema, content_type = "application/problem+json", description = "It was not given up, or there is nothing left to send."),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn retry_mail(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    caller: Identity,
) -> Result<(StatusCode, Json<MailView>), Problem> {
    caller.require(WRITE)?;
    let Some(mail) = mails::find(&app.db, id).await? else {
        return Err(Problem::not_found("no-such-mail", "There is no such mail."));
    };
    let now = app.clock.now();
    let Some(again) = mail.retried(now) else {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "mail-not-failed",
            "Only a mail that was given up can be tried again.",
        ));
    };
    let entry = queue::Entry {
        mail: id,
        attempt: again.attempts + 1,
        next_at: now,
    };
    mails::replace(&app.db, &again).await?;
    queue::insert(&app.db, entry).await?;
    app.queued.notify_one();
    Ok((StatusCode::ACCEPTED, Json(again.into())))
}
