//! Who calls: access tokens (JWT, RFC 7519) signed with Ed25519, verified by every service for itself against a JWKS.
//!
//! The algorithm is fixed here and never taken from the token; keys come only from the configured file; `jku`, `jwk` and
//! `x5u` in a token's header are ignored (OWASP, JSON Web Token cheat sheet).
//!
//! A key in the JWKS that names a `sub` signs for that service alone, and the `permissions` beside it are the service's,
//! whatever its token says; a key that names none signs for persons. So a service whose key is stolen can be nobody else,
//! and its permissions stand in one place that the service can't write to.

mod client_address;
mod keys;
mod revocations;
mod service_tokens;

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::SystemTime,
};

use arc_swap::ArcSwap;
use axum::extract::{FromRef, FromRequestParts, OptionalFromRequestParts};
use http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts};
use jsonwebtoken::{Algorithm, Validation};
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

pub use client_address::{AddressTokens, CLIENT_ADDRESS, ClientAddress, MAY_SAY};
pub use keys::{KeyError, SigningKey};
use keys::{VerifyingKey, VerifyingKeys};
pub use revocations::follow_revocations;
pub use service_tokens::ServiceTokens;

use crate::{Problem, clock::Clock};

/// Who issues access tokens.
pub const ISSUER: &str = "amazoff";
/// Whom access tokens are for.
pub const AUDIENCE: &str = "amazoff";

/// What the subject of a service's token begins with; its name follows.
pub const SERVICE_PREFIX: &str = "service:";

/// How often, in seconds, the key file is looked at for changes.
const RELOAD_EVERY_SECONDS: i64 = 30;
/// How soon, in seconds, it is looked at again because a token names a key that is not known.
const RELOAD_UNKNOWN_KEY_SECONDS: i64 = 2;
/// How many verified tokens are remembered. A signature costs some 50 µs to verify, which a busy gateway can't spend on
/// every request of the same shopper.
const REMEMBERED_TOKENS: usize = 10_000;
/// Longer ones are refused unread.
const MAX_TOKEN_BYTES: usize = 4096;

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Issuer; always [`ISSUER`].
    pub iss: String,
    /// Audience; always [`AUDIENCE`].
    pub aud: String,
    /// Who calls: a person's id, or `service:` and a service's name.
    pub sub: String,
    /// Issued at, in seconds since the epoch.
    pub iat: i64,
    /// Not valid from this second on.
    pub exp: i64,
    /// What the caller may do, such as `catalog:write`.
    #[serde(default)]
    pub permissions: Vec<String>,
    /// The caller's roles, for display.
    #[serde(default)]
    pub roles: Vec<String>,
}

/// Verifies access tokens. Clones share keys and memory.
#[derive(Clone)]
pub struct Verifier(Arc<Shared>);

struct Shared {
    source: KeySource,
    clock: Clock,
    keys: ArcSwap<VerifyingKeys>,
    modified: std::sync::Mutex<Option<SystemTime>>,
    looked_at: AtomicI64,
    remembered: Cache<Box<str>, Arc<Claims>>,
    /// By subject: tokens issued before this second are refused.
    revoked: ArcSwap<HashMap<String, i64>>,
}

enum KeySource {
    File(PathBuf),
    Fixed,
}

impl Verifier {
    /// Verifies against the JWKS in a file, which is read again when it changes: keys rotate without a restart.
    pub fn from_file(path: PathBuf, clock: Clock) -> Result<Self, KeyError> {
        let (keys, modified) = VerifyingKeys::read(&path)?;
        Ok(Self::new(
            KeySource::File(path),
            clock,
            keys,
            Some(modified),
        ))
    }

    /// Verifies against a JWKS that never changes.
    pub fn from_jwks(jwks: &str, clock: Clock) -> Result<Self, KeyError> {
        Ok(Self::new(
            KeySource::Fixed,
            clock,
            VerifyingKeys::parse(jwks)?,
            None,
        ))
    }

    fn new(
        source: KeySource,
        clock: Clock,
        keys: VerifyingKeys,
        modified: Option<SystemTime>,
    ) -> Self {
        let looked_at = AtomicI64::new(clock.now().as_second());
        Self(Arc::new(Shared {
            source,
            clock,
            keys: ArcSwap::from_pointee(keys),
            modified: std::sync::Mutex::new(modified),
            looked_at,
            remembered: Cache::new(REMEMBERED_TOKENS),
            revoked: ArcSwap::default(),
        }))
    }

    /// The claims of a valid token.
    pub fn verify(&self, token: &str) -> Result<Arc<Claims>, TokenError> {
        let shared = &*self.0;
        let now = shared.clock.now().as_second();
        shared.reload_if_older_than(RELOAD_EVERY_SECONDS, now);
        if let Some(claims) = shared.remembered.get(token) {
            return shared.still_good(&claims, now).map(|()| claims);
        }
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Invalid);
        }
        let claims = match shared.check(token) {
            Err(TokenError::UnknownKey) => {
                shared.reload_if_older_than(RELOAD_UNKNOWN_KEY_SECONDS, now);
                shared.check(token)?
            }
            other => other?,
        };
        shared.still_good(&claims, now)?;
        let claims = Arc::new(claims);
        shared.remembered.insert(token.into(), Arc::clone(&claims));
        Ok(claims)
    }

    /// Refuses, from now on, tokens that were issued to these subjects before these seconds. Replaces what was said before.
    pub fn revoke(&self, subjects: HashMap<String, i64>) {
        self.0.revoked.store(Arc::new(subjects));
    }

    /// The caller that `Authorization: Bearer …` names; `None` when the header is absent.
    pub fn identify(&self, headers: &HeaderMap) -> Result<Option<Identity>, TokenError> {
        let Some(value) = headers.get(header::AUTHORIZATION) else {
            return Ok(None);
        };
        let value = value.to_str().map_err(|_not_ascii| TokenError::Invalid)?;
        let (scheme, token) = value.split_once(' ').ok_or(TokenError::Invalid)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(TokenError::Invalid);
        }
        self.verify(token.trim())
            .map(|claims| Some(Identity(claims)))
    }
}

