//! Whose a payment is: a person's, by access token, or whoever's who holds the token of the order.

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// Who may see a payment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owner {
    /// The person.
    pub person: Option<Uuid>,
    /// The hash of the order's token.
    pub order_token: Option<[u8; 32]>,
}

impl Owner {
    /// Whoever sent this.
    pub fn of(subject: Option<&str>, order_token: Option<&[u8]>) -> Self {
        Self {
            person: subject.and_then(|subject| subject.parse().ok()),
            order_token: order_token.map(|token| Sha256::digest(token).into()),
        }
    }

    /// Whether `caller` is the owner, by either proof.
    pub fn is(&self, caller: &Self) -> bool {
        let same_person = self.person.is_some() && self.person == caller.person;
        // Hashes are compared: how long that takes tells nothing about the token.
        let same_token = self.order_token.is_some() && self.order_token == caller.order_token;
        same_person || same_token
    }

    /// Names the caller and its key, so that a request that comes again is known.
    pub fn request_key(&self, idempotency_key: &str) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.person.unwrap_or_default().as_bytes());
        hash.update(self.order_token.unwrap_or_default());
        hash.update(idempotency_key.as_bytes());
        hash.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_proof_is_enough_and_none_is_not() {
        let ann = "00000000-0000-0000-0000-000000000001";
        let owner = Owner::of(Some(ann), Some(b"token"));
        for (subject, token, is_owner) in [
            (Some(ann), None, true),
            (None, Some(&b"token"[..]), true),
            (Some(ann), Some(&b"other"[..]), true),
            (
                Some("00000000-0000-0000-0000-000000000002"),
                Some(&b"token"[..]),
                true,
            ),
            (Some("service:orders"), None, false),
            (Some("00000000-0000-0000-0000-000000000002"), None, false),
            (None, Some(&b"other"[..]), false),
            (None, None, false),
        ] {
            assert_eq!(
                owner.is(&Owner::of(subject, token)),
                is_owner,
                "{subject:?} {token:?}"
            );
        }
        assert!(
            !Owner::default().is(&Owner::default()),
            "nobody owns nothing"
        );
    }

    #[test]
    fn another_caller_or_key_is_another_request() {
        let keys = [
            Owner::of(None, Some(b"a")).request_key("1"),
            Owner::of(None, Some(b"a")).request_key("2"),
            Owner::of(None, Some(b"b")).request_key("1"),
            Owner::of(Some("00000000-0000-0000-0000-000000000001"), None).request_key("1"),
        ];
        for (index, key) in keys.iter().enumerate() {
            assert!(!keys[index + 1..].contains(key));
        }
    }
}
