//! The one writer of the read model, and the snapshots that it publishes.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwap;
use tantivy::Searcher;
use uuid::Uuid;

use super::{
    question::{self, Answer},
    shelf::{self, Item, Shelf, Tables},
    slots::{Known, Slots},
    text_index::{Fields, TextIndex},
    words,
};
use crate::{
    category::{Category, CategoryTree},
    product::Product,
    text::{Language, LocalizedText},
};

/// Something that happened to the catalog.
#[derive(Debug, Clone)]
pub enum Change {
    /// A product was written.
    Product(Box<Product>),
    /// A product is gone, as of a revision.
    Removed(Uuid, u64),
    /// A category was written.
    Category(Category),
}

/// The read model as it was at one moment.
pub struct Snapshot {
    /// Grows with every publication.
    pub generation: u64,
    /// The products.
    pub shelf: Shelf,
    /// What items refer to by number.
    pub tables: Tables,
    /// The categories.
    pub tree: Arc<CategoryTree>,
    /// For each interned category key, its row in the tree.
    pub category_rows: Vec<Option<usize>>,
    slots: Arc<Mutex<Slots>>,
    spellings: [Arc<HashMap<String, String>>; 2],
    searcher: Searcher,
    fields: Fields,
}

/// The read model.
pub struct SearchIndex {
    current: ArcSwap<Snapshot>,
    writer: Mutex<Writer>,
}

struct Writer {
    text: TextIndex,
    shelf: Shelf,
    tables: Tables,
    categories: HashMap<String, Category>,
    tree: Arc<CategoryTree>,
    slots: Arc<Mutex<Slots>>,
    spellings: [Arc<HashMap<String, String>>; 2],
    generation: u64,
}

/// How much is buffered while the whole catalog is read at start, and later.
const BUILD_MEMORY: usize = 40_000_000;
const REFRESH_MEMORY: usize = 15_000_000;
/// A batch above this is a build.
const BUILD_BATCH: usize = 2_000;

impl SearchIndex {
    /// An empty catalog.
    pub fn new() -> tantivy::Result<Self> {
        let writer = Writer {
            text: TextIndex::new()?,
            shelf: Shelf::default(),
            tables: Tables::default(),
            categories: HashMap::new(),
            tree: Arc::default(),
            slots: Arc::default(),
            spellings: Default::default(),
            generation: 0,
        };
        let snapshot = writer.snapshot(writer.text.searcher());
        Ok(Self {
            current: ArcSwap::from_pointee(snapshot),
            writer: Mutex::new(writer),
        })
    }

    /// The catalog as it is now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// Applies changes in any order: what is older than what is known is passed over. Blocks; call it where that is allowed.
    pub fn apply(&self, changes: Vec<Change>) -> tantivy::Result<()> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let searcher = writer.apply(changes)?;
        if let Some(searcher) = searcher {
            writer.generation += 1;
            self.current.store(Arc::new(writer.snapshot(searcher)));
        }
        Ok(())
    }

    /// Drops every product that `keep` does not name: what was deleted while nobody watched.
    pub fn retain(&self, keep: &std::collections::HashSet<Uuid>) -> tantivy::Result<()> {
        let gone: Vec<Change> = {
            let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
            let slots = writer.slots.lock().unwrap_or_else(PoisonError::into_inner);
            let known = slots
                .by_id
                .iter()
                .filter(|(id, known)| known.slot.is_some() && !keep.contains(id));
            known
                .map(|(id, known)| Change::Removed(*id, known.revision + 1))
                .collect()
        };
        if gone.is_empty() {
            Ok(())
        } else {
            self.apply(gone)
        }
    }
}

impl Writer {
    fn apply(&mut self, changes: Vec<Change>) -> tantivy::Result<Option<Searcher>> {
        let mut products = Vec::new();
        let mut removed = Vec::new();
        let mut categories_changed = false;
        for change in changes {
            match change {
                Change::Category(category) => {
                    let known = self
                        .categories
                        .get(&category.key)
                        .map_or(0, |known| known.revision);
                    if category.revision > known {
                        self.categories.insert(category.key.clone(), category);
                        categories_changed = true;
                    }
                }
                Change::Product(product) => products.push(*product),
                Change::Removed(id, revision) => removed.push((id, revision)),
            }
        }
        if categories_changed {
            self.tree = Arc::new(CategoryTree::new(self.categories.values().cloned()));
            for name in self
                .categories
                .values()
                .map(|category| category.name.clone())
                .collect::<Vec<_>>()
            {
                self.learn_spelling(&name);
            }
        }
        let memory = if products.len() > BUILD_BATCH {
            BUILD_MEMORY
        } else {
            REFRESH_MEMORY
        };
        let mut touched: HashMap<u32, Option<Product>> = HashMap::new();
        for product in products {
            self.put(product, &mut touched);
        }
        for (id, revision) in removed {
            self.remove(id, revision, &mut touched);
        }
        if touched.is_empty() {
            return Ok(categories_changed.then(|| self.text.searcher()));
        }
        // Documents are made one by one while they are written, so that a build does not hold them all twice.
        let (text, tree) = (&self.text, &self.tree);
        let documents = touched.into_iter().map(|(slot, product)| {
            let document = product.map(|product| text.document(slot, &product, tree));
            (slot, document)
        });
        self.text.write(documents, memory).map(Some)
    }

