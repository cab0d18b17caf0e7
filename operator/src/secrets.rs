//! Secrets that the operator makes when they are not there: keys and passwords. Pure but for the randomness it is given.

use crate::chain::chain;
use crate::control::certificates::{self, CertificateError};
use crate::credentials;
use crate::databases::mariadb::keep;
use crate::desired::mariadb;
use crate::desired::meta::{
    MANAGED_BY, identity_secret, keys_secret, mariadb_secret, members_secret, owner, redis_secret,
};
use crate::desired::needs::SERVICES;
use crate::desired::redis::PASSWORD_FILE;
use crate::world::World;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ed25519_dalek::{Signer, SigningKey};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::api::ObjectMeta;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Where randomness comes from.
pub type Random = fn() -> [u8; 32];

/// In a Secret with keys: what tokens are signed with.
pub const SIGNING_KEY: &str = "signing.jwk";
/// Beside it: its public half.
pub const PUBLIC_KEYS: &str = "jwks.json";
/// In a service's Secret: what it seals personal data with.
pub const SEAL_KEY: &str = "seal.key";

/// An Ed25519 key pair as a JSON Web Key.
#[derive(Serialize, Deserialize)]
struct PrivateKey {
    kty: String,
    crv: String,
    alg: String,
    #[serde(rename = "use")]
    usage: String,
    kid: String,
    x: String,
    d: String,
}

/// What a token says. Whom it is about, what they may do, until when.
#[derive(Clone, Debug, Serialize)]
pub struct Claims {
    /// Who made it.
    pub iss: &'static str,
    /// Whom it is for.
    pub aud: &'static str,
    /// Whom it is about.
    pub sub: String,
    /// What they are; for people to read.
    pub roles: Vec<String>,
    /// What they may do.
    pub permissions: Vec<String>,
    /// Since when, in seconds.
    pub iat: i64,
    /// Until when, in seconds.
    pub exp: i64,
}

/// A key that cannot sign.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// It is not JSON, or lacks a field.
    #[error("the signing key is not a JSON Web Key")]
    NotAKey(#[source] serde_json::Error),
    /// Its private part is not 32 bytes of base64url.
    #[error("the signing key has no private part")]
    NoPrivatePart,
}

/// The Secrets that the store has to have and `world` lacks.
pub fn missing(
    store: &str,
    namespace: &str,
    uid: &str,
    world: &World,
    generation: i32,
    now: Timestamp,
    random: Random,
) -> Vec<Secret> {
    let lacks = |name: &String| matches!(world.secrets.get(name), Some(None));
    let mut secrets = Vec::new();
    let identity = identity_secret(store);
    if lacks(&identity) {
        secrets.push(secret(
            store,
            namespace,
            uid,
            &identity,
            identity_data(random()),
        ));
    }
    for needs in SERVICES.iter().filter(|needs| needs.has_keys()) {
        let keys = keys_secret(store, needs.name);
        if lacks(&keys) {
            let mut data = identity_data(random());
            data.insert(SEAL_KEY.to_owned(), STANDARD.encode(random()));
            secrets.push(secret(store, namespace, uid, &keys, data));
        }
    }
    let accounts = mariadb_secret(store);
    if lacks(&accounts) {
        let data = credentials::first(store, generation, random);
        secrets.push(secret(store, namespace, uid, &accounts, data));
    }
    let members = members_secret(store);
    if lacks(&members) {
        // What can't be made now is tried again with the next look.
        match members_data(store, namespace, now, random) {
            Ok(data) => secrets.push(secret(store, namespace, uid, &members, data)),
            Err(error) => tracing::error!(error = chain(&error), "no certificates"),
        }
    }
    let redis = redis_secret(store);
    if lacks(&redis) {
        let password = hex(&random());
        let data = BTreeMap::from([
            (
                PASSWORD_FILE.to_owned(),
                format!("requirepass {password}\n"),
            ),
            (
                "url".to_owned(),
                format!("redis://:{password}@{store}-redis:6379"),
            ),
        ]);
        secrets.push(secret(store, namespace, uid, &redis, data));
    }
    secrets
}

fn secret(
    store: &str,
    namespace: &str,
    uid: &str,
    name: &str,
    data: BTreeMap<String, String>,
) -> Secret {
    Secret {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            namespace: Some(namespace.to_owned()),
            labels: Some(BTreeMap::from([
                ("app.kubernetes.io/instance".to_owned(), store.to_owned()),
                ("app.kubernetes.io/part-of".to_owned(), "amazoff".to_owned()),
                (
                    "app.kubernetes.io/managed-by".to_owned(),
                    MANAGED_BY.to_owned(),
                ),
            ])),
            owner_references: Some(vec![owner(store, uid)]),
            ..ObjectMeta::default()
        },
        string_data: Some(data),
        type_: Some("Opaque".to_owned()),
        ..Secret::default()
    }
}