impl Shared {
    fn check(&self, token: &str) -> Result<Claims, TokenError> {
        self.read(token, AUDIENCE, VerifyingKey::allow)
    }

    /// What a token for `audience` says, as far as its key may say it.
    fn read<T: DeserializeOwned, U>(
        &self,
        token: &str,
        audience: &str,
        allow: impl FnOnce(&VerifyingKey, T) -> Option<U>,
    ) -> Result<U, TokenError> {
        let header =
            jsonwebtoken::decode_header(token).map_err(|_malformed| TokenError::Invalid)?;
        let keys = self.keys.load();
        let key = header
            .kid
            .as_deref()
            .and_then(|kid| keys.get(kid))
            .ok_or(TokenError::UnknownKey)?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Expiry is compared with our own clock, which tests can move.
        validation.validate_exp = false;
        let data = jsonwebtoken::decode::<T>(token, &key.key, &validation)
            .map_err(|_forged| TokenError::Invalid)?;
        allow(key, data.claims).ok_or(TokenError::Invalid)
    }

    fn still_good(&self, claims: &Claims, now: i64) -> Result<(), TokenError> {
        let revoked = self.revoked.load();
        if now >= claims.exp {
            Err(TokenError::Expired)
        } else if revoked.get(&claims.sub).is_some_and(|at| claims.iat < *at) {
            Err(TokenError::Revoked)
        } else {
            Ok(())
        }
    }

    fn reload_if_older_than(&self, seconds: i64, now: i64) {
        let KeySource::File(path) = &self.source else {
            return;
        };
        let looked_at = self.looked_at.load(Ordering::Relaxed);
        let due = now.saturating_sub(looked_at) >= seconds;
        // The one that moves the mark on is the one that reads.
        if !due
            || self
                .looked_at
                .compare_exchange(looked_at, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_err()
        {
            return;
        }
        // Read first: a guard made in the match below would live to its end, and the lock is taken again there.
        let since = *self.modified.lock().unwrap_or_else(PoisonError::into_inner);
        match VerifyingKeys::read_if_changed(path, since) {
            Ok(None) => {}
            Ok(Some((keys, modified))) => {
                self.keys.store(Arc::new(keys));
                *self.modified.lock().unwrap_or_else(PoisonError::into_inner) = Some(modified);
                // A key that was taken away must not live on in remembered tokens.
                self.remembered.clear();
                tracing::info!(path = %path.display(), "signing keys read again");
            }
            Err(error) => tracing::error!(
                error = crate::problem::chain(&error),
                "signing keys could not be read again; the old ones stay"
            ),
        }
    }
}

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Malformed, wrongly signed, of another issuer or audience.
    #[error("the access token is not valid")]
    Invalid,
    /// Signed with a key that is not in the JWKS.
    #[error("the access token is signed with an unknown key")]
    UnknownKey,
    /// Past its `exp`.
    #[error("the access token has expired")]
    Expired,
    /// Issued before the person's sessions were ended, or what they may do was changed.
    #[error("the access token was revoked")]
    Revoked,
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        let (kind, challenge) = match error {
            TokenError::Expired => (
                "token-expired",
                r#"Bearer error="invalid_token", error_description="expired""#,
            ),
            TokenError::Revoked => (
                "token-revoked",
                r#"Bearer error="invalid_token", error_description="revoked""#,
            ),
            TokenError::Invalid | TokenError::UnknownKey => {
                ("token-invalid", r#"Bearer error="invalid_token""#)
            }
        };
        Self::new(
            StatusCode::UNAUTHORIZED,
            kind,
            "The access token was not accepted. Log in again.",
        )
        .header(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static(challenge),
        )
        .with_source(error)
    }
}

/// The caller, known by a valid access token. As an extractor it answers 401 without one; `Option<Identity>` lets
/// anonymous callers in, but still refuses a token that is not valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity(Arc<Claims>);

impl Identity {
    /// The caller's id.
    pub fn subject(&self) -> &str {
        &self.0.sub
    }

    /// Whether the caller may do this.
    pub fn may(&self, permission: &str) -> bool {
        self.0
            .permissions
            .iter()
            .any(|granted| granted == permission)
    }

    /// 403 unless the caller may do this.
    pub fn require(&self, permission: &str) -> Result<(), Problem> {
        if self.may(permission) {
            return Ok(());
        }
        Err(
            Problem::new(StatusCode::FORBIDDEN, "forbidden", "You may not do this.")
                .detail(format!("This needs the permission {permission}.")),
        )
    }

    /// What the token says.
    pub fn claims(&self) -> &Claims {
        &self.0
    }
}

impl<S> FromRequestParts<S> for Identity
where
    S: Send + Sync,
    Verifier: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Verifier::from_ref(state)
            .identify(&parts.headers)?
            .ok_or_else(|| {
                Problem::new(
                    StatusCode::UNAUTHORIZED,
                    "token-required",
                    "This needs an access token.",
                )
                .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
            })
    }
}

impl<S> OptionalFromRequestParts<S> for Identity
where
    S: Send + Sync,
    Verifier: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Problem> {
        Ok(Verifier::from_ref(state).identify(&parts.headers)?)
    }
}

#[cfg(test)]
mod tests;
