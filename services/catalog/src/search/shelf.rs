//! What is known of every published product, laid out for scanning.
//!
//! Products have slots in chunks. A chunk is copied when a slot in it changes while a reader holds it, so a snapshot costs one
//! pointer a chunk. What filters and sorting read lies together in [`Facts`]; what is only shown lies behind a pointer in [`Face`].

use std::{collections::HashMap, num::NonZeroI64, sync::Arc};

use kit::money::{Currency, Money};
use smallvec::SmallVec;
use uuid::Uuid;

use super::words;
use crate::{
    product::{Image, Product},
    text::Language,
};

const CHUNK: usize = 512;

/// What filters, facets and sorting read.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The product.
    pub id: Uuid,
    /// Interned category key.
    pub category: u32,
    /// Interned brand, [`NONE`] without one.
    pub brand: u32,
    /// Milliseconds since 1970.
    pub created_at: i64,
    /// The first letters of the folded name in each language, for sorting.
    pub name_start: [u128; 2],
    /// How many words the name has in each language: a shorter name that matches is the better answer.
    pub name_words: [u8; 2],
    /// Interned attribute and option values.
    pub values: SmallVec<[u32; 6]>,
    /// What it costs, once a currency. Two fit in place; a scan that must follow a pointer for each product takes five times as long.
    pub prices: SmallVec<[PriceSpan; 2]>,
}

/// No brand.
pub const NONE: u32 = u32::MAX;

/// The prices of a product's variants in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PriceSpan {
    /// The currency.
    pub currency: Currency,
    /// The lowest.
    pub from: i64,
    /// The highest.
    pub to: i64,
    /// What the cheapest variant cost before.
    pub before: Option<NonZeroI64>,
}

/// What is only shown.
#[derive(Debug, Clone)]
pub struct Face {
    /// The product's key.
    pub key: Box<str>,
    /// Its revision.
    pub revision: u64,
    /// Its name in each language.
    pub name: [Box<str>; 2],
    /// Its slug in each language.
    pub slug: [Box<str>; 2],
    /// How many variants it has.
    pub variant_count: u32,
    /// Its best picture.
    pub image: Option<Box<Image>>,
}

/// One product.
#[derive(Debug, Clone)]
pub struct Item {
    /// Read while scanning.
    pub facts: Facts,
    /// Read when shown.
    pub face: Arc<Face>,
}

/// The products, by slot.
#[derive(Debug, Clone, Default)]
pub struct Shelf {
    chunks: Vec<Arc<Vec<Option<Item>>>>,
}

impl Shelf {
    /// The product in a slot.
    pub fn get(&self, slot: u32) -> Option<&Item> {
        let slot = usize::try_from(slot).ok()?;
        self.chunks.get(slot / CHUNK)?.get(slot % CHUNK)?.as_ref()
    }

    /// Every product.
    pub fn iter(&self) -> impl Iterator<Item = &Item> {
        self.chunks.iter().flat_map(|chunk| chunk.iter().flatten())
    }

    /// Puts a product in a slot, or takes it out.
    pub fn set(&mut self, slot: u32, item: Option<Item>) {
        let Ok(slot) = usize::try_from(slot) else {
            return;
        };
        while self.chunks.len() <= slot / CHUNK {
            self.chunks.push(Arc::default());
        }
        let chunk = Arc::make_mut(&mut self.chunks[slot / CHUNK]);
        if chunk.len() <= slot % CHUNK {
            chunk.reserve_exact(CHUNK - chunk.len());
            chunk.resize(slot % CHUNK + 1, None);
        }
        chunk[slot % CHUNK] = item;
    }
}

/// Texts that many products share, by number. Clones share what they have in common.
#[derive(Debug, Clone, Default)]
pub struct Names {
    texts: Arc<Vec<Arc<str>>>,
    numbers: Arc<HashMap<Arc<str>, u32>>,
}

impl Names {
    /// The number of a text, a new one when it was never seen.
    pub fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.find(text) {
            return number;
        }
        let number = u32::try_from(self.texts.len()).unwrap_or(NONE);
        let text: Arc<str> = text.into();
        Arc::make_mut(&mut self.texts).push(Arc::clone(&text));
        Arc::make_mut(&mut self.numbers).insert(text, number);
        number
    }

    /// The number of a text that was seen before.
    pub fn find(&self, text: &str) -> Option<u32> {
        self.numbers.get(text).copied()
    }

    /// The text of a number.
    pub fn text(&self, number: u32) -> Option<&Arc<str>> {
        self.texts.get(usize::try_from(number).ok()?)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// All of them, in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<str>> {
        self.texts.iter()
    }
}

