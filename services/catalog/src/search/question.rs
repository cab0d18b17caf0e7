//! From what a shopper typed to what the index is asked.
//!
//! Every word must be found. A word that nothing holds is completed when it is the last one, else corrected, else looked up in the
//! other language. When the words are not found together, products that hold most of them are shown.

use tantivy::{
    Searcher, Term,
    query::{BooleanQuery, ConstScoreQuery, Occur, Query, TermQuery},
    schema::{Field, IndexRecordOption},
};

use super::{
    text_index::{self, Fields},
    words::{self, Word},
};
use crate::text::Language;

/// What a word found in each part of a product is worth. The parts add up, so that milk in the dairy aisle comes before milk chocolate.
mod worth {
    pub(super) const CODE: u8 = 200;
    pub(super) const NAME: u8 = 20;
    pub(super) const MORE: u8 = 6;
    pub(super) const WHOLE_WORD: u8 = 3;
    pub(super) const DESCRIPTION: u8 = 1;
    /// A word that is merely like the one asked for.
    pub(super) const SIMILAR: u8 = 2;
}

/// More words than this only cost time.
const MOST_WORDS: usize = 12;
/// How many completions or corrections of one word are looked for.
const MOST_ALTERNATIVES: usize = 8;
/// A word that fewer products hold may be a typing mistake too.
const RARE: u64 = 3;

/// What was found.
#[derive(Debug, Default)]
pub struct Answer {
    /// Slots with how well they match.
    pub found: Vec<(u32, u32)>,
    /// What was looked for instead, when that differs from what was typed.
    pub corrected: Option<String>,
}

/// Finds the products that `text` asks for. `spell` gives a folded word its accents back.
pub fn answer(
    searcher: &Searcher,
    fields: &Fields,
    text: &str,
    language: Language,
    spell: impl Fn(&str) -> String,
) -> tantivy::Result<Answer> {
    let mut asked = words::words(text, language);
    asked.truncate(MOST_WORDS);
    if asked
        .iter()
        .any(|word| !words::is_filler(&word.text, language))
    {
        asked.retain(|word| !words::is_filler(&word.text, language));
    }
    let mut clauses: Vec<(Occur, Box<dyn Query>)> = Vec::new();
    let mut corrections: Vec<(Word, String)> = Vec::new();
    let last = asked.len().saturating_sub(1);
    for (index, word) in asked.into_iter().enumerate() {
        let clause = clause(searcher, fields, &word.text, language, index == last)?;
        if let Some(correction) = clause.correction {
            corrections.push((word, correction));
        }
        clauses.push((Occur::Must, Box::new(clause.query)));
    }
    if clauses.is_empty() {
        return Ok(Answer::default());
    }
    let count = clauses.len();
    let strict = BooleanQuery::new(clauses);
    if let Some(code) = code(searcher, fields, text)? {
        // Words that happen to be a code too are still words.
        let either = BooleanQuery::union(vec![Box::new(code), Box::new(strict)]);
        return Ok(Answer {
            found: text_index::matches(searcher, &either)?,
            corrected: None,
        });
    }
    let mut found = text_index::matches(searcher, &strict)?;
    if found.is_empty() && count > 1 {
        let relaxed = strict
            .clauses()
            .iter()
            .map(|(_, query)| (Occur::Should, query.box_clone()))
            .collect();
        found = text_index::matches(
            searcher,
            &BooleanQuery::with_minimum_required_clauses(relaxed, count.div_ceil(2)),
        )?;
    }
    let corrected =
        (!corrections.is_empty() && !found.is_empty()).then(|| rewrite(text, &corrections, spell));
    Ok(Answer { found, corrected })
}

/// The question as the shopper would have typed it.
fn rewrite(text: &str, corrections: &[(Word, String)], spell: impl Fn(&str) -> String) -> String {
    let mut rewritten = String::new();
    let mut from = 0;
    for (word, correction) in corrections {
        rewritten.push_str(text.get(from..word.span.start).unwrap_or_default());
        rewritten.push_str(&spell(correction));
        from = word.span.end;
    }
    rewritten.push_str(text.get(from..).unwrap_or_default());
    rewritten.trim().to_owned()
}

/// The whole text as a SKU or key, when it is one.
fn code(
    searcher: &Searcher,
    fields: &Fields,
    text: &str,
) -> tantivy::Result<Option<ConstScoreQuery>> {
    let code = text.trim().to_ascii_lowercase();
    let known = !code.is_empty() && text_index::frequency(searcher, fields.code, &code)? > 0;
    Ok(known.then(|| part(fields.code, &code, worth::CODE)))
}

struct Clause {
    query: BooleanQuery,
    correction: Option<String>,
}

