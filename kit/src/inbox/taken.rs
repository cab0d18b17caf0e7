use std::time::Duration;

use sqlx::{MySqlConnection, MySqlPool};
use uuid::Uuid;

use crate::{clock::Clock, mariadb::At};

/// The table, as the `sql` of a [`Migration`](crate::mariadb::Migration).
pub const MIGRATION: &str = "
CREATE TABLE IF NOT EXISTS inbox (
    id BINARY(16) NOT NULL PRIMARY KEY,
    taken_at DATETIME(6) NOT NULL,
    KEY inbox_taken_at (taken_at)
) ENGINE = InnoDB;
";

/// IGNORE and no ON DUPLICATE KEY: the driver asks for matched rows, where the latter counts one for an old row too.
const TAKE: &str = "INSERT IGNORE INTO inbox (id, taken_at) VALUES (?, UTC_TIMESTAMP(6))";
const SWEEP: &str = "DELETE FROM inbox WHERE taken_at < ? ORDER BY taken_at LIMIT 1000";

/// Longer than a dead letter waits for somebody who sends it again.
const KEEP_FOR: Duration = Duration::from_hours(24 * 90);

/// Whether this event is new: first in the transaction of its effect; when false there is nothing to do. A rival that takes the same event
/// at this moment is waited for.
pub async fn take(connection: &mut MySqlConnection, id: &Uuid) -> Result<bool, sqlx::Error> {
    let inserted = sqlx::query(TAKE).bind(id).execute(connection).await?;
    Ok(inserted.rows_affected() == 1)
}

/// Forgets events that were taken more than 90 days ago.
pub async fn sweep(pool: &MySqlPool, clock: &Clock) -> Result<(), sqlx::Error> {
    let Ok(before) = clock.now().checked_sub(KEEP_FOR) else {
        return Ok(());
    };
    loop {
        let deleted = sqlx::query(SWEEP).bind(At(before)).execute(pool).await?;
        if deleted.rows_affected() < 1000 {
            return Ok(());
        }
    }
}
