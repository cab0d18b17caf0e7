//! E-mail addresses as they identify people.

use std::fmt;

/// The longest address that mail servers take (RFC 5321, section 4.5.3.1).
const LONGEST: usize = 254;
/// The longest part before the @.
const LONGEST_LOCAL_PART: usize = 64;

/// An address in one spelling: lower case, the domain in its ASCII form. Two spellings of one address are one account.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Email(String);

/// What is said of a text that is no address.
pub const NOT_AN_EMAIL: &str = "must be an e-mail address, such as ada@example.com";

impl Email {
    /// Reads an address as people type it: with spaces around it, in any case, with accents in the domain.
    pub fn parse(text: &str) -> Option<Self> {
        let (local, domain) = text.trim().rsplit_once('@')?;
        let local = local.to_ascii_lowercase();
        // The standard of URLs is also how mail programs turn a domain's accents into ASCII.
        let Ok(url::Host::Domain(domain)) = url::Host::parse(domain) else {
            return None;
        };
        let address = format!("{local}@{domain}");
        (is_local_part(&local) && is_domain(&domain) && address.len() <= LONGEST)
            .then_some(Self(address))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the @.
    pub fn local_part(&self) -> &str {
        self.0.split('@').next().unwrap_or_default()
    }
}

/// Addresses don't belong in logs.
impl fmt::Debug for Email {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Email(…)")
    }
}

/// Words of letters, digits and a few signs, with single dots between them. Quoted parts exist on paper only, and let
/// through what breaks mail programs.
fn is_local_part(local: &str) -> bool {
    let is_sign = |byte: u8| b"!#$%&'*+/=?^_`{|}~-".contains(&byte);
    let is_word = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || is_sign(byte))
    };
    local.len() <= LONGEST_LOCAL_PART && local.split('.').all(is_word)
}

fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let top = domain.rsplit('.').next().unwrap_or_default();
    domain.contains('.')
        && domain.split('.').all(is_label)
        && !top.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_of_one_address_are_one() {
        for (typed, kept) in [
            ("ada@example.com", "ada@example.com"),
            ("  Ada.Lovelace@Example.COM\n", "ada.lovelace@example.com"),
            ("ada+shop@example.com", "ada+shop@example.com"),
            ("o'hara@example.co.uk", "o'hara@example.co.uk"),
            ("ada@Crème.example", "ada@xn--crme-6oa.example"),
            ("ada@xn--crme-6oa.example", "ada@xn--crme-6oa.example"),
        ] {
            assert_eq!(Email::parse(typed).expect(typed).as_str(), kept);
        }
    }

    #[test]
    fn refuses_what_is_no_address() {
        let long_local = format!("{}@example.com", "a".repeat(65));
        let long = format!("a@{}.example", vec!["b".repeat(60); 5].join("."));
        for text in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@localhost",
            "ada@example..com",
            "ada@.example.com",
            "ada@-example.com",
            "ada@192.0.2.1",
            "ada@[::1]",
            "ada@example.123",
            ".ada@example.com",
            "a..da@example.com",
            "ada lovelace@example.com",
            "ada\u{0}@example.com",
            "ada@exa mple.com",
            "ada@example.com,eve@example.com",
            "ada@example.com\r\nBcc: eve@example.com",
            "adä@example.com",
            &long_local,
            &long,
        ] {
            assert_eq!(Email::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn is_not_shown_in_logs() {
        let email = Email::parse("ada@example.com").expect("an address");
        assert!(!format!("{email:?}").contains("ada"));
    }

    proptest! {
        #[test]
        fn what_is_kept_reads_back_as_itself(text in "\\PC{0,20}@\\PC{1,20}") {
            if let Some(email) = Email::parse(&text) {
                prop_assert_eq!(Email::parse(email.as_str()), Some(email.clone()));
                prop_assert!(email.as_str().is_ascii() && !email.as_str().contains(char::is_whitespace));
                prop_assert_eq!(Email::parse(&email.as_str().to_uppercase()), Some(email));
            }
        }
    }
}
