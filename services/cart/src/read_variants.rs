//! Names and prices from the catalog, remembered for a minute, and for as long as need be while the catalog is away.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use kit::{Problem, client::ClientError};
use quick_cache::sync::Cache;

use crate::{
    App,
    variant::Variant,
    view::{Known, Reading},
};

/// How long a price is shown before it is asked for again.
const FRESH: SignedDuration = SignedDuration::from_mins(1);
/// How many variants are remembered.
const REMEMBERED: usize = 16_384;

/// What the catalog last said, by SKU.
pub type Shelf = Cache<String, Reading>;

/// Room for what the catalog says.
pub fn shelf() -> Shelf {
    Cache::new(REMEMBERED)
}

/// What is known of these SKUs, after asking the catalog, once for all of them, what is not known well enough. When it is away, what was known
/// before has to do.
pub async fn read_many(app: &App, skus: &[&str]) -> Known {
    if let Err(error) = refresh(app, skus).await {
        tracing::debug!(
            error = kit::problem::chain(&error),
            "showing the last prices known"
        );
    }
    skus.iter()
        .filter_map(|sku| Some(((*sku).to_owned(), app.shelf.get(*sku)?)))
        .collect()
}

/// What is for sale under a SKU, by the catalog or, while it is away, as last read; `None` when the catalog knows no such SKU.
pub async fn read_one(
    app: &App,
    sku: &str,
    last: Option<Arc<Variant>>,
) -> Result<Option<Arc<Variant>>, CatalogAway> {
    let asked = refresh(app, &[sku]).await;
    match (app.shelf.get(sku), asked) {
        (Some(reading), _) => Ok(reading.variant),
        (None, Err(error)) => last.map(Some).ok_or(CatalogAway(error)),
        (None, Ok(())) => Ok(last),
    }
}

/// Nothing is known of a SKU, and the catalog can't be asked.
#[derive(Debug, thiserror::Error)]
#[error("the catalog can't be asked")]
pub struct CatalogAway(#[source] ClientError);

impl From<CatalogAway> for Problem {
    fn from(error: CatalogAway) -> Self {
        Self::unavailable(error)
    }
}

async fn refresh(app: &App, skus: &[&str]) -> Result<(), ClientError> {
    let now = app.clock.now();
    let stale: Vec<&str> = skus
        .iter()
        .copied()
        .filter(|sku| !is_fresh(app, sku, now))
        .collect();
    if stale.is_empty() {
        return Ok(());
    }
    let found = app.catalog.variants(&stale, now).await?;
    let mut unknown: Vec<&str> = stale;
    for variant in found {
        unknown.retain(|sku| *sku != variant.sku);
        let reading = Reading {
            at: now,
            variant: Some(Arc::new(variant.clone())),
        };
        app.shelf.insert(variant.sku, reading);
    }
    for sku in unknown {
        let reading = Reading {
            at: now,
            variant: None,
        };
        app.shelf.insert(sku.to_owned(), reading);
    }
    Ok(())
}

fn is_fresh(app: &App, sku: &str, now: Timestamp) -> bool {
    app.shelf
        .get(sku)
        .is_some_and(|reading| now.duration_since(reading.at) < FRESH)
}
