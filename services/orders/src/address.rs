//! Where things are sent, and who is written to.

use serde::{Deserialize, Serialize};

use crate::invalid::Mistakes;

/// A postal address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// Who lives there.
    #[schema(example = "Camille Martin", max_length = 120)]
    pub name: String,
    /// Street and number.
    #[schema(example = "12 rue des Lilas", max_length = 160)]
    pub line1: String,
    /// Floor, building, company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 160)]
    pub line2: Option<String>,
    /// Postal code.
    #[schema(example = "69003", max_length = 16)]
    pub postal_code: String,
    /// City.
    #[schema(example = "Lyon", max_length = 100)]
    pub city: String,
    /// State or region, where the country has them in addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100)]
    pub region: Option<String>,
    /// ISO 3166-1 alpha-2.
    #[schema(example = "FR", pattern = "^[A-Z]{2}$")]
    pub country: String,
    /// For the carrier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 32)]
    pub phone: Option<String>,
}

impl Address {
    /// Notes what is wrong with it, as part `at` of a request.
    pub fn check(&self, at: &str, mistakes: &mut Mistakes) {
        let required = [
            ("name", &self.name, 120),
            ("line1", &self.line1, 160),
            ("city", &self.city, 100),
            // Some countries have none; those write a dash, as their posts advise.
            ("postal_code", &self.postal_code, 16),
        ];
        for (field, text, most) in required {
            let must = format!("must be 1 to {most} characters of one line");
            let is_there = !text.trim().is_empty();
            mistakes.require(
                is_there && is_line(text, most),
                format!("{at}.{field}"),
                must,
            );
        }
        let optional = [
            ("line2", &self.line2, 160),
            ("region", &self.region, 100),
            ("phone", &self.phone, 32),
        ];
        for (field, text, most) in optional {
            let must = format!("must be at most {most} characters of one line");
            let fits = text.as_ref().is_none_or(|text| is_line(text, most));
            mistakes.require(fits, format!("{at}.{field}"), must);
        }
        let must = "must be two capital letters, such as FR";
        mistakes.require(is_country(&self.country), format!("{at}.country"), must);
    }
}

/// Control characters would break labels, mails and the invoice.
fn is_line(text: &str, most: usize) -> bool {
    text.chars().count() <= most && !text.chars().any(char::is_control)
}

/// Whether this looks like an ISO 3166-1 alpha-2 code.
pub fn is_country(code: &str) -> bool {
    code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// Whether a mail can be sent there, as far as the text alone tells.
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let is_plain = |c: char| !c.is_control() && !c.is_whitespace() && !"<>()[],;:\\\"".contains(c);
    text.len() <= 254
        && (1..=64).contains(&local.len())
        && !local.contains('@')
        && domain.contains('.')
        && !domain.starts_with('.')
        && !domain.ends_with('.')
        && text.chars().all(is_plain)
}

/// What two ways to write one address have in common: for looking it up.
pub fn email_key(email: &str) -> String {
    email.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address() -> Address {
        Address {
            name: "Camille Martin".to_owned(),
            line1: "12 rue des Lilas".to_owned(),
            line2: None,
            postal_code: "69003".to_owned(),
            city: "Lyon".to_owned(),
            region: None,
            country: "FR".to_owned(),
            phone: None,
        }
    }

    #[test]
    fn names_each_field_that_is_wrong() {
        let good = address();
        for (wrong, expected) in [
            (good.clone(), vec![]),
            (
                Address {
                    name: "  ".to_owned(),
                    ..good.clone()
                },
                vec!["shipping.name"],
            ),
            (
                Address {
                    line1: "a\nb".to_owned(),
                    ..good.clone()
                },
                vec!["shipping.line1"],
            ),
            (
                Address {
                    city: "x".repeat(101),
                    ..good.clone()
                },
                vec!["shipping.city"],
            ),
            (
                Address {
                    country: "fr".to_owned(),
                    phone: Some("1".repeat(33)),
                    ..good.clone()
                },
                vec!["shipping.phone", "shipping.country"],
            ),
        ] {
            let mut mistakes = Mistakes::default();
            wrong.check("shipping", &mut mistakes);
            assert_eq!(mistakes.fields().collect::<Vec<_>>(), expected, "{wrong:?}");
        }
    }

    #[test]
    fn knows_what_can_be_written_to() {
        for (text, valid) in [
            ("a@b.fr", true),
            ("jean.dupont+shop@exemple.fr", true),
            ("é@exemple.fr", true),
            ("a@b", false),
            ("a", false),
            ("@b.fr", false),
            ("a b@c.fr", false),
            ("a@b.fr\r\nBcc: c@d.fr", false),
            ("a@b.", false),
            ("a@b@c.fr", false),
            ("<a@b.fr>", false),
        ] {
            assert_eq!(is_email(text), valid, "{text}");
        }
        assert_eq!(email_key(" Jean@Exemple.FR "), "jean@exemple.fr");
    }
}