    fn put(&mut self, product: Product, touched: &mut HashMap<u32, Option<Product>>) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let known = slots.by_id.get(&product.id).copied();
        if known.is_some_and(|known| known.revision >= product.revision) {
            return;
        }
        let slot = known.and_then(|known| known.slot);
        if !product.is_published() {
            drop(slots);
            self.remove(product.id, product.revision, touched);
            return;
        }
        let slot = slot.unwrap_or_else(|| slots.take());
        if let Some(before) = self.shelf.get(slot) {
            slots.forget_names(before, slot);
        }
        let item = shelf::item(&product, &mut self.tables);
        slots.by_id.insert(
            product.id,
            Known {
                revision: product.revision,
                slot: Some(slot),
            },
        );
        for name in slots.names_of(&item) {
            slots.by_name.insert(name, slot);
        }
        drop(slots);
        self.shelf.set(slot, Some(item));
        self.learn_spelling(&product.name);
        touched.insert(slot, Some(product));
    }

    fn remove(&mut self, id: Uuid, revision: u64, touched: &mut HashMap<u32, Option<Product>>) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let known = slots.by_id.get(&id).copied();
        if known.is_some_and(|known| known.revision >= revision) {
            return;
        }
        // Kept without a slot, so that an older change that arrives late does not bring it back.
        slots.by_id.insert(
            id,
            Known {
                revision,
                slot: None,
            },
        );
        if let Some(slot) = known.and_then(|known| known.slot) {
            if let Some(before) = self.shelf.get(slot) {
                slots.forget_names(before, slot);
            }
            // A reader with an older snapshot has its own shelf, on which the slot still holds what its text index says.
            slots.free.push(slot);
            self.shelf.set(slot, None);
            touched.insert(slot, None);
        }
    }

    /// Remembers how words with accents are written, so that corrections and completions show them.
    fn learn_spelling(&mut self, name: &LocalizedText) {
        for language in Language::ALL {
            let text = name.get(language);
            if text.is_ascii() {
                continue;
            }
            let known = &mut self.spellings[language.index()];
            for word in words::words(text, language) {
                // An elided article is part of the span.
                let written = text.get(word.span).unwrap_or_default().to_lowercase();
                let written = written.rsplit(['\'', '’']).next().unwrap_or_default();
                if !written.is_ascii()
                    && !known.contains_key(&word.text)
                    && words::fold(written) == word.text
                {
                    Arc::make_mut(known).insert(word.text, written.to_owned());
                }
            }
        }
    }

    fn snapshot(&self, searcher: Searcher) -> Snapshot {
        let mut tree = CategoryTree::clone(&self.tree);
        let rows: Vec<Option<usize>> = self
            .tables
            .categories
            .iter()
            .map(|key| self.tree.row(key))
            .collect();
        let mut own = vec![0; tree.rows().len()];
        for item in self.shelf.iter() {
            let category = usize::try_from(item.facts.category).ok();
            if let Some(row) = category.and_then(|category| rows.get(category).copied().flatten()) {
                own[row] += 1;
            }
        }
        tree.set_counts(&own);
        Snapshot {
            generation: self.generation,
            shelf: self.shelf.clone(),
            tables: self.tables.clone(),
            tree: Arc::new(tree),
            category_rows: rows,
            slots: Arc::clone(&self.slots),
            spellings: self.spellings.clone(),
            searcher,
            fields: self.text.fields(),
        }
    }
}

impl Snapshot {
    /// How many products are published.
    pub fn len(&self) -> usize {
        self.shelf.iter().count()
    }

    /// Whether nothing is published.
    pub fn is_empty(&self) -> bool {
        self.shelf.iter().next().is_none()
    }

    /// The published product that a slug leads to.
    pub fn id_of_slug(&self, language: Language, slug: &str) -> Option<Uuid> {
        let item = self.named(language.code(), slug)?;
        (item.face.slug[language.index()].as_ref() == slug).then_some(item.facts.id)
    }

    /// Whether a published product has this key.
    pub fn has_key(&self, key: &str) -> bool {
        self.named("key", key)
            .is_some_and(|item| item.face.key.as_ref() == key)
    }

    fn named(&self, kind: &str, name: &str) -> Option<&Item> {
        let slot = {
            let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
            slots.by_name.get(&slots.hash(kind, name)).copied()
        };
        self.shelf.get(slot?)
    }

    /// The revision of a product, published or not, that was last heard of.
    pub fn revision_of(&self, id: Uuid) -> Option<u64> {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.by_id.get(&id).map(|known| known.revision)
    }

    /// Finds the products that a text asks for.
    pub fn answer(&self, text: &str, language: Language) -> tantivy::Result<Answer> {
        question::answer(&self.searcher, &self.fields, text, language, |word| {
            self.spell(word, language)
        })
    }

    /// A folded word as people write it.
    pub fn spell(&self, word: &str, language: Language) -> String {
        self.spellings[language.index()]
            .get(word)
            .cloned()
            .unwrap_or_else(|| word.to_owned())
    }

    /// The dictionary, for suggestions.
    pub(super) fn dictionary(&self, language: Language) -> (&Searcher, tantivy::schema::Field) {
        (&self.searcher, self.fields.texts[language.index()].word)
    }

    /// The row of an item's category.
    pub fn row_of(&self, item: &Item) -> Option<usize> {
        let category = usize::try_from(item.facts.category).ok()?;
        self.category_rows.get(category).copied().flatten()
    }
}
