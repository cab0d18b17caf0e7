//! `MariaDB`: the pool, migrations, instants in columns, and what its errors mean.
//!
//! A statement is a `&'static str` with `?` in it; functions take a `&mut MySqlConnection`; the use case begins and commits:
//!
//! ```ignore
//! let mut transaction = app.pool.begin().await.map_err(mariadb::unavailable)?;
//! db::put(&mut transaction, &row).await?;
//! outbox::emit(&mut transaction, &events::sinks(&event), &event).await?;
//! transaction.commit().await.map_err(mariadb::unavailable)?;
//! app.relay.ring();
//! ```

mod at;
mod errors;
mod migrations;
mod pool;

pub use at::At;
pub use errors::{constraint, is_unavailable, is_worth_retrying, retrying, unavailable};
pub use migrations::{
    Command, MigrateError, Migration, Mode, Tables, check, migrate, migrate_and_end,
    migrate_when_there,
};
pub use pool::{open, ping};
pub use sqlx::{MySqlConnection, MySqlPool};