/// Everything that items refer to by number.
#[derive(Debug, Clone, Default)]
pub struct Tables {
    /// Category keys.
    pub categories: Names,
    /// Brands.
    pub brands: Names,
    /// Names of attributes and options.
    pub attributes: Names,
    /// Values of attributes, as `number of the attribute` + `=` + value.
    values: Names,
    /// The attribute of each value.
    value_attributes: Arc<Vec<u32>>,
}

impl Tables {
    /// The number of an attribute's value, a new one when it was never seen.
    pub fn value_number(&mut self, attribute: &str, value: &str) -> u32 {
        let attribute = self.attributes.number(attribute);
        let seen = self.values.len();
        let number = self.values.number(&format!("{attribute}={value}"));
        if self.values.len() > seen {
            Arc::make_mut(&mut self.value_attributes).push(attribute);
        }
        number
    }

    /// The number of an attribute's value that was seen before.
    pub fn find_value(&self, attribute: u32, value: &str) -> Option<u32> {
        self.values.find(&format!("{attribute}={value}"))
    }

    /// How many values there are, of all attributes.
    pub fn value_count(&self) -> usize {
        self.values.len()
    }

    /// The attribute that each value belongs to, by the value's number.
    pub fn value_attributes(&self) -> &[u32] {
        &self.value_attributes
    }

    /// The text of a value.
    pub fn value_text(&self, number: u32) -> &str {
        let text = self.values.text(number).map_or("", |text| text.as_ref());
        text.split_once('=').map_or("", |(_, value)| value)
    }
}

/// What the shelf keeps of a product.
pub fn item(product: &Product, tables: &mut Tables) -> Item {
    let mut values: SmallVec<[u32; 6]> = SmallVec::new();
    let options = product.variants.iter().flat_map(|variant| &variant.options);
    for (name, value) in product.attributes.iter().chain(options) {
        let number = tables.value_number(name, value);
        if !values.contains(&number) {
            values.push(number);
        }
    }
    let per_language = |text: fn(&Product) -> &crate::text::LocalizedText| {
        Language::ALL.map(|language| text(product).get(language))
    };
    let names = per_language(|product| &product.name);
    Item {
        facts: Facts {
            id: product.id,
            category: tables.categories.number(&product.category),
            brand: product
                .brand
                .as_deref()
                .map_or(NONE, |brand| tables.brands.number(brand)),
            created_at: product.created_at.as_millisecond(),
            name_start: names.map(|name| name_start(&words::fold(name))),
            name_words: Language::ALL.map(|language| {
                let count = words::words(product.name.get(language), language).len();
                u8::try_from(count).unwrap_or(u8::MAX)
            }),
            values,
            prices: price_spans(product),
        },
        face: Arc::new(Face {
            key: product.key.as_str().into(),
            revision: product.revision,
            name: names.map(Into::into),
            slug: per_language(|product| &product.slug).map(Into::into),
            variant_count: u32::try_from(product.variants.len()).unwrap_or(u32::MAX),
            image: product.images.first().cloned().map(Box::new),
        }),
    }
}

/// The first sixteen bytes of a folded name as a number that sorts as the text does.
pub fn name_start(folded: &str) -> u128 {
    let mut start = [0; 16];
    for (to, from) in start.iter_mut().zip(folded.bytes()) {
        *to = from;
    }
    u128::from_be_bytes(start)
}

/// The lowest and highest price of a product, once a currency.
pub fn price_spans(product: &Product) -> SmallVec<[PriceSpan; 2]> {
    let mut spans: SmallVec<[PriceSpan; 2]> = SmallVec::new();
    for variant in &product.variants {
        for &Money { amount, currency } in &variant.prices {
            let before = variant
                .compare_at
                .iter()
                .find(|before| before.currency == currency)
                .and_then(|before| NonZeroI64::new(before.amount));
            match spans.iter_mut().find(|span| span.currency == currency) {
                Some(span) => {
                    if amount < span.from {
                        span.from = amount;
                        span.before = before;
                    }
                    span.to = span.to.max(amount);
                }
                None => spans.push(PriceSpan {
                    currency,
                    from: amount,
                    to: amount,
                    before,
                }),
            }
        }
    }
    spans
}
