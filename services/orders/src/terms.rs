//! The shop's declared rules: what tax is owed where, what shipping costs, who the seller is. A file, not code: they change with the law.

use std::collections::BTreeMap;

use kit::money::Currency;
use serde::{Deserialize, Serialize};

use crate::text::LocalizedText;

/// What is declared when nothing else is: a shop in France that sends to the European Union.
pub const DEFAULT: &str = include_str!("terms/default.json");

/// Whole parts: 10,000 basis points.
pub const WHOLE: i64 = 10_000;

/// The declared rules.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// Who sells, as invoices must say.
    pub seller: Seller,
    /// What tax is owed; the first rule that names the country counts.
    pub taxes: Vec<TaxRule>,
    /// How things are sent, in the order in which they are offered.
    pub shipping: Vec<ShippingRule>,
}

/// Who sells.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seller {
    /// Registered name.
    pub name: String,
    /// Legal form and capital, such as `SAS au capital de 10 000 €`.
    pub legal_form: String,
    /// Postal address, a line each.
    pub address: Vec<String>,
    /// Nine digits.
    pub siren: String,
    /// Such as `RCS Lyon 123 456 789`.
    pub register: String,
    /// The number that tax is paid under.
    pub vat_number: String,
    /// Where to write to.
    pub email: String,
}

/// What tax is owed on what is sent to some countries.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxRule {
    /// Which; all others when empty.
    pub countries: Vec<String>,
    /// Whether the catalog's prices hold it already. If not, it is added.
    pub included: bool,
    /// The rate in basis points: 2000 is 20 %.
    pub standard: i64,
    /// Other rates by category, which count for the categories below too.
    #[serde(default)]
    pub categories: BTreeMap<String, i64>,
}

impl TaxRule {
    /// The rate of what is in this category: that of the nearest category above that has one.
    pub fn rate(&self, category: &str) -> i64 {
        let mut key = category;
        loop {
            if let Some(rate) = self.categories.get(key) {
                return *rate;
            }
            let Some((above, _)) = key.rsplit_once('/') else {
                return self.standard;
            };
            key = above;
        }
    }
}

/// A way to send things.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShippingRule {
    /// Its name in the API.
    pub id: String,
    /// Its name for people.
    pub name: LocalizedText,
    /// Where to; everywhere when empty.
    pub countries: Vec<String>,
    /// Working days it takes, at least and at most.
    pub days: [u16; 2],
    /// What it costs in each currency.
    pub prices: BTreeMap<String, ShippingPrice>,
}

/// What a way to send things costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShippingPrice {
    /// In minor units.
    pub price: i64,
    /// Nothing from this amount of goods on.
    #[serde(default)]
    pub free_from: Option<i64>,
}

/// Why rules can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TermsError {
    /// Not what such a file looks like.
    #[error("the terms can't be read")]
    Unreadable(#[from] serde_json::Error),
    /// A value that can't be meant.
    #[error("the terms say {0}")]
    Absurd(String),
}

impl Terms {
    /// The rules in a file's text.
    pub fn parse(json: &str) -> Result<Self, TermsError> {
        let terms: Self = serde_json::from_str(json)?;
        let rates = terms
            .taxes
            .iter()
            .flat_map(|rule| rule.categories.values().chain([&rule.standard]));
        for rate in rates {
            if !(0..=WHOLE).contains(rate) {
                return Err(TermsError::Absurd(format!("a tax rate of {rate}")));
            }
        }
        for rule in &terms.shipping {
            for (currency, price) in &rule.prices {
                if currency.parse::<Currency>().is_err() {
                    return Err(TermsError::Absurd(format!("a currency {currency:?}")));
                }
                if price.price < 0 || price.free_from.is_some_and(|from| from < 0) {
                    return Err(TermsError::Absurd(format!(
                        "a price below zero for {}",
                        rule.id
                    )));
                }
            }
        }
        Ok(terms)
    }

    /// The tax on what is sent to this country; `None`: nothing is sent there.
    pub fn tax(&self, country: &str) -> Option<&TaxRule> {
        self.taxes
            .iter()
            .find(|rule| names(&rule.countries, country))
    }

    /// The ways to send things to this country, with what they cost in this currency.
    pub fn shipping(
        &self,
        country: &str,
        currency: Currency,
    ) -> impl Iterator<Item = (&ShippingRule, ShippingPrice)> {
        let has_tax = self.tax(country).is_some();
        self.shipping
            .iter()
            .filter(move |rule| has_tax && names(&rule.countries, country))
            .filter_map(move |rule| Some((rule, *rule.prices.get(currency.code())?)))
    }
}

fn names(countries: &[String], country: &str) -> bool {
    countries.is_empty() || countries.iter().any(|named| named == country)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_can_be_used() {
        let terms = Terms::parse(DEFAULT).expect("sound");
        let names = |country, currency| {
            let found = terms.shipping(country, currency);
            found.map(|(rule, _)| rule.id.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(names("FR", Currency::EUR), ["standard", "express"]);
        assert_eq!(names("DE", Currency::EUR), ["standard"]);
        assert!(names("FR", "SEK".parse().expect("a currency")).is_empty());
        assert!(names("ZZ", Currency::EUR).is_empty());
    }

    #[test]
    fn a_rate_holds_for_what_lies_below() {
        let terms = Terms::parse(DEFAULT).expect("sound");
        let france = terms.tax("FR").expect("at home");
        for (category, rate) in [
            ("grocery", 550),
            ("grocery/dairy/milk", 550),
            ("grocery/alcohol", 2000),
            ("grocery/alcohol/wine", 2000),
            ("grocery-else", 2000),
            ("home", 2000),
        ] {
            assert_eq!(france.rate(category), rate, "{category}");
        }
    }

    #[test]
    fn refuses_what_cant_be_meant() {
        for (from, to) in [
            ("\"standard\": 2000", "\"standard\": 20000"),
            ("\"EUR\"", "\"euro\""),
            ("\"price\": 490", "\"price\": -490"),
            ("\"taxes\"", "\"tax\""),
        ] {
            assert!(DEFAULT.contains(from), "{from}");
            assert!(Terms::parse(&DEFAULT.replace(from, to)).is_err(), "{to}");
        }
    }
}
