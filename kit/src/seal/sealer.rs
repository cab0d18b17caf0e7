use std::{path::Path, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{
    DataKey, SealError,
    field::{NONCE, decrypt, encrypt},
};
use crate::clock::random_bytes;

/// The first byte of a wrapped key.
const VERSION: u8 = 1;
const KEY_ID: usize = 4;

/// Holds the master key. Clones share it.
#[derive(Clone)]
pub struct Sealer(Arc<Keys>);

struct Keys {
    /// The first wraps; all of them unwrap.
    wrapping: Vec<WrappingKey>,
    index: Zeroizing<[u8; 32]>,
}

struct WrappingKey {
    /// By which a wrapped key says what wrapped it.
    id: [u8; KEY_ID],
    key: Zeroizing<[u8; 32]>,
}

impl Sealer {
    /// Reads the master key: 32 bytes in base64. To rotate it put a new line before the old ones; what the old ones wrapped still opens.
    /// Blind indexes come from the last line, which so must stay.
    pub fn from_file(path: &Path) -> Result<Self, SealError> {
        let text = std::fs::read_to_string(path).map_err(|source| SealError::Unreadable {
            path: path.display().to_string(),
            source,
        })?;
        Self::from_base64(&Zeroizing::new(text))
    }

    /// The same from text.
    pub fn from_base64(text: &str) -> Result<Self, SealError> {
        let mut masters = Vec::new();
        for line in text.split_whitespace() {
            let bytes = Zeroizing::new(STANDARD.decode(line).unwrap_or_default());
            let Ok(master) = <[u8; 32]>::try_from(&bytes[..]) else {
                return Err(SealError::MasterKey);
            };
            masters.push(Zeroizing::new(master));
        }
        let oldest = masters.last().ok_or(SealError::MasterKey)?;
        let index = derive(oldest, &[b"blind index"])?;
        let wrapping = masters.iter().map(|master| {
            let [a, b, c, d, ..] = *derive(master, &[b"id"])?;
            Ok(WrappingKey {
                id: [a, b, c, d],
                key: derive(master, &[b"wrap"])?,
            })
        });
        Ok(Self(Arc::new(Keys {
            wrapping: wrapping.collect::<Result<_, SealError>>()?,
            index,
        })))
    }

    /// What a value is found by without being readable: the same for the same value of the same field, and of no use without the master key.
    /// Bring the value into its one form first (trimmed, in small letters).
    pub fn blind_index(&self, field: &str, value: &str) -> Result<[u8; 32], SealError> {
        let length = u64::try_from(field.len()).unwrap_or(u64::MAX);
        let index = derive(
            &self.0.index,
            &[&length.to_be_bytes(), field.as_bytes(), value.as_bytes()],
        )?;
        Ok(*index)
    }

    /// A new key for a person, and the same wrapped, to be kept.
    pub(super) fn create(&self, person: Uuid) -> Result<(DataKey, Vec<u8>), SealError> {
        let key = Zeroizing::new(random_bytes::<32>());
        let by = self.0.wrapping.first().ok_or(SealError::MasterKey)?;
        let mut wrapped = vec![VERSION];
        wrapped.extend(by.id);
        wrapped.extend(encrypt(&by.key, &associated(person), &key[..])?);
        Ok((DataKey::new(key), wrapped))
    }

    /// The key that was wrapped for this person.
    pub(super) fn unwrap(&self, person: Uuid, wrapped: &[u8]) -> Result<DataKey, SealError> {
        let Some((&VERSION, rest)) = wrapped.split_first() else {
            return Err(SealError::Malformed);
        };
        if rest.len() <= KEY_ID + NONCE {
            return Err(SealError::Malformed);
        }
        let (id, sealed) = rest.split_at(KEY_ID);
        let by = self
            .0
            .wrapping
            .iter()
            .find(|key| key.id == id)
            .ok_or(SealError::Refused)?;
        let key = Zeroizing::new(decrypt(&by.key, &associated(person), sealed)?);
        <[u8; 32]>::try_from(&key[..])
            .map(|key| DataKey::new(Zeroizing::new(key)))
            .map_err(|_length| SealError::Malformed)
    }
}

/// One person's wrapped key is of no use in another one's row.
fn associated(person: Uuid) -> Vec<u8> {
    [b"person key|", &person.as_bytes()[..]].concat()
}

fn derive(key: &[u8; 32], parts: &[&[u8]]) -> Result<Zeroizing<[u8; 32]>, SealError> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|_length| SealError::MasterKey)?;
    for part in parts {
        mac.update(part);
    }
    Ok(Zeroizing::new(mac.finalize().into_bytes().into()))
}
