//! What a shopper may ask of the list of products, and how a product looks in it.

use std::collections::BTreeMap;

use kit::{
    money::{Currency, Money},
    page,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    invalid::Mistakes,
    product::Image,
    search::{
        Snapshot,
        select::{Position, Sort},
        shelf::{Item, NONE},
    },
    text::Language,
};

/// The longest question that is looked into.
pub const LONGEST_QUESTION: usize = 200;
/// More values than this no shopper chooses at once.
const MOST_CHOICES: usize = 50;
const DEFAULT_LIMIT: u32 = 24;

/// A question to the list of products.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListQuery {
    /// In which language names are shown and searched.
    pub language: Language,
    /// In which currency prices are shown, filtered and sorted.
    pub currency: Currency,
    /// Words.
    pub q: Option<String>,
    /// A category; those below it count too.
    pub category: Option<String>,
    /// Brands, any of which fits.
    pub brands: Vec<String>,
    /// For each attribute, the values of which any fits.
    pub attributes: BTreeMap<String, Vec<String>>,
    /// The lowest price.
    pub price_min: Option<i64>,
    /// The highest price.
    pub price_max: Option<i64>,
    /// The order.
    pub sort: Sort,
    /// How many.
    pub limit: usize,
    /// Where the page starts.
    pub after: Option<Position>,
    /// Whether to count what other choices would show.
    pub facets: bool,
}

impl ListQuery {
    /// Reads the pairs of a query string. Everything wrong is named by its field.
    pub fn parse(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, Mistakes> {
        let mut found = Mistakes::default();
        let mut query = Self {
            language: Language::En,
            currency: Currency::EUR,
            q: None,
            category: None,
            brands: Vec::new(),
            attributes: BTreeMap::new(),
            price_min: None,
            price_max: None,
            sort: Sort::Relevance,
            limit: 0,
            after: None,
            facets: false,
        };
        let mut limit = DEFAULT_LIMIT;
        let mut choices = 0;
        let mut seen = std::collections::BTreeSet::new();
        for (field, value) in pairs {
            let repeatable = field == "brand" || field.starts_with("attribute.");
            if !repeatable && !seen.insert(field.clone()) {
                found.add(field, "is there twice");
                continue;
            }
            choices += usize::from(repeatable);
            if choices == MOST_CHOICES + 1 {
                found.add(
                    field.clone(),
                    format!("must be at most {MOST_CHOICES} values of brands and attributes"),
                );
            }
            let wrong = match field.as_str() {
                "lang" => value
                    .parse()
                    .map(|language| query.language = language)
                    .err()
                    .map(|error| error.to_string()),
                "currency" => value
                    .parse()
                    .map(|currency| query.currency = currency)
                    .err()
                    .map(|error| error.to_string()),
                "q" => {
                    let is_short = value.chars().count() <= LONGEST_QUESTION;
                    query.q = Some(value).filter(|text| !text.trim().is_empty());
                    (!is_short).then(|| format!("must be at most {LONGEST_QUESTION} characters"))
                }
                "category" => {
                    let is_key = value.is_empty() || crate::category::is_key(&value);
                    query.category = Some(value).filter(|key| !key.is_empty());
                    (!is_key).then(|| "must be a category key such as grocery/dairy".to_owned())
                }
                "brand" => {
                    query
                        .brands
                        .extend(Some(value).filter(|brand| !brand.is_empty()));
                    None
                }
                "price_min" => amount(&value, &mut query.price_min),
                "price_max" => amount(&value, &mut query.price_max),
                "sort" => match serde_json::from_value(value.into()) {
                    Ok(sort) => {
                        query.sort = sort;
                        None
                    }
                    Err(_) => Some("must be relevance, price, -price, name or newest".to_owned()),
                },
                "limit" => match value.parse() {
                    Ok(wanted @ 1..=page::MAX_LIMIT) => {
                        limit = wanted;
                        None
                    }
                    _ => Some(format!("must be 1 to {}", page::MAX_LIMIT)),
                },
                "cursor" => match page::decode(&value) {
                    Ok(position) => {
                        query.after = Some(position);
                        None
                    }
                    Err(_) => Some("must be the next_cursor of an earlier page".to_owned()),
                },
                "facets" => match value.as_str() {
                    "true" | "1" => {
                        query.facets = true;
                        None
                    }
                    "false" | "0" => None,
                    _ => Some("must be true or false".to_owned()),
                },
                other => match other.strip_prefix("attribute.") {
                    Some(name) if !name.is_empty() => {
                        query
                            .attributes
                            .entry(name.to_owned())
                            .or_default()
                            .push(value);
                        None
                    }
                    // Others (a campaign's mark, say) mean nothing here and do no harm.
                    _ => None,
                },
            };
            if let Some(wrong) = wrong {
                found.add(field, wrong);
            }
        }
        query.limit = usize::try_from(limit).unwrap_or(1);
        if query
            .after
            .as_ref()
            .is_some_and(|position| position.sort != query.sort)
        {
            found.add("cursor", "belongs to another sort");
        }
        if let (Some(least), Some(most)) = (query.price_min, query.price_max)
            && least > most
        {
            found.add("price_max", "must not be below price_min");
        }
        if found.is_empty() {
            Ok(query)
        } else {
            Err(found)
        }
    }
}

fn amount(text: &str, into: &mut Option<i64>) -> Option<String> {
    if text.is_empty() {
        return None;
    }
    match text.parse() {
        Ok(amount @ 0..) => {
            *into = Some(amount);
            None
        }
        _ => Some("must be a whole number of minor units, at least 0".to_owned()),
    }
}

/// A product in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ProductSummary {
    /// The product.
    pub id: Uuid,
    /// Its stable key.
    pub key: String,
    /// Its name, in the language asked for.
    pub name: String,
    /// Its address, in the language asked for.
    pub slug: String,
    /// The key of its category.
    pub category: String,
    /// Who makes it.
    pub brand: Option<String>,
    /// What its variants cost, in the currency asked for.
    pub price: Option<PriceRange>,
    /// What the cheapest variant cost before.
    pub compare_at: Option<Money>,
    /// How many variants it has.
    pub variant_count: u32,
    /// Its best picture.
    pub image: Option<Image>,
    /// The drawing of the nearest category that has one.
    pub illustration: Option<String>,
}

