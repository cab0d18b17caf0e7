//! What a page says to machines: schema.org as JSON-LD, safe inside a script element.

use crate::money::plain_decimal;
use kit::money::Money;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The shop itself, with its search.
pub fn web_site(origin: &str, language: &str) -> String {
    script(&json!({
        "@context": "https://schema.org",
        "@type": "WebSite",
        "name": "Amazoff",
        "url": format!("{origin}/{language}/"),
        "inLanguage": language,
        "potentialAction": {
            "@type": "SearchAction",
            "target": { "@type": "EntryPoint", "urlTemplate": format!("{origin}/{language}/search?q={{search_term_string}}") },
            "query-input": "required name=search_term_string",
        },
    }))
}

/// The way from the home page to this one: names and absolute addresses.
pub fn breadcrumbs<'a>(crumbs: impl Iterator<Item = (&'a str, String)>) -> String {
    let items: Vec<Value> = (1..)
        .zip(crumbs)
        .map(|(position, (name, url))| json!({ "@type": "ListItem", "position": position, "name": name, "item": url }))
        .collect();
    script(
        &json!({ "@context": "https://schema.org", "@type": "BreadcrumbList", "itemListElement": items }),
    )
}

/// What [`product`] tells about a product.
pub struct ProductFacts<'a> {
    pub url: &'a str,
    pub name: &'a str,
    pub description: &'a str,
    pub sku: &'a str,
    pub brand: Option<&'a str>,
    pub category: Option<&'a str>,
    pub images: Vec<&'a str>,
    /// One price for each variant that has one.
    pub prices: Vec<Money>,
}

/// A product and its offers. Nothing is said about stock, since nothing is known about it here.
pub fn product(facts: &ProductFacts<'_>) -> String {
    let mut product = json!({
        "@context": "https://schema.org",
        "@type": "Product",
        "name": facts.name,
        "url": facts.url,
        "sku": facts.sku,
    });
    if !facts.description.is_empty() {
        product["description"] = json!(facts.description);
    }
    if let Some(brand) = facts.brand {
        product["brand"] = json!({ "@type": "Brand", "name": brand });
    }
    if let Some(category) = facts.category {
        product["category"] = json!(category);
    }
    if !facts.images.is_empty() {
        product["image"] = json!(facts.images);
    }
    if let Some(offers) = offers(facts) {
        product["offers"] = offers;
    }
    script(&product)
}

fn offers(facts: &ProductFacts<'_>) -> Option<Value> {
    let lowest = facts.prices.iter().min_by_key(|price| price.amount)?;
    let highest = facts.prices.iter().max_by_key(|price| price.amount)?;
    let currency = lowest.currency;
    Some(if facts.prices.len() == 1 {
        json!({
            "@type": "Offer",
            "url": facts.url,
            "price": plain_decimal(lowest.amount, currency),
            "priceCurrency": currency.code(),
            "itemCondition": "https://schema.org/NewCondition",
        })
    } else {
        json!({
            "@type": "AggregateOffer",
            "url": facts.url,
            "lowPrice": plain_decimal(lowest.amount, currency),
            "highPrice": plain_decimal(highest.amount, currency),
            "priceCurrency": currency.code(),
            "offerCount": facts.prices.len(),
        })
    })
}

/// JSON that neither closes the script element around it nor ends a line of JavaScript.
fn script(value: &Value) -> String {
    let mut text = String::new();
    for character in value.to_string().chars() {
        match character {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(text, "\\u{:04x}", u32::from(character));
            }
            _ => text.push(character),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use kit::money::Currency;

    fn facts<'a>(name: &'a str, amounts: &[i64]) -> ProductFacts<'a> {
        ProductFacts {
            url: "https://shop.example/en/p/tea",
            name,
            description: "",
            sku: "1",
            brand: None,
            category: None,
            images: Vec::new(),
            prices: amounts
                .iter()
                .map(|amount| Money::new(*amount, Currency::EUR))
                .collect(),
        }
    }

    #[test]
    fn a_name_cannot_close_the_script() {
        for name in [
            "</script><script>alert(1)</script>",
            "<!--",
            "a\u{2028}b\u{2029}c",
            "\"\\",
            "&lt;",
        ] {
            let json = product(&facts(name, &[349]));
            assert!(
                !json.contains(['<', '>', '&', '\u{2028}', '\u{2029}']),
                "{json}"
            );
            let parsed: Value = serde_json::from_str(&json).expect("still JSON");
            assert_eq!(parsed["name"], name);
        }
    }

    #[test]
    fn one_price_is_an_offer_and_several_are_a_range() {
        for (amounts, expected) in [
            (&[][..], Value::Null),
            (&[349], json!("Offer")),
            (&[349, 99], json!("AggregateOffer")),
        ] {
            let parsed: Value =
                serde_json::from_str(&product(&facts("tea", amounts))).expect("JSON");
            assert_eq!(parsed["offers"]["@type"], expected);
        }
        let parsed: Value =
            serde_json::from_str(&product(&facts("tea", &[349, 99]))).expect("JSON");
        assert_eq!(
            (
                &parsed["offers"]["lowPrice"],
                &parsed["offers"]["highPrice"]
            ),
            (&json!("0.99"), &json!("3.49"))
        );
    }
}
