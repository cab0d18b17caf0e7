//! A product as it stands in a row of others.

use crate::{
    category_tree::CategoryTree,
    clients::{Image, ProductSummary},
    drawing,
    language::Language,
    messages::Plural,
    money::{format_count, format_money, format_saving},
};
use kit::money::Money;
use std::fmt::Write as _;

/// A product among others.
pub struct Card {
    pub href: String,
    pub name: String,
    pub brand: Option<String>,
    pub price: Option<PriceTag>,
    /// How many variants there are to choose from, when there is a choice.
    pub variants: Option<String>,
    pub picture: Picture,
}

/// A price in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceTag {
    /// Whether some variants cost more.
    pub is_from: bool,
    pub now: String,
    /// The price before, when it was higher.
    pub was: Option<String>,
    pub saving: Option<String>,
}

/// A photo, or the illustration of the nearest category on a tint.
pub struct Picture {
    pub photo: Option<Photo>,
    pub art: String,
    pub tint: u32,
    pub pose: u32,
}

/// A photo of a product.
pub struct Photo {
    pub url: String,
    pub alt: String,
    pub width: u32,
    pub height: u32,
}

impl Card {
    /// What the catalog says about a product, in words.
    pub fn new(product: ProductSummary, tree: &CategoryTree, language: Language) -> Self {
        let art = product.illustration.unwrap_or_else(|| {
            tree.illustration(product.category.as_deref().unwrap_or_default())
                .to_owned()
        });
        let price = product.price.map(|range| {
            PriceTag::new(
                range.from,
                range.from != range.to,
                product.compare_at,
                language,
            )
        });
        let variants = (product.variant_count > 1).then(|| {
            (language.messages().variant_count)(&format_count(product.variant_count, language))
        });
        Self {
            href: product_href(&product.slug, language),
            brand: brand_beside(product.brand, &product.name),
            name: product.name,
            price,
            variants,
            picture: Picture {
                tint: drawing::tint(&product.key),
                pose: drawing::pose(&product.key),
                photo: product.image.map(|image| Photo::new(image, language)),
                art,
            },
        }
    }
}

impl PriceTag {
    /// A price, and what it was before if that was more.
    pub fn new(now: Money, is_from: bool, was: Option<Money>, language: Language) -> Self {
        let saving = was.and_then(|was| format_saving(now, was, language));
        Self {
            is_from,
            now: format_money(now, language),
            was: was
                .filter(|_| saving.is_some())
                .map(|was| format_money(was, language)),
            saving,
        }
    }
}

impl Photo {
    /// An image of the catalog.
    pub fn new(image: Image, language: Language) -> Self {
        Self {
            url: image.url,
            alt: image.alt.into_text(language),
            width: image.width,
            height: image.height,
        }
    }
}

/// The brand, unless the name says it already.
pub fn brand_beside(brand: Option<String>, name: &str) -> Option<String> {
    brand.filter(|brand| !name.contains(brand.as_str()))
}

/// The path of a product's page.
pub fn product_href(slug: &str, language: Language) -> String {
    format!("/{}/p/{}", language.code(), path_segment(slug))
}

/// `312 products`.
pub fn count_products(count: u64, language: Language) -> String {
    let plural = match language {
        Language::En => Plural::english(count),
        Language::Fr => Plural::french(count),
    };
    (language.messages().product_count)(&format_count(count, language), plural)
}

/// Text as one segment of a path (RFC 3986): everything but unreserved characters is percent-encoded.
pub fn path_segment(text: &str) -> String {
    let mut segment = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            segment.push(char::from(byte));
        } else {
            let _ = write!(segment, "%{byte:02X}");
        }
    }
    segment
}

#[cfg(test)]
mod tests {
    use super::*;
    use kit::money::Currency;

    #[test]
    fn slugs_stay_inside_their_segment() {
        for (slug, href) in [
            ("milk-1029743", "/en/p/milk-1029743"),
            ("crème", "/en/p/cr%C3%A8me"),
            ("a/b?c#d", "/en/p/a%2Fb%3Fc%23d"),
            ("../../x", "/en/p/..%2F..%2Fx"),
        ] {
            assert_eq!(product_href(slug, Language::En), href);
        }
    }

    #[test]
    fn a_price_that_rose_is_no_saving() {
        let now = Money::new(200, Currency::EUR);
        for (was, shown) in [(100, None), (200, None), (400, Some("€4.00"))] {
            let tag = PriceTag::new(
                now,
                false,
                Some(Money::new(was, Currency::EUR)),
                Language::En,
            );
            assert_eq!(tag.was.as_deref(), shown, "{was}");
        }
    }
}
