//! `amazoff-operator token`: a token signed with the store's own key, for whoever may read its Secret.

use crate::desired::meta::identity_secret;
use crate::secrets::{Claims, SIGNING_KEY, SignError, sign};
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};

/// Whose token, for what and for how long.
#[derive(Debug, Args)]
pub struct TokenArgs {
    /// The store.
    #[arg(long)]
    store: String,
    /// The store's namespace.
    #[arg(long, short)]
    namespace: String,
    /// What the bearer may do, such as catalog:write; may be given several times.
    #[arg(long = "permission", required = true)]
    permissions: Vec<String>,
    /// Whom the token is about.
    #[arg(long, default_value = "operator-cli")]
    subject: String,
    /// How long it is good for, such as 90s or 10m; an hour at most.
    #[arg(long, default_value = "10m", value_parser = ttl)]
    ttl: SignedDuration,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The Secret cannot be read.
    #[error("secret {name} cannot be read: does the store exist, and may you read its Secret?")]
    Secret {
        /// Its name.
        name: String,
        /// Why.
        #[source]
        source: kube::Error,
    },
    /// The Secret is not what the operator makes.
    #[error("secret {0} has no key {SIGNING_KEY}")]
    NoKey(String),
    /// The key cannot sign.
    #[error("the key cannot sign")]
    Sign(#[from] SignError),
}

fn ttl(text: &str) -> Result<SignedDuration, String> {
    let ttl: SignedDuration = text
        .parse()
        .map_err(|error: jiff::Error| error.to_string())?;
    if ttl > SignedDuration::ZERO && ttl <= SignedDuration::from_hours(1) {
        Ok(ttl)
    } else {
        Err("a token is good for an hour at most".to_owned())
    }
}

/// Reads the store's key and signs.
pub async fn token(client: Client, args: &TokenArgs, now: Timestamp) -> Result<String, TokenError> {
    let name = identity_secret(&args.store);
    let api: Api<Secret> = Api::namespaced(client, &args.namespace);
    let secret = api.get(&name).await.map_err(|source| TokenError::Secret {
        name: name.clone(),
        source,
    })?;
    let key = secret
        .data
        .as_ref()
        .and_then(|data| data.get(SIGNING_KEY))
        .ok_or(TokenError::NoKey(name))?;
    let iat = now.as_second();
    let claims = Claims {
        iss: "amazoff",
        aud: "amazoff",
        sub: args.subject.clone(),
        roles: Vec::new(),
        permissions: args.permissions.clone(),
        iat,
        exp: iat.saturating_add(args.ttl.as_secs()),
    };
    Ok(sign(&key.0, &claims)?)
}
