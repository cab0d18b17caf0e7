//! A service's own tokens: short-lived, signed by its own key, made again when half of their life is over.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use http::HeaderValue;

use super::{AUDIENCE, Claims, ISSUER, KeyError, SERVICE_PREFIX, SigningKey};
use crate::clock::Clock;

/// How many seconds a token is valid.
const LIFE: i64 = 60;

/// What a service says who it is with, in calls to other services. Clones share the token.
#[derive(Clone)]
pub struct ServiceTokens(Arc<Shared>);

struct Shared {
    file: Option<PathBuf>,
    name: String,
    clock: Clock,
    current: Mutex<Current>,
}

struct Current {
    key: SigningKey,
    bearer: Option<HeaderValue>,
    renew_at: i64,
}

impl ServiceTokens {
    /// Signs with the private JWK in a file, which is read again for each new token: keys rotate without a restart.
    pub fn from_file(path: PathBuf, name: &str, clock: Clock) -> Result<Self, KeyError> {
        let key = read(&path)?;
        Ok(Self::with(Some(path), key, name, clock))
    }

    /// Signs with this key for good.
    pub fn new(key: SigningKey, name: &str, clock: Clock) -> Self {
        Self::with(None, key, name, clock)
    }

    fn with(file: Option<PathBuf>, key: SigningKey, name: &str, clock: Clock) -> Self {
        let current = Mutex::new(Current {
            key,
            bearer: None,
            renew_at: 0,
        });
        Self(Arc::new(Shared {
            file,
            name: name.to_owned(),
            clock,
            current,
        }))
    }

    /// The service's name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The `Authorization` header of a call.
    pub fn bearer(&self) -> HeaderValue {
        let (shared, now) = (&*self.0, self.0.clock.now().as_second());
        let mut current = shared
            .current
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match &current.bearer {
            Some(bearer) if now < current.renew_at => return bearer.clone(),
            _ => {}
        }
        if let Some(file) = &shared.file {
            match read(file) {
                Ok(key) => current.key = key,
                Err(error) => tracing::error!(
                    error = crate::problem::chain(&error),
                    "the service's key could not be read again; the old one stays"
                ),
            }
        }
        let bearer = shared.sign(&current.key, now).unwrap_or_else(|error| {
            tracing::error!(
                error = crate::problem::chain(&error),
                "no token could be made"
            );
            // Whoever is called refuses it, and both sides log why.
            HeaderValue::from_static("Bearer -")
        });
        current.bearer = Some(bearer.clone());
        current.renew_at = now.saturating_add(LIFE / 2);
        bearer
    }
}

impl Shared {
    fn sign(&self, key: &SigningKey, now: i64) -> Result<HeaderValue, KeyError> {
        let token = key.sign(&Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: format!("{SERVICE_PREFIX}{}", self.name),
            iat: now,
            exp: now.saturating_add(LIFE),
            permissions: Vec::new(),
            roles: Vec::new(),
        })?;
        let mut bearer = HeaderValue::try_from(format!("Bearer {token}"))
            .unwrap_or_else(|_| HeaderValue::from_static("Bearer -"));
        bearer.set_sensitive(true);
        Ok(bearer)
    }
}

pub(super) fn read(path: &Path) -> Result<SigningKey, KeyError> {
    let jwk = std::fs::read_to_string(path).map_err(|source| KeyError::Unreadable {
        path: path.display().to_string(),
        source,
    })?;
    SigningKey::from_jwk(&jwk)
}