fn clause(
    searcher: &Searcher,
    fields: &Fields,
    word: &str,
    language: Language,
    is_last: bool,
) -> tantivy::Result<Clause> {
    let mut parts: Vec<(Occur, Box<dyn Query>)> = Vec::new();
    let mut correction = None;
    let known = holders(searcher, fields, word, language)?;
    if known > 0 {
        whole_word(&mut parts, fields, word, language);
    }
    if known < RARE {
        let completed = if is_last && word.chars().count() >= 2 {
            best(
                text_index::completions(searcher, fields.texts[language.index()].word, word)?,
                word,
                0,
            )
        } else {
            Vec::new()
        };
        let other = Language::ALL.into_iter().find(|other| *other != language);
        let foreign = match other {
            Some(other)
                if known == 0
                    && completed.is_empty()
                    && holders(searcher, fields, word, other)? > 0 =>
            {
                Some(other)
            }
            _ => None,
        };
        let allowed = allowed_distance(word);
        if let Some(other) = foreign {
            whole_word(&mut parts, fields, word, other);
        } else if !completed.is_empty() {
            alternatives(&mut parts, fields, &completed, language);
        } else if allowed > 0 {
            let similar =
                text_index::similar(searcher, fields.texts[language.index()].word, word, allowed)?;
            let similar = best(similar, word, 1);
            alternatives(&mut parts, fields, &similar, language);
            correction = similar.into_iter().next().filter(|_| known == 0);
        }
    }
    Ok(Clause {
        query: BooleanQuery::new(parts),
        correction,
    })
}

/// How many products hold a word in any part.
fn holders(
    searcher: &Searcher,
    fields: &Fields,
    word: &str,
    language: Language,
) -> tantivy::Result<u64> {
    let stem = words::stem(word, language);
    let texts = fields.texts[language.index()];
    let mut most = 0;
    for field in [texts.name, texts.more, texts.description] {
        most = most.max(text_index::frequency(searcher, field, &stem)?);
    }
    Ok(most)
}

/// Short words are another word after one edit; long ones bear two.
fn allowed_distance(word: &str) -> u8 {
    match word.chars().count() {
        _ if word.bytes().any(|byte| byte.is_ascii_digit()) => 0,
        0..=3 => 0,
        4..=7 => 1,
        _ => 2,
    }
}

/// The alternatives to look for: the nearest first, among those the most frequent.
fn best(
    alternatives: std::collections::HashMap<String, u64>,
    word: &str,
    least_distance: usize,
) -> Vec<String> {
    let mut ranked: Vec<(usize, bool, u64, String)> = alternatives
        .into_iter()
        .filter_map(|(other, count)| {
            let distance = if least_distance == 0 {
                0
            } else {
                words::distance(word, &other)
            };
            let other_start = other.chars().next() != word.chars().next();
            (distance >= least_distance).then_some((distance, other_start, u64::MAX - count, other))
        })
        .collect();
    ranked.sort();
    // What is one edit away is meant; what is two edits away counts only when nothing is nearer.
    let nearest = ranked.first().map_or(0, |(distance, ..)| *distance);
    ranked.retain(|(distance, ..)| *distance == nearest);
    ranked.truncate(MOST_ALTERNATIVES);
    ranked.into_iter().map(|(.., other)| other).collect()
}

fn whole_word(
    parts: &mut Vec<(Occur, Box<dyn Query>)>,
    fields: &Fields,
    word: &str,
    language: Language,
) {
    let stem = words::stem(word, language);
    let texts = fields.texts[language.index()];
    for (field, text, worth) in [
        (texts.name, stem.as_ref(), worth::NAME),
        (texts.more, stem.as_ref(), worth::MORE),
        (texts.word, word, worth::WHOLE_WORD),
        (texts.description, stem.as_ref(), worth::DESCRIPTION),
    ] {
        parts.push((Occur::Should, Box::new(part(field, text, worth))));
    }
}

fn alternatives(
    parts: &mut Vec<(Occur, Box<dyn Query>)>,
    fields: &Fields,
    alternatives: &[String],
    language: Language,
) {
    let texts = fields.texts[language.index()];
    for (rank, alternative) in alternatives.iter().enumerate() {
        let first = u8::from(rank == 0);
        let stem = words::stem(alternative, language);
        parts.push((
            Occur::Should,
            Box::new(part(texts.name, &stem, worth::SIMILAR + first)),
        ));
        parts.push((
            Occur::Should,
            Box::new(part(texts.word, alternative, worth::SIMILAR + first)),
        ));
    }
}

fn part(field: Field, text: &str, worth: u8) -> ConstScoreQuery {
    let term = TermQuery::new(Term::from_field_text(field, text), IndexRecordOption::Basic);
    ConstScoreQuery::new(Box::new(term), worth.into())
}
