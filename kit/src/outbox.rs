//! What others must hear of, written in the same transaction as what happened, and delivered as `CloudEvents` 1.0 over HTTP.
//!
//! [`emit`] writes an event and one delivery row for each sink; [`Relay`] delivers and deletes those rows. What this promises:
//!
//! - **Nothing is lost.** The rows are committed with the effect, or neither is. A delivery row goes only after the sink took the event.
//! - **At least once.** A relay that dies between delivery and marking leaves the row; the event comes again with the same id, and
//!   the consumer's [`inbox`](crate::inbox) drops it.
//! - **In order for each aggregate and sink**, as long as `emit` is called while the aggregate's row is locked: then rows get their `seq`
//!   in the order of the commits. One relay at a time drains a sink, whatever number of replicas runs (a lock of the database's, which ends with
//!   the connection that holds it); it sends different aggregates at the same time, the same aggregate one after the other.
//! - **A sink that is down delays only itself.** Each sink has its own loop and its own backoff, and is tried for ever.
//! - **An event that is refused** (4xx other than 401, 403, 408 and 429) is found out by halving its batch, tried again on its own with
//!   growing pauses while later events of its aggregate wait, and after [`ATTEMPTS`] set aside as a dead letter. From then on it does
//!   **not** hold up its aggregate: what a sink will never take would otherwise silently stop everything after it, a refund for
//!   instance, until somebody looks. So a consumer must judge an event by the state it finds. Dead letters are counted in the metrics; staff
//!   see them through [`Relay::list_dead_letters`] and send them again through [`Relay::replay_dead_letter`].

mod dead_letters;
mod deliver;
mod event;
mod house;
mod metrics;
mod relay;
mod rows;
mod sinks;

pub use dead_letters::{DeadLetter, dead_letters, replay};
pub use deliver::ATTEMPTS;
pub use event::{Event, emit};
pub use relay::{Relay, RelayError};
pub use sinks::{Sink, Sinks, SinksError};

/// The tables, as the `sql` of a [`Migration`](crate::mariadb::Migration). `outbox_delivery` holds only what is still owed; events stay in
/// `outbox` for a day, for those who look into what happened.
pub const MIGRATION: &str = "
CREATE TABLE IF NOT EXISTS outbox (
    seq BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    id BINARY(16) NOT NULL,
    aggregate VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    type VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    payload LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    traceparent VARCHAR(60) CHARACTER SET ascii COLLATE ascii_bin NULL,
    created_at DATETIME(6) NOT NULL,
    UNIQUE KEY outbox_id (id),
    KEY outbox_created_at (created_at)
) ENGINE = InnoDB;
CREATE TABLE IF NOT EXISTS outbox_delivery (
    sink VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    seq BIGINT UNSIGNED NOT NULL,
    state VARCHAR(7) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'pending',
    attempts INT UNSIGNED NOT NULL DEFAULT 0,
    next_at DATETIME(6) NULL,
    last_error VARCHAR(500) CHARACTER SET utf8mb4 NULL,
    PRIMARY KEY (sink, seq),
    KEY outbox_delivery_event (seq)
) ENGINE = InnoDB;
";
