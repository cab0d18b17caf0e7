//! Where things are sent.

use kit::Problem;
use serde::{Deserialize, Serialize};

use crate::person::{is_unprintable, unless_wrong};

/// How many addresses somebody keeps.
pub const MOST: usize = 20;

/// ISO 3166-1 alpha-2.
const COUNTRIES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL \
    CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT \
    HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS \
    MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN \
    SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

/// A postal address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// Who lives there.
    #[schema(max_length = 100)]
    pub name: String,
    /// Street and number.
    #[schema(max_length = 200)]
    pub line1: String,
    /// Floor, building, care of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    pub line2: Option<String>,
    /// Postal code; empty where the country has none.
    #[schema(max_length = 20)]
    pub postal_code: String,
    /// Town.
    #[schema(max_length = 100)]
    pub city: String,
    /// State, province, department.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100)]
    pub region: Option<String>,
    /// ISO 3166-1 alpha-2, such as `FR`.
    #[schema(min_length = 2, max_length = 2, example = "FR")]
    pub country: String,
    /// For the carrier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 30)]
    pub phone: Option<String>,
}

impl Address {
    /// The address as it is kept, or what is wrong with its fields.
    pub fn checked(self) -> Result<Self, Problem> {
        let mut problem = Problem::invalid();
        let mut required = |field: &'static str, text: &str, fewest: usize, most: usize| {
            let text = text.trim().to_owned();
            if !(fewest..=most).contains(&text.chars().count()) {
                problem = problem.clone().field(
                    field,
                    format!("must have between {fewest} and {most} characters"),
                );
            } else if text.chars().any(is_unprintable) {
                problem = problem.clone().field(field, "must be one line of text");
            }
            text
        };
        let mut optional = |field, text: Option<String>, most| {
            text.filter(|text| !text.trim().is_empty())
                .map(|text| required(field, &text, 1, most))
        };
        let (line2, region, phone) = (
            optional("line2", self.line2, 200),
            optional("region", self.region, 100),
            optional("phone", self.phone, 30),
        );
        let address = Self {
            name: required("name", &self.name, 1, 100),
            line1: required("line1", &self.line1, 1, 200),
            line2,
            postal_code: required("postal_code", &self.postal_code, 0, 20),
            city: required("city", &self.city, 1, 100),
            region,
            country: self.country,
            phone,
        };
        let is_digit_or_sign = |c: char| c.is_ascii_digit() || " +-().".contains(c);
        if address
            .phone
            .as_ref()
            .is_some_and(|phone| !phone.chars().all(is_digit_or_sign))
        {
            problem = problem.field("phone", "must be a phone number, such as +33 1 23 45 67 89");
        }
        if !COUNTRIES
            .split_whitespace()
            .any(|country| country == address.country)
        {
            problem = problem.field("country", "must be a country's two letters, such as FR");
        }
        unless_wrong(problem)?;
        Ok(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address() -> Address {
        Address {
            name: "Ada Lovelace".to_owned(),
            line1: " 12 rue de l'Échelle ".to_owned(),
            line2: Some("  ".to_owned()),
            postal_code: "75001".to_owned(),
            city: "Paris".to_owned(),
            region: None,
            country: "FR".to_owned(),
            phone: Some("+33 1 23 45 67 89".to_owned()),
        }
    }

    fn wrong(change: impl FnOnce(&mut Address)) -> Vec<String> {
        let mut address = address();
        change(&mut address);
        address.checked().err().map_or_else(Vec::new, |problem| {
            problem
                .errors()
                .iter()
                .map(|error| error.field.clone())
                .collect()
        })
    }

    #[test]
    fn an_address_is_kept_tidy() {
        let kept = address().checked().expect("valid");
        assert_eq!(
            (kept.line1.as_str(), kept.line2),
            ("12 rue de l'Échelle", None)
        );
        assert_eq!(COUNTRIES.split_whitespace().count(), 249);
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(wrong(|_| {}).is_empty());
        assert!(
            wrong(|address| address.postal_code.clear()).is_empty(),
            "Ireland once had none"
        );
        assert_eq!(wrong(|address| address.name = " ".to_owned()), ["name"]);
        assert_eq!(wrong(|address| address.line1 = "x".repeat(201)), ["line1"]);
        assert_eq!(
            wrong(|address| address.city = "Pa\nris".to_owned()),
            ["city"]
        );
        assert_eq!(
            wrong(|address| address.country = "fr".to_owned()),
            ["country"]
        );
        assert_eq!(
            wrong(|address| address.country = "XX".to_owned()),
            ["country"]
        );
        assert_eq!(
            wrong(|address| address.phone = Some("call me".to_owned())),
            ["phone"]
        );
        assert_eq!(
            wrong(|address| {
                address.city.clear();
                address.country.clear();
            }),
            ["city", "country"]
        );
    }
}
