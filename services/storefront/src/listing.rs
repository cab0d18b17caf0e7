//! A listing in words: products, filters with their counts, filters to take off, orders, pages.

use crate::{
    card::{Card, count_products},
    category_tree::CategoryTree,
    clients::{self, LISTING_LIMIT, ValueCount},
    language::Language,
    listing_query::{Cursor, ListingQuery, Sort},
    money::{format_amount, format_count, format_money},
    unit_price::french_size,
};
use kit::money::{Currency, Money};

/// How many choices of a filter are shown at first.
pub const FACET_SHOWN: usize = 6;
/// How many a filter has at most: nobody reads more.
const FACET_MAX: usize = 40;

/// A page of products and the ways to narrow it.
pub struct Listing {
    pub count: String,
    pub cards: Vec<Card>,
    pub is_filtered: bool,
    /// Where the filter form leads.
    pub action: String,
    /// What the filter form keeps besides its own fields.
    pub kept: Vec<(&'static str, String)>,
    pub facets: Vec<Facet>,
    pub currency: String,
    pub price_min: String,
    pub price_max: String,
    pub price_lowest: String,
    pub price_highest: String,
    pub pills: Vec<Pill>,
    pub clear_href: String,
    pub sorts: Vec<SortLink>,
    /// Which of the products are on this page.
    pub shown: String,
    /// Which are on this page and the pages before it.
    pub shown_so_far: String,
    pub is_later: bool,
    pub first_href: String,
    pub next_href: Option<String>,
}

/// A filter with several choices.
pub struct Facet {
    pub name: String,
    pub label: String,
    pub choices: Vec<Choice>,
    /// Whether a chosen one is among those hidden at first.
    pub is_open: bool,
}

/// One choice of a filter.
pub struct Choice {
    pub value: String,
    pub label: String,
    pub count: String,
    pub is_chosen: bool,
}

/// A filter in force, as a link that takes it off.
pub struct Pill {
    pub label: String,
    pub href: String,
}

/// An order, as a link.
pub struct SortLink {
    pub label: &'static str,
    pub href: String,
    pub is_current: bool,
}

/// Where a listing stands: its path, and in whose words and currency.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    pub path: &'a str,
    pub tree: &'a CategoryTree,
    pub language: Language,
    pub currency: Currency,
}

impl Listing {
    /// What the catalog answered to `query`, in words.
    pub fn new(answer: clients::Listing, query: &ListingQuery, place: Place<'_>) -> Self {
        let Place {
            path,
            language,
            currency,
            tree,
        } = place;
        let first = query.first_page();
        let href = |query: &ListingQuery| query.href(path, currency, language);
        let facets = answer.facets.unwrap_or_default();
        let cards: Vec<Card> = answer
            .items
            .into_iter()
            .map(|product| Card::new(product, tree, language))
            .collect();
        let page = query.page();
        let amount = |amount: Option<i64>| {
            amount
                .map(|amount| format_amount(amount, currency, language))
                .unwrap_or_default()
        };
        let bounds = facets.price;
        let (shown, shown_so_far) = shown(cards.len(), page, answer.total, language);
        Self {
            count: count_products(answer.total, language),
            shown,
            shown_so_far,
            cards,
            is_filtered: query.is_filtered(),
            action: path.to_owned(),
            kept: kept(query),
            price_min: amount(query.price_min),
            price_max: amount(query.price_max),
            price_lowest: amount(bounds.map(|bounds| bounds.min.amount)),
            price_highest: amount(bounds.map(|bounds| bounds.max.amount)),
            currency: currency.code().to_owned(),
            pills: pills(query, place),
            clear_href: href(&query.unfiltered()),
            sorts: sorts(&first, &href, language),
            is_later: query.cursor.is_some(),
            first_href: href(&first),
            next_href: answer.next_cursor.map(|token| {
                let cursor = Cursor {
                    token,
                    page: page + 1,
                };
                href(&ListingQuery {
                    cursor: Some(cursor),
                    ..first.clone()
                })
            }),
            facets: choices(facets, query, language),
        }
    }
}

