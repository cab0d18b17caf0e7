//! Ed25519 keys as JSON Web Keys (RFC 7517, RFC 8037).

use std::{collections::HashMap, path::Path, time::SystemTime};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use serde::{Deserialize, Serialize};

use super::{Claims, SERVICE_PREFIX};

/// Why keys can't be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file can't be read.
    #[error("{path} can't be read")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is not JSON of this shape.
    #[error("not a JSON Web Key (Set)")]
    Malformed(#[source] serde_json::Error),
    /// The key is not what we use.
    #[error("key {0:?} is not an Ed25519 key with a kid, as \"kty\":\"OKP\", \"crv\":\"Ed25519\"")]
    Unsupported(String),
    /// There is no key at all.
    #[error("the key set is empty")]
    Empty,
    /// The token could not be made.
    #[error("the token could not be signed")]
    Sign(#[source] jsonwebtoken::errors::Error),
}

#[derive(Serialize, Deserialize)]
struct Jwks {
    keys: Vec<Jwk>,
}

#[derive(Serialize, Deserialize)]
struct Jwk {
    kty: String,
    #[serde(default)]
    crv: String,
    #[serde(default)]
    kid: String,
    #[serde(default)]
    x: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    d: Option<String>,
    /// The one subject that this key signs for, such as `service:orders`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    /// What that subject may do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    permissions: Vec<String>,
}

impl Jwk {
    fn is_ed25519(&self) -> bool {
        self.kty == "OKP" && self.crv == "Ed25519" && !self.kid.is_empty()
    }
}

/// Public keys by `kid`.
pub(super) struct VerifyingKeys(HashMap<String, VerifyingKey>);

/// A public key, and for whom it may sign.
pub(super) struct VerifyingKey {
    pub(super) key: DecodingKey,
    signs_for: SignsFor,
}

enum SignsFor {
    /// Any person, with the permissions that the token names: the key of those who know the persons.
    People,
    /// One service, which may do what stands here whatever its token says.
    Service {
        subject: String,
        permissions: Vec<String>,
    },
}

impl VerifyingKey {
    /// The claims that this key may make: `None` when it signed for somebody else.
    pub(super) fn allow(&self, mut claims: Claims) -> Option<Claims> {
        match &self.signs_for {
            SignsFor::People => (!claims.sub.starts_with(SERVICE_PREFIX)).then_some(claims),
            SignsFor::Service {
                subject,
                permissions,
            } => {
                claims.permissions.clone_from(permissions);
                claims.roles.clear();
                (claims.sub == *subject).then_some(claims)
            }
        }
    }
}

impl VerifyingKeys {
    pub(super) fn get(&self, kid: &str) -> Option<&VerifyingKey> {
        self.0.get(kid)
    }

    pub(super) fn parse(jwks: &str) -> Result<Self, KeyError> {
        let jwks: Jwks = serde_json::from_str(jwks).map_err(KeyError::Malformed)?;
        let mut keys = HashMap::new();
        for jwk in jwks.keys {
            let decoding = jwk
                .is_ed25519()
                .then(|| DecodingKey::from_ed_components(&jwk.x).ok())
                .flatten();
            match decoding {
                Some(key) => {
                    let signs_for = jwk
                        .sub
                        .map_or(SignsFor::People, |subject| SignsFor::Service {
                            subject,
                            permissions: jwk.permissions,
                        });
                    keys.insert(jwk.kid, VerifyingKey { key, signs_for })
                }
                None => return Err(KeyError::Unsupported(jwk.kid)),
            };
        }
        if keys.is_empty() {
            Err(KeyError::Empty)
        } else {
            Ok(Self(keys))
        }
    }

    pub(super) fn read(path: &Path) -> Result<(Self, SystemTime), KeyError> {
        let unreadable = |source| KeyError::Unreadable {
            path: path.display().to_string(),
            source,
        };
        let modified = std::fs::metadata(path)
            .and_then(|metadata| metadata.modified())
            .map_err(unreadable)?;
        let jwks = std::fs::read_to_string(path).map_err(unreadable)?;
        Ok((Self::parse(&jwks)?, modified))
    }

    pub(super) fn read_if_changed(
        path: &Path,
        since: Option<SystemTime>,
    ) -> Result<Option<(Self, SystemTime)>, KeyError> {
        let modified = std::fs::metadata(path)
            .and_then(|metadata| metadata.modified())
            .ok();
        if modified.is_some() && modified == since {
            return Ok(None);
        }
        Self::read(path).map(Some)
    }
}

/// A private key that signs access tokens.
pub struct SigningKey {
    kid: String,
    x: String,
    key: EncodingKey,
}

impl SigningKey {
    /// Reads a private JWK: `{"kty":"OKP","crv":"Ed25519","kid":…,"x":…,"d":…}`.
    pub fn from_jwk(jwk: &str) -> Result<Self, KeyError> {
        /// What stands before the 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410, section 7).
        const PKCS8_PREFIX: [u8; 16] = [
            0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22,
            0x04, 0x20,
        ];
        let jwk: Jwk = serde_json::from_str(jwk).map_err(KeyError::Malformed)?;
        let seed = jwk
            .d
            .as_deref()
            .and_then(|d| URL_SAFE_NO_PAD.decode(d).ok())
            .filter(|seed| seed.len() == 32);
        match seed {
            Some(seed) if jwk.is_ed25519() => Ok(Self {
                kid: jwk.kid,
                x: jwk.x,
                key: EncodingKey::from_ed_der(&[&PKCS8_PREFIX[..], &seed].concat()),
            }),
            _ => Err(KeyError::Unsupported(jwk.kid)),
        }
    }

    /// Its public half as an entry of a JWKS.
    pub fn public_jwk(&self) -> serde_json::Value {
        serde_json::json!({
            "kty": "OKP", "crv": "Ed25519", "kid": self.kid, "x": self.x, "alg": "EdDSA", "use": "sig",
        })
    }

    /// A signed token with these claims.
    pub fn sign(&self, claims: &impl Serialize) -> Result<String, KeyError> {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.key).map_err(KeyError::Sign)
    }
}
