//! The only place that speaks to `MariaDB`. Functions take a connection, so that the use case decides what is one transaction.

pub mod coupons;
pub mod events;
pub mod history;
pub mod invoices;
pub mod ledger;
pub mod lines;
pub mod money;
pub mod movements;
pub mod orders;
pub mod returns;
pub mod shipments;
pub mod stock;

use kit::{audit, idempotency, inbox, mariadb::Migration, outbox, seal};

/// The tables, in order.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "orders",
        sql: include_str!("../migrations/0001_orders.sql"),
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
        name: "idempotency",
        sql: idempotency::MIGRATION,
    },
    Migration {
        version: 5,
        name: "person keys",
        sql: seal::MIGRATION,
    },
    Migration {
        version: 6,
        name: "audit",
        sql: audit::MIGRATION,
    },
    Migration {
        version: 7,
        name: "credit notes",
        sql: include_str!("../migrations/0002_credit_notes.sql"),
    },
];

/// What the driver says.
pub type Result<T> = std::result::Result<T, sqlx::Error>;

/// A value in the database that this code never writes.
fn unknown(column: &'static str, value: &str) -> sqlx::Error {
    sqlx::Error::ColumnDecode {
        index: column.to_owned(),
        source: format!("{value:?} is unknown").into(),
    }
}

/// The one of `all` that is called `name`.
fn named<T: Copy>(
    all: &[T],
    name_of: fn(T) -> &'static str,
    column: &'static str,
    name: &str,
) -> Result<T> {
    let found = all.iter().copied().find(|one| name_of(*one) == name);
    found.ok_or_else(|| unknown(column, name))
}

/// A JSON column as the type that was written to it.
fn json<T: serde::de::DeserializeOwned>(column: &'static str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| sqlx::Error::ColumnDecode {
        index: column.to_owned(),
        source: error.into(),
    })
}

/// A value as a JSON column holds it.
fn to_json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| sqlx::Error::Encode(error.into()))
}
