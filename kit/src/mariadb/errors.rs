//! What an error of `MariaDB` means for the caller.

use std::{error::Error, future::Future, time::Duration};

use sqlx::{error::DatabaseError, mysql::MySqlDatabaseError};

use crate::{Problem, clock::random_bytes};

/// The first wait before a transaction is tried again; it doubles, and up to as much again is added at random.
const FIRST_BACKOFF: Duration = Duration::from_millis(5);

mod number {
    pub(super) const TOO_MANY_CONNECTIONS: u16 = 1040;
    pub(super) const NO_SUCH_DATABASE: u16 = 1049;
    pub(super) const DATABASE_ACCESS_DENIED: u16 = 1044;
    pub(super) const ACCESS_DENIED: u16 = 1045;
    pub(super) const SHUTTING_DOWN: u16 = 1053;
    pub(super) const DUPLICATE: u16 = 1062;
    pub(super) const CHANGED_SINCE_READ: u16 = 1020;
    pub(super) const NO_SUCH_TABLE: u16 = 1146;
    pub(super) const TOO_MANY_OF_THIS_USER: u16 = 1203;
    pub(super) const LOCK_WAIT: u16 = 1205;
    pub(super) const DEADLOCK: u16 = 1213;
    pub(super) const NO_PARENT_1: u16 = 1216;
    pub(super) const HAS_CHILD_1: u16 = 1217;
    pub(super) const USER_LIMIT: u16 = 1226;
    /// The server runs with an option (`--read-only`) that forbids this.
    pub(super) const READ_ONLY: u16 = 1290;
    pub(super) const INTERRUPTED: u16 = 1317;
    pub(super) const HAS_CHILD: u16 = 1451;
    pub(super) const NO_PARENT: u16 = 1452;
    pub(super) const READ_ONLY_MODE: u16 = 1836;
    pub(super) const KILLED: u16 = 1927;
    pub(super) const STATEMENT_TIMEOUT: u16 = 1969;
    pub(super) const CHECK: u16 = 4025;
}

/// The name of the UNIQUE, CHECK or FOREIGN KEY constraint that refused a write (`PRIMARY` for a primary key): what a use
/// case turns into a problem by name.
pub fn constraint(error: &sqlx::Error) -> Option<String> {
    let error = mysql_error(error)?;
    name_of_constraint(error.number(), error.message())
}

fn name_of_constraint(number: u16, message: &str) -> Option<String> {
    let (before, after) = match number {
        // The value stands before the key, in the words of whoever sent it: only the last one is the server's.
        number::DUPLICATE => ("for key '", '\''),
        number::NO_PARENT
        | number::HAS_CHILD
        | number::NO_PARENT_1
        | number::HAS_CHILD_1
        | number::CHECK => ("CONSTRAINT `", '`'),
        _ => return None,
    };
    let (_, rest) = if number == number::DUPLICATE {
        message.rsplit_once(before)?
    } else {
        message.split_once(before)?
    };
    rest.split(after).next().map(str::to_owned)
}

/// Whether the same transaction may succeed when run again from its beginning: a deadlock, a lock that was not given in
/// time, a row that changed since it was read. Nothing of it was kept.
pub fn is_worth_retrying(error: &sqlx::Error) -> bool {
    mysql_error(error).is_some_and(deserves_another_try)
}

fn deserves_another_try(error: &MySqlDatabaseError) -> bool {
    matches!(
        error.number(),
        number::DEADLOCK | number::LOCK_WAIT | number::CHANGED_SINCE_READ
    )
}

/// Runs a transaction again, up to `attempts` times in all, as long as it ends with an error that [`is_worth_retrying`],
/// alone or as the source of the use case's own error. `run` begins and commits; when it fails it leaves nothing.
pub async fn retrying<T, E, F>(attempts: u32, mut run: impl FnMut() -> F) -> Result<T, E>
where
    E: Error + 'static,
    F: Future<Output = Result<T, E>>,
{
    let mut backoff = FIRST_BACKOFF;
    for _ in 1..attempts {
        match run().await {
            Err(error) if is_caused_by_rivals(&error) => {
                tracing::debug!(
                    error = crate::problem::chain(&error),
                    "the transaction is run again"
                );
            }
            outcome => return outcome,
        }
        let [random] = random_bytes::<1>();
        tokio::time::sleep(backoff + backoff * u32::from(random) / 255).await;
        backoff *= 2;
    }
    run().await
}

fn is_caused_by_rivals(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error
            .downcast_ref::<sqlx::Error>()
            .is_some_and(is_worth_retrying)
            // A transparent error hides sqlx's own; what it holds stays in sight.
            || error
                .downcast_ref::<Box<dyn DatabaseError>>()
                .and_then(|error| error.try_downcast_ref())
                .is_some_and(deserves_another_try)
        {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Whether the database is not there, not writable, not set up yet, or too busy: as opposed to refusing what was asked.
pub fn is_unavailable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed => true,
        error => mysql_error(error).is_some_and(|error| {
            deserves_another_try(error)
                || matches!(
                    error.number(),
                    number::TOO_MANY_CONNECTIONS
                        | number::TOO_MANY_OF_THIS_USER
                        | number::USER_LIMIT
                        | number::NO_SUCH_DATABASE
                        | number::DATABASE_ACCESS_DENIED
                        | number::ACCESS_DENIED
                        | number::SHUTTING_DOWN
                        | number::READ_ONLY
                        | number::READ_ONLY_MODE
                        | number::INTERRUPTED
                        | number::KILLED
                        | number::STATEMENT_TIMEOUT
                )
        }),
    }
}

/// The problem for an error that the use case has no words for: 503 when the database [`is_unavailable`] or has no tables
/// yet, as before the first migration, else 500.
pub fn unavailable(error: sqlx::Error) -> Problem {
    let has_no_tables =
        mysql_error(&error).is_some_and(|error| error.number() == number::NO_SUCH_TABLE);
    if has_no_tables || is_unavailable(&error) {
        Problem::unavailable(error)
    } else {
        Problem::internal(error)
    }
}

fn mysql_error(error: &sqlx::Error) -> Option<&MySqlDatabaseError> {
    error.as_database_error()?.try_downcast_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_name_of_a_constraint() {
        for (number, message, name) in [
            (
                1062,
                "Duplicate entry 'a@b.example' for key 'person_email'",
                Some("person_email"),
            ),
            (
                1062,
                "Duplicate entry 'for key 'mine'' for key 'PRIMARY'",
                Some("PRIMARY"),
            ),
            (
                1452,
                "Cannot add or update a child row: a foreign key constraint fails (`test`.`b`, CONSTRAINT `b_a` FOREIGN KEY (`a`) REFERENCES `a` (`id`))",
                Some("b_a"),
            ),
            (
                4025,
                "CONSTRAINT `enough` failed for `test`.`a`",
                Some("enough"),
            ),
            (1054, "Unknown column 'for key '", None),
        ] {
            assert_eq!(
                name_of_constraint(number, message).as_deref(),
                name,
                "{message}"
            );
        }
    }
}
