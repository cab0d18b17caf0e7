//! `GET /v1/ledger`: sums over everything, for whoever checks that nothing was lost or made.

use axum::extract::State;
use kit::{Problem, auth::Identity, extract::Json, mariadb, money::Money, problem::ProblemSchema};
use serde::Serialize;
use std::collections::BTreeMap;

use crate::{
    App,
    db::ledger::{self, Sums},
};

const READ: &str = "ledger:read";

/// Sums over everything.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Ledger {
    /// How many orders are in each state.
    pub orders: BTreeMap<String, i64>,
    /// How many orders are in each state of payment.
    pub payments: BTreeMap<String, i64>,
    /// Units of everything.
    pub units: UnitSums,
    /// Changes of stock by kind: what `sold` says is negative.
    pub movements: BTreeMap<String, i64>,
    /// Money, a row for each currency.
    pub money: Vec<MoneyRow>,
    /// Whether everything adds up.
    pub balanced: bool,
    /// Variants whose stock is not what movements and reservations say.
    pub odd_stock: Vec<String>,
    /// Orders that stand unpaid, or hold stock when they must not, or the other way round.
    pub odd_orders: Vec<String>,
}

/// Units of everything.
#[derive(Debug, Clone, Copy, Serialize, utoipa::ToSchema)]
pub struct UnitSums {
    /// On shelves.
    pub on_hand: i64,
    /// Promised, as stock says.
    pub reserved: i64,
    /// Promised, as orders say.
    pub held: i64,
    /// Of orders that stand and are paid.
    pub sold: i64,
}

/// Money of one currency.
#[derive(Debug, Clone, Copy, Serialize, utoipa::ToSchema)]
pub struct MoneyRow {
    /// Totals of all orders.
    pub placed: Money,
    /// All that came in.
    pub captured: Money,
    /// What of it pays for an order.
    pub accepted: Money,
    /// All that went back.
    pub refunded: Money,
}

/// Sums everything up.
#[utoipa::path(
    get, path = "/v1/ledger", tag = "staff", security(("token" = [])),
    responses(
        (status = 200, body = Ledger),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 403, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn read_ledger(
    State(app): State<App>,
    caller: Identity,
) -> Result<Json<Ledger>, Problem> {
    caller.require(READ)?;
    let sums = sums(&app).await.map_err(mariadb::unavailable)?;
    Ok(Json(show(sums)))
}

/// All sums of one moment.
async fn sums(app: &App) -> Result<Sums, sqlx::Error> {
    let mut connection = app.pool.acquire().await?;
    ledger::look(&mut connection).await
}

fn show(sums: Sums) -> Ledger {
    let (mut orders, mut payments) = (BTreeMap::new(), BTreeMap::new());
    for (order, payment, count) in sums.orders {
        *orders.entry(order).or_insert(0) += count;
        *payments.entry(payment).or_insert(0) += count;
    }
    let row = |sums: ledger::MoneySums| {
        let money = |amount| Money::new(amount, sums.currency);
        MoneyRow {
            placed: money(sums.placed),
            captured: money(sums.captured),
            accepted: money(sums.accepted),
            refunded: money(sums.refunded),
        }
    };
    Ledger {
        balanced: sums.odd_stock.is_empty()
            && sums.odd_orders.is_empty()
            && sums.reserved == sums.held,
        orders,
        payments,
        units: UnitSums {
            on_hand: sums.on_hand,
            reserved: sums.reserved,
            held: sums.held,
            sold: sums.sold,
        },
        movements: sums.moved.into_iter().collect(),
        money: sums.money.into_iter().map(row).collect(),
        odd_stock: sums.odd_stock,
        odd_orders: sums.odd_orders,
    }
}
