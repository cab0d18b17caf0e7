//! Stock and reservations.
//!
//! Each change is one statement over all variants of an order: `JSON_TABLE` keeps the order of the list, which is sorted by SKU, and `STRAIGHT_JOIN` makes
//! the server take the rows in that order. So rows are locked in one order everywhere, and for no longer than one round trip and the commit.

use sqlx::{MySqlConnection, QueryBuilder};
use uuid::Uuid;

use super::{Result, to_json};
use crate::stock::Units;

const RESERVE: &str = "UPDATE JSON_TABLE(?, '$[*]' COLUMNS (sku VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin PATH '$.sku', quantity INT PATH '$.quantity')) AS wish \
    STRAIGHT_JOIN stock FORCE INDEX (PRIMARY) ON stock.sku = wish.sku \
    SET stock.reserved = stock.reserved + wish.quantity WHERE stock.on_hand - stock.reserved >= wish.quantity";
const SELL: &str = "UPDATE JSON_TABLE(?, '$[*]' COLUMNS (sku VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin PATH '$.sku', quantity INT PATH '$.quantity')) AS wish \
    STRAIGHT_JOIN stock FORCE INDEX (PRIMARY) ON stock.sku = wish.sku \
    SET stock.reserved = stock.reserved - wish.quantity, stock.on_hand = stock.on_hand - wish.quantity WHERE stock.reserved >= wish.quantity";
const RELEASE: &str = "UPDATE JSON_TABLE(?, '$[*]' COLUMNS (sku VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin PATH '$.sku', quantity INT PATH '$.quantity')) AS wish \
    STRAIGHT_JOIN stock FORCE INDEX (PRIMARY) ON stock.sku = wish.sku \
    SET stock.reserved = stock.reserved - wish.quantity WHERE stock.reserved >= wish.quantity";
const TAKE: &str = "UPDATE JSON_TABLE(?, '$[*]' COLUMNS (sku VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin PATH '$.sku', quantity INT PATH '$.quantity')) AS wish \
    STRAIGHT_JOIN stock FORCE INDEX (PRIMARY) ON stock.sku = wish.sku \
    SET stock.on_hand = stock.on_hand - wish.quantity WHERE stock.on_hand - stock.reserved >= wish.quantity";
const PUT_BACK: &str = "UPDATE JSON_TABLE(?, '$[*]' COLUMNS (sku VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin PATH '$.sku', quantity INT PATH '$.quantity')) AS wish \
    STRAIGHT_JOIN stock FORCE INDEX (PRIMARY) ON stock.sku = wish.sku \
    SET stock.on_hand = stock.on_hand + wish.quantity";
const LEVELS: &str = "SELECT stock.sku, CAST(stock.on_hand AS SIGNED), CAST(stock.reserved AS SIGNED) FROM \
    JSON_TABLE(?, '$[*]' COLUMNS (sku VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin PATH '$')) AS wish STRAIGHT_JOIN stock FORCE INDEX (PRIMARY) ON stock.sku = wish.sku";
const LOCK: &str = "SELECT stock.sku, CAST(stock.on_hand AS SIGNED), CAST(stock.reserved AS SIGNED) FROM \
    JSON_TABLE(?, '$[*]' COLUMNS (sku VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin PATH '$')) AS wish STRAIGHT_JOIN stock FORCE INDEX (PRIMARY) ON stock.sku = wish.sku FOR UPDATE";
const ADD: &str = "UPDATE stock SET on_hand = on_hand + ? WHERE sku = ?";
const BEGIN: &str = "INSERT INTO stock (sku, on_hand) VALUES (?, ?)";
const FREE: &str =
    "DELETE FROM reservation WHERE order_id = ? RETURNING sku, CAST(quantity AS SIGNED)";

/// What is done to the stock of some variants at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Promises units that nobody else was promised.
    Reserve,
    /// Takes units that were promised.
    Sell,
    /// Takes a promise back.
    Release,
    /// Takes units that nobody was promised.
    Take,
    /// Puts units back.
    PutBack,
}

/// Does it to all of `units`, which must be sorted by SKU; `false`: some could not, and the transaction must not be kept.
pub async fn act(connection: &mut MySqlConnection, act: Act, units: &[Units]) -> Result<bool> {
    let statement = match act {
        Act::Reserve => RESERVE,
        Act::Sell => SELL,
        Act::Release => RELEASE,
        Act::Take => TAKE,
        Act::PutBack => PUT_BACK,
    };
    let done = sqlx::query(statement)
        .bind(to_json(&units)?)
        .execute(connection)
        .await?;
    Ok(usize::try_from(done.rows_affected()) == Ok(units.len()))
}

/// What is there and what of it is promised, of the variants that have stock.
pub async fn levels(
    connection: &mut MySqlConnection,
    skus: &[&str],
) -> Result<Vec<(String, i64, i64)>> {
    sqlx::query_as(LEVELS)
        .bind(to_json(&skus)?)
        .fetch_all(connection)
        .await
}

/// The same, of rows that are about to change. `skus` must be sorted.
pub async fn lock(
    connection: &mut MySqlConnection,
    skus: &[&str],
) -> Result<Vec<(String, i64, i64)>> {
    sqlx::query_as(LOCK)
        .bind(to_json(&skus)?)
        .fetch_all(connection)
        .await
}

/// Changes what is there by `delta`. The violated constraint says when there would be less than nothing, or less than promised.
pub async fn add(connection: &mut MySqlConnection, sku: &str, delta: i64) -> Result<()> {
    let added = sqlx::query(ADD)
        .bind(delta)
        .bind(sku)
        .execute(&mut *connection)
        .await?;
    if added.rows_affected() == 0 {
        sqlx::query(BEGIN)
            .bind(sku)
            .bind(delta)
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// Says how much there is of each of these.
pub async fn set(connection: &mut MySqlConnection, levels: &[Units]) -> Result<()> {
    let mut query = QueryBuilder::new("INSERT INTO stock (sku, on_hand) ");
    query.push_values(levels, |mut row, level| {
        row.push_bind(&level.sku).push_bind(level.quantity);
    });
    query.push(" ON DUPLICATE KEY UPDATE on_hand = VALUES(on_hand)");
    query.build().execute(connection).await?;
    Ok(())
}

/// Notes what an order holds.
pub async fn hold(connection: &mut MySqlConnection, order: Uuid, units: &[Units]) -> Result<()> {
    let mut query = QueryBuilder::new("INSERT INTO reservation (order_id, sku, quantity) ");
    query.push_values(units, |mut row, units| {
        row.push_bind(order)
            .push_bind(&units.sku)
            .push_bind(units.quantity);
    });
    query.build().execute(connection).await?;
    Ok(())
}

/// What an order held until now, which it does no longer; sorted, as [`act`] wants it.
pub async fn unhold(connection: &mut MySqlConnection, order: Uuid) -> Result<Vec<Units>> {
    let held: Vec<(String, i64)> = sqlx::query_as(FREE)
        .bind(order)
        .fetch_all(connection)
        .await?;
    let units = |(sku, quantity)| Units { sku, quantity };
    let mut held: Vec<Units> = held.into_iter().map(units).collect();
    held.sort_by(|a, b| a.sku.cmp(&b.sku));
    Ok(held)
}
