//! The relay's statements.

use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection, MySqlPool};
use uuid::Uuid;

use crate::mariadb::At;

/// The state of the server and of the sink, in one round trip: an idle relay that stayed on a server that is no longer the
/// writable one would wait there for ever.
const LOOK: &str = "SELECT @@global.read_only NOT IN ('0', 'OFF'),
    EXISTS (SELECT 1 FROM outbox_delivery WHERE sink = ? AND state = 'pending')";
/// The lock of a relay whose machine is lost without a word ends after this time, which is longer than any page takes.
const PREPARE: &str = "SET SESSION wait_timeout = 60";
const LOCK: &str = "SELECT GET_LOCK(CONCAT(DATABASE(), '.outbox.', ?), ?)";
const UNLOCK: &str = "DO RELEASE_LOCK(CONCAT(DATABASE(), '.outbox.', ?))";
/// `STRAIGHT_JOIN`: in the order of the primary key of what is owed, whatever the statistics say.
const PENDING: &str = "SELECT d.seq, d.attempts, d.next_at, o.id, o.aggregate, o.type, o.payload, o.traceparent, o.created_at
    FROM outbox_delivery d STRAIGHT_JOIN outbox o ON o.seq = d.seq
    WHERE d.sink = ? AND d.seq > ? AND d.state = 'pending' ORDER BY d.seq LIMIT ?";
const REFUSE: &str = "UPDATE outbox_delivery SET state = ?, attempts = ?, next_at = ?, last_error = ? WHERE sink = ? AND seq = ?";
const OWED: &str =
    "SELECT d.sink, d.state, COUNT(*), MIN(d.seq) FROM outbox_delivery d GROUP BY d.sink, d.state";
const CREATED_AT: &str = "SELECT created_at FROM outbox WHERE seq = ?";
const PURGE: &str = "DELETE FROM outbox WHERE created_at < ?
    AND NOT EXISTS (SELECT 1 FROM outbox_delivery d WHERE d.seq = outbox.seq) ORDER BY created_at LIMIT 1000";

/// How many rows one statement marks. A few sizes, so that a few prepared statements serve every batch.
const SIZES: [usize; 4] = [1, 10, 100, 400];

/// An event that is owed to a sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) seq: u64,
    /// How often it was refused.
    pub(super) attempts: u32,
    /// Not tried before.
    pub(super) next_at: Option<At>,
    pub(super) id: Uuid,
    pub(super) aggregate: String,
    pub(super) kind: String,
    pub(super) payload: String,
    pub(super) traceparent: Option<String>,
    pub(super) created_at: At,
}

type Columns = (
    u64,
    u32,
    Option<At>,
    Uuid,
    String,
    String,
    String,
    Option<String>,
    At,
);

/// What is known at a glance.
pub(super) struct Look {
    pub(super) is_read_only: bool,
    pub(super) is_owed: bool,
}

/// Makes a connection one that may hold the lock of a sink.
pub(super) async fn prepare(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    sqlx::query(PREPARE).execute(connection).await?;
    Ok(())
}

pub(super) async fn look(
    connection: &mut MySqlConnection,
    sink: &str,
) -> Result<Look, sqlx::Error> {
    let (is_read_only, is_owed): (i64, i64) = sqlx::query_as(LOOK)
        .bind(sink)
        .fetch_one(connection)
        .await?;
    Ok(Look {
        is_read_only: is_read_only != 0,
        is_owed: is_owed != 0,
    })
}

/// Makes this connection the only one that drains the sink; false when another is for longer than `seconds`.
pub(super) async fn lock(
    connection: &mut MySqlConnection,
    sink: &str,
    seconds: u32,
) -> Result<bool, sqlx::Error> {
    let locked: Option<i64> = sqlx::query_scalar(LOCK)
        .bind(sink)
        .bind(seconds)
        .fetch_one(connection)
        .await?;
    Ok(locked == Some(1))
}

pub(super) async fn unlock(
    connection: &mut MySqlConnection,
    sink: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(UNLOCK).bind(sink).execute(connection).await?;
    Ok(())
}

pub(super) async fn pending(
    connection: &mut MySqlConnection,
    sink: &str,
    after: u64,
    limit: u32,
) -> Result<Vec<Row>, sqlx::Error> {
    let rows: Vec<Columns> = sqlx::query_as(PENDING)
        .bind(sink)
        .bind(after)
        .bind(limit)
        .fetch_all(connection)
        .await?;
    let rows = rows.into_iter().map(
        |(seq, attempts, next_at, id, aggregate, kind, payload, traceparent, created_at)| Row {
            seq,
            attempts,
            next_at,
            id,
            aggregate,
            kind,
            payload,
            traceparent,
            created_at,
        },
    );
    Ok(rows.collect())
}

/// What became of an event that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) seq: u64,
    pub(super) aggregate: String,
    pub(super) attempts: u32,
    /// When it is tried again; never, by itself, when absent.
    pub(super) next_at: Option<At>,
    pub(super) error: String,
}

impl Refusal {
    pub(super) fn is_dead(&self) -> bool {
        self.next_at.is_none()
    }
}

/// Keeps what became of events: one commit for all of them.
pub(super) async fn mark(
    connection: &mut MySqlConnection,
    sink: &str,
    taken: &[u64],
    refused: &[Refusal],
) -> Result<(), sqlx::Error> {
    if taken.is_empty() && refused.is_empty() {
        return Ok(());
    }
    let mut transaction = connection.begin().await?;
    for taken in taken.chunks(SIZES[SIZES.len() - 1]) {
        let size = SIZES
            .into_iter()
            .find(|size| *size >= taken.len())
            .unwrap_or(taken.len());
        // Nothing but question marks is put together here.
        let delete = format!(
            "DELETE FROM outbox_delivery WHERE sink = ? AND seq IN ({})",
            vec!["?"; size].join(", ")
        );
        let mut query = sqlx::query(AssertSqlSafe(delete)).bind(sink);
        // The last one again and again, up to the size of the statement.
        for index in 0..size {
            query = query.bind(taken[index.min(taken.len() - 1)]);
        }
        query.execute(&mut *transaction).await?;
    }
    for refusal in refused {
        let state = if refusal.is_dead() { "dead" } else { "pending" };
        sqlx::query(REFUSE)
            .bind(state)
            .bind(refusal.attempts)
            .bind(refusal.next_at)
            .bind(&refusal.error)
            .bind(sink)
            .bind(refusal.seq)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await
}

/// What is owed to one sink.
pub(super) struct Owed {
    pub(super) sink: String,
    pub(super) is_dead: bool,
    pub(super) count: i64,
    pub(super) oldest: Option<At>,
}

pub(super) async fn owed(pool: &MySqlPool) -> Result<Vec<Owed>, sqlx::Error> {
    let rows: Vec<(String, String, i64, u64)> = sqlx::query_as(OWED).fetch_all(pool).await?;
    let mut owed = Vec::new();
    for (sink, state, count, first) in rows {
        let oldest = sqlx::query_scalar(CREATED_AT)
            .bind(first)
            .fetch_optional(pool)
            .await?;
        owed.push(Owed {
            sink,
            is_dead: state == "dead",
            count,
            oldest,
        });
    }
    Ok(owed)
}

/// Deletes events from before this instant that nobody waits for any more.
pub(super) async fn purge(pool: &MySqlPool, before: At) -> Result<(), sqlx::Error> {
    loop {
        let deleted = sqlx::query(PURGE).bind(before).execute(pool).await?;
        if deleted.rows_affected() < 1000 {
            return Ok(());
        }
    }
}