/// The label of an attribute or option.
pub fn attribute_label(key: &str, language: Language) -> String {
    if let Some(label) = (language.messages().attribute)(key) {
        return label.to_owned();
    }
    // Shown as the catalog has it, but as a word rather than as an identifier.
    let spaced = key.replace(['_', '-'], " ");
    let mut letters = spaced.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

/// An attribute's value in words.
pub fn attribute_text(key: &str, value: &str, language: Language) -> String {
    match (language.messages().attribute_value)(key, value) {
        Some(text) => text.to_owned(),
        None if key == "size" && language == Language::Fr => french_size(value),
        None => value.to_owned(),
    }
}

fn kept(query: &ListingQuery) -> Vec<(&'static str, String)> {
    let words = (!query.words.is_empty()).then(|| ("q", query.words.clone()));
    let category = query
        .category
        .clone()
        .map(|category| ("category", category));
    let sort = query.sort.map(|sort| ("sort", sort.code().to_owned()));
    [words, category, sort].into_iter().flatten().collect()
}

fn choices(facets: clients::Facets, query: &ListingQuery, language: Language) -> Vec<Facet> {
    let brands = facet(
        "brand".to_owned(),
        language.messages().brand.to_owned(),
        facets.brands,
        &query.brands,
        language,
        str::to_owned,
    );
    let attributes = facets.attributes.into_iter().map(|(key, values)| {
        let chosen: Vec<String> = query
            .attributes
            .iter()
            .filter(|(of, _)| *of == key)
            .map(|(_, value)| value.clone())
            .collect();
        let label = attribute_label(&key, language);
        facet(
            format!("attribute.{key}"),
            label,
            values,
            &chosen,
            language,
            |value| attribute_text(&key, value, language),
        )
    });
    std::iter::once(brands)
        .chain(attributes)
        .filter(|facet| !facet.choices.is_empty())
        .collect()
}

fn facet(
    name: String,
    label: String,
    values: Vec<ValueCount>,
    chosen: &[String],
    language: Language,
    text: impl Fn(&str) -> String,
) -> Facet {
    // A chosen value that no product has any more stays in the form, so that it can be taken off there too.
    let missing = chosen
        .iter()
        .filter(|value| values.iter().all(|other| other.value != **value))
        .cloned();
    let missing: Vec<ValueCount> = missing
        .map(|value| ValueCount { value, count: 0 })
        .collect();
    let choices: Vec<Choice> = missing
        .into_iter()
        .chain(values)
        .take(FACET_MAX)
        .map(|ValueCount { value, count }| Choice {
            label: text(&value),
            count: format_count(count, language),
            is_chosen: chosen.contains(&value),
            value,
        })
        .collect();
    let is_open = choices
        .iter()
        .skip(FACET_SHOWN)
        .any(|choice| choice.is_chosen);
    Facet {
        name,
        label,
        choices,
        is_open,
    }
}

fn pills(query: &ListingQuery, place: Place<'_>) -> Vec<Pill> {
    let Place {
        path,
        tree,
        language,
        currency,
    } = place;
    let t = language.messages();
    let first = query.first_page();
    let pill = |label: String, change: &dyn Fn(&mut ListingQuery)| {
        let mut without = first.clone();
        change(&mut without);
        Pill {
            label,
            href: without.href(path, currency, language),
        }
    };
    let money = |amount| format_money(Money::new(amount, currency), language);
    let mut pills = Vec::new();
    if let Some(category) = &query.category {
        let name = tree
            .by_key(category)
            .map_or(category.as_str(), |node| node.name(language));
        pills.push(pill(name.to_owned(), &|query| query.category = None));
    }
    for brand in &query.brands {
        pills.push(pill(brand.clone(), &|query| {
            query.brands.retain(|other| other != brand);
        }));
    }
    for attribute in &query.attributes {
        let (key, value) = attribute;
        let label = attribute_text(key, value, language);
        pills.push(pill(label, &|query| {
            query.attributes.retain(|other| other != attribute);
        }));
    }
    if let Some(amount) = query.price_min {
        pills.push(pill((t.price_at_least)(&money(amount)), &|query| {
            query.price_min = None;
        }));
    }
    if let Some(amount) = query.price_max {
        pills.push(pill((t.price_at_most)(&money(amount)), &|query| {
            query.price_max = None;
        }));
    }
    pills
}

fn sorts(
    first: &ListingQuery,
    href: &impl Fn(&ListingQuery) -> String,
    language: Language,
) -> Vec<SortLink> {
    let t = language.messages();
    let usual = if first.words.is_empty() {
        t.sort_usual
    } else {
        t.sort_relevance
    };
    let orders = [
        (usual, None),
        (t.sort_price, Some(Sort::Price)),
        (t.sort_price_descending, Some(Sort::PriceDescending)),
        (t.sort_name, Some(Sort::Name)),
        (t.sort_newest, Some(Sort::Newest)),
    ];
    let links = orders.into_iter().map(|(label, sort)| SortLink {
        label,
        href: href(&ListingQuery {
            sort,
            ..first.clone()
        }),
        is_current: first.sort == sort,
    });
    links.collect()
}

/// `25 to 48 of 312`, and `1 to 48 of 312`; the page's number is the shopper's word, so it is held against the total.
fn shown(count: usize, page: u32, total: u64, language: Language) -> (String, String) {
    let before = u64::from(page - 1) * u64::from(LISTING_LIMIT);
    let to = u64::try_from(count)
        .map_or(total, |count| before + count)
        .min(total);
    let words = |from: u64| {
        let number = |number| format_count(number, language);
        (language.messages().shown)(&number(from.min(to)), &number(to), &number(total))
    };
    (words(before + 1), words(1))
}

#[cfg(test)]
mod tests;
