//! Whose a cart is: a guest shows a secret, a person is who they are.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

/// Whose a cart is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// Whoever shows the token with this hash. A hash without salt is enough: nobody guesses 256 random bits.
    Guest {
        /// SHA-256 of the token, in base64.
        token_hash: String,
    },
    /// The person whose personal cart it is; see [`personal_cart`].
    Person,
}

impl Owner {
    /// A guest's cart, and the token that opens it: told once, and kept nowhere.
    pub fn guest(random: [u8; 32]) -> (Self, String) {
        let token = URL_SAFE_NO_PAD.encode(random);
        let token_hash = hash(&token);
        (Self::Guest { token_hash }, token)
    }

    /// Whether the token opens this cart. Takes as long for a token that is nearly right as for any other.
    pub fn is_opened_by(&self, token: &str) -> bool {
        match self {
            Self::Guest { token_hash } => {
                hash(token).as_bytes().ct_eq(token_hash.as_bytes()).into()
            }
            Self::Person => false,
        }
    }
}

/// The one cart of a person. Its id follows from the person's, so that it needs no index, can't be made twice, and whoever
/// claims to own it is checked without a question.
pub fn personal_cart(subject: &str) -> Uuid {
    let digest = Sha256::digest(format!("the cart of {subject}"));
    let mut bytes = [0; 16];
    for (byte, from) in bytes.iter_mut().zip(digest) {
        *byte = from;
    }
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

fn hash(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_token_opens_a_guests_cart() {
        let (owner, token) = Owner::guest([7; 32]);
        let (_, other) = Owner::guest([8; 32]);
        assert!(owner.is_opened_by(&token));
        for wrong in [other.as_str(), "", &token[1..], &format!("{token}A")] {
            assert!(!owner.is_opened_by(wrong), "{wrong}");
        }
        assert!(!Owner::Person.is_opened_by(&token));
        assert!(!format!("{owner:?}").contains(&token));
    }

    #[test]
    fn each_person_has_one_cart() {
        assert_eq!(personal_cart("ann"), personal_cart("ann"));
        assert_ne!(personal_cart("ann"), personal_cart("bob"));
        assert_eq!(personal_cart("ann").get_version_num(), 8);
    }
}
