//! The inbox of a service that keeps its state in `MongoDB`: a collection `inbox` of ids.

use ::mongodb::{
    Database,
    bson::{DateTime, Document, doc},
    error::Error,
};
use uuid::Uuid;

use crate::{clock::Clock, mongodb::is_duplicate};

/// Whether the event took effect already: asked first, so that what comes again costs one read.
pub async fn is_known(database: &Database, id: &Uuid) -> Result<bool, Error> {
    let found = collection(database)
        .find_one(doc! {"_id": id.to_string()})
        .await?;
    Ok(found.is_some())
}

/// Remembers an event after its effect, which must bear being repeated: a process that dies in between repeats it. False when
/// somebody else remembered it meanwhile.
pub async fn remember(database: &Database, id: &Uuid, clock: &Clock) -> Result<bool, Error> {
    let at = DateTime::from_millis(clock.now().as_millisecond());
    let inserted = collection(database)
        .insert_one(doc! {"_id": id.to_string(), "taken_at": at})
        .await;
    match inserted {
        Ok(_) => Ok(true),
        Err(error) if is_duplicate(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

fn collection(database: &Database) -> ::mongodb::Collection<Document> {
    database.collection("inbox")
}
