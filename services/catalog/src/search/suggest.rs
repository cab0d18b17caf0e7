//! What a shopper may be about to type.

use super::{Snapshot, text_index, words};
use crate::text::Language;

/// Queries that start with what was typed: the last word completed, the most frequent completions first.
pub fn queries(
    snapshot: &Snapshot,
    text: &str,
    language: Language,
    limit: usize,
) -> tantivy::Result<Vec<String>> {
    let Some(last) = words::words(text, language).pop() else {
        return Ok(Vec::new());
    };
    let typed = text.get(..last.span.start).unwrap_or_default();
    let (searcher, field) = snapshot.dictionary(language);
    let mut completions: Vec<(u64, String)> = text_index::completions(searcher, field, &last.text)?
        .into_iter()
        .filter(|(word, _)| {
            !words::is_filler(word, language)
                && !word.starts_with(|first: char| first.is_ascii_digit())
        })
        .map(|(word, count)| (u64::MAX - count, word))
        .collect();
    completions.sort();
    // `egg` and `eggs` are one suggestion, the more frequent of the two.
    let mut stems = Vec::new();
    completions.retain(|(_, word)| {
        let stem = words::stem(word, language).into_owned();
        let is_new = !stems.contains(&stem);
        if is_new && stems.len() < limit {
            stems.push(stem);
            return true;
        }
        false
    });
    let lead = typed.to_lowercase();
    Ok(completions
        .into_iter()
        .map(|(_, word)| format!("{}{}", lead.trim_start(), snapshot.spell(&word, language)))
        .collect())
}

/// The rows of the categories that hold a word which starts with what was typed, those with most products first.
pub fn categories(snapshot: &Snapshot, text: &str, language: Language, limit: usize) -> Vec<usize> {
    let asked = words::words(text, language);
    let Some((last, others)) = asked.split_last() else {
        return Vec::new();
    };
    let rows = snapshot.tree.rows();
    let mut found: Vec<usize> = (0..rows.len())
        .filter(|row| {
            let name = words::words(rows[*row].name.get(language), language);
            rows[*row].product_count > 0
                && name.iter().any(|word| word.text.starts_with(&last.text))
                && others
                    .iter()
                    .all(|other| name.iter().any(|word| word.text == other.text))
        })
        .collect();
    found.sort_by_key(|row| (u64::MAX - rows[*row].product_count, *row));
    found.truncate(limit);
    found
}
