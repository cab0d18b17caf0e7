//! Everything that mails say, in each language.

mod en;
mod fr;

use crate::{language::Language, occasion::Occasion};

/// What one mail says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// The subject, and the title above the text.
    pub subject: String,
    /// What stands beside the subject in a list of mails.
    pub preview: String,
    /// The text.
    pub paragraphs: Vec<String>,
    /// What is written on the button.
    pub button: Option<&'static str>,
    /// What is worth knowing besides, in small print.
    pub small: Vec<String>,
}

/// What all mails of a language share.
#[derive(Debug)]
pub struct Labels {
    /// Before the text.
    pub greeting: fn(Option<&str>) -> String,
    /// The sum of the lines.
    pub subtotal: &'static str,
    /// What is taken off.
    pub discount: &'static str,
    /// Shipping.
    pub shipping: &'static str,
    /// Shipping that costs nothing.
    pub free: &'static str,
    /// Tax in the total.
    pub tax_included: &'static str,
    /// Tax on top.
    pub tax_added: &'static str,
    /// All of it.
    pub total: &'static str,
    /// Between a label and what it names.
    pub colon: &'static str,
    /// Before an address, for readers that show no button.
    pub or_open: &'static str,
    /// At the very end.
    pub footer: fn(&str) -> String,
}

/// What a mail says.
pub fn words(occasion: &Occasion, shop: &str) -> Words {
    match occasion.language {
        Language::En => en::words(&occasion.what, shop),
        Language::Fr => fr::words(&occasion.what, shop),
    }
}

/// What all mails of a language share.
pub const fn labels(language: Language) -> &'static Labels {
    match language {
        Language::En => &en::LABELS,
        Language::Fr => &fr::LABELS,
    }
}
