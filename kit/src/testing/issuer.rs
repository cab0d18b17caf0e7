use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use crate::{
    auth::{
        AUDIENCE, AddressTokens, Claims, ISSUER, SERVICE_PREFIX, ServiceTokens, SigningKey,
        Verifier,
    },
    clock::{Clock, random_bytes},
};

/// Issues access tokens to persons, with a key of its own, and knows the keys of services.
pub struct TestIssuer {
    key: SigningKey,
    jwks: String,
    entries: Vec<serde_json::Value>,
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
        let key = SigningKey::from_jwk(&private_jwk()).expect("a key made here");
        let mut issuer = Self {
            entries: Vec::new(),
            jwks: String::new(),
            key,
        };
        issuer.publish(issuer.key.public_jwk());
        issuer
    }

    /// The tokens of a service that may do this, whose key verifiers made from now on know.
    pub fn service(&mut self, clock: &Clock, name: &str, permissions: &[&str]) -> ServiceTokens {
        ServiceTokens::new(
            self.key_of(name, permissions, &private_jwk()),
            name,
            clock.clone(),
        )
    }

    /// What a service says the addresses of clients with; likewise.
    pub fn addresses(&mut self, clock: &Clock, name: &str, permissions: &[&str]) -> AddressTokens {
        AddressTokens::new(
            self.key_of(name, permissions, &private_jwk()),
            name,
            clock.clone(),
        )
    }

    /// Publishes the key of a service, with what it may do.
    #[expect(clippy::expect_used, reason = "tests give keys")]
    pub fn key_of(&mut self, name: &str, permissions: &[&str], private_jwk: &str) -> SigningKey {
        let key = SigningKey::from_jwk(private_jwk).expect("a private key");
        let mut entry = key.public_jwk();
        entry["sub"] = json!(format!("{SERVICE_PREFIX}{name}"));
        entry["permissions"] = json!(permissions);
        self.publish(entry);
        key
    }

    fn publish(&mut self, entry: serde_json::Value) {
        self.entries.push(entry);
        self.jwks = json!({"keys": self.entries}).to_string();
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

/// A new private key.
pub fn private_jwk() -> String {
    let seed: [u8; 32] = random_bytes();
    let public = ed25519_dalek::SigningKey::from_bytes(&seed).verifying_key();
    let x = URL_SAFE_NO_PAD.encode(public.as_bytes());
    let (kid, d) = (&x[..8], URL_SAFE_NO_PAD.encode(seed));
    json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x, "d": d}).to_string()
}
