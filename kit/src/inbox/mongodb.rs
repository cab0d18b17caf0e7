//! The inbox of a service that keeps its state in `MongoDB`: ids of events, in a small collection for each day on which they happened. An id says
//! itself which day that is (UUID version 7), so what is old goes with its collection, without an index over time or a look at each.

use ::mongodb::{
    Collection, Database,
    bson::{Document, doc},
    error::Error,
};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::{clock::Clock, mongodb::is_duplicate};

/// Events whose ids tell no time.
const UNDATED: &str = "inbox";
/// How long an event is remembered: nobody repeats one for that long.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 90);

/// Whether the event took effect already: asked first, so that what comes again costs one read.
pub async fn is_known(database: &Database, id: &Uuid) -> Result<bool, Error> {
    let found = collection(database, id)
        .find_one(doc! {"_id": id.to_string()})
        .await?;
    Ok(found.is_some())
}

/// Remembers an event after its effect, which must bear being repeated: a process that dies in between repeats it. False when
/// somebody else remembered it meanwhile.
pub async fn remember(database: &Database, id: &Uuid) -> Result<bool, Error> {
    let inserted = collection(database, id)
        .insert_one(doc! {"_id": id.to_string()})
        .await;
    match inserted {
        Ok(_) => Ok(true),
        Err(error) if is_duplicate(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Forgets events that happened more than 90 days ago.
pub async fn sweep(database: &Database, clock: &Clock) -> Result<(), Error> {
    let oldest = clock.now().saturating_sub(KEPT).unwrap_or(Timestamp::MIN);
    let oldest = name_of(oldest);
    for name in database.list_collection_names().await? {
        if is_dated(&name) && name < oldest {
            database.collection::<Document>(&name).drop().await?;
        }
    }
    Ok(())
}

fn collection(database: &Database, id: &Uuid) -> Collection<Document> {
    let at = id.get_timestamp().and_then(|at| {
        let (seconds, _) = at.to_unix();
        Timestamp::from_second(i64::try_from(seconds).ok()?).ok()
    });
    database.collection(&at.map_or_else(|| UNDATED.to_owned(), name_of))
}

/// Whether a collection is one of a day's.
fn is_dated(name: &str) -> bool {
    name.starts_with("inbox_")
}

fn name_of(day: Timestamp) -> String {
    day.strftime("inbox_%Y%m%d").to_string()
}
