//! How text becomes words: the same for what is indexed and for what is asked, so that they meet.
//!
//! Letters are lowered and lose their accents, French elision (`l'eau`) and the English genitive (`Kellogg's`) fall away, numbers
//! keep their decimals (`1,5` is `1.5`) and part from their unit (`500ml` is `500 ml`).

use std::borrow::Cow;

use crate::text::Language;

/// Longer words are cut: nobody searches for them, and each one costs a row in the dictionary.
const LONGEST_WORD: usize = 40;

/// A word, and where it stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Folded.
    pub text: String,
    /// Byte range in the original.
    pub span: std::ops::Range<usize>,
}

/// The words of a text, in order.
pub fn words(text: &str, language: Language) -> Vec<Word> {
    let mut found: Vec<Word> = Vec::new();
    let mut word = Word {
        text: String::new(),
        span: 0..0,
    };
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        let next = letters.peek().map(|(_, next)| *next);
        let next_is_word = next.is_some_and(char::is_alphanumeric);
        let last = word.text.chars().next_back();
        let after_digit = last.is_some_and(|last| last.is_ascii_digit());
        if is_mark(letter) {
            word.span.end = at + letter.len_utf8();
        } else if letter.is_alphanumeric() {
            if after_digit && !letter.is_numeric() {
                finish(&mut word, &mut found);
            }
            if word.text.is_empty() {
                word.span = at..at;
            }
            word.span.end = at + letter.len_utf8();
            if word.text.len() < LONGEST_WORD {
                fold_letter(letter, &mut word.text);
            }
        } else if (letter == '.' || letter == ',')
            && after_digit
            && next.is_some_and(|next| next.is_ascii_digit())
        {
            word.text.push('.');
        } else if is_apostrophe(letter) && next_is_word && !word.text.is_empty() {
            if language == Language::Fr && is_elided(&word.text) {
                word.text.clear();
            } else {
                // The word goes on: `aujourd'hui`, `don't`. A final `'s` falls in `finish`.
                word.text.push('\'');
            }
        } else {
            finish(&mut word, &mut found);
        }
    }
    finish(&mut word, &mut found);
    found
}

fn finish(word: &mut Word, found: &mut Vec<Word>) {
    let mut text = std::mem::take(&mut word.text);
    if let Some(stem) = text.strip_suffix("'s") {
        text.truncate(stem.len());
    }
    text.retain(|letter| letter != '\'');
    if !text.is_empty() {
        found.push(Word {
            text,
            span: word.span.clone(),
        });
    }
}

/// Lower case without accents; everything that is no letter stays.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for letter in text.chars().filter(|letter| !is_mark(*letter)) {
        fold_letter(letter, &mut folded);
    }
    folded
}

fn fold_letter(letter: char, into: &mut String) {
    for lower in letter.to_lowercase() {
        match lower {
            'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ā' | 'ă' | 'ą' => into.push('a'),
            'æ' => into.push_str("ae"),
            'ç' | 'ć' | 'č' => into.push('c'),
            'ď' | 'đ' => into.push('d'),
            'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ė' | 'ę' | 'ě' => into.push('e'),
            'ğ' => into.push('g'),
            'ì' | 'í' | 'î' | 'ï' | 'ī' | 'ı' => into.push('i'),
            'ł' => into.push('l'),
            'ñ' | 'ń' | 'ň' => into.push('n'),
            'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ō' | 'ő' => into.push('o'),
            'œ' => into.push_str("oe"),
            'ř' => into.push('r'),
            'ś' | 'š' | 'ş' | 'ș' => into.push('s'),
            'ß' => into.push_str("ss"),
            'ť' | 'ț' => into.push('t'),
            'ù' | 'ú' | 'û' | 'ü' | 'ū' | 'ů' | 'ű' => into.push('u'),
            'ý' | 'ÿ' => into.push('y'),
            'ź' | 'ż' | 'ž' => into.push('z'),
            // Lowering some capitals leaves a combining mark behind.
            mark if is_mark(mark) => {}
            other => into.push(other),
        }
    }
}

fn is_mark(letter: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&letter)
}

fn is_apostrophe(letter: char) -> bool {
    matches!(letter, '\'' | '’' | 'ʼ' | '`')
}

fn is_elided(word: &str) -> bool {
    matches!(
        word,
        "l" | "d" | "j" | "m" | "t" | "s" | "n" | "c" | "qu" | "jusqu" | "lorsqu" | "puisqu"
    )
}

/// Words that say nothing about what is wanted. They are indexed, but a question does not insist on them.
pub fn is_filler(word: &str, language: Language) -> bool {
    match language {
        Language::En => matches!(
            word,
            "a" | "an" | "and" | "the" | "of" | "for" | "with" | "in" | "on" | "to" | "or" | "by"
        ),
        Language::Fr => matches!(
            word,
            "le" | "la"
                | "les"
                | "un"
                | "une"
                | "des"
                | "de"
                | "du"
                | "et"
                | "en"
                | "au"
                | "aux"
                | "a"
                | "avec"
                | "pour"
                | "sur"
                | "ou"
        ),
    }
}

/// What remains of a folded word without its ending.
pub fn stem(word: &str, language: Language) -> Cow<'_, str> {
    if !word.is_ascii() || word.bytes().any(|byte| byte.is_ascii_digit()) {
        return Cow::Borrowed(word);
    }
    match language {
        Language::En => frostem::Stemmer::new(frostem::Algorithm::English).stem(word),
        Language::Fr => stem_french(word),
    }
}

