//! The audit trail: who did what to whom, by ids alone, so that it can outlive everybody in it.

use kit::{audit, mariadb::MySqlConnection};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{App, db::DbResult};

/// Notes that a person did something to a person, most often to themselves.
pub async fn note(
    connection: &mut MySqlConnection,
    app: &App,
    actor: Uuid,
    action: &str,
    subject: Uuid,
) -> DbResult<()> {
    note_with(
        connection,
        app,
        &actor.to_string(),
        action,
        subject,
        json!({}),
    )
    .await
}

/// The same with details, which must name no one.
pub async fn note_with(
    connection: &mut MySqlConnection,
    app: &App,
    actor: &str,
    action: &str,
    subject: Uuid,
    details: Value,
) -> DbResult<()> {
    audit::record(
        connection,
        &app.clock,
        actor,
        action,
        &subject.to_string(),
        &details,
    )
    .await?;
    Ok(())
}
