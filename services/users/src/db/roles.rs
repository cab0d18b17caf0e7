//! Who has which role.

use kit::mariadb::MySqlConnection;
use uuid::Uuid;

use super::DbResult;
use crate::role::{Role, Roles};

const CLEAR: &str = "DELETE FROM person_role WHERE person = ?";
const INSERT: &str = "INSERT INTO person_role (person, role) VALUES (?, ?)";
/// Locks them, so that two admins can't take the role from each other at the same moment.
const OTHERS: &str = "SELECT person_role.person FROM person_role JOIN person ON person.id = person_role.person \
    WHERE person_role.role = ? AND person_role.person <> ? AND person.leaving_at IS NULL FOR UPDATE";
const ANYBODY: &str = "SELECT COUNT(*) FROM person_role WHERE role = ?";

/// Gives a person these roles and no others.
pub async fn put(connection: &mut MySqlConnection, person: Uuid, roles: &Roles) -> DbResult<()> {
    sqlx::query(CLEAR)
        .bind(person)
        .execute(&mut *connection)
        .await?;
    for role in roles.given() {
        sqlx::query(INSERT)
            .bind(person)
            .bind(role.as_str())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// How many others have a role, kept so until the transaction ends.
pub async fn others_with(
    connection: &mut MySqlConnection,
    role: Role,
    person: Uuid,
) -> DbResult<u64> {
    let others = sqlx::query(OTHERS)
        .bind(role.as_str())
        .bind(person)
        .fetch_all(connection)
        .await?;
    Ok(others.len().try_into().unwrap_or(u64::MAX))
}

/// Whether anybody has a role.
pub async fn has_anybody(connection: &mut MySqlConnection, role: Role) -> DbResult<bool> {
    let count: i64 = sqlx::query_scalar(ANYBODY)
        .bind(role.as_str())
        .fetch_one(connection)
        .await?;
    Ok(count > 0)
}
