//! Sums over everything, for checks that nothing was lost or made.

use kit::money::Currency;
use sqlx::{Connection as _, MySqlConnection};

use super::{Result, unknown};

const ORDERS: &str =
    "SELECT order_state, payment_state, COUNT(*) FROM orders GROUP BY order_state, payment_state";
const STOCK: &str = "SELECT CAST(COALESCE(SUM(on_hand), 0) AS SIGNED), CAST(COALESCE(SUM(reserved), 0) AS SIGNED) FROM stock";
const RESERVED: &str = "SELECT CAST(COALESCE(SUM(quantity), 0) AS SIGNED) FROM reservation";
const MOVED: &str =
    "SELECT kind, CAST(COALESCE(SUM(delta), 0) AS SIGNED) FROM stock_movement GROUP BY kind";
const SOLD: &str = "SELECT CAST(COALESCE(SUM(units), 0) AS SIGNED) FROM orders WHERE order_state IN ('confirmed', 'completed')";
const MONEY: &str = "SELECT currency, CAST(SUM(placed) AS SIGNED), CAST(SUM(captured) AS SIGNED), CAST(SUM(accepted) AS SIGNED), CAST(SUM(refunded) AS SIGNED) FROM ( \
    SELECT currency, total AS placed, 0 AS captured, 0 AS accepted, 0 AS refunded FROM orders \
    UNION ALL SELECT currency, 0, amount, IF(accepted, amount, 0), 0 FROM capture \
    UNION ALL SELECT currency, 0, 0, 0, amount FROM refund WHERE state = 'succeeded') AS every GROUP BY currency ORDER BY currency";
const ODD_STOCK: &str = "SELECT stock.sku FROM stock \
    LEFT JOIN (SELECT sku, SUM(delta) AS moved FROM stock_movement GROUP BY sku) AS movement ON movement.sku = stock.sku \
    LEFT JOIN (SELECT sku, SUM(quantity) AS held FROM reservation GROUP BY sku) AS holding ON holding.sku = stock.sku \
    WHERE stock.on_hand <> COALESCE(movement.moved, 0) OR stock.reserved <> COALESCE(holding.held, 0) ORDER BY stock.sku LIMIT 100";
const ODD_ORDERS: &str = "SELECT number FROM orders WHERE (order_state IN ('confirmed', 'completed') AND paid <> total) \
    OR (order_state = 'placed') <> EXISTS (SELECT 1 FROM reservation WHERE reservation.order_id = orders.id) ORDER BY id LIMIT 100";

/// Money of one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MoneySums {
    /// Of which.
    pub currency: Currency,
    /// Totals of all orders.
    pub placed: i64,
    /// All that came in.
    pub captured: i64,
    /// What of it pays for an order.
    pub accepted: i64,
    /// All that went back.
    pub refunded: i64,
}

/// Everything.
#[derive(Debug, Clone)]
pub struct Sums {
    /// How many orders are in which state of order and payment.
    pub orders: Vec<(String, String, i64)>,
    /// Units on shelves.
    pub on_hand: i64,
    /// Units promised, as stock says.
    pub reserved: i64,
    /// Units promised, as orders say.
    pub held: i64,
    /// Units of orders that stand and are paid.
    pub sold: i64,
    /// Changes of stock by kind.
    pub moved: Vec<(String, i64)>,
    /// Money by currency.
    pub money: Vec<MoneySums>,
    /// Variants whose stock is not what their movements and reservations say.
    pub odd_stock: Vec<String>,
    /// Orders that stand unpaid, or hold stock when they must not, or the other way round.
    pub odd_orders: Vec<String>,
}

/// Sums everything up as it was at one moment: other transactions go on meanwhile, and don't show.
pub async fn look(connection: &mut MySqlConnection) -> Result<Sums> {
    sqlx::raw_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        .execute(&mut *connection)
        .await?;
    let mut transaction = connection.begin().await?;
    let sums = sums(&mut transaction).await?;
    transaction.commit().await?;
    Ok(sums)
}

async fn sums(connection: &mut MySqlConnection) -> Result<Sums> {
    let (on_hand, reserved) = sqlx::query_as(STOCK).fetch_one(&mut *connection).await?;
    let money: Vec<(String, i64, i64, i64, i64)> =
        sqlx::query_as(MONEY).fetch_all(&mut *connection).await?;
    let money = money
        .into_iter()
        .map(|(code, placed, captured, accepted, refunded)| {
            Ok(MoneySums {
                currency: code
                    .parse()
                    .map_err(|_not_a_code| unknown("currency", &code))?,
                placed,
                captured,
                accepted,
                refunded,
            })
        })
        .collect::<Result<_>>()?;
    Ok(Sums {
        orders: sqlx::query_as(ORDERS).fetch_all(&mut *connection).await?,
        on_hand,
        reserved,
        held: sqlx::query_scalar(RESERVED)
            .fetch_one(&mut *connection)
            .await?,
        sold: sqlx::query_scalar(SOLD).fetch_one(&mut *connection).await?,
        moved: sqlx::query_as(MOVED).fetch_all(&mut *connection).await?,
        money,
        odd_stock: sqlx::query_scalar(ODD_STOCK)
            .fetch_all(&mut *connection)
            .await?,
        odd_orders: sqlx::query_scalar(ODD_ORDERS).fetch_all(connection).await?,
    })
}
