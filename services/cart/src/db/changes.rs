//! The chain of a cart's changes, `_id` = `{cart}:{revision}`, and a snapshot of it now and then, `_id` = `{cart}`.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use mongodb::bson::doc;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Db, DbError, is_duplicate};
use crate::cart::{Cart, Change};

/// How many changes are taken out at the same time.
const AT_ONCE: usize = 8;

/// A change as it is kept. It is text, so that its size does not count in fields, which `FerretDB` walks one by one.
#[derive(Debug, Serialize, Deserialize)]
struct ChangeRow {
    #[serde(rename = "_id")]
    id: String,
    at: i64,
    /// Tells whose insert it was when an answer was lost on the way.
    writer: String,
    change: String,
}

/// A change with its time.
#[derive(Debug, Clone)]
pub struct Written {
    /// When it was made.
    pub at: Timestamp,
    /// Who made it.
    pub writer: Uuid,
    /// The change.
    pub change: Change,
}

/// What became of an insert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    /// It is the next revision.
    Won,
    /// Another change is.
    Taken,
}

/// Writes a change as `revision`, unless there is one.
pub async fn insert(
    db: &Db,
    cart: Uuid,
    revision: u64,
    written: &Written,
) -> Result<Inserted, DbError> {
    let row = ChangeRow {
        id: id_of(cart, revision),
        at: written.at.as_millisecond(),
        writer: written.writer.to_string(),
        change: serde_json::to_string(&written.change)
            .map_err(|error| DbError::Document("change", error))?,
    };
    match db.collection::<ChangeRow>("changes").insert_one(&row).await {
        Ok(_) => Ok(Inserted::Won),
        Err(error) if is_duplicate(&error) => Ok(Inserted::Taken),
        Err(error) => Err(error.into()),
    }
}

/// The change that made `revision`.
pub async fn find(db: &Db, cart: Uuid, revision: u64) -> Result<Option<Written>, DbError> {
    let row = db
        .collection::<ChangeRow>("changes")
        .find_one(doc! {"_id": id_of(cart, revision)})
        .await?;
    row.as_ref().map(read_change).transpose()
}

/// The changes from `revision` on, as far as they follow each other, at most `most`.
pub async fn find_many(
    db: &Db,
    cart: Uuid,
    revision: u64,
    most: u64,
) -> Result<Vec<Written>, DbError> {
    let reads = (revision..revision + most).map(|revision| find(db, cart, revision));
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let found: Vec<Option<Written>> = stream::iter(reads).buffered(most).try_collect().await?;
    Ok(found.into_iter().map_while(|found| found).collect())
}

/// Takes the changes `from` to `to` out, the last one first, so that what is left still makes a chain when this is cut off.
pub async fn delete(db: &Db, cart: Uuid, from: u64, to: u64) -> Result<(), DbError> {
    let deletions = (from..=to).rev().map(|revision| async move {
        db.collection::<ChangeRow>("changes")
            .delete_one(doc! {"_id": id_of(cart, revision)})
            .await
    });
    stream::iter(deletions)
        .buffered(AT_ONCE)
        .try_for_each(|_| std::future::ready(Ok(())))
        .await?;
    Ok(())
}

#[derive(Debug, Serialize, Deserialize)]
struct SnapshotRow {
    #[serde(rename = "_id")]
    id: String,
    at: i64,
    kept_from: i64,
    cart: String,
}

/// A cart as it was, so that not all of its changes must be read.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The cart.
    pub cart: Cart,
    /// When this was written.
    pub at: Timestamp,
    /// Changes before this one are gone.
    pub kept_from: u64,
}

/// The snapshot of a cart.
pub async fn snapshot(db: &Db, cart: Uuid) -> Result<Option<Snapshot>, DbError> {
    let row = db
        .collection::<SnapshotRow>("snapshots")
        .find_one(doc! {"_id": cart.to_string()})
        .await?;
    let Some(row) = row else { return Ok(None) };
    let cart =
        serde_json::from_str(&row.cart).map_err(|error| DbError::Document("snapshot", error))?;
    Ok(Some(Snapshot {
        cart,
        at: time(row.at),
        kept_from: u64::try_from(row.kept_from).unwrap_or(1),
    }))
}

/// Writes the snapshot of a cart in place of an older one.
pub async fn write_snapshot(db: &Db, snapshot: &Snapshot) -> Result<(), DbError> {
    let row = SnapshotRow {
        id: snapshot.cart.id.to_string(),
        at: snapshot.at.as_millisecond(),
        kept_from: i64::try_from(snapshot.kept_from).unwrap_or(i64::MAX),
        cart: serde_json::to_string(&snapshot.cart)
            .map_err(|error| DbError::Document("snapshot", error))?,
    };
    db.collection::<SnapshotRow>("snapshots")
        .replace_one(doc! {"_id": &row.id}, &row)
        .upsert(true)
        .await?;
    Ok(())
}

/// Takes the snapshot of a cart out.
pub async fn delete_snapshot(db: &Db, cart: Uuid) -> Result<(), DbError> {
    db.collection::<SnapshotRow>("snapshots")
        .delete_one(doc! {"_id": cart.to_string()})
        .await?;
    Ok(())
}

fn id_of(cart: Uuid, revision: u64) -> String {
    format!("{cart}:{revision}")
}

fn read_change(row: &ChangeRow) -> Result<Written, DbError> {
    let change =
        serde_json::from_str(&row.change).map_err(|error| DbError::Document("change", error))?;
    Ok(Written {
        at: time(row.at),
        writer: Uuid::parse_str(&row.writer).unwrap_or_default(),
        change,
    })
}

fn time(millisecond: i64) -> Timestamp {
    Timestamp::from_millisecond(millisecond).unwrap_or(Timestamp::MAX)
}
