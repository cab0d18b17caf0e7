//! What happened to an order.

use jiff::Timestamp;
use kit::mariadb::At;
use serde_json::Value;
use sqlx::{FromRow, MySqlConnection, Row as _, mysql::MySqlRow};
use uuid::Uuid;

use super::{Result, json, to_json};
use crate::order::HistoryEntry;

const ADD: &str =
    "INSERT INTO order_history (order_id, id, at, what, actor, details) VALUES (?, ?, ?, ?, ?, ?)";
const OF_ORDER: &str =
    "SELECT at, what, actor, details FROM order_history WHERE order_id = ? ORDER BY id";

impl FromRow<'_, MySqlRow> for HistoryEntry {
    fn from_row(row: &MySqlRow) -> Result<Self> {
        let details: Option<&str> = row.try_get("details")?;
        Ok(Self {
            at: row.try_get::<At, _>("at")?.0,
            what: row.try_get("what")?,
            actor: row.try_get("actor")?,
            details: details.map(|text| json("details", text)).transpose()?,
        })
    }
}

/// Something that happened.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// Its own id, by which entries are ordered.
    pub id: Uuid,
    /// When.
    pub at: Timestamp,
    /// What, such as `confirmed`.
    pub what: &'a str,
    /// Who did it: a person's id, `guest`, `payment` or `clock`.
    pub actor: &'a str,
    /// More about it; nothing personal.
    pub details: Option<Value>,
}

/// Notes what happened.
pub async fn add(connection: &mut MySqlConnection, order: Uuid, entry: Entry<'_>) -> Result<()> {
    sqlx::query(ADD)
        .bind(order)
        .bind(entry.id)
        .bind(At(entry.at))
        .bind(entry.what)
        .bind(entry.actor)
        .bind(entry.details.as_ref().map(to_json).transpose()?)
        .execute(connection)
        .await?;
    Ok(())
}

/// What happened to an order after it was placed, oldest first.
pub async fn of_order(connection: &mut MySqlConnection, order: Uuid) -> Result<Vec<HistoryEntry>> {
    sqlx::query_as(OF_ORDER)
        .bind(order)
        .fetch_all(connection)
        .await
}
