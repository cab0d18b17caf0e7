//! The mails themselves, `_id` = the id of the event.

use futures::TryStreamExt as _;
use mongodb::bson::{Document, doc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Db, DbError, is_duplicate};
use crate::mail::{Mail, State};

/// A mail as it is kept: text, and beside it what is asked for.
#[derive(Debug, Serialize, Deserialize)]
struct Row {
    #[serde(rename = "_id")]
    id: String,
    state: String,
    about: String,
    reader: String,
    mail: String,
}

impl Row {
    fn of(mail: &Mail) -> Result<Self, DbError> {
        Ok(Self {
            id: mail.id.to_string(),
            state: mail.state.name().to_owned(),
            about: mail.about.clone(),
            reader: mail.reader.to_string(),
            mail: serde_json::to_string(mail).map_err(|error| DbError::Document("mail", error))?,
        })
    }

    fn mail(&self) -> Result<Mail, DbError> {
        serde_json::from_str(&self.mail).map_err(|error| DbError::Document("mail", error))
    }
}

/// Writes a mail that is new; returns the one that is there when there is one.
pub async fn insert(db: &Db, mail: &Mail) -> Result<Option<Mail>, DbError> {
    let row = Row::of(mail)?;
    match db.collection::<Row>("mails").insert_one(&row).await {
        Ok(_) => Ok(None),
        Err(error) if is_duplicate(&error) => find(db, mail.id).await,
        Err(error) => Err(error.into()),
    }
}

/// A mail.
pub async fn find(db: &Db, id: Uuid) -> Result<Option<Mail>, DbError> {
    let row = db
        .collection::<Row>("mails")
        .find_one(doc! {"_id": id.to_string()})
        .await?;
    row.as_ref().map(Row::mail).transpose()
}

/// Writes what became of a mail. Only whoever holds its attempt does, or staff once there is none.
pub async fn replace(db: &Db, mail: &Mail) -> Result<(), DbError> {
    let row = Row::of(mail)?;
    db.collection::<Row>("mails")
        .replace_one(doc! {"_id": &row.id}, &row)
        .await?;
    Ok(())
}

/// Takes a mail out.
pub async fn delete(db: &Db, id: Uuid) -> Result<(), DbError> {
    db.collection::<Row>("mails")
        .delete_one(doc! {"_id": id.to_string()})
        .await?;
    Ok(())
}

/// The newest mails, of one state where one is named, older than `before` where that is. Reads them all: for staff, now and then.
pub async fn newest(
    db: &Db,
    state: Option<State>,
    before: Option<Uuid>,
    most: i64,
) -> Result<Vec<Mail>, DbError> {
    let mut filter = Document::new();
    if let Some(state) = state {
        filter.insert("state", state.name());
    }
    if let Some(before) = before {
        filter.insert("_id", doc! {"$lt": before.to_string()});
    }
    let rows = db
        .collection::<Row>("mails")
        .find(filter)
        .sort(doc! {"_id": -1})
        .limit(most)
        .await?;
    let rows: Vec<Row> = rows.try_collect().await?;
    rows.iter().map(Row::mail).collect()
}

/// The mails about a person, or to whoever reads under one of these keys. Reads them all: for exports and erasures.
pub async fn of_person(db: &Db, person: Uuid, reader: Option<Uuid>) -> Result<Vec<Mail>, DbError> {
    let mut either = vec![doc! {"about": person.to_string()}];
    if let Some(reader) = reader {
        either.push(doc! {"reader": reader.to_string()});
    }
    let rows = db
        .collection::<Row>("mails")
        .find(doc! {"$or": either})
        .await?;
    let rows: Vec<Row> = rows.try_collect().await?;
    rows.iter().map(Row::mail).collect()
}
