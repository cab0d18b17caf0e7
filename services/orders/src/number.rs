//! The number of an order as people read it out: ten letters and digits that can't be taken for each other, `4K7QH-2MXVP`.
//!
//! Nine are drawn at random (2.6 × 10¹³ numbers, so that a number can't be guessed), the last one checks them: it finds every
//! single wrong character and every two neighbors that were swapped.

use std::{fmt, str::FromStr};

/// No 1, I, L or O, which look alike, and no U, which is heard as V. As many as a prime, which makes the check sound.
const ALPHABET: &[u8; 31] = b"023456789ABCDEFGHJKMNPQRSTVWXYZ";
const RADIX: usize = ALPHABET.len();
const DRAWN: usize = 9;

/// The number of an order, without its dash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Number([u8; DRAWN + 1]);

impl Number {
    /// The number drawn by random bytes; `None` when too many of them had to be thrown away, so that all numbers are equally likely.
    pub fn draw(random: &[u8]) -> Option<Self> {
        // The largest multiple of 31 in a byte: above it, the first characters would come more often.
        let mut drawn = random.iter().filter(|byte| **byte < 248);
        let mut characters = [0; DRAWN + 1];
        for character in &mut characters[..DRAWN] {
            *character = ALPHABET[usize::from(*drawn.next()?) % RADIX];
        }
        characters[DRAWN] = check(&characters[..DRAWN])?;
        Some(Self(characters))
    }

    /// As the database holds it.
    pub fn plain(&self) -> &str {
        // Only the alphabet gets in, which is ASCII.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

fn value(character: u8) -> Option<usize> {
    ALPHABET.iter().position(|known| *known == character)
}

/// Each place weighs differently and no weight is a multiple of 31, so neither a wrong character nor a swap can cancel out.
fn check(drawn: &[u8]) -> Option<u8> {
    let mut sum = 0;
    for (weight, character) in (2..).zip(drawn) {
        sum += weight * value(*character)?;
    }
    ALPHABET.get((RADIX - sum % RADIX) % RADIX).copied()
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, second) = self.plain().split_at(5);
        write!(f, "{first}-{second}")
    }
}

/// The text is no order number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no order number: check each character")]
pub struct NotANumber;

impl FromStr for Number {
    type Err = NotANumber;

    /// Forgives case, dashes and spaces, and an O written for a zero.
    fn from_str(text: &str) -> Result<Self, NotANumber> {
        let mut characters = [0; DRAWN + 1];
        let mut places = characters.iter_mut();
        for byte in text.bytes().filter(|byte| !matches!(byte, b'-' | b' ')) {
            let place = places.next().ok_or(NotANumber)?;
            *place = match byte.to_ascii_uppercase() {
                b'O' => b'0',
                other => other,
            };
        }
        if places.next().is_some() || check(&characters[..DRAWN]) != Some(characters[DRAWN]) {
            return Err(NotANumber);
        }
        Ok(Self(characters))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number() -> impl Strategy<Value = Number> {
        prop::array::uniform9(0_u8..248)
            .prop_map(|bytes| Number::draw(&bytes).expect("enough bytes"))
    }

    #[test]
    fn unequal_bytes_are_thrown_away() {
        assert_eq!(Number::draw(&[255; 40]), None);
        let mut bytes = [255; 18];
        bytes[..9].fill(3);
        assert_eq!(
            Number::draw(&bytes).expect("nine good bytes").plain(),
            "444444444S"
        );
    }

    #[test]
    fn reads_what_people_type() {
        let number = Number::draw(&[0, 5, 250, 9, 12, 30, 7, 8, 20, 21]).expect("drawn");
        let shown = number.to_string();
        assert_eq!(shown, "06ADZ-89NPD");
        for typed in ["06adz89npd", " 06ADZ - 89NPD ", "O6ADZ-89NPD"] {
            assert_eq!(typed.parse(), Ok(number), "{typed}");
        }
        for wrong in [
            "",
            "06ADZ-89NP",
            "06ADZ-89NPDD",
            "06ADZ-89NPE",
            "16ADZ-89NPD",
            "é6ADZ-89NPD",
        ] {
            assert_eq!(wrong.parse::<Number>(), Err(NotANumber), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn comes_back_as_it_was_shown(number in number()) {
            prop_assert_eq!(number.to_string().parse(), Ok(number));
        }

        #[test]
        fn finds_every_wrong_character(number in number(), place in 0_usize..10, by in 1_usize..31) {
            let mut wrong = number.0;
            wrong[place] = ALPHABET[(value(wrong[place]).expect("known") + by) % RADIX];
            let wrong = String::from_utf8(wrong.to_vec()).expect("ASCII");
            prop_assert_eq!(wrong.parse::<Number>(), Err(NotANumber));
        }

        #[test]
        fn finds_every_swap_of_neighbors(number in number(), place in 0_usize..9) {
            let mut wrong = number.0;
            wrong.swap(place, place + 1);
            prop_assume!(wrong != number.0);
            let wrong = String::from_utf8(wrong.to_vec()).expect("ASCII");
            prop_assert_eq!(wrong.parse::<Number>(), Err(NotANumber));
        }
    }
}
