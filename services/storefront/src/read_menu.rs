//! The categories, kept in this process: fresh ones cost no page a wait, and old ones outlive the catalog's absence. Only while
//! the shop is still being filled do pages wait for news: what was true a moment ago is wrong by now.

use crate::{
    category_tree::CategoryTree,
    clients::{Catalog, CatalogError},
};
use arc_swap::ArcSwapOption;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Mutex;

/// How old the categories may be before they are read again.
const FRESH_FOR: Duration = Duration::from_secs(15);
/// The same while no category holds a product.
const HOLLOW_FRESH_FOR: Duration = Duration::from_millis(500);

/// The categories as they were last read. Clones share them.
#[derive(Clone)]
pub struct Menu(Arc<Shared>);

struct Shared {
    catalog: Catalog,
    last: ArcSwapOption<Reading>,
    reading: Mutex<()>,
}

struct Reading {
    tree: Arc<CategoryTree>,
    read_at: Instant,
}

impl Reading {
    fn is_fresh(&self) -> bool {
        let fresh_for = if self.tree.is_hollow() {
            HOLLOW_FRESH_FOR
        } else {
            FRESH_FOR
        };
        self.read_at.elapsed() < fresh_for
    }
}

impl Menu {
    /// Nothing yet: the first page reads them.
    pub fn new(catalog: Catalog) -> Self {
        Self(Arc::new(Shared {
            catalog,
            last: ArcSwapOption::empty(),
            reading: Mutex::new(()),
        }))
    }

    /// The categories, at once when any with products were ever read; empty when they never could be.
    pub async fn tree(&self) -> Arc<CategoryTree> {
        match self.0.last.load_full() {
            Some(last) if last.is_fresh() => last.tree.clone(),
            Some(last) if !last.tree.is_hollow() => {
                let menu = self.clone();
                // One refresh at a time; pages don't wait for it.
                if self.0.reading.try_lock().is_ok() {
                    tokio::spawn(async move { menu.refresh().await });
                }
                last.tree.clone()
            }
            _ => {
                self.refresh().await;
                self.0
                    .last
                    .load_full()
                    .map(|last| last.tree.clone())
                    .unwrap_or_default()
            }
        }
    }

    async fn refresh(&self) {
        let _one_at_a_time = self.0.reading.lock().await;
        let is_fresh = self
            .0
            .last
            .load()
            .as_ref()
            .is_some_and(|last| last.is_fresh());
        if is_fresh {
            return;
        }
        match self.0.catalog.categories().await {
            Ok(categories) => self.0.last.store(Some(Arc::new(Reading {
                tree: Arc::new(CategoryTree::new(categories)),
                read_at: Instant::now(),
            }))),
            Err(error) => log(&error),
        }
    }
}

fn log(error: &CatalogError) {
    tracing::warn!(error = %kit::problem::chain(error), "the categories could not be read; the last ones stay");
}
