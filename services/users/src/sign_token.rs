//! Signing people's access tokens with a key that can be replaced while the service runs.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use kit::{
    auth::{Claims, KeyError, SigningKey},
    clock::Clock,
};

/// How often, in seconds, the file is read again. Services read the public keys as often, so a new key has to be public for that long
/// before it stands here.
const READ_EVERY: i64 = 30;

/// Signs with the private key in a file. Clones share it.
#[derive(Clone)]
pub struct TokenSigner(Arc<Shared>);

struct Shared {
    file: PathBuf,
    clock: Clock,
    current: Mutex<Current>,
}

struct Current {
    key: Arc<SigningKey>,
    read_at: i64,
}

impl TokenSigner {
    /// Signs with the key in this file.
    pub fn from_file(file: PathBuf, clock: Clock) -> Result<Self, KeyError> {
        let current = Mutex::new(Current {
            key: Arc::new(read(&file)?),
            read_at: clock.now().as_second(),
        });
        Ok(Self(Arc::new(Shared {
            file,
            clock,
            current,
        })))
    }

    /// A signed token.
    pub fn sign(&self, claims: &Claims) -> Result<String, KeyError> {
        self.key().sign(claims)
    }

    fn key(&self) -> Arc<SigningKey> {
        let (shared, now) = (&*self.0, self.0.clock.now().as_second());
        let mut current = shared
            .current
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if now.saturating_sub(current.read_at) >= READ_EVERY {
            current.read_at = now;
            match read(&shared.file) {
                Ok(key) => current.key = Arc::new(key),
                Err(error) => tracing::error!(
                    error = kit::problem::chain(&error),
                    "the key that signs tokens could not be read again; the old one stays"
                ),
            }
        }
        Arc::clone(&current.key)
    }
}

fn read(file: &Path) -> Result<SigningKey, KeyError> {
    let jwk = std::fs::read_to_string(file).map_err(|source| KeyError::Unreadable {
        path: file.display().to_string(),
        source,
    })?;
    SigningKey::from_jwk(&jwk)
}
