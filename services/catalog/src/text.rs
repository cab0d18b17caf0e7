//! The languages of the shop, and text that exists in each of them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A language that every text of the catalog exists in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    En,
    /// French.
    Fr,
}

impl Language {
    /// All of them, in the order in which per-language tables are laid out.
    pub const ALL: [Self; 2] = [Self::En, Self::Fr];

    /// The position in tables that have one entry a language.
    pub const fn index(self) -> usize {
        match self {
            Self::En => 0,
            Self::Fr => 1,
        }
    }

    /// The ISO 639-1 code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Fr => "fr",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The text names no language of this shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be en or fr")]
pub struct UnknownLanguage;

impl FromStr for Language {
    type Err = UnknownLanguage;

    fn from_str(code: &str) -> Result<Self, UnknownLanguage> {
        match code {
            "en" => Ok(Self::En),
            "fr" => Ok(Self::Fr),
            _ => Err(UnknownLanguage),
        }
    }
}

/// One text in each language.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LocalizedText {
    /// English.
    #[schema(example = "Whole milk")]
    pub en: String,
    /// French.
    #[schema(example = "Lait entier")]
    pub fr: String,
}

impl LocalizedText {
    /// The text in one language.
    pub fn get(&self, language: Language) -> &str {
        match language {
            Language::En => &self.en,
            Language::Fr => &self.fr,
        }
    }

    /// The same text in every language.
    pub fn same(text: &str) -> Self {
        Self {
            en: text.to_owned(),
            fr: text.to_owned(),
        }
    }
}
