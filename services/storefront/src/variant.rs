//! A product's variants and what is known about it, in words.

use crate::{
    card::PriceTag,
    category_tree::Node,
    clients::{Product, Variant},
    language::Language,
    listing::{attribute_label, attribute_text},
    listing_query::ListingQuery,
    money::format_money,
    unit_price::unit_price,
};
use kit::money::{Currency, Money};

/// A variant to choose.
pub struct VariantChoice {
    pub sku: String,
    pub label: String,
    pub price: Option<PriceTag>,
    pub unit_price: Option<String>,
    pub is_chosen: bool,
}

/// Something known about the product.
pub struct Detail {
    pub label: String,
    pub value: String,
    pub href: Option<String>,
}

impl VariantChoice {
    /// A variant in words; `chosen` is the SKU asked for.
    pub fn new(
        variant: &Variant,
        product: &Product,
        language: Language,
        currency: Currency,
        chosen: Option<&str>,
    ) -> Self {
        let price = in_currency(&variant.prices, currency);
        let values: Vec<String> = options(variant, product)
            .map(|(key, value)| attribute_text(key, value, language))
            .collect();
        let size = variant
            .options
            .get("size")
            .or_else(|| product.attributes.get("size"));
        let unit_price = price
            .zip(size)
            .and_then(|(price, size)| unit_price(price, size))
            .map(|(price, unit)| {
                let t = language.messages();
                (t.unit_price)(&format_money(price, language), (t.unit)(unit))
            });
        Self {
            label: if values.is_empty() {
                variant.sku.clone()
            } else {
                values.join(", ")
            },
            price: price.map(|price| {
                PriceTag::new(
                    price,
                    false,
                    in_currency(&variant.compare_at, currency),
                    language,
                )
            }),
            unit_price,
            is_chosen: chosen == Some(&variant.sku),
            sku: variant.sku.clone(),
        }
    }
}

/// A variant's options in the product's order.
fn options<'a>(
    variant: &'a Variant,
    product: &'a Product,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    let ordered = product
        .options
        .iter()
        .filter_map(|key| variant.options.get_key_value(key));
    let others = variant
        .options
        .iter()
        .filter(|(key, _)| !product.options.contains(key));
    ordered
        .chain(others)
        .map(|(key, value)| (key.as_str(), value.as_str()))
}

/// What the choice is about.
pub fn legend(product: &Product, language: Language) -> String {
    let t = language.messages();
    let labels: Vec<String> = product
        .options
        .iter()
        .map(|key| attribute_label(key, language))
        .collect();
    if labels.is_empty() {
        t.choose_variant.to_owned()
    } else {
        (t.choose)(&labels.join(", "))
    }
}

/// All that is known about the product and the chosen variant, each thing once.
pub fn details(
    product: &Product,
    lineage: &[&Node],
    chosen: Option<&str>,
    language: Language,
    currency: Currency,
) -> Vec<Detail> {
    let t = language.messages();
    let mut details = Vec::new();
    if let Some(brand) = &product.brand {
        let query = ListingQuery {
            brands: vec![brand.clone()],
            ..ListingQuery::default()
        };
        details.push(Detail {
            label: t.brand.to_owned(),
            value: brand.clone(),
            href: Some(query.href(&format!("/{}/search", language.code()), currency, language)),
        });
    }
    if let Some(node) = lineage.last() {
        details.push(Detail {
            label: t.category.to_owned(),
            value: node.name(language).to_owned(),
            href: Some(node.href(language)),
        });
    }
    let variant = product
        .variants
        .iter()
        .find(|variant| chosen == Some(&variant.sku));
    let of_variant = variant
        .map(|variant| options(variant, product).collect::<Vec<_>>())
        .unwrap_or_default();
    let of_product = product
        .attributes
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()));
    for (key, value) in of_variant.iter().copied().chain(of_product) {
        let is_said = details
            .iter()
            .any(|detail: &Detail| detail.label == attribute_label(key, language));
        if !is_said {
            details.push(Detail {
                label: attribute_label(key, language),
                value: attribute_text(key, value, language),
                href: None,
            });
        }
    }
    if let Some(variant) = variant {
        details.push(Detail {
            label: t.sku.to_owned(),
            value: variant.sku.clone(),
            href: None,
        });
    }
    details
}

/// The price in a currency.
pub fn in_currency(prices: &[Money], currency: Currency) -> Option<Money> {
    prices
        .iter()
        .find(|price| price.currency == currency)
        .copied()
}
