//! What comes back.

use jiff::Timestamp;
use kit::mariadb::At;
use sqlx::{FromRow, MySqlConnection, Row as _, mysql::MySqlRow};
use uuid::Uuid;

use super::{Result, json, named, to_json};
use crate::{
    order::{Return, ReturnKind},
    state::ReturnState,
};

const ADD: &str = "INSERT INTO order_return (id, order_id, kind, state, units, reasons, requested_at) VALUES (?, ?, ?, ?, ?, ?, ?)";
const OF_ORDER: &str = "SELECT id, kind, state, units, reasons, requested_at, received_at FROM order_return WHERE order_id = ? ORDER BY id";
const SAVE: &str = "UPDATE order_return SET state = ?, received_at = COALESCE(?, received_at) WHERE id = ? AND order_id = ?";
const FORGET: &str = "UPDATE order_return SET reasons = NULL WHERE order_id = ?";

impl FromRow<'_, MySqlRow> for Return {
    fn from_row(row: &MySqlRow) -> Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            kind: named(
                &ReturnKind::ALL,
                ReturnKind::name,
                "kind",
                row.try_get("kind")?,
            )?,
            state: named(
                &ReturnState::ALL,
                ReturnState::name,
                "state",
                row.try_get("state")?,
            )?,
            lines: json("units", row.try_get("units")?)?,
            reasons: row.try_get("reasons")?,
            requested_at: row.try_get::<At, _>("requested_at")?.0,
            received_at: row.try_get::<Option<At>, _>("received_at")?.map(|at| at.0),
        })
    }
}

/// Writes a return.
pub async fn add(connection: &mut MySqlConnection, order: Uuid, back: &Return) -> Result<()> {
    sqlx::query(ADD)
        .bind(back.id)
        .bind(order)
        .bind(back.kind.name())
        .bind(back.state.name())
        .bind(to_json(&back.lines)?)
        .bind(&back.reasons)
        .bind(At(back.requested_at))
        .execute(connection)
        .await?;
    Ok(())
}

/// The returns of an order, oldest first.
pub async fn of_order(connection: &mut MySqlConnection, order: Uuid) -> Result<Vec<Return>> {
    sqlx::query_as(OF_ORDER)
        .bind(order)
        .fetch_all(connection)
        .await
}

/// Says how far a return is.
pub async fn save(
    connection: &mut MySqlConnection,
    order: Uuid,
    back: Uuid,
    state: ReturnState,
    received_at: Option<Timestamp>,
) -> Result<()> {
    sqlx::query(SAVE)
        .bind(state.name())
        .bind(received_at.map(At))
        .bind(back)
        .bind(order)
        .execute(connection)
        .await?;
    Ok(())
}

/// Takes out what is personal.
pub async fn forget(connection: &mut MySqlConnection, order: Uuid) -> Result<()> {
    sqlx::query(FORGET).bind(order).execute(connection).await?;
    Ok(())
}
