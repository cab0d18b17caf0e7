//! The keys of persons in a collection `person_key` of `MongoDB`.

use ::mongodb::{
    Collection, Database,
    bson::{Binary, doc, spec::BinarySubtype},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{DataKey, SealError, Sealer};
use crate::mongodb::is_duplicate;

#[derive(Serialize, Deserialize)]
struct PersonKey {
    #[serde(rename = "_id")]
    person: String,
    wrapped: Binary,
}

fn collection(database: &Database) -> Collection<PersonKey> {
    database.collection("person_key")
}

/// The person's key; `None` when there never was one, or it was erased.
pub async fn open(
    sealer: &Sealer,
    database: &Database,
    person: Uuid,
) -> Result<Option<DataKey>, SealError> {
    let found = collection(database)
        .find_one(doc! {"_id": person.to_string()})
        .await?;
    found
        .map(|found| sealer.unwrap(person, &found.wrapped.bytes))
        .transpose()
}

/// The person's key, made when there is none.
pub async fn open_or_create(
    sealer: &Sealer,
    database: &Database,
    person: Uuid,
) -> Result<DataKey, SealError> {
    if let Some(key) = open(sealer, database, person).await? {
        return Ok(key);
    }
    let (key, wrapped) = sealer.create(person)?;
    let inserted = collection(database)
        .insert_one(PersonKey {
            person: person.to_string(),
            wrapped: Binary {
                subtype: BinarySubtype::Generic,
                bytes: wrapped,
            },
        })
        .await;
    match inserted {
        Ok(_) => Ok(key),
        // A rival was first; its key is the one that is kept.
        Err(error) if is_duplicate(&error) => open(sealer, database, person)
            .await?
            .ok_or(SealError::Refused),
        Err(error) => Err(error.into()),
    }
}

/// Erases the person's key, and with it all that it sealed. False when there is none.
pub async fn erase(database: &Database, person: Uuid) -> Result<bool, SealError> {
    let deleted = collection(database)
        .delete_one(doc! {"_id": person.to_string()})
        .await?;
    Ok(deleted.deleted_count == 1)
}
