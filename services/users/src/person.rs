//! What the shop knows a person by.

use kit::Problem;
use serde::{Deserialize, Serialize};

/// The languages of the shop.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Locale {
    /// English.
    #[default]
    En,
    /// French.
    Fr,
}

impl Locale {
    /// As addresses of pages hold it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Fr => "fr",
        }
    }

    /// The language of this code; English for what is none.
    pub fn parse_or_default(code: &str) -> Self {
        if code == "fr" { Self::Fr } else { Self::En }
    }
}

/// The most characters in a name.
pub const LONGEST_NAME: usize = 100;

/// A name as it is kept: without spaces around it.
pub fn name(text: &str) -> Result<String, &'static str> {
    let name = text.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME {
        return Err("must have between 1 and 100 characters");
    }
    // Mails greet people by name: nobody shall have us send their advertisement to others.
    let lower = name.to_lowercase();
    if name.chars().any(is_unprintable)
        || name.contains(['<', '>'])
        || ["://", "www.", "http:", "https:"]
            .iter()
            .any(|mark| lower.contains(mark))
    {
        return Err("must be a name: no addresses of pages, no markup");
    }
    Ok(name.to_owned())
}

/// Control characters, line ends among them, and those that turn the direction of text around.
pub fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `Ok` unless fields of `problem` are wrong.
pub fn unless_wrong(problem: Problem) -> Result<(), Problem> {
    if problem.errors().is_empty() {
        Ok(())
    } else {
        Err(problem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_people_are_names() {
        for (typed, kept) in [
            (" Ada ", "Ada"),
            ("Jean-François O'Neill, Jr.", "Jean-François O'Neill, Jr."),
            ("李小龙", "李小龙"),
            ("X", "X"),
        ] {
            assert_eq!(name(typed), Ok(kept.to_owned()));
        }
        for typed in [
            "",
            "  ",
            "win at https://evil.example",
            "WWW.evil.example",
            "<b>Ada</b>",
            "Ada\r\nBcc: eve@example.com",
            "Ada\u{202e}",
            &"a".repeat(101),
        ] {
            assert!(name(typed).is_err(), "{typed}");
        }
    }
}
