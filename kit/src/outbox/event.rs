use std::fmt::Display;

use jiff::Timestamp;
use serde::Serialize;
use sqlx::{AssertSqlSafe, MySqlConnection};
use uuid::Uuid;

use crate::{clock::Clock, context, mariadb::At};

const INSERT: &str = "INSERT INTO outbox (id, aggregate, type, payload, traceparent, created_at)
    VALUES (?, ?, ?, ?, ?, ?)";

/// Something that happened, to be told to others.
#[derive(Debug)]
pub struct Event {
    /// Its id, by which consumers know it when it comes again.
    pub id: Uuid,
    /// What happened, such as `amazoff.person.registered`.
    pub kind: &'static str,
    /// The id of what it happened to: events of the same subject arrive in order.
    pub subject: String,
    /// When.
    pub time: Timestamp,
    /// What the consumer needs to know of it; an error here is one of [`emit`].
    data: Result<String, serde_json::Error>,
}

impl Event {
    /// An event that happens now.
    pub fn new(
        clock: &Clock,
        kind: &'static str,
        subject: impl Display,
        data: &impl Serialize,
    ) -> Self {
        Self {
            id: clock.uuid(),
            kind,
            subject: subject.to_string(),
            time: clock.now(),
            data: serde_json::to_string(data),
        }
    }
}

/// Writes an event for these sinks in the transaction of what happened, while the row of its subject is locked. When nobody wants
/// it nothing is written. [`Relay::ring`](super::Relay::ring) after the commit.
pub async fn emit(
    connection: &mut MySqlConnection,
    sinks: &[&str],
    event: &Event,
) -> Result<(), sqlx::Error> {
    if sinks.is_empty() {
        return Ok(());
    }
    let data = match &event.data {
        Ok(data) => data,
        Err(error) => return Err(sqlx::Error::Encode(error.to_string().into())),
    };
    let traceparent = context::current().and_then(|context| {
        let value = context.traceparent();
        value.to_str().ok().map(str::to_owned)
    });
    let seq = sqlx::query(INSERT)
        .bind(event.id)
        .bind(&event.subject)
        .bind(event.kind)
        .bind(data)
        .bind(traceparent)
        .bind(At(event.time))
        .execute(&mut *connection)
        .await?
        .last_insert_id();
    // Nothing but question marks is put together here.
    let rows = vec!["(?, ?)"; sinks.len()].join(", ");
    let insert = format!("INSERT INTO outbox_delivery (sink, seq) VALUES {rows}");
    let mut query = sqlx::query(AssertSqlSafe(insert));
    for sink in sinks {
        query = query.bind(*sink).bind(seq);
    }
    query.execute(connection).await?;
    Ok(())
}
