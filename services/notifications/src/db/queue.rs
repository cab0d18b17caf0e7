//! Which mails are to be tried when, and who tries them. Only what is not sent yet is here, so that looking is cheap.
//!
//! An attempt belongs to whoever inserts its claim, `_id` = `{mail}:{attempt}`. Claims stay as long as the mail, so that nobody who looked at the queue a moment
//! too early can make the same attempt again.

use futures::TryStreamExt as _;
use jiff::Timestamp;
use mongodb::bson::doc;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Db, DbError, is_duplicate};

#[derive(Debug, Serialize, Deserialize)]
struct Row {
    #[serde(rename = "_id")]
    mail: String,
    attempt: i64,
    next_at: i64,
}

/// A mail that is to be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Which mail.
    pub mail: Uuid,
    /// Which attempt it will be.
    pub attempt: u32,
    /// When.
    pub next_at: Timestamp,
}

impl From<Entry> for Row {
    fn from(entry: Entry) -> Self {
        Self {
            mail: entry.mail.to_string(),
            attempt: entry.attempt.into(),
            next_at: entry.next_at.as_millisecond(),
        }
    }
}

/// Queues a mail, unless it is.
pub async fn insert(db: &Db, entry: Entry) -> Result<(), DbError> {
    match db
        .collection::<Row>("queue")
        .insert_one(Row::from(entry))
        .await
    {
        Err(error) if !is_duplicate(&error) => Err(error.into()),
        _ => Ok(()),
    }
}

/// Has a mail that is queued tried at another time.
pub async fn replace(db: &Db, entry: Entry) -> Result<(), DbError> {
    let row = Row::from(entry);
    db.collection::<Row>("queue")
        .replace_one(doc! {"_id": &row.mail}, &row)
        .await?;
    Ok(())
}

/// Some of what is due.
pub async fn due(db: &Db, now: Timestamp, most: i64) -> Result<Vec<Entry>, DbError> {
    let rows = db
        .collection::<Row>("queue")
        .find(doc! {"next_at": {"$lte": now.as_millisecond()}})
        .limit(most)
        .await?;
    let rows: Vec<Row> = rows.try_collect().await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            Some(Entry {
                mail: Uuid::parse_str(&row.mail).ok()?,
                attempt: u32::try_from(row.attempt).ok()?,
                next_at: Timestamp::from_millisecond(row.next_at).ok()?,
            })
        })
        .collect())
}

/// Nothing more is to be tried.
pub async fn delete(db: &Db, mail: Uuid) -> Result<(), DbError> {
    db.collection::<Row>("queue")
        .delete_one(doc! {"_id": mail.to_string()})
        .await?;
    Ok(())
}

#[derive(Debug, Serialize, Deserialize)]
struct Claim {
    #[serde(rename = "_id")]
    id: String,
    at: i64,
}

/// Who makes an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claimed {
    /// Whoever asked.
    Mine,
    /// Someone else, since this time.
    Taken(Timestamp),
}

/// Claims an attempt.
pub async fn claim(db: &Db, entry: &Entry, now: Timestamp) -> Result<Claimed, DbError> {
    let claim = Claim {
        id: claim_id(entry.mail, entry.attempt),
        at: now.as_millisecond(),
    };
    let claims = db.collection::<Claim>("claims");
    match claims.insert_one(&claim).await {
        Ok(_) => return Ok(Claimed::Mine),
        Err(error) if is_duplicate(&error) => {}
        Err(error) => return Err(error.into()),
    }
    let other = claims.find_one(doc! {"_id": &claim.id}).await?;
    let since = other.and_then(|other| Timestamp::from_millisecond(other.at).ok());
    Ok(Claimed::Taken(since.unwrap_or(now)))
}

/// Gives an attempt back that was not made.
pub async fn unclaim(db: &Db, entry: &Entry) -> Result<(), DbError> {
    delete_claim(db, entry.mail, entry.attempt).await
}

/// Takes out the claims of all attempts.
pub async fn forget_claims(db: &Db, mail: Uuid, attempts: u32) -> Result<(), DbError> {
    for attempt in 1..=attempts {
        delete_claim(db, mail, attempt).await?;
    }
    Ok(())
}

async fn delete_claim(db: &Db, mail: Uuid, attempt: u32) -> Result<(), DbError> {
    db.collection::<Claim>("claims")
        .delete_one(doc! {"_id": claim_id(mail, attempt)})
        .await?;
    Ok(())
}

fn claim_id(mail: Uuid, attempt: u32) -> String {
    format!("{mail}:{attempt}")
}
