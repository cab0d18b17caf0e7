//! From the products that answer a question to one page of them, and to the counts beside it.
//!
//! One pass over the candidates does it all. A product that fails exactly one filter still counts in that filter's own facet,
//! so that choosing one brand does not hide the others.

use std::{cmp::Ordering, collections::BinaryHeap};

use kit::money::Currency;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    index::Snapshot,
    shelf::{Facts, Item, NONE, PriceSpan, name_start},
    words,
};
use crate::text::Language;

/// In what order products come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub enum Sort {
    /// The best answer to the question first; without a question, the newest.
    #[serde(rename = "relevance")]
    Relevance,
    /// The cheapest first.
    #[serde(rename = "price")]
    Price,
    /// The dearest first.
    #[serde(rename = "-price")]
    PriceDescending,
    /// By name.
    #[serde(rename = "name")]
    Name,
    /// The newest first.
    #[serde(rename = "newest")]
    Newest,
}

/// What products must be like. Numbers are those of the snapshot's tables.
#[derive(Debug, Clone, Default)]
pub struct Filters {
    /// Interned category keys that are allowed, by number.
    pub categories: Option<Vec<bool>>,
    /// Brands, of which one must fit.
    pub brands: Option<Vec<u32>>,
    /// For each attribute asked for, the values of which one must fit.
    pub attributes: Vec<(u32, Vec<u32>)>,
    /// The lowest and the highest price allowed.
    pub price: Option<(i64, i64)>,
}

/// What is asked of [`select`].
pub struct Selection<'a> {
    /// The products to choose from, with how well they match; all when absent.
    pub found: Option<&'a [(u32, u32)]>,
    /// Which of them.
    pub filters: &'a Filters,
    /// In what order.
    pub sort: Sort,
    /// For names.
    pub language: Language,
    /// For prices.
    pub currency: Currency,
    /// Where the page starts.
    pub after: Option<&'a Position>,
    /// How many.
    pub limit: usize,
    /// Whether to count.
    pub facets: bool,
}

/// The place of a product in an order: what a cursor holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The order that it is a place in.
    #[serde(rename = "s")]
    pub sort: Sort,
    #[serde(rename = "k")]
    key: u64,
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(rename = "i")]
    id: Uuid,
}

/// One page, and the counts.
#[derive(Debug, Default)]
pub struct Selected<'a> {
    /// The page.
    pub items: Vec<&'a Item>,
    /// Where the next page starts, when there is one.
    pub next: Option<Position>,
    /// How many products fit in all.
    pub total: u64,
    /// Counts by interned number.
    pub counts: Counts,
}

/// How many products each choice would show.
#[derive(Debug, Default)]
pub struct Counts {
    /// By interned category key.
    pub categories: Vec<u64>,
    /// By interned brand.
    pub brands: Vec<u64>,
    /// By interned attribute value.
    pub values: Vec<u64>,
    /// The lowest and the highest price.
    pub price: Option<(i64, i64)>,
}

/// The sort key of a product, least first.
struct Ranked<'a> {
    key: u64,
    start: u128,
    language: Language,
    item: &'a Item,
}

impl Ranked<'_> {
    fn name(&self) -> String {
        words::fold(&self.item.face.name[self.language.index()])
    }
}

impl Ord for Ranked<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_number = (self.key, self.start).cmp(&(other.key, other.start));
        by_number
            // Only names that agree in their first letters are folded again.
            .then_with(|| {
                if self.start == 0 {
                    Ordering::Equal
                } else {
                    self.name().cmp(&other.name())
                }
            })
            .then_with(|| self.item.facts.id.cmp(&other.item.facts.id))
    }
}

impl PartialOrd for Ranked<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ranked<'_> {}

/// Chooses, sorts, cuts and counts.
pub fn select<'a>(snapshot: &'a Snapshot, selection: &Selection<'_>) -> Selected<'a> {
    let mut pass = Pass::new(snapshot, selection);
    match selection.found {
        None => snapshot.shelf.iter().for_each(|item| pass.look_at(item, 0)),
        Some(found) => {
            for &(slot, score) in found {
                if let Some(item) = snapshot.shelf.get(slot) {
                    pass.look_at(item, score);
                }
            }
        }
    }
    pass.finish()
}

struct Pass<'a, 's> {
    selection: &'s Selection<'s>,
    /// The first products so far, the last of them on top; one more than asked for, to know whether there is a next page.
    first: BinaryHeap<Ranked<'a>>,
    after: Option<(u64, u128, String, Uuid)>,
    value_attributes: &'a [u32],
    selected: Selected<'a>,
}

impl<'a, 's> Pass<'a, 's> {
    fn new(snapshot: &'a Snapshot, selection: &'s Selection<'s>) -> Self {
        let mut selected = Selected::default();
        if selection.facets {
            selected.counts.categories = vec![0; snapshot.tables.categories.len()];
            selected.counts.brands = vec![0; snapshot.tables.brands.len()];
            selected.counts.values = vec![0; snapshot.tables.value_count()];
        }
        let after = selection.after.map(|position| {
            let name = position.name.clone().unwrap_or_default();
            (position.key, name_start(&name), name, position.id)
        });
        Self {
            selection,
            first: BinaryHeap::with_capacity(selection.limit + 2),
            after,
            value_attributes: snapshot.tables.value_attributes(),
            selected,
        }
    }

