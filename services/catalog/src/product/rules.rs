//! What makes a product valid. Each mistake names its field the way JSON would address it.

use std::collections::{BTreeMap, BTreeSet};

use kit::money::Money;

use super::{Image, ProductInput, Variant};
use crate::{
    category,
    invalid::Mistakes,
    slug,
    text::{Language, LocalizedText},
};

/// No price has more minor units than this: ten billion euro, far below what sums of a cart could overflow.
const HIGHEST_PRICE: i64 = 1_000_000_000_000;

impl ProductInput {
    /// Every rule that can be checked without looking at other products.
    pub fn validate(&self) -> Result<(), Mistakes> {
        let mut mistakes = Mistakes::default();
        let found = &mut mistakes;
        found.require(
            is_code(&self.key, 100),
            || "key".to_owned(),
            "must be 1 to 100 letters, digits, '.', '_' or '-'",
        );
        texts(found, "name", &self.name, 1..=200);
        texts(found, "description", &self.description, 0..=10_000);
        if let Some(given) = &self.slug {
            for language in Language::ALL {
                found.require(
                    slug::is_slug(given.get(language)),
                    || format!("slug.{language}"),
                    "must be lower-case words joined by '-'",
                );
            }
        }
        found.require(
            category::is_key(&self.category),
            || "category".to_owned(),
            "must be a category key such as grocery/dairy",
        );
        if let Some(brand) = &self.brand {
            found.require(
                is_text(brand, 1..=100),
                || "brand".to_owned(),
                "must be 1 to 100 characters",
            );
        }
        attributes(found, &self.attributes);
        options(found, &self.options);
        variants(found, self);
        images(found, &self.images);
        mistakes.into_result()
    }
}

fn attributes(found: &mut Mistakes, attributes: &BTreeMap<String, String>) {
    found.require(
        attributes.len() <= 50,
        || "attributes".to_owned(),
        "must be at most 50",
    );
    for (name, value) in attributes {
        found.require(is_name(name), || format!("attributes.{name}"), NAME_RULE);
        found.require(
            is_text(value, 1..=100),
            || format!("attributes.{name}"),
            "must be 1 to 100 characters",
        );
    }
}

fn options(found: &mut Mistakes, options: &[String]) {
    found.require(
        options.len() <= 5,
        || "options".to_owned(),
        "must be at most 5",
    );
    for (index, name) in options.iter().enumerate() {
        found.require(is_name(name), || format!("options[{index}]"), NAME_RULE);
        found.require(
            !options[..index].contains(name),
            || format!("options[{index}]"),
            "is there twice",
        );
    }
}

fn variants(found: &mut Mistakes, input: &ProductInput) {
    found.require(
        (1..=200).contains(&input.variants.len()),
        || "variants".to_owned(),
        "must be 1 to 200 variants",
    );
    let mut skus = BTreeSet::new();
    let mut choices = BTreeSet::new();
    for (index, variant) in input.variants.iter().enumerate() {
        let at = format!("variants[{index}]");
        found.require(
            is_code(&variant.sku, 64),
            || format!("{at}.sku"),
            "must be 1 to 64 letters, digits, '.', '_' or '-'",
        );
        found.require(
            skus.insert(&variant.sku),
            || format!("{at}.sku"),
            "is there twice",
        );
        variant_options(found, &at, variant, &input.options);
        found.require(
            choices.insert(&variant.options),
            || format!("{at}.options"),
            "are the same as those of another variant",
        );
        prices(found, &at, variant);
    }
}

fn variant_options(found: &mut Mistakes, at: &str, variant: &Variant, declared: &[String]) {
    for name in declared {
        found.require(
            variant.options.contains_key(name),
            || format!("{at}.options.{name}"),
            "is missing",
        );
    }
    for (name, value) in &variant.options {
        found.require(
            declared.contains(name),
            || format!("{at}.options.{name}"),
            "is none of the product's options",
        );
        found.require(
            is_text(value, 1..=100),
            || format!("{at}.options.{name}"),
            "must be 1 to 100 characters",
        );
    }
}

fn prices(found: &mut Mistakes, at: &str, variant: &Variant) {
    found.require(
        (1..=20).contains(&variant.prices.len()),
        || format!("{at}.prices"),
        "must be 1 to 20 prices",
    );
    amounts(found, &format!("{at}.prices"), &variant.prices);
    amounts(found, &format!("{at}.compare_at"), &variant.compare_at);
    for (index, before) in variant.compare_at.iter().enumerate() {
        let now = variant
            .prices
            .iter()
            .find(|price| price.currency == before.currency);
        found.require(
            now.is_some_and(|now| now.amount < before.amount),
            || format!("{at}.compare_at[{index}]"),
            "must be above the price in the same currency",
        );
    }
}

fn amounts(found: &mut Mistakes, at: &str, amounts: &[Money]) {
    for (index, money) in amounts.iter().enumerate() {
        found.require(
            money.amount >= 0,
            || format!("{at}[{index}].amount"),
            "must be at least 0",
        );
        found.require(
            money.amount <= HIGHEST_PRICE,
            || format!("{at}[{index}].amount"),
            "is too high",
        );
        found.require(
            amounts[..index]
                .iter()
                .all(|earlier| earlier.currency != money.currency),
            || format!("{at}[{index}].currency"),
            "is there twice",
        );
    }
}

