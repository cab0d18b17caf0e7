//! Everything that is asked of `MongoDB`.
//!
//! `FerretDB` v1 understands all of it, and does it fast: reads are by `_id` (a string) or of a whole collection, and nothing relies on an
//! update being atomic, which there it is not. What must be exclusive goes through the [`journal`].

pub mod journal;
pub mod products;

use kit::mongodb::{DUPLICATE_KEY, is_duplicate};
use mongodb::{Collection, Database};

/// The database refused, or could not be reached.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The driver says so.
    #[error("the database did not answer as expected")]
    Driver(#[from] mongodb::error::Error),
    /// A record of changes is not what this program writes.
    #[error("a record of changes can't be read")]
    Record(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A record of changes ends too early.
    #[error("a record of changes ends too early")]
    Truncated,
}

impl DbError {
    fn record(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Record(Box::new(error))
    }
}

/// The catalog's database.
#[derive(Debug, Clone)]
pub struct Db {
    database: Database,
}

impl Db {
    /// Prepares to connect; the first question connects.
    pub async fn open(uri: &str, database: &str) -> Result<Self, DbError> {
        let database = kit::mongodb::open("catalog", uri, database).await?;
        Ok(Self { database })
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), String> {
        kit::mongodb::ping(&self.database).await
    }

    fn collection<T: Send + Sync>(&self, name: &str) -> Collection<T> {
        self.database.collection(name)
    }
}
