//! The languages of the shop, and which of them a shopper wants.

use crate::messages::{EN, FR, Messages};

/// A language that every page exists in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Language {
    /// English.
    En,
    /// French.
    Fr,
}

impl Language {
    /// Every language, the one for strangers (`x-default`) first.
    pub const ALL: [Self; 2] = [Self::En, Self::Fr];

    /// The language of a path's first segment.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|language| language.code() == code)
    }

    /// The language of a path such as `/fr/search`.
    pub fn of_path(path: &str) -> Option<Self> {
        Self::from_code(
            path.trim_start_matches('/')
                .split('/')
                .next()
                .unwrap_or_default(),
        )
    }

    /// The first segment of its paths, its `lang` and its `hreflang`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Fr => "fr",
        }
    }

    /// The language of the switch in the header.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::En => Self::Fr,
            Self::Fr => Self::En,
        }
    }

    /// Everything the pages say.
    pub const fn messages(self) -> &'static Messages {
        match self {
            Self::En => &EN,
            Self::Fr => &FR,
        }
    }

    /// What an `Accept-Language` header asks for (RFC 9110, section 12.5.4): the highest weight wins, the first of equals.
    pub fn negotiate(accept_language: &str, default: Self) -> Self {
        let mut best: Option<(u16, Self)> = None;
        for range in accept_language.split(',') {
            let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
            let Some(language) = Self::of_tag(tag.trim(), default) else {
                continue;
            };
            let weight = weight(parameters);
            if weight > 0 && best.is_none_or(|(highest, _)| weight > highest) {
                best = Some((weight, language));
            }
        }
        best.map_or(default, |(_, language)| language)
    }

    fn of_tag(tag: &str, default: Self) -> Option<Self> {
        if tag == "*" {
            return Some(default);
        }
        let primary = tag.split('-').next().unwrap_or_default();
        Self::ALL
            .into_iter()
            .find(|language| language.code().eq_ignore_ascii_case(primary))
    }
}

/// A quality value in thousandths; a malformed one counts as nothing.
fn weight(parameters: &str) -> u16 {
    let Some(value) = parameters.trim().strip_prefix("q=") else {
        return if parameters.trim().is_empty() {
            1000
        } else {
            0
        };
    };
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let is_wrong = fraction.len() > 3 || !fraction.bytes().all(|digit| digit.is_ascii_digit());
    match whole {
        _ if is_wrong => 0,
        "1" => 1000,
        "0" => format!("{fraction:0<3}").parse().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_weight_wins() {
        for (header, expected) in [
            ("", Language::En),
            ("fr", Language::Fr),
            ("fr-CA,fr;q=0.9,en;q=0.8", Language::Fr),
            ("FR-be", Language::Fr),
            ("en;q=0.3, fr;q=0.7", Language::Fr),
            ("en;q=0.75, fr;q=0.7", Language::En),
            ("de, es;q=0.9, fr;q=0.1", Language::Fr),
            ("de", Language::En),
            ("*", Language::En),
            ("fr;q=0", Language::En),
            ("fr;q=nonsense, en", Language::En),
            ("fr;q=1.0000", Language::En),
            (";;;,,,", Language::En),
        ] {
            assert_eq!(
                Language::negotiate(header, Language::En),
                expected,
                "{header}"
            );
        }
    }

    #[test]
    fn a_path_names_its_language() {
        for (path, expected) in [
            ("/fr/search", Some(Language::Fr)),
            ("/en", Some(Language::En)),
            ("/", None),
            ("/frites", None),
        ] {
            assert_eq!(Language::of_path(path), expected, "{path}");
        }
    }
}