/// What the members of the `MariaDB` and the operator know each other by, and what members log in to each other with.
fn members_data(
    store: &str,
    namespace: &str,
    now: Timestamp,
    random: Random,
) -> Result<BTreeMap<String, String>, CertificateError> {
    let (member, operator) = certificates::make(&mariadb::host_names(store, namespace), now)?;
    let data = [
        (certificates::AUTHORITY, member.authority),
        (certificates::CERTIFICATE, member.certificate),
        (certificates::KEY, member.key),
        (keep::OPERATOR_CERTIFICATE, operator.certificate),
        (keep::OPERATOR_KEY, operator.key),
        (mariadb::REPLICATION_FILE, hex(&random())),
    ];
    Ok(data
        .map(|(key, value)| (key.to_owned(), value))
        .into_iter()
        .collect())
}

fn identity_data(seed: [u8; 32]) -> BTreeMap<String, String> {
    let key = SigningKey::from_bytes(&seed);
    let x = URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
    // RFC 7638: the members that make the key, in alphabetical order, without white space.
    let thumbprint = Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#));
    let kid = URL_SAFE_NO_PAD.encode(thumbprint);
    let private = json!({
        "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": kid, "x": x,
        "d": URL_SAFE_NO_PAD.encode(seed),
    });
    let public = json!({
        "keys": [{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": kid, "x": x}],
    });
    BTreeMap::from([
        (SIGNING_KEY.to_owned(), private.to_string()),
        (PUBLIC_KEYS.to_owned(), public.to_string()),
    ])
}

/// A token that says `claims`, signed with a key from an identity's Secret.
pub fn sign(signing_key: &[u8], claims: &Claims) -> Result<String, SignError> {
    let key: PrivateKey = serde_json::from_slice(signing_key).map_err(SignError::NotAKey)?;
    let seed = URL_SAFE_NO_PAD
        .decode(&key.d)
        .ok()
        .and_then(|d| <[u8; 32]>::try_from(d).ok());
    let signer = SigningKey::from_bytes(&seed.ok_or(SignError::NoPrivatePart)?);
    let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": key.kid}).to_string();
    let payload = serde_json::to_string(claims).map_err(SignError::NotAKey)?;
    let message = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(payload)
    );
    let signature = signer.sign(message.as_bytes());
    Ok(format!(
        "{message}.{}",
        URL_SAFE_NO_PAD.encode(signature.to_bytes())
    ))
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or_default();
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Claims, SIGNING_KEY, identity_data, missing, sign};
    use crate::world::{SecretFacts, World};
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use ed25519_dalek::{Signature, Verifier, VerifyingKey};
    use jiff::Timestamp;
    use std::collections::BTreeMap;

    #[test]
    fn makes_only_what_is_missing() {
        let mut world = World::default();
        world
            .secrets
            .insert("shop-identity".to_owned(), Some(SecretFacts::default()));
        world.secrets.insert("shop-redis".to_owned(), None);
        let names: Vec<_> = missing(
            "shop",
            "default",
            "u",
            &world,
            1,
            Timestamp::UNIX_EPOCH,
            || [7; 32],
        )
        .into_iter()
        .filter_map(|secret| secret.metadata.name)
        .collect();
        assert_eq!(names, ["shop-redis"]);
    }

    #[test]
    fn a_token_verifies_with_the_published_key() {
        let data = identity_data([7; 32]);
        let claims = Claims {
            iss: "amazoff",
            aud: "amazoff",
            sub: "importer".to_owned(),
            roles: vec![],
            permissions: vec!["catalog:write".to_owned()],
            iat: 1,
            exp: 601,
        };
        let token = sign(data[SIGNING_KEY].as_bytes(), &claims).expect("the key was just made");

        let jwks: serde_json::Value = serde_json::from_str(&data["jwks.json"]).expect("it is JSON");
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).expect("it is base64url");
        let x = decode(jwks["keys"][0]["x"].as_str().expect("a public key has x"));
        let key = VerifyingKey::from_bytes(&x.try_into().expect("32 bytes"))
            .expect("a point on the curve");
        let (message, signature) = token.rsplit_once('.').expect("three parts");
        let signature = Signature::from_slice(&decode(signature)).expect("64 bytes");
        key.verify(message.as_bytes(), &signature)
            .expect("the signature is good");
        let header: BTreeMap<String, String> =
            serde_json::from_slice(&decode(message.split('.').next().expect("a header")))
                .expect("it is JSON");
        assert_eq!(
            Some(header["kid"].as_str()),
            jwks["keys"][0]["kid"].as_str()
        );
    }
}
