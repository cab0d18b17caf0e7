//! Everything that is asked of `MongoDB`.
//!
//! `FerretDB` v1 understands all of it, and does it fast: what happens for each mail is by `_id` or in a small
//! collection, and only what staff ask now and then reads all mails. Two things are atomic there, and nothing else is relied on: inserting a document with a given `_id`, and the count that deleting one gives.

pub mod expiring;
pub mod mails;
pub mod queue;

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
        let mut options = ClientOptions::parse(uri).await?;
        options.app_name = Some("notifications".to_owned());
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

    /// The database itself, for what kit keeps in it.
    pub fn database(&self) -> &Database {
        &self.database
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
