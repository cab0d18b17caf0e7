//! The ledger of stock: every change of what is there.

use jiff::Timestamp;
use kit::{clock::Clock, mariadb::At};
use sqlx::{FromRow, MySqlConnection, QueryBuilder, Row as _, mysql::MySqlRow};
use uuid::Uuid;

use super::{Result, named};
use crate::stock::{MovementKind, Units};

const OF_SKU: &str = "SELECT id, sku, kind, delta, order_id, reason, actor, at FROM stock_movement WHERE sku = ? AND id < ? ORDER BY id DESC LIMIT ?";

/// One change.
#[derive(Debug, Clone)]
pub struct Movement {
    /// Its id.
    pub id: Uuid,
    /// The variant.
    pub sku: String,
    /// Why.
    pub kind: MovementKind,
    /// By how much.
    pub delta: i64,
    /// For which order.
    pub order_id: Option<Uuid>,
    /// In words.
    pub reason: Option<String>,
    /// Who did it.
    pub actor: String,
    /// When.
    pub at: Timestamp,
}

impl FromRow<'_, MySqlRow> for Movement {
    fn from_row(row: &MySqlRow) -> Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            sku: row.try_get("sku")?,
            kind: named(
                &MovementKind::ALL,
                MovementKind::name,
                "kind",
                row.try_get("kind")?,
            )?,
            delta: row.try_get::<i32, _>("delta")?.into(),
            order_id: row.try_get("order_id")?,
            reason: row.try_get("reason")?,
            actor: row.try_get("actor")?,
            at: row.try_get::<At, _>("at")?.0,
        })
    }
}

/// What several changes have in common.
#[derive(Debug, Clone, Copy)]
pub struct Cause<'a> {
    /// Why.
    pub kind: MovementKind,
    /// For which order.
    pub order: Option<Uuid>,
    /// In words.
    pub reason: Option<&'a str>,
    /// Who did it.
    pub actor: &'a str,
}

/// Notes changes; quantities are deltas.
pub async fn add(
    connection: &mut MySqlConnection,
    clock: &Clock,
    cause: Cause<'_>,
    deltas: &[Units],
) -> Result<()> {
    if deltas.is_empty() {
        return Ok(());
    }
    let mut query = QueryBuilder::new(
        "INSERT INTO stock_movement (id, sku, kind, delta, order_id, reason, actor, at) ",
    );
    query.push_values(deltas, |mut row, delta| {
        row.push_bind(clock.uuid())
            .push_bind(&delta.sku)
            .push_bind(cause.kind.name())
            .push_bind(delta.quantity)
            .push_bind(cause.order)
            .push_bind(cause.reason)
            .push_bind(cause.actor)
            .push_bind(At(clock.now()));
    });
    query.build().execute(connection).await?;
    Ok(())
}

/// A page of a variant's changes, newest first, older than `before`.
pub async fn of_sku(
    connection: &mut MySqlConnection,
    sku: &str,
    before: Option<Uuid>,
    most: u32,
) -> Result<Vec<Movement>> {
    sqlx::query_as(OF_SKU)
        .bind(sku)
        .bind(before.unwrap_or(Uuid::max()))
        .bind(most)
        .fetch_all(connection)
        .await
}