    fn look_at(&mut self, item: &'a Item, score: u32) {
        let facts = &item.facts;
        let price = facts
            .prices
            .iter()
            .find(|price| price.currency == self.selection.currency);
        match self.failures(facts, price) {
            Failures::None => {
                self.selected.total += 1;
                self.rank(item, price, score);
                if self.selection.facets {
                    self.count_category(facts);
                    self.count_brand(facts);
                    self.count_price(price);
                    for &value in &facts.values {
                        add(&mut self.selected.counts.values, value);
                    }
                }
            }
            Failures::Several => {}
            _ if !self.selection.facets => {}
            Failures::Category => self.count_category(facts),
            Failures::Brand => self.count_brand(facts),
            Failures::Price => self.count_price(price),
            Failures::Attribute(attribute) => {
                for &value in &facts.values {
                    let of = usize::try_from(value)
                        .ok()
                        .and_then(|value| self.value_attributes.get(value));
                    if of == Some(&attribute) {
                        add(&mut self.selected.counts.values, value);
                    }
                }
            }
        }
    }

    fn failures(&self, facts: &Facts, price: Option<&PriceSpan>) -> Failures {
        let filters = self.selection.filters;
        let mut failed = Failures::None;
        if let Some(allowed) = &filters.categories {
            let is_allowed = usize::try_from(facts.category)
                .ok()
                .and_then(|category| allowed.get(category));
            failed.note(is_allowed == Some(&true), Failures::Category);
        }
        if let Some(brands) = &filters.brands {
            failed.note(brands.contains(&facts.brand), Failures::Brand);
        }
        if let Some((least, most)) = filters.price {
            // A product fits when one of its variants may: the spans meet.
            failed.note(
                price.is_some_and(|price| price.from <= most && price.to >= least),
                Failures::Price,
            );
        }
        for (attribute, values) in &filters.attributes {
            failed.note(
                values.iter().any(|value| facts.values.contains(value)),
                Failures::Attribute(*attribute),
            );
        }
        failed
    }

    fn rank(&mut self, item: &'a Item, price: Option<&PriceSpan>, score: u32) {
        let language = self.selection.language;
        let facts = &item.facts;
        let newest = u64::MAX - u64::try_from(facts.created_at).unwrap_or_default();
        let amount = price.and_then(|price| u64::try_from(price.from).ok());
        let (key, start) = match self.selection.sort {
            Sort::Relevance if self.selection.found.is_some() => (
                u64::from(u32::MAX - score) << 8 | u64::from(facts.name_words[language.index()]),
                0,
            ),
            Sort::Relevance | Sort::Newest => (newest, 0),
            // Without a price in this currency a product comes last, whichever the direction.
            Sort::Price => (amount.unwrap_or(u64::MAX), 0),
            Sort::PriceDescending => (amount.map_or(u64::MAX, |amount| u64::MAX - 1 - amount), 0),
            Sort::Name => (0, facts.name_start[language.index()]),
        };
        let ranked = Ranked {
            key,
            start,
            language,
            item,
        };
        if self
            .after
            .as_ref()
            .is_some_and(|after| !is_after(&ranked, after))
        {
            return;
        }
        if self.first.len() <= self.selection.limit {
            self.first.push(ranked);
        } else if let Some(mut last) = self.first.peek_mut()
            && ranked < *last
        {
            *last = ranked;
        }
    }

    fn count_category(&mut self, facts: &Facts) {
        add(&mut self.selected.counts.categories, facts.category);
    }

    fn count_brand(&mut self, facts: &Facts) {
        if facts.brand != NONE {
            add(&mut self.selected.counts.brands, facts.brand);
        }
    }

    fn count_price(&mut self, price: Option<&PriceSpan>) {
        if let Some(price) = price {
            let (least, most) = self.selected.counts.price.unwrap_or((price.from, price.to));
            self.selected.counts.price = Some((least.min(price.from), most.max(price.to)));
        }
    }

    fn finish(mut self) -> Selected<'a> {
        let mut page = self.first.into_sorted_vec();
        let has_next = page.len() > self.selection.limit;
        page.truncate(self.selection.limit);
        if has_next {
            self.selected.next = page.last().map(|last| Position {
                sort: self.selection.sort,
                key: last.key,
                name: (self.selection.sort == Sort::Name).then(|| last.name()),
                id: last.item.facts.id,
            });
        }
        self.selected.items = page.into_iter().map(|ranked| ranked.item).collect();
        self.selected
    }
}

fn is_after(ranked: &Ranked<'_>, (key, start, name, id): &(u64, u128, String, Uuid)) -> bool {
    (ranked.key, ranked.start)
        .cmp(&(*key, *start))
        .then_with(|| {
            if ranked.start == 0 {
                Ordering::Equal
            } else {
                ranked.name().cmp(name)
            }
        })
        .then_with(|| ranked.item.facts.id.cmp(id))
        .is_gt()
}

fn add(counts: &mut [u64], number: u32) {
    if let Some(count) = usize::try_from(number)
        .ok()
        .and_then(|number| counts.get_mut(number))
    {
        *count += 1;
    }
}

/// Which filters a product fails, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failures {
    None,
    Category,
    Brand,
    Price,
    Attribute(u32),
    Several,
}

impl Failures {
    fn note(&mut self, passed: bool, failure: Self) {
        if !passed {
            *self = if *self == Self::None {
                failure
            } else {
                Self::Several
            };
        }
    }
}
