use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::SealError;
use crate::clock::random_bytes;

/// The first byte of a sealed value.
const VERSION: u8 = 1;
/// How many bytes the nonce has: so many that random ones never meet.
pub(super) const NONCE: usize = 24;

/// Where a value stands: it opens nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// The table or collection.
    pub table: &'a str,
    /// The column.
    pub column: &'a str,
    /// The row.
    pub row: Uuid,
}

impl Field<'_> {
    /// Table and column can't hold a NUL and the row has 16 bytes, so that no two places read the same.
    fn associated(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        for part in [self.table, self.column] {
            bytes.extend(part.bytes().filter(|byte| *byte != 0));
            bytes.push(0);
        }
        bytes.extend(self.row.as_bytes());
        bytes
    }
}

/// A person's key.
pub struct DataKey(Zeroizing<[u8; 32]>);

impl DataKey {
    pub(super) fn new(key: Zeroizing<[u8; 32]>) -> Self {
        Self(key)
    }

    /// Seals a value for its place. Twice the same value gives two different results.
    pub fn seal(&self, field: &Field<'_>, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut sealed = vec![VERSION];
        sealed.extend(encrypt(&self.0, &field.associated(), plain)?);
        Ok(sealed)
    }

    /// Opens what was sealed for this place.
    pub fn unseal(&self, field: &Field<'_>, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        match sealed.split_first() {
            Some((&VERSION, sealed)) => decrypt(&self.0, &field.associated(), sealed),
            _ => Err(SealError::Malformed),
        }
    }

    /// The same for text.
    pub fn unseal_text(&self, field: &Field<'_>, sealed: &[u8]) -> Result<String, SealError> {
        String::from_utf8(self.unseal(field, sealed)?).map_err(|_bytes| SealError::NotText)
    }
}

/// A random nonce, then what is sealed and its tag.
pub(super) fn encrypt(
    key: &[u8; 32],
    associated: &[u8],
    plain: &[u8],
) -> Result<Vec<u8>, SealError> {
    let nonce: [u8; NONCE] = random_bytes();
    let payload = Payload {
        msg: plain,
        aad: associated,
    };
    let sealed = XChaCha20Poly1305::new(&(*key).into())
        .encrypt(&XNonce::from(nonce), payload)
        .map_err(|_too_long| SealError::Refused)?;
    Ok([&nonce[..], &sealed].concat())
}

pub(super) fn decrypt(
    key: &[u8; 32],
    associated: &[u8],
    sealed: &[u8],
) -> Result<Vec<u8>, SealError> {
    let Some((nonce, sealed)) = sealed.split_first_chunk::<NONCE>() else {
        return Err(SealError::Malformed);
    };
    let payload = Payload {
        msg: sealed,
        aad: associated,
    };
    XChaCha20Poly1305::new(&(*key).into())
        .decrypt(&XNonce::from(*nonce), payload)
        .map_err(|_forged| SealError::Refused)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::seal::Sealer;

    const MASTER: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const OTHER: &str = "HwECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    fn sealer(masters: &[&str]) -> Sealer {
        Sealer::from_base64(&masters.join("\n")).expect("a master key")
    }

    proptest! {
        #[test]
        fn opens_what_it_sealed_and_nothing_that_was_touched(
            plain in proptest::collection::vec(any::<u8>(), 0..200),
            table in "[a-z_]{1,10}", column in "[a-z_]{1,10}", row: u128, at: usize, bit in 0..8_u32,
        ) {
            let person = Uuid::from_u128(7);
            let (key, wrapped) = sealer(&[MASTER]).create(person).expect("a key");
            let field = Field { table: &table, column: &column, row: Uuid::from_u128(row) };
            let sealed = key.seal(&field, &plain).expect("sealed");
            prop_assert_ne!(&sealed, &key.seal(&field, &plain).expect("sealed"));
            prop_assert_eq!(&key.unseal(&field, &sealed).expect("its own"), &plain);

            let again = sealer(&[MASTER]).unwrap(person, &wrapped).expect("unwrapped");
            prop_assert_eq!(&again.unseal(&field, &sealed).expect("the same key"), &plain);

            let mut touched = sealed.clone();
            let at = at % touched.len();
            touched[at] ^= 1 << bit;
            prop_assert!(key.unseal(&field, &touched).is_err());
            prop_assert!(key.unseal(&field, &sealed[..at]).is_err());
            for elsewhere in [
                Field { table: "elsewhere__", ..field },
                Field { column: "elsewhere__", ..field },
                Field { row: Uuid::from_u128(row.wrapping_add(1)), ..field },
                Field { table: &format!("{table}{column}"), column: "", ..field },
            ] {
                prop_assert!(key.unseal(&elsewhere, &sealed).is_err());
            }
            let (stranger, _) = sealer(&[MASTER]).create(person).expect("a key");
            prop_assert!(stranger.unseal(&field, &sealed).is_err());
        }
    }

    #[test]
    fn a_wrapped_key_belongs_to_one_person_and_one_master_key() {
        let person = Uuid::from_u128(7);
        let (_, wrapped) = sealer(&[MASTER]).create(person).expect("a key");
        assert!(
            sealer(&[MASTER])
                .unwrap(Uuid::from_u128(8), &wrapped)
                .is_err()
        );
        assert!(sealer(&[OTHER]).unwrap(person, &wrapped).is_err());
        assert!(
            sealer(&[OTHER, MASTER]).unwrap(person, &wrapped).is_ok(),
            "rotated"
        );
        for length in 0..wrapped.len() {
            assert!(
                sealer(&[MASTER])
                    .unwrap(person, &wrapped[..length])
                    .is_err()
            );
        }
    }

    #[test]
    fn a_blind_index_is_the_same_for_the_same_value_of_the_same_field_alone() {
        let index = |masters: &[&str], field: &str, value: &str| {
            sealer(masters).blind_index(field, value).expect("an index")
        };
        let email = index(&[MASTER], "email", "ann@shop.example");
        assert_eq!(email, index(&[MASTER], "email", "ann@shop.example"));
        assert_eq!(
            email,
            index(&[OTHER, MASTER], "email", "ann@shop.example"),
            "rotated"
        );
        for (field, value) in [
            ("email", "bob@shop.example"),
            ("phone", "ann@shop.example"),
            ("emaila", "nn@shop.example"),
        ] {
            assert_ne!(email, index(&[MASTER], field, value));
        }
        assert_ne!(email, index(&[OTHER], "email", "ann@shop.example"));
    }

    #[test]
    fn a_master_key_has_32_bytes() {
        for (text, ok) in [
            (MASTER, true),
            ("", false),
            ("AAEC", false),
            ("not base64!", false),
        ] {
            assert_eq!(Sealer::from_base64(text).is_ok(), ok, "{text}");
        }
    }
}