/// From the lowest to the highest price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PriceRange {
    /// The lowest.
    pub from: Money,
    /// The highest.
    pub to: Money,
}

/// How an item looks in a list.
pub fn summary(
    snapshot: &Snapshot,
    item: &Item,
    language: Language,
    currency: Currency,
) -> ProductSummary {
    let price = item
        .facts
        .prices
        .iter()
        .find(|price| price.currency == currency);
    let at = language.index();
    let text =
        |number, names: &crate::search::shelf::Names| names.text(number).map(ToString::to_string);
    ProductSummary {
        id: item.facts.id,
        key: item.face.key.to_string(),
        name: item.face.name[at].to_string(),
        slug: item.face.slug[at].to_string(),
        category: text(item.facts.category, &snapshot.tables.categories).unwrap_or_default(),
        brand: (item.facts.brand != NONE)
            .then(|| text(item.facts.brand, &snapshot.tables.brands))
            .flatten(),
        price: price.map(|price| PriceRange {
            from: Money::new(price.from, currency),
            to: Money::new(price.to, currency),
        }),
        compare_at: price
            .and_then(|price| price.before)
            .map(|before| Money::new(before.get(), currency)),
        variant_count: item.face.variant_count,
        image: item.face.image.as_deref().cloned(),
        illustration: snapshot
            .row_of(item)
            .and_then(|row| snapshot.tree.illustration(row))
            .map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &str) -> Result<ListQuery, Mistakes> {
        ListQuery::parse(url::form_urlencoded::parse(query.as_bytes()).into_owned())
    }

    #[test]
    fn reads_what_shoppers_choose() {
        let query = parse("lang=fr&currency=USD&q=lait&brand=A&brand=B&attribute.size=1+l&attribute.size=2+l&price_min=100&sort=-price&limit=5&facets=true")
            .expect("valid");
        assert_eq!(query.language, Language::Fr);
        assert_eq!(query.currency, Currency::USD);
        assert_eq!(query.brands, ["A", "B"]);
        assert_eq!(query.attributes["size"], ["1 l", "2 l"]);
        assert_eq!((query.price_min, query.price_max), (Some(100), None));
        assert_eq!(query.sort, Sort::PriceDescending);
        assert_eq!(query.limit, 5);
        assert!(query.facets);
    }

    #[test]
    fn empty_form_fields_mean_nothing() {
        let query =
            parse("q=+&category=&brand=&price_min=&price_max=&utm_source=mail").expect("valid");
        assert_eq!(query, parse("").expect("valid"));
    }

    #[test]
    fn every_mistake_names_its_field() {
        let long = format!("q={}", "x".repeat(LONGEST_QUESTION + 1));
        let many = "brand=b&".repeat(MOST_CHOICES + 1);
        for (text, field) in [
            ("lang=de", "lang"),
            ("currency=eur", "currency"),
            (long.as_str(), "q"),
            ("category=A", "category"),
            ("price_min=-1", "price_min"),
            ("price_max=1.5", "price_max"),
            ("price_min=2&price_max=1", "price_max"),
            ("sort=cheap", "sort"),
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("cursor=abc", "cursor"),
            ("facets=maybe", "facets"),
            ("lang=en&lang=fr", "lang"),
            (many.as_str(), "brand"),
        ] {
            let mistakes = parse(text).expect_err(text);
            assert_eq!(
                mistakes.first().map(|mistake| mistake.field.as_str()),
                Some(field),
                "{text}"
            );
        }
    }
}
