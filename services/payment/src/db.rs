//! Everything that is asked of `MariaDB`: functions that take a connection.
//!
//! Rows are locked in one order, always: the payment first, then its order's standing, then what hangs on them.

pub mod payments;
pub mod refunds;
pub mod standings;
pub mod test_charges;

use jiff::Timestamp;
use kit::{
    audit, inbox,
    mariadb::{At, Migration},
    money::{Currency, Money},
    outbox,
};
use sqlx::{MySqlConnection, Row as _, mysql::MySqlRow};
use uuid::Uuid;

use crate::payment::{Charge, Provider};

/// The tables, in the order in which they came.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "payment",
        sql: include_str!("../migrations/0001_payment.sql"),
    },
    Migration {
        version: 2,
        name: "outbox",
        sql: outbox::MIGRATION,
    },
    Migration {
        version: 3,
        name: "inbox",
        sql: inbox::MIGRATION,
    },
    Migration {
        version: 4,
        name: "audit",
        sql: audit::MIGRATION,
    },
];

/// A column holds what this program never wrote there.
#[derive(Debug, thiserror::Error)]
#[error("{value:?} is no {what}")]
struct Absurd {
    what: &'static str,
    value: String,
}

/// Reads a column whose text is a name in the code.
fn named<T>(
    row: &MySqlRow,
    column: &'static str,
    read: impl Fn(&str) -> Option<T>,
) -> sqlx::Result<T> {
    let value: String = row.try_get(column)?;
    read(&value).ok_or_else(|| absurd(column, value))
}

/// The same for one that may be empty.
fn named_or_none<T>(
    row: &MySqlRow,
    column: &'static str,
    read: impl Fn(&str) -> Option<T>,
) -> sqlx::Result<Option<T>> {
    let value: Option<String> = row.try_get(column)?;
    value
        .map(|value| read(&value).ok_or_else(|| absurd(column, value)))
        .transpose()
}

fn absurd(what: &'static str, value: String) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(Absurd { what, value }))
}

fn money(row: &MySqlRow) -> sqlx::Result<Money> {
    let currency: Currency = named(row, "currency", |code| code.parse().ok())?;
    Ok(Money::new(row.try_get("amount")?, currency))
}

fn at(row: &MySqlRow, column: &str) -> sqlx::Result<Timestamp> {
    row.try_get::<At, _>(column).map(Timestamp::from)
}

/// Text as long as a column takes it: what others say may be longer, and is for people only.
fn shortened(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

const TAKE_EVENT: &str = "INSERT IGNORE INTO provider_event (provider, id, at) VALUES (?, ?, ?)";

/// Notes an event of a provider; false when it was noted before. In the transaction of its effect.
pub async fn take_event(
    connection: &mut MySqlConnection,
    provider: Provider,
    event: &str,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let done = sqlx::query(TAKE_EVENT)
        .bind(provider.name())
        .bind(event)
        .bind(At(now))
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

const FORGET_EVENTS: &str = "DELETE FROM provider_event WHERE at < ? LIMIT 1000";

/// Forgets events of before `since`. Providers stop repeating themselves after days.
pub async fn forget_events(
    connection: &mut MySqlConnection,
    since: Timestamp,
) -> sqlx::Result<u64> {
    let done = sqlx::query(FORGET_EVENTS)
        .bind(At(since))
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

const WHOSE_CHARGE: &str = "SELECT payment_id FROM charge WHERE provider = ? AND reference = ?";

/// The payment that this money came with.
pub async fn payment_of_charge(
    connection: &mut MySqlConnection,
    provider: Provider,
    reference: &str,
) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar(WHOSE_CHARGE)
        .bind(provider.name())
        .bind(reference)
        .fetch_optional(connection)
        .await
}

const INSERT_CHARGE: &str = "INSERT INTO charge (provider, reference, payment_id, amount, currency, is_kept, at) VALUES (?, ?, ?, ?, ?, ?, ?)";

/// Notes money that came.
pub async fn insert_charge(
    connection: &mut MySqlConnection,
    provider: Provider,
    payment_id: Uuid,
    charge: &Charge,
    is_kept: bool,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query(INSERT_CHARGE)
        .bind(provider.name())
        .bind(&charge.reference)
        .bind(payment_id)
        .bind(charge.amount.amount)
        .bind(charge.amount.currency.code())
        .bind(is_kept)
        .bind(At(now))
        .execute(connection)
        .await?;
    Ok(())
}