/// A light stemmer of our own, because Snowball's French needs the accents that shoppers leave out: it takes off plural and
/// feminine endings only.
fn stem_french(word: &str) -> Cow<'_, str> {
    const SHORTEST: usize = 3;
    if let Some(root) = word.strip_suffix("eaux") {
        return Cow::Owned(format!("{root}eau"));
    }
    if let Some(root) = word
        .strip_suffix("aux")
        .filter(|root| root.len() >= SHORTEST)
    {
        return Cow::Owned(format!("{root}al"));
    }
    let mut rest = word;
    for ending in ['s', 'x', 'e', 'e'] {
        rest = rest
            .strip_suffix(ending)
            .filter(|shorter| shorter.len() >= SHORTEST)
            .unwrap_or(rest);
    }
    // `blanche` and `blanc`, `bonne` and `bon`, `italienne` and `italien`.
    if let Some(root) = rest
        .strip_suffix("ch")
        .filter(|root| rest.len() < word.len() && root.len() >= SHORTEST)
    {
        return Cow::Owned(format!("{root}c"));
    }
    let bytes = rest.as_bytes();
    if let [.., before, last] = bytes
        && before == last
        && b"nltst".contains(last)
        && rest.len() > SHORTEST
    {
        rest = &rest[..rest.len() - 1];
    }
    Cow::Borrowed(rest)
}

/// How many edits (insert, delete, replace, swap of neighbors) lie between two words.
pub fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for (row, from) in left.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, to) in right.iter().enumerate() {
            let replaced = above[column] + usize::from(from != to);
            let mut best = replaced.min(above[column + 1] + 1).min(current[column] + 1);
            if row > 0 && column > 0 && *from == right[column - 1] && left[row - 1] == *to {
                best = best.min(before[column - 1] + 1);
            }
            current.push(best);
        }
        before = std::mem::replace(&mut above, current);
    }
    above[right.len()]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, language: Language, expected: &[&str]) {
        let found: Vec<String> = words(text, language)
            .into_iter()
            .map(|word| word.text)
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn splits_as_shoppers_mean_it() {
        check("L'eau de l’Étang", Language::Fr, &["eau", "de", "etang"]);
        check(
            "Jus d'orange 1,5L",
            Language::Fr,
            &["jus", "orange", "1.5", "l"],
        );
        check("aujourd'hui", Language::Fr, &["aujourdhui"]);
        check(
            "Kellogg's Corn-Flakes 500ml",
            Language::En,
            &["kellogg", "corn", "flakes", "500", "ml"],
        );
        check("M&M's", Language::En, &["m", "m"]);
        check("don't", Language::En, &["dont"]);
        check(
            "cre\u{300}me BRU\u{302}LE\u{301}E",
            Language::En,
            &["creme", "brulee"],
        );
        check(
            "œuf à la coque ß",
            Language::Fr,
            &["oeuf", "a", "la", "coque", "ss"],
        );
        check(
            "7up 2% 3.5.1 a,b",
            Language::En,
            &["7", "up", "2", "3.5.1", "a", "b"],
        );
        check("牛乳 100g", Language::En, &["牛乳", "100", "g"]);
        check(" ' ’ . ", Language::Fr, &[]);
    }

    #[test]
    fn stems_bring_forms_together() {
        for (language, forms) in [
            (
                Language::Fr,
                &["entier", "entiere", "entieres", "entiers"][..],
            ),
            (Language::Fr, &["blanc", "blanche", "blanches", "blancs"]),
            (Language::Fr, &["lait", "laits"]),
            (Language::Fr, &["gateau", "gateaux"]),
            (Language::Fr, &["cheval", "chevaux"]),
            (Language::Fr, &["italien", "italienne", "italiennes"]),
            (Language::Fr, &["moulu", "moulue", "moulues"]),
            (Language::Fr, &["pomme", "pommes"]),
            (Language::En, &["apple", "apples"]),
            (Language::En, &["cookie", "cookies"]),
            (Language::En, &["frozen"]),
        ] {
            let first = stem(forms[0], language);
            for form in forms {
                assert_eq!(stem(form, language), first, "{form}");
            }
        }
        assert_ne!(
            stem("eau", Language::Fr),
            stem("eaux", Language::Fr).replace("eau", "al")
        );
    }

    #[test]
    fn counts_edits() {
        for (left, right, expected) in [
            ("milk", "milk", 0),
            ("mlik", "milk", 1),
            ("choclate", "chocolate", 1),
            ("lait", "laitue", 2),
            ("", "ab", 2),
        ] {
            assert_eq!(distance(left, right), expected, "{left} {right}");
        }
    }

    proptest! {
        #[test]
        fn words_are_where_they_say_and_folding_is_stable(text in any::<String>()) {
            for language in Language::ALL {
                for word in words(&text, language) {
                    prop_assert!(text.get(word.span.clone()).is_some());
                    prop_assert!(!word.text.is_empty() && word.text.len() <= LONGEST_WORD + 8);
                    let _ = stem(&word.text, language);
                }
            }
            let folded = fold(&text);
            prop_assert_eq!(fold(&folded), folded.clone());
        }
    }
}
