//! What a write changed, for those who follow.

use lz4_flex::block;
use mongodb::bson::{Binary, spec::BinarySubtype};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{DbError, number};
use crate::{category::Category, product::Product, search::Change};

/// A record holds a batch of an import, which is a few MiB; a larger length is damage.
const LARGEST_RECORD: usize = 64 * 1024 * 1024;

/// What changed, as compressed JSON: an import's record holds hundreds of products, which the database has no need to look into.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RecordRow {
    #[serde(rename = "_id")]
    pub(super) id: String,
    changes: Binary,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Record {
    #[serde(default)]
    pub(super) products: Vec<Product>,
    #[serde(default)]
    pub(super) removed: Vec<Uuid>,
    #[serde(default)]
    pub(super) categories: Vec<Category>,
}

impl Record {
    pub(super) fn row(&self, revision: u64) -> Result<RecordRow, DbError> {
        let json = serde_json::to_vec(self).map_err(DbError::record)?;
        Ok(RecordRow {
            id: number(revision),
            changes: Binary {
                subtype: BinarySubtype::Generic,
                bytes: compress(&json)?,
            },
        })
    }

    pub(super) fn unpack(row: &RecordRow) -> Result<Self, DbError> {
        let json = decompress(&row.changes.bytes)?;
        serde_json::from_slice(&json).map_err(DbError::record)
    }
}

/// LZ4 behind the length of what it holds.
fn compress(json: &[u8]) -> Result<Vec<u8>, DbError> {
    let length = u32::try_from(json.len())
        .map_err(DbError::record)?
        .to_le_bytes();
    let mut bytes = vec![0; length.len() + block::get_maximum_output_size(json.len())];
    bytes[..length.len()].copy_from_slice(&length);
    let written =
        block::compress_into(json, &mut bytes[length.len()..]).map_err(DbError::record)?;
    bytes.truncate(length.len() + written);
    Ok(bytes)
}

fn decompress(bytes: &[u8]) -> Result<Vec<u8>, DbError> {
    let (length, rest) = bytes.split_first_chunk().ok_or(DbError::Truncated)?;
    let length = usize::try_from(u32::from_le_bytes(*length)).map_err(DbError::record)?;
    let mut json = vec![0; length.min(LARGEST_RECORD)];
    let written = block::decompress_into(rest, &mut json).map_err(DbError::record)?;
    json.truncate(written);
    Ok(json)
}

pub(super) fn of(changes: &[Change]) -> Record {
    let mut record = Record::default();
    for change in changes {
        match change {
            Change::Product(product) => record.products.push(Product::clone(product)),
            Change::Removed(id, _) => record.removed.push(*id),
            Change::Category(category) => record.categories.push(category.clone()),
        }
    }
    record
}

pub(super) fn read(record: Record, revision: u64, changes: &mut Vec<Change>) {
    let Record {
        products,
        removed,
        categories,
    } = record;
    changes.extend(categories.into_iter().map(Change::Category));
    changes.extend(
        products
            .into_iter()
            .map(|product| Change::Product(Box::new(product))),
    );
    changes.extend(removed.into_iter().map(|id| Change::Removed(id, revision)));
}
