//! The only place that speaks to the database: functions that take a connection. Who calls them begins and commits.
//!
//! Whatever changes a person locks the person's row first, then what belongs to it: sessions, codes, addresses. Who follows that order
//! never waits in a circle.

pub mod accounts;
pub mod addresses;
pub mod erasures;
pub mod factors;
pub mod passkeys;
pub mod registrations;
pub mod resets;
pub mod roles;
pub mod sealed;
pub mod sessions;
pub mod throttles;

use kit::{
    Problem, audit,
    mariadb::{self, Migration},
    outbox, seal,
};
use sqlx::mysql::MySqlQueryResult;

/// The changes to the tables, in order.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "people",
        sql: include_str!("../migrations/0001_people.sql"),
    },
    Migration {
        version: 2,
        name: "passkeys",
        sql: include_str!("../migrations/0002_passkeys.sql"),
    },
    Migration {
        version: 3,
        name: "person_key",
        sql: seal::MIGRATION,
    },
    Migration {
        version: 4,
        name: "outbox",
        sql: outbox::MIGRATION,
    },
    Migration {
        version: 5,
        name: "audit",
        sql: audit::MIGRATION,
    },
];

/// Why something could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The database refused, or could not be reached.
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
    /// Something sealed could not be opened, or sealed.
    #[error(transparent)]
    Seal(#[from] seal::SealError),
    /// A column holds what was never written there.
    #[error("{0} holds something that can't be read")]
    Unreadable(&'static str),
}

/// What functions of this room answer.
pub type DbResult<T> = Result<T, DbError>;

impl DbError {
    /// The constraint that refused a write.
    pub fn constraint(&self) -> Option<String> {
        match self {
            Self::Sql(error) => mariadb::constraint(error),
            Self::Seal(_) | Self::Unreadable(_) => None,
        }
    }
}

impl From<DbError> for Problem {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Sql(error) => mariadb::unavailable(error),
            error @ (DbError::Seal(_) | DbError::Unreadable(_)) => Self::internal(error),
        }
    }
}

/// Whether a statement changed the one row it was meant for.
fn changed_one(result: &MySqlQueryResult) -> bool {
    result.rows_affected() == 1
}
