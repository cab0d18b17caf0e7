//! The languages mails are written in.

use serde::{Deserialize, Serialize};

/// A language.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// French.
    Fr,
}

impl Language {
    /// Its ISO 639-1 code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Fr => "fr",
        }
    }
}

/// Text in every language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalizedText {
    /// In English.
    pub en: String,
    /// In French.
    pub fr: String,
}

impl LocalizedText {
    /// The text in a language; in the other one where it is missing.
    pub fn text(&self, language: Language) -> &str {
        let (wanted, other) = match language {
            Language::En => (&self.en, &self.fr),
            Language::Fr => (&self.fr, &self.en),
        };
        if wanted.is_empty() { other } else { wanted }
    }
}
