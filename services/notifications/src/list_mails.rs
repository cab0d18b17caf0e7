//! `GET /v1/mails`: what became of mails, for staff. Whom they went to is not told.

use axum::extract::State;
use jiff::Timestamp;
use kit::{
    Problem,
    auth::Identity,
    extract::{Json, Query},
    page::{self, Page, PageQuery},
    problem::ProblemSchema,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    App,
    db::mails,
    language::Language,
    mail::{Mail, State as MailState},
};

/// The permission to see what became of mails.
pub const READ: &str = "mails:read";
/// How many mails a page has unless another number is asked for.
const PAGE: u32 = 50;

/// What is asked for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MailsQuery {
    /// Only mails in this state.
    pub state: Option<MailState>,
    /// How many rows at most (1 to 100).
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// A mail.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Mail)]
pub struct MailView {
    /// The id of the event that gave occasion to it.
    pub id: Uuid,
    /// What kind of mail it is, such as `order_confirmed`.
    #[schema(example = "order_confirmed")]
    pub kind: String,
    /// What it is about: the id of the order or person.
    pub about: String,
    /// Its language.
    pub language: Language,
    /// What became of it.
    pub state: MailState,
    /// How often it was tried.
    pub attempts: u32,
    /// When the event was heard.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it is tried next.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
    /// When the mail server took it.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Timestamp>,
    /// Why the last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl From<Mail> for MailView {
    fn from(mail: Mail) -> Self {
        let Mail {
            id,
            kind,
            about,
            language,
            state,
            attempts,
            attempts_left: _,
            created_at,
            next_at,
            sent_at,
            error,
            reader: _,
            sealed: _,
        } = mail;
        Self {
            id,
            kind,
            about,
            language,
            state,
            attempts,
            created_at,
            next_at,
            sent_at,
            error,
        }
    }
}

/// Lists mails, the newest first.
#[utoipa::path(
    get, path = "/v1/mails", tag = "mails", params(MailsQuery), security(("token" = [])),
    responses(
        (status = 200, body = Page<MailView>),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 403, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn list_mails(
    State(app): State<App>,
    caller: Identity,
    Query(query): Query<MailsQuery>,
) -> Result<Json<Page<MailView>>, Problem> {
    caller.require(READ)?;
    let MailsQuery {
        state,
        limit,
        cursor,
    } = query;
    let asked = PageQuery { limit, cursor };
    let (limit, before) = (asked.limit(PAGE)?, asked.position::<Uuid>()?);
    // One more than asked for tells whether there is another page.
    let mut mails = mails::newest(&app.db, state, before, i64::from(limit) + 1).await?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = mails.len() > limit;
    mails.truncate(limit);
    let last = mails.last().filter(|_| has_more);
    Ok(Json(Page {
        next_cursor: last.map(|last| page::encode(&last.id)),
        items: mails.into_iter().map(MailView::from).collect(),
    }))
}
