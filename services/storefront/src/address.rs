//! A postal address: as services keep it, as it is typed, as it is shown.

use crate::{
    country,
    form::{Entry, Field, Form, Mistakes, is_line},
    language::Language,
};
use serde::{Deserialize, Serialize};

/// A postal address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    pub name: String,
    pub line1: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line2: Option<String>,
    pub postal_code: String,
    pub city: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    pub country: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

/// The names of an address's fields, and the most characters that every service takes in them.
struct Names {
    name: &'static str,
    line1: &'static str,
    line2: &'static str,
    postal_code: &'static str,
    city: &'static str,
    region: &'static str,
    country: &'static str,
    phone: &'static str,
}

const PLAIN: Names = Names {
    name: "name",
    line1: "line1",
    line2: "line2",
    postal_code: "postal_code",
    city: "city",
    region: "region",
    country: "country",
    phone: "phone",
};

const BILLING: Names = Names {
    name: "billing_name",
    line1: "billing_line1",
    line2: "billing_line2",
    postal_code: "billing_postal_code",
    city: "billing_city",
    region: "billing_region",
    country: "billing_country",
    phone: "billing_phone",
};

/// What an address is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Where things are sent.
    Delivery,
    /// Whom the invoice is for.
    Billing,
}

impl Use {
    const fn names(self) -> &'static Names {
        match self {
            Self::Delivery => &PLAIN,
            Self::Billing => &BILLING,
        }
    }

    /// How browsers fill a field in.
    const fn autocomplete(self, delivery: &'static str, billing: &'static str) -> &'static str {
        match self {
            Self::Delivery => delivery,
            Self::Billing => billing,
        }
    }
}

impl Address {
    /// The address that a form sends, with what is wrong with it.
    pub fn typed(form: &Form, wanted: Use, language: Language, mistakes: &mut Mistakes) -> Self {
        let (names, t) = (wanted.names(), language.messages().checkout);
        let optional = |name| form.filled(name).map(str::to_owned);
        let address = Self {
            name: form.text(names.name).to_owned(),
            line1: form.text(names.line1).to_owned(),
            line2: optional(names.line2),
            postal_code: form.text(names.postal_code).to_uppercase(),
            city: form.text(names.city).to_owned(),
            region: optional(names.region),
            country: form.text(names.country).to_owned(),
            phone: optional(names.phone),
        };
        for (name, text, most, missing) in [
            (names.name, &address.name, 100, t.name_missing),
            (names.line1, &address.line1, 160, t.line1_missing),
            (
                names.postal_code,
                &address.postal_code,
                16,
                t.postal_code_missing,
            ),
            (names.city, &address.city, 100, t.city_missing),
        ] {
            mistakes.require(!text.is_empty(), name, missing);
            mistakes.require(is_line(text, most), name, &(t.too_long)(most));
        }
        for (name, text, most) in [
            (names.line2, &address.line2, 160),
            (names.region, &address.region, 100),
        ] {
            let fits = text.as_ref().is_none_or(|text| is_line(text, most));
            mistakes.require(fits, name, &(t.too_long)(most));
        }
        let is_phone = |text: &String| {
            is_line(text, 30)
                && text
                    .chars()
                    .all(|c| c.is_ascii_digit() || " +-().".contains(c))
        };
        let is_fine = address.phone.as_ref().is_none_or(is_phone);
        mistakes.require(is_fine, names.phone, t.phone_wrong);
        let is_known = country::name(&address.country, language).is_some();
        mistakes.require(is_known, names.country, t.country_missing);
        address
    }

