//! The lines of orders.

use sqlx::{FromRow, MySqlConnection, QueryBuilder, Row as _, mysql::MySqlRow};
use uuid::Uuid;

use super::{Result, json, to_json};
use crate::{order::OrderLine, parcel::LineUnits};

const OF_ORDER: &str = "SELECT line, sku, product_id, shown, quantity, unit_price, discount, tax_rate, tax, total, shipped, coming_back, returned \
    FROM order_line WHERE order_id = ? ORDER BY line";
const SHIP: &str = "UPDATE order_line SET shipped = shipped + ? WHERE order_id = ? AND line = ?";
const ANNOUNCE: &str =
    "UPDATE order_line SET coming_back = coming_back + ? WHERE order_id = ? AND line = ?";
const TAKE_BACK: &str =
    "UPDATE order_line SET returned = returned + ? WHERE order_id = ? AND line = ?";

impl FromRow<'_, MySqlRow> for OrderLine {
    fn from_row(row: &MySqlRow) -> Result<Self> {
        Ok(Self {
            line: row.try_get("line")?,
            sku: row.try_get("sku")?,
            product_id: row.try_get("product_id")?,
            shown: json("shown", row.try_get("shown")?)?,
            quantity: row.try_get::<i32, _>("quantity")?.into(),
            unit_price: row.try_get("unit_price")?,
            discount: row.try_get("discount")?,
            tax_rate: row.try_get::<i32, _>("tax_rate")?.into(),
            tax: row.try_get("tax")?,
            total: row.try_get("total")?,
            shipped: row.try_get::<i32, _>("shipped")?.into(),
            coming_back: row.try_get::<i32, _>("coming_back")?.into(),
            returned: row.try_get::<i32, _>("returned")?.into(),
        })
    }
}

/// Writes all lines of a new order in one statement.
pub async fn insert(
    connection: &mut MySqlConnection,
    order: Uuid,
    lines: &[OrderLine],
) -> Result<()> {
    let mut rows = Vec::with_capacity(lines.len());
    for line in lines {
        rows.push((line, to_json(&line.shown)?));
    }
    let mut query = QueryBuilder::new(
        "INSERT INTO order_line (order_id, line, sku, product_id, shown, quantity, unit_price, discount, tax_rate, tax, total) ",
    );
    query.push_values(rows, |mut row, (line, shown)| {
        row.push_bind(order)
            .push_bind(line.line)
            .push_bind(&line.sku)
            .push_bind(line.product_id)
            .push_bind(shown)
            .push_bind(line.quantity)
            .push_bind(line.unit_price)
            .push_bind(line.discount)
            .push_bind(line.tax_rate)
            .push_bind(line.tax)
            .push_bind(line.total);
    });
    query.build().execute(connection).await?;
    Ok(())
}

/// Reads the lines of an order.
pub async fn of_order(connection: &mut MySqlConnection, order: Uuid) -> Result<Vec<OrderLine>> {
    sqlx::query_as(OF_ORDER)
        .bind(order)
        .fetch_all(connection)
        .await
}

/// What happens to units of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// They leave.
    Ship,
    /// They are announced to come back.
    Announce,
    /// They are not expected any more.
    Unannounce,
    /// They are back.
    TakeBack,
}

/// Counts units. The table refuses to ship more than was ordered, or to take back more than was shipped.
pub async fn change(
    connection: &mut MySqlConnection,
    order: Uuid,
    units: &[LineUnits],
    change: Change,
) -> Result<()> {
    for part in units {
        let (statement, by) = match change {
            Change::Ship => (SHIP, part.quantity),
            Change::Announce => (ANNOUNCE, part.quantity),
            Change::Unannounce => (ANNOUNCE, -part.quantity),
            Change::TakeBack => (TAKE_BACK, part.quantity),
        };
        sqlx::query(statement)
            .bind(by)
            .bind(order)
            .bind(part.line)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
