use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use crate::{
    auth::{AUDIENCE, Claims, ISSUER, SigningKey, Verifier},
    clock::{Clock, random_bytes},
};

/// Issues access tokens as `users` does, with a key of its own.
pub struct TestIssuer {
    key: SigningKey,
    jwks: String,
}

impl Default for TestIssuer {
    fn default() -> Self {
        Self::new()
    }
}

impl TestIssuer {
    /// An issuer with a new key.
    #[expect(clippy::expect_used, reason = "a key made here can be read here")]
    pub fn new() -> Self {
        let seed: [u8; 32] = random_bytes();
        let public = ed25519_dalek::SigningKey::from_bytes(&seed).verifying_key();
        let x = URL_SAFE_NO_PAD.encode(public.as_bytes());
        let kid = x[..8].to_owned();
        let private = json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x, "d": URL_SAFE_NO_PAD.encode(seed)});
        let jwks = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x, "alg": "EdDSA", "use": "sig"}]});
        Self {
            key: SigningKey::from_jwk(&private.to_string()).expect("a key made here"),
            jwks: jwks.to_string(),
        }
    }

    /// The public keys, as services read them.
    pub fn jwks(&self) -> &str {
        &self.jwks
    }

    /// A verifier of this issuer's tokens.
    #[expect(clippy::expect_used, reason = "a key made here can be read here")]
    pub fn verifier(&self, clock: Clock) -> Verifier {
        Verifier::from_jwks(&self.jwks, clock).expect("keys made here")
    }

    /// A token for ten minutes.
    #[expect(clippy::expect_used, reason = "claims made here can be signed")]
    pub fn token(&self, clock: &Clock, subject: &str, permissions: &[&str]) -> String {
        let now = clock.now().as_second();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: subject.to_owned(),
            iat: now,
            exp: now + 600,
            permissions: permissions
                .iter()
                .map(|&permission| permission.to_owned())
                .collect(),
            roles: Vec::new(),
        };
        self.key.sign(&claims).expect("signed")
    }
}
