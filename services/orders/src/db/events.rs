//! What the outbox still holds about a person.

use sqlx::MySqlConnection;
use uuid::Uuid;

use super::Result;
use crate::events::{CLOSED, PLACED, REFUND_REQUESTED};

/// By type, so that what cart and payment must still hear stays: it names no one.
const OWED: &str = "DELETE outbox_delivery FROM outbox_delivery JOIN outbox ON outbox.seq = outbox_delivery.seq \
    WHERE outbox.aggregate = ? AND outbox.type NOT IN (?, ?, ?)";
const KEPT: &str = "DELETE FROM outbox WHERE aggregate = ? AND type NOT IN (?, ?, ?)";

/// Takes out what was to be written to whoever placed an order, sent or not.
pub async fn forget(connection: &mut MySqlConnection, order: Uuid) -> Result<()> {
    for statement in [OWED, KEPT] {
        sqlx::query(statement)
            .bind(order.to_string())
            .bind(PLACED)
            .bind(CLOSED)
            .bind(REFUND_REQUESTED)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
