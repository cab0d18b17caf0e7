//! What a sink refused for good, for staff to see and to send again.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::MySqlConnection;
use uuid::Uuid;

use super::Relay;
use crate::{
    Problem, audit,
    auth::Identity,
    mariadb::{At, unavailable},
    page::{self, Page, PageQuery},
};

/// The permission to see what was refused, and to send it again.
const WRITE: &str = "events:write";

const LIST: &str =
    "SELECT d.sink, d.seq, d.attempts, d.last_error, o.id, o.type, o.aggregate, o.created_at
    FROM outbox_delivery d JOIN outbox o ON o.seq = d.seq
    WHERE d.state = 'dead' AND (d.sink, d.seq) > (?, ?) ORDER BY d.sink, d.seq LIMIT ?";
const REPLAY: &str = "UPDATE outbox_delivery d JOIN outbox o ON o.seq = d.seq
    SET d.state = 'pending', d.attempts = 0, d.next_at = NULL WHERE o.id = ? AND d.state = 'dead'";

/// An event that its sink refused for good. What it says is not shown: it may be about persons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeadLetter {
    /// The event.
    pub id: Uuid,
    /// Who refused it.
    pub sink: String,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: String,
    /// To what.
    pub subject: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub time: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// What the sink said last.
    pub last_error: String,
}

/// What a service's staff do about dead letters. The service has the tables of [`audit`] beside those of the outbox.
impl Relay {
    /// Lists dead letters for a caller with the permission `events:write`.
    pub async fn list_dead_letters(
        &self,
        caller: &Identity,
        query: &PageQuery,
    ) -> Result<Page<DeadLetter>, Problem> {
        caller.require(WRITE)?;
        let mut connection = self.0.pool.acquire().await.map_err(unavailable)?;
        dead_letters(&mut connection, query).await
    }

    /// Sends one again, notes in the audit trail who asked for it, and wakes the relay. The caller needs the permission `events:write`.
    pub async fn replay_dead_letter(&self, caller: &Identity, id: Uuid) -> Result<(), Problem> {
        caller.require(WRITE)?;
        let was_there = self.replay_noted(caller, id).await.map_err(unavailable)?;
        if !was_there {
            return Err(Problem::not_found(
                "dead-letter-not-found",
                "There is no such dead letter.",
            ));
        }
        self.ring();
        Ok(())
    }

    async fn replay_noted(&self, caller: &Identity, id: Uuid) -> Result<bool, sqlx::Error> {
        let (actor, subject) = (caller.subject(), id.to_string());
        let mut transaction = self.0.pool.begin().await?;
        if !replay(&mut transaction, id).await? {
            return Ok(false);
        }
        let clock = &self.0.clock;
        audit::record(
            &mut transaction,
            clock,
            actor,
            "event.replay",
            &subject,
            &json!({}),
        )
        .await?;
        transaction.commit().await?;
        Ok(true)
    }
}

/// Dead letters, by sink, the oldest first.
pub async fn dead_letters(
    connection: &mut MySqlConnection,
    query: &PageQuery,
) -> Result<Page<DeadLetter>, Problem> {
    type Columns = (String, u64, u32, Option<String>, Uuid, String, String, At);
    let limit = query.limit(50)?;
    let (sink, seq): (String, u64) = query.position()?.unwrap_or_default();
    let mut rows: Vec<Columns> = sqlx::query_as(LIST)
        .bind(sink)
        .bind(seq)
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
        .map(|last| page::encode(&(&last.0, last.1)));
    let items = rows
        .into_iter()
        .map(
            |(sink, _, attempts, last_error, id, kind, subject, time)| DeadLetter {
                id,
                sink,
                kind,
                subject,
                time: time.0,
                attempts,
                last_error: last_error.unwrap_or_default(),
            },
        );
    Ok(Page {
        items: items.collect(),
        next_cursor,
    })
}

/// Sends a dead letter again, to every sink that refused it; false when there is none of this id. It goes before later events of
/// its aggregate that still wait, and after those that were taken meanwhile. Ring the relay after the commit.
pub async fn replay(connection: &mut MySqlConnection, id: Uuid) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(REPLAY).bind(id).execute(connection).await?;
    Ok(done.rows_affected() > 0)
}
