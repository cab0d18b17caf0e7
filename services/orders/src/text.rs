//! The languages of the shop, and text that exists in each of them.

use serde::{Deserialize, Serialize};

/// A language that the shop speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Locale {
    /// English.
    En,
    /// French.
    Fr,
}

impl Locale {
    /// The ISO 639-1 code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Fr => "fr",
        }
    }

    /// The language of a code in the database.
    pub fn of(code: &str) -> Self {
        if code == "fr" { Self::Fr } else { Self::En }
    }
}

/// One text in each language.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
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
    pub fn get(&self, locale: Locale) -> &str {
        match locale {
            Locale::En => &self.en,
            Locale::Fr => &self.fr,
        }
    }
}
