//! Who did what to what, kept when everything else about a person is erased: it holds ids, never names.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::{MySqlConnection, types::Json};
use uuid::Uuid;

use crate::{
    Problem,
    clock::Clock,
    mariadb::{At, unavailable},
    page::{self, Page, PageQuery},
};

/// The table, as the `sql` of a [`Migration`](crate::mariadb::Migration).
pub const MIGRATION: &str = "
CREATE TABLE IF NOT EXISTS audit (
    id BINARY(16) NOT NULL PRIMARY KEY,
    at DATETIME(6) NOT NULL,
    actor VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    action VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    subject VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    details LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    KEY audit_actor (actor, id),
    KEY audit_subject (subject, id)
) ENGINE = InnoDB;
";

const INSERT: &str =
    "INSERT INTO audit (id, at, actor, action, subject, details) VALUES (?, ?, ?, ?, ?, ?)";
/// One for each way to ask, so that each has its index.
const ALL: &str = "SELECT id, at, actor, action, subject, details FROM audit
    WHERE id < ? AND (? IS NULL OR action = ?) ORDER BY id DESC LIMIT ?";
const OF_ACTOR: &str = "SELECT id, at, actor, action, subject, details FROM audit
    WHERE actor = ? AND id < ? AND (? IS NULL OR action = ?) ORDER BY id DESC LIMIT ?";
const OF_SUBJECT: &str = "SELECT id, at, actor, action, subject, details FROM audit
    WHERE subject = ? AND id < ? AND (? IS NULL OR action = ?) AND (? IS NULL OR actor = ?) ORDER BY id DESC LIMIT ?";

/// One thing that was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Entry {
    /// Its id.
    pub id: Uuid,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Who did it: the subject of a token.
    pub actor: String,
    /// What, such as `roles.granted`.
    pub action: String,
    /// To what: an id.
    pub subject: String,
    /// What else is worth knowing; nothing that names a person.
    #[schema(value_type = Object)]
    pub details: serde_json::Value,
}

/// Which entries are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Only what this one did.
    pub actor: Option<String>,
    /// Only what was done to this.
    pub subject: Option<String>,
    /// Only this kind.
    pub action: Option<String>,
}

/// Writes what was done, in its transaction. `details` must hold no personal data: they can't be erased.
pub async fn record(
    connection: &mut MySqlConnection,
    clock: &Clock,
    actor: &str,
    action: &str,
    subject: &str,
    details: &(impl Serialize + Sync),
) -> Result<(), sqlx::Error> {
    sqlx::query(INSERT)
        .bind(clock.uuid())
        .bind(At(clock.now()))
        .bind(actor)
        .bind(action)
        .bind(subject)
        .bind(serde_json::to_string(details).map_err(|error| sqlx::Error::Encode(error.into()))?)
        .execute(connection)
        .await?;
    Ok(())
}

/// What was done, the newest first.
pub async fn list(
    connection: &mut MySqlConnection,
    filter: &Filter,
    query: &PageQuery,
) -> Result<Page<Entry>, Problem> {
    type Columns = (Uuid, At, String, String, String, Json<serde_json::Value>);
    let limit = query.limit(50)?;
    let before = query.position::<Uuid>()?.unwrap_or(Uuid::max());
    let action = filter.action.as_deref();
    let actor = filter.actor.as_deref();
    let rows = match (&filter.subject, actor) {
        (Some(subject), actor) => sqlx::query_as(OF_SUBJECT)
            .bind(subject)
            .bind(before)
            .bind(action)
            .bind(action)
            .bind(actor)
            .bind(actor),
        (None, Some(actor)) => sqlx::query_as(OF_ACTOR)
            .bind(actor)
            .bind(before)
            .bind(action)
            .bind(action),
        (None, None) => sqlx::query_as(ALL).bind(before).bind(action).bind(action),
    };
    let mut rows: Vec<Columns> = rows
        .bind(limit + 1)
        .fetch_all(connection)
        .await
        .map_err(unavailable)?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let is_more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = rows
        .last()
        .filter(|_| is_more)
        .map(|last| page::encode(&last.0));
    let items = rows
        .into_iter()
        .map(|(id, at, actor, action, subject, details)| Entry {
            id,
            at: at.0,
            actor,
            action,
            subject,
            details: details.0,
        });
    Ok(Page {
        items: items.collect(),
        next_cursor,
    })
}
