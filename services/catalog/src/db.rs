//! Everything that is asked of `MongoDB`.
//!
//! `FerretDB` v1 understands all of it, and does it fast: reads are by `_id` (a string) or of a whole collection, and nothing relies on an
//! update being atomic, which there it is not. What must be exclusive goes through the [`journal`].

pub mod journal;
pub mod products;

use std::time::Duration;

use mongodb::{
    Client, Collection, Database,
    bson::doc,
    error::{ErrorKind, WriteFailure},
    options::ClientOptions,
};

/// A request gives up on a database that can't be reached after this time.
const SELECTION_TIMEOUT: Duration = Duration::from_secs(2);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const DUPLICATE_KEY: i32 = 11000;

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
        let mut options = ClientOptions::parse(uri).await?;
        options.app_name = Some("catalog".to_owned());
        options
            .server_selection_timeout
            .get_or_insert(SELECTION_TIMEOUT);
        options.connect_timeout.get_or_insert(CONNECT_TIMEOUT);
        let client = Client::with_options(options)?;
        Ok(Self {
            database: client.database(database),
        })
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), DbError> {
        self.database.run_command(doc! {"ping": 1}).await?;
        Ok(())
    }

    fn collection<T: Send + Sync>(&self, name: &str) -> Collection<T> {
        self.database.collection(name)
    }
}

/// Whether an insert failed because the `_id` exists.
fn is_duplicate(error: &mongodb::error::Error) -> bool {
    match &*error.kind {
        ErrorKind::Write(WriteFailure::WriteError(write)) => write.code == DUPLICATE_KEY,
        _ => false,
    }
}
