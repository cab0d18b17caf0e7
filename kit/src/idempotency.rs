//! `Idempotency-Key`: a request that is sent again has its effect once, and gets the same answer (`MariaDB`).
//!
//! [`once`] is what a handler calls:
//!
//! ```ignore
//! let request = idempotency::Request::new("POST /v1/orders", &caller, &key, &body);
//! idempotency::once(&app.pool, &app.clock, &request, |attempt| async move {
//!     let mut transaction = app.pool.begin().await.map_err(mariadb::unavailable)?;
//!     let order = place(&mut transaction, …).await?;
//!     attempt.finish(&mut transaction, StatusCode::CREATED, &order).await?;
//!     transaction.commit().await.map_err(mariadb::unavailable)?;
//!     app.relay.ring();
//!     Ok((StatusCode::CREATED, Json(order)).into_response())
//! })
//! .await
//! ```
//!
//! The answer is kept in the transaction of the effect: both are kept, or neither. A refusal is not kept: what was refused had no effect,
//! and the same request may succeed later. A process that dies in between leaves an attempt that the next one takes over after
//! [`ABANDONED_AFTER`]; should the first still be alive, its `finish` fails and takes its effect back.

mod attempt;
mod key;

pub use attempt::{ABANDONED_AFTER, Attempt, Begun, begin, once, sweep};
pub use key::{Key, Request};

/// The table, as the `sql` of a [`Migration`](crate::mariadb::Migration).
pub const MIGRATION: &str = "
CREATE TABLE IF NOT EXISTS idempotency (
    id BINARY(32) NOT NULL PRIMARY KEY,
    request BINARY(32) NOT NULL,
    attempt BINARY(16) NOT NULL,
    begun_at DATETIME(6) NOT NULL,
    status SMALLINT UNSIGNED NULL,
    body LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    KEY idempotency_begun_at (begun_at)
) ENGINE = InnoDB;
";
