//! Which mails may be forgotten on which day: a small collection a day, named after it, so that a sweep reads only what is due. It needs
//! neither an index over time nor a scan of all mails.

use futures::TryStreamExt as _;
use jiff::{Timestamp, tz::TimeZone};
use mongodb::bson::doc;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Db, DbError, is_duplicate};

const PREFIX: &str = "expiring_";

#[derive(Debug, Serialize, Deserialize)]
struct Row {
    #[serde(rename = "_id")]
    mail: String,
}

/// Has a mail looked at on the day after `at`.
pub async fn register(db: &Db, mail: Uuid, at: Timestamp) -> Result<(), DbError> {
    let row = Row {
        mail: mail.to_string(),
    };
    match db.collection::<Row>(&day(at)).insert_one(&row).await {
        Err(error) if !is_duplicate(&error) => Err(error.into()),
        _ => Ok(()),
    }
}

/// The days before the one of `now` that have mails to look at, the oldest first.
pub async fn due(db: &Db, now: Timestamp) -> Result<Vec<String>, DbError> {
    let mut names = db.database.list_collection_names().await?;
    let today = day(now);
    names.retain(|name| name.starts_with(PREFIX) && *name < today);
    names.sort();
    Ok(names)
}

/// Some of a day's mails.
pub async fn some(db: &Db, day: &str, most: i64) -> Result<Vec<Uuid>, DbError> {
    let rows = db.collection::<Row>(day).find(doc! {}).limit(most).await?;
    let rows: Vec<Row> = rows.try_collect().await?;
    Ok(rows
        .iter()
        .filter_map(|row| Uuid::parse_str(&row.mail).ok())
        .collect())
}

/// A mail was looked at.
pub async fn done(db: &Db, day: &str, mail: Uuid) -> Result<(), DbError> {
    db.collection::<Row>(day)
        .delete_one(doc! {"_id": mail.to_string()})
        .await?;
    Ok(())
}

/// All of a day's mails were looked at. Nothing is registered for a day that is over.
pub async fn close(db: &Db, day: &str) -> Result<(), DbError> {
    db.collection::<Row>(day).drop().await?;
    Ok(())
}

fn day(at: Timestamp) -> String {
    let date = at.to_zoned(TimeZone::UTC).date();
    let (year, month, day) = (date.year(), date.month(), date.day());
    format!("{PREFIX}{year:04}{month:02}{day:02}")
}
