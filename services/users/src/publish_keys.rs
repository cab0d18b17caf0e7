//! `GET /.well-known/jwks.json`: the public keys that access tokens are verified with.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header};
use kit::{Problem, extract::Json};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{App, routes::Problems};

/// What a public key consists of. Anything else in the file stays in it.
const PUBLIC: [&str; 7] = ["kty", "crv", "kid", "x", "alg", "use", "sub"];

/// A JSON Web Key Set (RFC 7517).
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct KeySet {
    /// Each may sign; during a rotation there are two.
    #[schema(value_type = Vec<Object>)]
    pub keys: Vec<Map<String, Value>>,
}

/// Why the keys can't be told.
#[derive(Debug, thiserror::Error)]
enum KeysError {
    #[error("JWKS_FILE can't be read")]
    Unreadable(#[from] std::io::Error),
    #[error("JWKS_FILE holds no key set")]
    Malformed(#[from] serde_json::Error),
}

/// Tells the public keys. They change rarely, and the next one is here before it signs.
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "keys", responses((status = 200, body = KeySet), Problems))]
pub async fn publish_keys(State(app): State<App>) -> Result<Response, Problem> {
    let text = tokio::fs::read_to_string(&*app.jwks_file)
        .await
        .map_err(|error| Problem::unavailable(KeysError::from(error)))?;
    let keys = public(&text).map_err(Problem::internal)?;
    let headers = [(
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=300"),
    )];
    Ok((headers, Json(keys)).into_response())
}

fn public(text: &str) -> Result<KeySet, KeysError> {
    #[derive(serde::Deserialize)]
    struct File {
        keys: Vec<Map<String, Value>>,
    }
    let mut file: File = serde_json::from_str(text)?;
    for key in &mut file.keys {
        key.retain(|name, _| PUBLIC.contains(&name.as_str()));
    }
    Ok(KeySet { keys: file.keys })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_part_is_never_told() {
        let file = r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "public", "d": "private", "permissions": ["events:send"], "sub": "service:orders"}]}"#;
        let told = serde_json::to_value(public(file).expect("keys")).expect("JSON");
        let expected = serde_json::json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "public", "sub": "service:orders"}]});
        assert_eq!(told, expected);
    }
}
