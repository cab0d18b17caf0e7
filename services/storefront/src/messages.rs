//! Everything the pages say. A language is one value of [`Messages`]: a sentence that it lacks does not compile.

pub mod account;
pub mod cart;
pub mod checkout;
mod en;
mod fr;
pub mod order;
pub mod security;

use crate::language::Language;
pub use en::EN;
pub use fr::FR;

/// The grammatical numbers that English and French have for whole numbers below a million (CLDR plural rules).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plural {
    /// English: 1. French: 0 and 1.
    One,
    /// Everything else.
    Other,
}

/// One language.
pub struct Messages {
    // The frame of every page
    pub og_locale: &'static str,
    pub this_language: &'static str,
    pub other_language: &'static str,
    pub language: &'static str,
    pub skip_to_content: &'static str,
    pub logo_label: &'static str,
    pub home: &'static str,
    pub breadcrumbs: &'static str,
    pub departments: &'static str,
    pub all_departments: &'static str,
    pub department: &'static str,
    pub close: &'static str,
    pub search_label: &'static str,
    pub search_placeholder: &'static str,
    pub search_button: &'static str,
    pub suggestions_label: &'static str,
    /// `#` stands for the number; a script fills it in.
    pub suggestions_count: &'static str,
    pub footer_departments: &'static str,
    pub footer_text: &'static str,
    pub footer_software: &'static str,

    // Home
    pub home_title: &'static str,
    pub home_description: &'static str,
    pub hero_title: &'static str,
    pub hero_text: &'static str,
    /// How many products, in how many departments.
    pub hero_text_counted: fn(products: &str, departments: &str) -> String,
    pub hero_button: &'static str,
    pub shop_by_department: &'static str,
    pub newest: &'static str,
    pub reduced: &'static str,
    pub see_all: &'static str,
    pub departments_description: &'static str,

    // Products, wherever they are shown
    pub products: &'static str,
    pub product_count: fn(count: &str, plural: Plural) -> String,
    pub variant_count: fn(count: &str) -> String,
    pub price: &'static str,
    pub price_from: &'static str,
    pub price_now: &'static str,
    pub price_was: &'static str,
    pub price_unknown: &'static str,

    // Listings: a category, a search
    pub category_description: fn(name: &str) -> String,
    pub category_description_counted: fn(name: &str, count: &str) -> String,
    pub subcategories: &'static str,
    pub search_title: fn(query: &str) -> String,
    pub search_everything: &'static str,
    pub search_description: &'static str,
    /// What stands before and after the query that was used instead.
    pub corrected: (&'static str, fn(query: &str) -> String),
    pub filters: &'static str,
    pub active_filters: &'static str,
    pub apply_filters: &'static str,
    pub clear_filters: &'static str,
    pub remove_filter: &'static str,
    pub more_choices: &'static str,
    pub products_in_choice: &'static str,
    pub category: &'static str,
    pub brand: &'static str,
    pub price_min: &'static str,
    pub price_max: &'static str,
    pub price_at_least: fn(amount: &str) -> String,
    pub price_at_most: fn(amount: &str) -> String,
    pub sort: &'static str,
    pub sort_usual: &'static str,
    pub sort_relevance: &'static str,
    pub sort_price: &'static str,
    pub sort_price_descending: &'static str,
    pub sort_name: &'static str,
    pub sort_newest: &'static str,
    pub pages: &'static str,
    pub shown: fn(from: &str, to: &str, total: &str) -> String,
    pub first_page: &'static str,
    pub next_page: &'static str,
    pub nothing_found: fn(query: &str) -> String,
    pub nothing_here: &'static str,
    pub empty_text: &'static str,
    pub empty_suggestions: &'static str,
    pub filtered_out_title: &'static str,
    pub filtered_out_text: &'static str,

    // A product
    pub product_description: fn(name: &str, category: &str) -> String,
    pub choose: fn(option: &str) -> String,
    pub choose_variant: &'static str,
    pub show_choice: &'static str,
    pub description: &'static str,
    pub details: &'static str,
    pub sku: &'static str,
    pub unit_price: fn(price: &str, unit: &str) -> String,
    pub related: fn(category: &str) -> String,
    pub related_without_category: &'static str,
    /// The label of a catalog attribute or option; unknown ones are shown as they are.
    pub attribute: fn(key: &str) -> Option<&'static str>,
    /// The text of an attribute's value that the catalog keeps as a code.
    pub attribute_value: fn(key: &str, value: &str) -> Option<&'static str>,
    /// A unit of measure, as it stands after a slash.
    pub unit: fn(unit: crate::unit_price::Unit) -> &'static str,

    // What went wrong
    pub unavailable_title: &'static str,
    pub unavailable_text: &'static str,
    pub retry: &'static str,
    pub back_home: &'static str,
    pub not_found_title: &'static str,
    pub not_found_text: &'static str,
    pub bad_request_title: &'static str,
    pub bad_request_text: &'static str,
    pub failed_title: &'static str,
    pub failed_text: &'static str,

    // Buying
    pub cart: &'static cart::CartMessages,
    pub checkout: &'static checkout::CheckoutMessages,
    pub order: &'static order::OrderMessages,
    pub account: &'static account::AccountMessages,
    pub security: &'static security::SecurityMessages,
}

impl Plural {
    /// The number of `count` in a language.
    pub const fn of(count: u64, language: Language) -> Self {
        match language {
            Language::En => Self::english(count),
            Language::Fr => Self::french(count),
        }
    }

    /// The number of `count` in English.
    pub const fn english(count: u64) -> Self {
        if count == 1 { Self::One } else { Self::Other }
    }

    /// The number of `count` in French.
    pub const fn french(count: u64) -> Self {
        if count <= 1 { Self::One } else { Self::Other }
    }
}

#[cfg(test)]
mod tests {
    use crate::language::Language;

    #[test]
    fn french_counts_zero_as_one() {
        for (count, english, french) in [
            (0, "0 products", "0\u{a0}produit"),
            (1, "1 product", "1\u{a0}produit"),
            (2, "2 products", "2\u{a0}produits"),
            (
                1_000_000,
                "1,000,000 products",
                "1\u{202f}000\u{202f}000\u{a0}produits",
            ),
        ] {
            assert_eq!(crate::card::count_products(count, Language::En), english);
            assert_eq!(crate::card::count_products(count, Language::Fr), french);
        }
    }
}
