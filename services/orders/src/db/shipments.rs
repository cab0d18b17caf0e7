//! Parcels that left.

use jiff::Timestamp;
use kit::mariadb::At;
use sqlx::{FromRow, MySqlConnection, Row as _, mysql::MySqlRow};
use uuid::Uuid;

use super::{Result, json, to_json};
use crate::order::Shipment;

const ADD: &str = "INSERT INTO shipment (id, order_id, carrier, tracking, tracking_url, units, shipped_at) VALUES (?, ?, ?, ?, ?, ?, ?)";
const OF_ORDER: &str = "SELECT id, carrier, tracking, tracking_url, units, shipped_at, delivered_at FROM shipment WHERE order_id = ? ORDER BY id";
const DELIVER: &str =
    "UPDATE shipment SET delivered_at = ? WHERE id = ? AND order_id = ? AND delivered_at IS NULL";

impl FromRow<'_, MySqlRow> for Shipment {
    fn from_row(row: &MySqlRow) -> Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            carrier: row.try_get("carrier")?,
            tracking: row.try_get("tracking")?,
            tracking_url: row.try_get("tracking_url")?,
            lines: json("units", row.try_get("units")?)?,
            shipped_at: row.try_get::<At, _>("shipped_at")?.0,
            delivered_at: row.try_get::<Option<At>, _>("delivered_at")?.map(|at| at.0),
        })
    }
}

/// Writes a parcel that leaves.
pub async fn add(connection: &mut MySqlConnection, order: Uuid, shipment: &Shipment) -> Result<()> {
    sqlx::query(ADD)
        .bind(shipment.id)
        .bind(order)
        .bind(&shipment.carrier)
        .bind(&shipment.tracking)
        .bind(&shipment.tracking_url)
        .bind(to_json(&shipment.lines)?)
        .bind(At(shipment.shipped_at))
        .execute(connection)
        .await?;
    Ok(())
}

/// The parcels of an order, oldest first.
pub async fn of_order(connection: &mut MySqlConnection, order: Uuid) -> Result<Vec<Shipment>> {
    sqlx::query_as(OF_ORDER)
        .bind(order)
        .fetch_all(connection)
        .await
}

/// Notes that a parcel arrived.
pub async fn deliver(
    connection: &mut MySqlConnection,
    order: Uuid,
    shipment: Uuid,
    now: Timestamp,
) -> Result<()> {
    sqlx::query(DELIVER)
        .bind(At(now))
        .bind(shipment)
        .bind(order)
        .execute(connection)
        .await?;
    Ok(())
}
