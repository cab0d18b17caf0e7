//! Secrets that are sent to somebody and kept as a hash: refresh tokens, and the links in mails.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// How many random bytes a secret holds.
const BYTES: usize = 32;
/// Longer texts are none of ours, and are not hashed.
const LONGEST: usize = 128;

/// Thirty-two random bytes as text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, max_length = 128)]
pub struct Secret(String);

/// What of a secret is kept.
pub type SecretHash = [u8; 32];

impl Secret {
    /// The secret of these random bytes.
    pub fn from_bytes(bytes: [u8; BYTES]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// As it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is kept of it. Random enough to need no salt and no slow hash. `None` for what was never made here.
    pub fn hash(&self) -> Option<SecretHash> {
        (self.0.len() <= LONGEST).then(|| Sha256::digest(self.0.as_bytes()).into())
    }

    /// The one that follows it. Who has only this secret can't tell it, and neither can who has only what is kept, which
    /// is `nonce`; but the two together always make the same, so that a lost answer can be given again.
    #[must_use]
    pub fn successor(&self, nonce: &[u8; BYTES]) -> Self {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.as_bytes()) else {
            // HMAC takes keys of any length; the nonce alone is still unguessable.
            return Self::from_bytes(*nonce);
        };
        mac.update(nonce);
        Self::from_bytes(mac.finalize().into_bytes().into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

/// A text that no secret is as long as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have at most 128 characters")]
pub struct TooLong;

impl TryFrom<String> for Secret {
    type Error = TooLong;

    fn try_from(text: String) -> Result<Self, TooLong> {
        if text.chars().nth(LONGEST).is_some() {
            Err(TooLong)
        } else {
            Ok(Self(text))
        }
    }
}

impl From<Secret> for String {
    fn from(secret: Secret) -> Self {
        secret.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_successor_is_the_same_each_time_and_needs_both_parts() {
        let (one, other) = (Secret::from_bytes([1; 32]), Secret::from_bytes([2; 32]));
        assert_eq!(one.successor(&[7; 32]), one.successor(&[7; 32]));
        assert_ne!(one.successor(&[7; 32]), one.successor(&[8; 32]));
        assert_ne!(one.successor(&[7; 32]), other.successor(&[7; 32]));
        assert_ne!(one.successor(&[7; 32]), one);
        assert_eq!(one.as_str().len(), 43);
    }

    #[test]
    fn what_is_kept_differs_from_what_is_sent() {
        let secret = Secret::from_bytes([1; 32]);
        assert_ne!(secret.hash(), Some([1; 32]));
        assert_eq!(secret.hash(), Secret::from(secret.as_str()).hash());
        assert_eq!(Secret::from("x".repeat(129).as_str()).hash(), None);
        assert!(!format!("{secret:?}").contains(secret.as_str()));
    }
}
