//! Codes from an authenticator app (TOTP, RFC 6238): six digits, thirty seconds, SHA-1, which is what every app knows.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha1::Sha1;
use subtle::ConstantTimeEq as _;

use crate::base32;

/// Seconds for which a code holds.
const STEP_SECONDS: i64 = 30;
/// How many steps a phone's clock may be off, either way.
const DRIFT: i64 = 1;
const MODULUS: u32 = 1_000_000;

/// What the app and we share.
#[derive(Clone, PartialEq, Eq)]
pub struct TotpKey([u8; 20]);

impl TotpKey {
    /// The key of these random bytes.
    pub const fn from_bytes(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }

    /// The key that was kept.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// As it is kept, sealed.
    pub const fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// As people type it into an app that can't read the picture.
    pub fn as_text(&self) -> String {
        base32::encode(&self.0)
    }

    /// As apps read it from a picture.
    pub fn uri(&self, shop: &str, account: &str) -> String {
        let encode = |text: &str| -> String {
            let bytes = url::form_urlencoded::byte_serialize(text.as_bytes());
            bytes.collect::<String>().replace('+', "%20")
        };
        let (shop, account) = (encode(shop), encode(account));
        format!(
            "otpauth://totp/{shop}:{account}?secret={}&issuer={shop}",
            self.as_text()
        )
    }

    /// The code of a step.
    pub fn code(&self, step: i64) -> Option<String> {
        let mut mac = Hmac::<Sha1>::new_from_slice(&self.0).ok()?;
        mac.update(&u64::try_from(step).ok()?.to_be_bytes());
        let digest = mac.finalize().into_bytes();
        let offset = usize::from(digest.last()? & 15);
        let word: [u8; 4] = digest.get(offset..offset + 4)?.try_into().ok()?;
        let number = (u32::from_be_bytes(word) & 0x7fff_ffff) % MODULUS;
        Some(format!("{number:06}"))
    }

    /// The step that `code` is of, if it is of now and of none up to `last_used`: a code that was seen over a shoulder is of
    /// no use after its owner's.
    pub fn matching_step(&self, code: &str, now: Timestamp, last_used: Option<i64>) -> Option<i64> {
        let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        let current = step_at(now);
        (current - DRIFT..=current + DRIFT)
            .filter(|step| last_used.is_none_or(|last_used| *step > last_used))
            .find(|step| {
                self.code(*step)
                    .is_some_and(|right| right.as_bytes().ct_eq(code.as_bytes()).into())
            })
    }
}

impl fmt::Debug for TotpKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TotpKey(…)")
    }
}

/// The step of an instant.
pub fn step_at(now: Timestamp) -> i64 {
    now.as_second().div_euclid(STEP_SECONDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, the last six of eight digits.
    const VECTORS: [(i64, &str); 6] = [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ];

    fn key() -> TotpKey {
        TotpKey::from_bytes(*b"12345678901234567890")
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    #[test]
    fn codes_are_those_of_the_standard() {
        for (second, code) in VECTORS {
            assert_eq!(
                key().code(step_at(at(second))).as_deref(),
                Some(code),
                "{second}"
            );
        }
    }

    #[test]
    fn a_code_holds_for_a_moment_and_once() {
        let code = "050471";
        let step = step_at(at(1_111_111_111));
        for (second, last_used, expected) in [
            (1_111_111_111, None, Some(step)),
            (1_111_111_081, None, Some(step)),
            (1_111_111_141, None, Some(step)),
            (1_111_111_051, None, None),
            (1_111_111_171, None, None),
            (1_111_111_111, Some(step), None),
            (1_111_111_111, Some(step + 1), None),
            (1_111_111_111, Some(step - 1), Some(step)),
        ] {
            assert_eq!(
                key().matching_step(code, at(second), last_used),
                expected,
                "{second}, {last_used:?}"
            );
        }
        assert_eq!(
            key().matching_step(" 050 471", at(1_111_111_111), None),
            Some(step)
        );
        for wrong in ["", "050472", "0504711", "50471", "０５０４７１"] {
            assert_eq!(
                key().matching_step(wrong, at(1_111_111_111), None),
                None,
                "{wrong}"
            );
        }
    }

    #[test]
    fn apps_can_read_it() {
        assert_eq!(
            key().uri("Amazoff & co", "ada@example.com"),
            "otpauth://totp/Amazoff%20%26%20co:ada%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Amazoff%20%26%20co"
        );
    }
}
