//! What was filled in at the checkout so far: kept in the shopper's own browser, so that nothing typed is lost and nothing is kept of
//! who never orders.

use crate::address::Address;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use serde::{Deserialize, Serialize};
use std::io::{Read as _, Write as _};

/// Browsers keep cookies of up to 4096 bytes, name and attributes included.
const MOST: usize = 3800;
/// More than any draft unpacks to.
const MOST_UNPACKED: u64 = 16_384;

/// A checkout that is under way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    #[serde(default)]
    pub email: String,
    pub shipping: Option<Address>,
    pub billing: Option<Address>,
    pub method: Option<String>,
}

impl Draft {
    /// The draft in a cookie's value; an empty one when it can't be read.
    pub fn decode(value: &str) -> Self {
        BASE64_URL_SAFE_NO_PAD
            .decode(value)
            .ok()
            .and_then(|packed| {
                let mut json = Vec::new();
                DeflateDecoder::new(&packed[..])
                    .take(MOST_UNPACKED)
                    .read_to_end(&mut json)
                    .ok()?;
                serde_json::from_slice(&json).ok()
            })
            .unwrap_or_default()
    }

    /// The value of a cookie; `None` when no browser would keep it.
    pub fn encode(&self) -> Option<String> {
        let json = serde_json::to_vec(self).ok()?;
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(6));
        encoder.write_all(&json).ok()?;
        let value = BASE64_URL_SAFE_NO_PAD.encode(encoder.finish().ok()?);
        (value.len() <= MOST).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_comes_back() {
        let draft = Draft {
            email: "ada@example.com".to_owned(),
            shipping: Some(Address {
                name: "Ada Lovelace — «\u{a0}Œ\u{a0}»".to_owned(),
                country: "FR".to_owned(),
                ..Address::default()
            }),
            billing: None,
            method: Some("standard".to_owned()),
        };
        let value = draft.encode().expect("short");
        assert_eq!(Draft::decode(&value), draft);
    }

    #[test]
    fn nonsense_is_an_empty_draft() {
        for value in ["", "x", "AAAA", "////"] {
            assert_eq!(Draft::decode(value), Draft::default(), "{value}");
        }
    }

    #[test]
    fn what_no_browser_keeps_is_refused() {
        let name: String = (0..4000_u32)
            .filter_map(|number| char::from_u32(0x4e00 + number * 7919 % 20_000))
            .collect();
        let draft = Draft {
            email: name,
            ..Draft::default()
        };
        assert_eq!(draft.encode(), None);
    }
}
