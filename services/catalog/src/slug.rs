//! Readable addresses: `whole-milk-1-gal-k3x9q2`.

use sha2::{Digest as _, Sha256};

use crate::{product::ProductInput, search::words, text::LocalizedText};

/// A slug longer than this is cut at a word.
const LONGEST_DERIVED: usize = 80;

/// What a slug may look like: words of lower-case ASCII letters and digits, joined by single hyphens, at most 200 characters.
pub fn is_slug(text: &str) -> bool {
    text.len() <= 200
        && text.split('-').all(|word| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
}

/// The slugs of a product: those given, else its names with a short suffix made from its key. The same product always gets
/// the same suffix, so that importing it again does not move its pages.
pub fn of_product(input: &ProductInput) -> LocalizedText {
    input.slug.clone().unwrap_or_else(|| {
        let suffix = suffix(&input.key);
        LocalizedText {
            en: derive(&input.name.en, &suffix),
            fr: derive(&input.name.fr, &suffix),
        }
    })
}

fn derive(name: &str, suffix: &str) -> String {
    let mut slug = String::new();
    let folded = words::fold(name);
    let parts = folded
        .split(|letter: char| !letter.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    for word in parts {
        if slug.len() + word.len() > LONGEST_DERIVED {
            break;
        }
        slug.push_str(word);
        slug.push('-');
    }
    slug.push_str(suffix);
    slug
}

/// Seven characters without vowels (no words by accident) and without look-alikes. Two keys may still share one, so slugs are
/// checked for being unique like every other name.
fn suffix(key: &str) -> String {
    const LETTERS: &[u8; 27] = b"bcdfghjkmnpqrstvwxz23456789";
    let hash = Sha256::digest(key.as_bytes());
    hash.iter()
        .take(7)
        .map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_words_joined_by_hyphens() {
        for (text, valid) in [
            ("whole-milk", true),
            ("a", true),
            ("7-up", true),
            ("", false),
            ("-a", false),
            ("a--b", false),
            ("Milk", false),
            ("lait-é", false),
            ("a/b", false),
        ] {
            assert_eq!(is_slug(text), valid, "{text}");
        }
    }

    #[test]
    fn derives_readable_slugs_that_stay() {
        for (name, start) in [
            ("Whole milk, 1 gal", "whole-milk-1-gal-"),
            ("Crème brûlée à l'œuf", "creme-brulee-a-l-oeuf-"),
            ("牛乳", ""),
            ("  ", ""),
        ] {
            let slug = derive(name, &suffix("cj-1"));
            assert!(slug.starts_with(start), "{slug}");
            assert!(is_slug(&slug), "{slug}");
            assert_eq!(slug, derive(name, &suffix("cj-1")));
            assert_ne!(slug, derive(name, &suffix("cj-2")));
        }
        assert!(derive(&"word ".repeat(100), "x").len() <= LONGEST_DERIVED + 9);
    }
}