fn images(found: &mut Mistakes, images: &[Image]) {
    found.require(
        images.len() <= 20,
        || "images".to_owned(),
        "must be at most 20",
    );
    for (index, image) in images.iter().enumerate() {
        let at = format!("images[{index}]");
        found.require(
            is_image_url(&image.url),
            || format!("{at}.url"),
            "must be an https:// address or a path on this site",
        );
        texts(found, &format!("{at}.alt"), &image.alt, 0..=300);
        for (side, pixels) in [("width", image.width), ("height", image.height)] {
            found.require(
                (1..=20_000).contains(&pixels),
                || format!("{at}.{side}"),
                "must be 1 to 20000",
            );
        }
    }
}

/// Checks a text in each language.
pub(crate) fn texts(
    found: &mut Mistakes,
    field: &str,
    text: &LocalizedText,
    length: std::ops::RangeInclusive<usize>,
) {
    for language in Language::ALL {
        found.require(
            is_text(text.get(language), length.clone()),
            || format!("{field}.{language}"),
            &format!(
                "must be {} to {} characters, none of them a control character",
                length.start(),
                length.end()
            ),
        );
    }
}

const NAME_RULE: &str =
    "must be named by 1 to 40 lower-case letters, digits or '_', a letter first";

fn is_name(text: &str) -> bool {
    text.len() <= 40
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

fn is_code(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

fn is_text(text: &str, length: std::ops::RangeInclusive<usize>) -> bool {
    // Counting bytes first keeps a megabyte of text from being counted letter by letter.
    text.len() <= 4 * length.end()
        && length.contains(&text.chars().count())
        && (*length.start() == 0 || !text.trim().is_empty())
        && !text
            .chars()
            .any(|letter| letter.is_control() && letter != '\n' && letter != '\t')
}

fn is_image_url(url: &str) -> bool {
    let is_path = url.starts_with('/') && !url.starts_with("//");
    url.len() <= 2000
        && url
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"\"<>\\`".contains(&byte))
        && (is_path
            || url
                .strip_prefix("https://")
                .is_some_and(|rest| !rest.is_empty()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn valid() -> Value {
        json!({
            "key": "cj-1", "status": "published", "name": {"en": "Whole milk", "fr": "Lait entier"}, "category": "grocery/dairy",
            "brand": "Meadow", "attributes": {"fat": "3.5 %"}, "options": ["size"],
            "variants": [
                {"sku": "1", "options": {"size": "1 l"}, "prices": [{"amount": 129, "currency": "EUR"}], "compare_at": [{"amount": 149, "currency": "EUR"}]},
                {"sku": "2", "options": {"size": "2 l"}, "prices": [{"amount": 229, "currency": "EUR"}]}
            ],
            "images": [{"url": "/media/milk.avif", "alt": {"en": "", "fr": ""}, "width": 800, "height": 600}]
        })
    }

    fn mistakes(pointer: &str, value: Value) -> Vec<String> {
        let mut row = valid();
        *row.pointer_mut(pointer).expect("the pointer fits") = value;
        let input: ProductInput = serde_json::from_value(row).expect("well formed");
        let found = input.validate().err().unwrap_or_default();
        found
            .all()
            .iter()
            .map(|mistake| mistake.field.clone())
            .collect()
    }

    #[test]
    fn a_valid_product_has_no_mistakes() {
        assert!(mistakes("/key", json!("cj-1")).is_empty());
    }

    #[test]
    fn every_mistake_names_its_field() {
        for (pointer, value, field) in [
            ("/key", json!("a b"), "key"),
            ("/key", json!(""), "key"),
            ("/name/fr", json!(" "), "name.fr"),
            ("/name/en", json!("a\u{7}"), "name.en"),
            ("/name/en", json!("x".repeat(201)), "name.en"),
            ("/category", json!("Grocery"), "category"),
            ("/brand", json!(""), "brand"),
            ("/attributes", json!({"Fat": "1"}), "attributes.Fat"),
            ("/attributes/fat", json!(""), "attributes.fat"),
            ("/options", json!(["size", "size"]), "options[1]"),
            ("/options", json!([]), "variants[0].options.size"),
            (
                "/options",
                json!(["size", "color"]),
                "variants[0].options.color",
            ),
            ("/variants", json!([]), "variants"),
            ("/variants/1/sku", json!("1"), "variants[1].sku"),
            (
                "/variants/1/options/size",
                json!("1 l"),
                "variants[1].options",
            ),
            ("/variants/0/prices", json!([]), "variants[0].prices"),
            (
                "/variants/1/prices/0/amount",
                json!(-1),
                "variants[1].prices[0].amount",
            ),
            (
                "/variants/1/prices/0/amount",
                json!(i64::MAX),
                "variants[1].prices[0].amount",
            ),
            (
                "/variants/1/prices",
                json!([{"amount": 1, "currency": "EUR"}, {"amount": 1, "currency": "EUR"}]),
                "variants[1].prices[1].currency",
            ),
            (
                "/variants/0/compare_at/0/amount",
                json!(129),
                "variants[0].compare_at[0]",
            ),
            (
                "/variants/0/compare_at/0/currency",
                json!("USD"),
                "variants[0].compare_at[0]",
            ),
            (
                "/images/0/url",
                json!("javascript:alert(1)"),
                "images[0].url",
            ),
            ("/images/0/url", json!("//evil.example/x"), "images[0].url"),
            ("/images/0/width", json!(0), "images[0].width"),
        ] {
            let found = mistakes(pointer, value.clone());
            assert!(
                found.iter().any(|found| found == field),
                "{pointer} = {value}: {found:?}"
            );
        }
    }

    #[test]
    fn refuses_fields_it_does_not_know() {
        let mut row = valid();
        row["colour"] = json!("red");
        assert!(serde_json::from_value::<ProductInput>(row).is_err());
    }
}
