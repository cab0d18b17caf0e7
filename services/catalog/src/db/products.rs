//! Products, categories and unique names.
//!
//! A name that no two products may share (key, SKU, slug) is a document whose `_id` is the name and which says whose it is. That makes it
//! unique also where a unique index can't be had: over the elements of an array in `FerretDB`, or across the shards of `MongoDB`. It is
//! written under a claim of the journal, so no two writers decide on the same name at once. A name whose product does
//! not bear it was left by a writer that died; it is free.

use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use mongodb::{bson::doc, error::ErrorKind};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{DUPLICATE_KEY, Db, DbError};
use crate::{category::Category, product::Product};

/// How many reads or writes of one batch are under way at the same time.
const AT_ONCE: usize = 16;

#[derive(Debug, Serialize, Deserialize)]
struct ProductRow {
    #[serde(rename = "_id")]
    id: String,
    product: Product,
}

#[derive(Debug, Serialize, Deserialize)]
struct CategoryRow {
    #[serde(rename = "_id")]
    key: String,
    category: Category,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct NameRow {
    #[serde(rename = "_id")]
    name: String,
    product: String,
}

/// The product with this id.
pub async fn product(db: &Db, id: Uuid) -> Result<Option<Product>, DbError> {
    let found = db
        .collection::<ProductRow>("products")
        .find_one(doc! {"_id": id.to_string()})
        .await?;
    Ok(found.map(|row| row.product))
}

/// The products with these ids, each where its id is.
pub async fn products(db: &Db, ids: &[Uuid]) -> Result<Vec<Option<Product>>, DbError> {
    let reads = ids.iter().copied().map(|id| {
        let db = db.clone();
        async move { product(&db, id).await }
    });
    stream::iter(reads).buffered(AT_ONCE).try_collect().await
}

/// Every product, in batches of at most `size`.
pub async fn all(
    db: &Db,
    size: usize,
) -> Result<impl Stream<Item = Result<Vec<Product>, DbError>> + Send + Unpin, DbError> {
    let batch = u32::try_from(size).unwrap_or(u32::MAX);
    let cursor = db
        .collection::<ProductRow>("products")
        .find(doc! {})
        .batch_size(batch)
        .await?;
    Ok(cursor
        .map_ok(|row| row.product)
        .try_chunks(size)
        .map_err(|error| error.1.into()))
}

/// Writes products that are new.
pub async fn insert(db: &Db, products: &[Product]) -> Result<(), DbError> {
    if products.is_empty() {
        return Ok(());
    }
    let rows: Vec<ProductRow> = products.iter().map(row).collect();
    match db
        .collection::<ProductRow>("products")
        .insert_many(&rows)
        .ordered(false)
        .await
    {
        Err(error) if duplicates(&error).is_none() => Err(error.into()),
        // The driver repeats an insert whose answer was lost, and then finds its own documents.
        _ => Ok(()),
    }
}

/// Writes products that may exist.
pub async fn replace(db: &Db, products: &[Product]) -> Result<(), DbError> {
    let rows: Vec<ProductRow> = products.iter().map(row).collect();
    let writes = rows.into_iter().map(|row| {
        let collection = db.collection::<ProductRow>("products");
        async move {
            collection
                .replace_one(doc! {"_id": &row.id}, &row)
                .upsert(true)
                .await
        }
    });
    all_done(writes).await
}

/// Takes a product out.
pub async fn delete(db: &Db, id: Uuid) -> Result<(), DbError> {
    db.collection::<ProductRow>("products")
        .delete_one(doc! {"_id": id.to_string()})
        .await?;
    Ok(())
}

/// Whose a name is, whether or not that product still bears it.
pub async fn owner(db: &Db, name: &str) -> Result<Option<Uuid>, DbError> {
    let found = db
        .collection::<NameRow>("names")
        .find_one(doc! {"_id": name})
        .await?;
    Ok(found.and_then(|row| Uuid::parse_str(&row.product).ok()))
}

/// Whose each of some names is.
pub async fn owners(db: &Db, names: &[String]) -> Result<Vec<Option<Uuid>>, DbError> {
    let reads = names.iter().cloned().map(|name| {
        let db = db.clone();
        async move { owner(&db, &name).await }
    });
    stream::iter(reads).buffered(AT_ONCE).try_collect().await
}

/// The product that bears a name.
pub async fn bearer(db: &Db, name: &str) -> Result<Option<Product>, DbError> {
    let Some(id) = owner(db, name).await? else {
        return Ok(None);
    };
    let product = product(db, id).await?;
    Ok(product.filter(|product| product.unique_names().iter().any(|borne| borne == name)))
}

/// Gives names to a product, whoever had them.
pub async fn name(db: &Db, names: &[String], product: Uuid) -> Result<(), DbError> {
    let writes = names.iter().cloned().map(|name| {
        let collection = db.collection::<NameRow>("names");
        let row = NameRow {
            name,
            product: product.to_string(),
        };
        async move {
            collection
                .replace_one(doc! {"_id": &row.name}, &row)
                .upsert(true)
                .await
        }
    });
    all_done(writes).await
}

/// Gives new names to products; answers with the positions of those that exist already.
pub async fn name_new(db: &Db, names: &[(String, Uuid)]) -> Result<Vec<usize>, DbError> {
    let rows: Vec<NameRow> = names
        .iter()
        .map(|(name, product)| NameRow {
            name: name.clone(),
            product: product.to_string(),
        })
        .collect();
    match db
        .collection::<NameRow>("names")
        .insert_many(&rows)
        .ordered(false)
        .await
    {
        Ok(_) => Ok(Vec::new()),
        Err(error) => duplicates(&error).ok_or_else(|| error.into()),
    }
}

/// Sets names free.
pub async fn unname(db: &Db, names: &[String]) -> Result<(), DbError> {
    let deletes = names.iter().cloned().map(|name| {
        let collection = db.collection::<NameRow>("names");
        async move { collection.delete_one(doc! {"_id": name}).await }
    });
    all_done(deletes).await
}

/// Every category.
pub async fn all_categories(db: &Db) -> Result<Vec<Category>, DbError> {
    let cursor = db
        .collection::<CategoryRow>("categories")
        .find(doc! {})
        .await?;
    Ok(cursor.map_ok(|row| row.category).try_collect().await?)
}

/// The category with this key.
pub async fn category(db: &Db, key: &str) -> Result<Option<Category>, DbError> {
    let found = db
        .collection::<CategoryRow>("categories")
        .find_one(doc! {"_id": key})
        .await?;
    Ok(found.map(|row| row.category))
}

/// Writes categories.
pub async fn put_categories(db: &Db, categories: &[Category]) -> Result<(), DbError> {
    let collection = db.collection::<CategoryRow>("categories");
    for category in categories {
        let row = CategoryRow {
            key: category.key.clone(),
            category: category.clone(),
        };
        collection
            .replace_one(doc! {"_id": &row.key}, &row)
            .upsert(true)
            .await?;
    }
    Ok(())
}

fn row(product: &Product) -> ProductRow {
    ProductRow {
        id: product.id.to_string(),
        product: product.clone(),
    }
}

/// Carries out writes, some at the same time; fails with the first that fails.
async fn all_done<T>(
    writes: impl Iterator<Item = impl Future<Output = mongodb::error::Result<T>>>,
) -> Result<(), DbError> {
    let mut running = stream::iter(writes).buffer_unordered(AT_ONCE);
    while let Some(outcome) = running.next().await {
        outcome?;
    }
    Ok(())
}

/// The positions of the documents that existed already, when that is all that went wrong.
fn duplicates(error: &mongodb::error::Error) -> Option<Vec<usize>> {
    let ErrorKind::InsertMany(failed) = &*error.kind else {
        return None;
    };
    let errors = failed
        .write_errors
        .as_ref()
        .filter(|_| failed.write_concern_error.is_none())?;
    errors
        .iter()
        .map(|error| (error.code == DUPLICATE_KEY).then_some(error.index))
        .collect()
}