    /// Its fields, filled in.
    pub fn fields(&self, wanted: Use, language: Language, mistakes: &Mistakes) -> Vec<Field> {
        let (names, t) = (wanted.names(), language.messages().checkout);
        let auto = |delivery, billing| wanted.autocomplete(delivery, billing);
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let countries = country::all(language)
            .into_iter()
            .map(|(code, label)| Entry {
                is_chosen: code == self.country,
                value: code.to_owned(),
                label: label.to_owned(),
            })
            .collect();
        let fields = vec![
            Field::new(names.name, t.name, "text")
                .filled_by(auto("shipping name", "billing name"), "text")
                .at_most(100)
                .with(self.name.as_str()),
            Field::new(names.country, t.country, "select")
                .filled_by(auto("shipping country", "billing country"), "")
                .among(countries)
                .with(self.country.as_str()),
            Field::new(names.line1, t.line1, "text")
                .filled_by(
                    auto("shipping address-line1", "billing address-line1"),
                    "text",
                )
                .at_most(160)
                .with(self.line1.as_str()),
            Field::new(names.line2, t.line2, "text")
                .filled_by(
                    auto("shipping address-line2", "billing address-line2"),
                    "text",
                )
                .at_most(160)
                .optional()
                .with(text(&self.line2)),
            Field::new(names.postal_code, t.postal_code, "text")
                .filled_by(auto("shipping postal-code", "billing postal-code"), "text")
                .at_most(16)
                .wide("is-short")
                .with(self.postal_code.as_str()),
            Field::new(names.city, t.city, "text")
                .filled_by(
                    auto("shipping address-level2", "billing address-level2"),
                    "text",
                )
                .at_most(100)
                .wide("is-rest")
                .with(self.city.as_str()),
            Field::new(names.region, t.region, "text")
                .filled_by(
                    auto("shipping address-level1", "billing address-level1"),
                    "text",
                )
                .at_most(100)
                .optional()
                .with(text(&self.region)),
            Field::new(names.phone, t.phone, "tel")
                .filled_by(auto("shipping tel", "billing tel"), "tel")
                .at_most(30)
                .optional()
                .hinted(t.phone_hint)
                .with(text(&self.phone)),
        ];
        fields
            .into_iter()
            // An invoice calls nobody.
            .filter(|field| !(wanted == Use::Billing && field.name == names.phone))
            .map(|field| field.judged(mistakes))
            .collect()
    }

    /// Its lines, as they stand on an envelope.
    pub fn lines(&self, language: Language) -> Vec<String> {
        let place = match self.country.as_str() {
            "US" | "CA" | "GB" | "IE" => format!("{} {}", self.city, self.postal_code),
            _ => format!("{} {}", self.postal_code, self.city),
        };
        let country = country::name(&self.country, language).unwrap_or(&self.country);
        [
            Some(self.name.clone()),
            Some(self.line1.clone()),
            self.line2.clone(),
            Some(place.trim().to_owned()),
            self.region.clone(),
            Some(country.to_owned()),
            self.phone.clone(),
        ]
        .into_iter()
        .flatten()
        .filter(|line| !line.is_empty())
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(body: &str, wanted: Use) -> (Address, Mistakes) {
        let mut mistakes = Mistakes::default();
        let form = Form::parse(body.as_bytes());
        let address = Address::typed(&form, wanted, Language::En, &mut mistakes);
        (address, mistakes)
    }

    #[test]
    fn names_each_field_that_is_wrong() {
        let good =
            "name=Ada&line1=12+rue+des+Lilas&postal_code=69003&city=Lyon&country=FR&phone=%2B33+1";
        for (body, expected) in [
            (good.to_owned(), vec![]),
            (good.replace("Lyon", ""), vec!["city"]),
            (good.replace("FR", "XX"), vec!["country"]),
            (good.replace("Ada", "A%0Ad"), vec!["name"]),
            (good.replace("%2B33+1", "call+me"), vec!["phone"]),
            (
                String::new(),
                vec!["name", "line1", "postal_code", "city", "country"],
            ),
        ] {
            let (_, mistakes) = typed(&body, Use::Delivery);
            let fields: Vec<&str> = mistakes.iter().map(|(field, _)| field).collect();
            assert_eq!(fields, expected, "{body}");
        }
    }

    #[test]
    fn two_addresses_of_one_form_are_kept_apart() {
        let body = "name=Ada&billing_name=Bob&billing_line1=1&billing_postal_code=sw1a&billing_city=London&billing_country=GB";
        let (address, mistakes) = typed(body, Use::Billing);
        assert!(mistakes.is_empty(), "{mistakes:?}");
        assert_eq!(
            address.lines(Language::Fr),
            ["Bob", "1", "London SW1A", "Royaume-Uni"]
        );
    }

    #[test]
    fn every_field_says_how_it_is_filled_in() {
        for wanted in [Use::Delivery, Use::Billing] {
            let fields = Address::default().fields(wanted, Language::En, &Mistakes::default());
            assert!(fields.len() >= 7);
            for field in fields {
                assert!(field.autocomplete.contains(' '), "{}", field.name);
            }
        }
    }
}
