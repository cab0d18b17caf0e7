//! Everything that is asked of `MongoDB`.
//!
//! `FerretDB` v1 understands all of it, and does it fast: what happens for each mail is by `_id` or in a small
//! collection, and only what staff ask now and then reads all mails. Two things are atomic there, and nothing else is relied on: inserting a document with a given `_id`, and the count that deleting one gives.

pub mod expiring;
pub mod mails;
pub mod queue;

use kit::mongodb::is_duplicate;
use mongodb::{Collection, Database};

/// The database refused, or could not be reached.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The driver says so.
    #[error("the database did not answer as expected")]
    Driver(#[from] mongodb::error::Error),
    /// A document is not what this program writes.
    #[error("the {0} can't be read or written")]
    Document(&'static str, #[source] serde_json::Error),
}

impl From<DbError> for kit::Problem {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Driver(_) => Self::unavailable(error),
            DbError::Document(..) => Self::internal(error),
        }
    }
}

/// The database of notifications.
#[derive(Debug, Clone)]
pub struct Db {
    database: Database,
}

impl Db {
    /// Prepares to connect; the first question connects.
    pub async fn open(uri: &str, database: &str) -> Result<Self, DbError> {
        let database = kit::mongodb::open("notifications", uri, database).await?;
        Ok(Self { database })
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), String> {
        kit::mongodb::ping(&self.database).await
    }

    /// The database itself, for what kit keeps in it.
    pub fn database(&self) -> &Database {
        &self.database
    }

    fn collection<T: Send + Sync>(&self, name: &str) -> Collection<T> {
        self.database.collection(name)
    }
}
