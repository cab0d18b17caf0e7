//! How much there is of something, in words.

use crate::{clients::orders::Stock, language::Language, money::format_count};

/// How much there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Availability {
    pub text: String,
    /// The class of its badge.
    pub class: &'static str,
    pub can_be_bought: bool,
}

impl Availability {
    /// What the stock says about a SKU; `None` when it says nothing.
    pub fn of(sku: &str, stock: &[Stock], language: Language) -> Option<Self> {
        let stock = stock.iter().find(|stock| stock.sku == sku)?;
        let t = language.messages().cart;
        let (text, class, can_be_bought) = match (stock.availability.as_str(), stock.left) {
            ("in_stock", _) => (t.in_stock.to_owned(), "is-in", true),
            ("low", Some(left)) => {
                let text = (t.left)(&format_count(left, language));
                (text, "is-low", true)
            }
            ("low", None) => (t.few_left.to_owned(), "is-low", true),
            ("out", _) => (t.sold_out.to_owned(), "is-out", false),
            _ => return None,
        };
        Some(Self {
            text,
            class,
            can_be_bought,
        })
    }
}

/// Whether there is enough of a SKU, as far as the stock says.
pub fn is_enough(sku: &str, quantity: u32, stock: &[Stock]) -> bool {
    stock
        .iter()
        .find(|stock| stock.sku == sku)
        .is_none_or(|stock| {
            stock.availability != "out" && stock.left.is_none_or(|left| left >= quantity.into())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_how_much_there_is() {
        let stock = [
            ("a", "in_stock", None),
            ("b", "low", Some(3)),
            ("c", "out", None),
        ]
        .map(|(sku, availability, left)| Stock {
            sku: sku.to_owned(),
            availability: availability.to_owned(),
            left,
        });
        let text = |sku, language| Availability::of(sku, &stock, language).map(|said| said.text);
        assert_eq!(text("a", Language::Fr).as_deref(), Some("En stock"));
        assert_eq!(text("b", Language::En).as_deref(), Some("Only 3 left"));
        assert_eq!(text("c", Language::En).as_deref(), Some("Sold out for now"));
        assert_eq!(text("unknown", Language::En), None);
        for (sku, quantity, enough) in [
            ("a", 99, true),
            ("b", 3, true),
            ("b", 4, false),
            ("c", 1, false),
            ("unknown", 5, true),
        ] {
            assert_eq!(is_enough(sku, quantity, &stock), enough, "{sku} {quantity}");
        }
    }
}
