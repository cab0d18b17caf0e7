//! What a password must be (OWASP ASVS 5.0, section 6.2): long enough and not one that everybody tries first. Nothing about
//! capitals and digits, which make passwords worse, and nothing is changed before it is hashed.

use std::{collections::HashSet, fmt, sync::LazyLock};

use serde::Deserialize;

use crate::email::Email;

/// The fewest characters.
pub const SHORTEST: usize = 8;
/// The most characters: passphrases fit, and nobody sends a novel to be hashed.
pub const LONGEST: usize = 128;

/// Its head says where it is from.
const COMMON: &str = include_str!("password/common.txt");
/// What people who type French, or who think of this shop, come up with first.
const COMMON_HERE: [&str; 8] = [
    "azertyuiop",
    "azerty123",
    "motdepasse",
    "motdepasse1",
    "bonjour123",
    "jetaime123",
    "amazoff123",
    "amazoff1234",
];

static COMMON_PASSWORDS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    COMMON
        .lines()
        .filter(|line| !line.starts_with("# ") && *line != "#")
        .chain(COMMON_HERE)
        .collect()
});

/// A password as typed. It is shown nowhere.
#[derive(Clone, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, format = Password, min_length = 1, max_length = 128)]
pub struct Password(String);

impl Password {
    /// The password itself, to hash it.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Whether it is longer than any password that was ever taken, so that hashing it can only cost time.
    pub fn is_absurd(&self) -> bool {
        self.0.chars().nth(LONGEST).is_some()
    }
}

impl From<&str> for Password {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Password(…)")
    }
}

/// Why a password is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Weakness {
    /// Too few characters.
    #[error("must have at least 8 characters")]
    TooShort,
    /// Too many.
    #[error("must have at most 128 characters")]
    TooLong,
    /// On everybody's list.
    #[error("is one of the most used passwords, which are tried first; choose another")]
    Common,
    /// Made of what anybody knows.
    #[error("must not be made of your name or e-mail address")]
    Personal,
}

/// Whether the password of somebody with this address and name may be this.
pub fn check(password: &Password, email: &Email, name: &str) -> Result<(), Weakness> {
    let length = password.0.chars().count();
    if length < SHORTEST {
        return Err(Weakness::TooShort);
    }
    if length > LONGEST {
        return Err(Weakness::TooLong);
    }
    let lower = password.0.to_lowercase();
    if is_common(&lower) {
        return Err(Weakness::Common);
    }
    let plain = |text: &str| -> String {
        let letters = text.chars().filter(|character| character.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect()
    };
    let known = [
        plain(email.as_str()),
        plain(email.local_part()),
        plain(name),
    ];
    let core = plain(&password.0);
    let core = core.trim_end_matches(|character: char| character.is_ascii_digit());
    if !core.is_empty() && known.iter().any(|known| known == core) {
        return Err(Weakness::Personal);
    }
    Ok(())
}

fn is_common(lower: &str) -> bool {
    // Repeating one of the list makes it no rarer: passwordpassword.
    let half = lower
        .char_indices()
        .nth(lower.chars().count() / 2)
        .map(|(middle, _)| lower.split_at(middle))
        .filter(|(first, second)| first == second)
        .map(|(first, _)| first);
    let is_one_character = lower.chars().all(|character| lower.starts_with(character));
    is_one_character
        || COMMON_PASSWORDS.contains(lower)
        || half.is_some_and(|half| COMMON_PASSWORDS.contains(half))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(password: &str) -> Result<(), Weakness> {
        let email = Email::parse("ada.lovelace@example.com").expect("an address");
        check(&password.into(), &email, "Ada Lovelace")
    }

    #[test]
    fn length_counts_characters_and_nothing_else_is_asked() {
        for (password, expected) in [
            ("", Err(Weakness::TooShort)),
            ("1234567", Err(Weakness::TooShort)),
            ("ééééééé", Err(Weakness::TooShort)),
            ("tea pots", Ok(())),
            ("only lower case words", Ok(())),
            ("дорогой дневник", Ok(())),
            ("🫖🫖🍵🍵🫖🫖🍵🍵☕", Ok(())),
        ] {
            assert_eq!(checked(password), expected, "{password}");
        }
        let longest: String = "kettle, teapot, cup ".repeat(7).chars().take(128).collect();
        assert_eq!(checked(&longest), Ok(()));
        assert_eq!(checked(&format!("{longest}!")), Err(Weakness::TooLong));
        assert!(!Password::from(longest.as_str()).is_absurd());
        assert!(Password::from(format!("{longest}!").as_str()).is_absurd());
    }

    #[test]
    fn common_passwords_are_refused_in_any_case() {
        for password in [
            "password",
            "PassWord",
            "12345678",
            "qwertyuiop",
            "1qaz2wsx",
            "motdepasse",
            "azertyuiop",
            "trustno1",
            "passwordpassword",
            "aaaaaaaaaaaaaaaa",
            "iloveyou",
            "AMAZOFF123",
        ] {
            assert_eq!(checked(password), Err(Weakness::Common), "{password}");
        }
        assert!(COMMON_PASSWORDS.len() > 3000, "ASVS asks for 3000");
    }

    #[test]
    fn what_anybody_knows_of_a_person_is_no_password() {
        for password in [
            "ada.lovelace@example.com",
            "AdaLovelace",
            "ada.lovelace",
            "Ada Lovelace 1815",
        ] {
            assert_eq!(checked(password), Err(Weakness::Personal), "{password}");
        }
        assert_eq!(checked("ada lovelace's engine"), Ok(()));
    }

    #[test]
    fn is_not_shown_in_logs() {
        assert!(!format!("{:?}", Password::from("tea pots")).contains("tea"));
    }
}
