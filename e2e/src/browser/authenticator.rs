//! An authenticator that only this browser has, in place of a fingerprint or a security key (`WebAuthn`, section 11).

use serde_json::{Value, json};

use super::Browser;
use crate::Failure;

/// Holds passkeys, and says at once who touches it.
pub struct Authenticator(String);

impl Browser {
    /// Gives the browser an authenticator of its own, as phones and laptops have one.
    pub async fn add_authenticator(&self) -> Result<Authenticator, Failure> {
        let options = json!({
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": true,
            "hasUserVerification": true,
            "isUserVerified": true,
            "isUserConsenting": true,
        });
        let id = self.command("webauthn/authenticator", options).await?;
        let id = id.as_str().ok_or("an authenticator has an id")?;
        Ok(Authenticator(id.to_owned()))
    }

    /// How many passkeys an authenticator holds.
    pub async fn passkeys(&self, authenticator: &Authenticator) -> Result<usize, Failure> {
        let path = format!("webauthn/authenticator/{}/credentials", authenticator.0);
        let held = self.ask(&path).await?;
        Ok(held.as_array().map_or(0, Vec::len))
    }

    /// Whether the authenticator recognizes who touches it from now on.
    pub async fn recognizes(
        &self,
        authenticator: &Authenticator,
        recognizes: bool,
    ) -> Result<(), Failure> {
        let path = format!("webauthn/authenticator/{}/uv", authenticator.0);
        let _null: Value = self
            .command(&path, json!({ "isUserVerified": recognizes }))
            .await?;
        Ok(())
    }
}
