//! Whom a mail goes to and what it says is sealed with a key of its reader's, so that erasing the key erases what can't be found one by one.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kit::{
    Problem,
    seal::{self, Field},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    App,
    mail::Mail,
    occasion::{self, Occasion},
};

/// Why something can't be sealed or unsealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The key or the database refused.
    #[error(transparent)]
    Seal(#[from] seal::SealError),
    /// What is sealed is not what this program seals.
    #[error("what is sealed can't be read or written")]
    Content(#[from] serde_json::Error),
}

impl From<SealError> for Problem {
    fn from(error: SealError) -> Self {
        match error {
            SealError::Seal(seal::SealError::MongoDb(_)) => Self::unavailable(error),
            SealError::Seal(_) | SealError::Content(_) => Self::internal(error),
        }
    }
}

/// What is sealed: the event, of which the mail is made anew each time.
#[derive(Serialize, Deserialize)]
struct Content {
    kind: String,
    data: Value,
}

/// Under which id the key of whoever reads at an address is kept. It follows from the address: guests have no other name.
pub fn reader(app: &App, email: &str) -> Result<Uuid, SealError> {
    let index = app
        .sealer
        .blind_index("email", &email.trim().to_lowercase())?;
    let mut id = [0; 16];
    id.copy_from_slice(&index[..16]);
    Ok(uuid::Builder::from_custom_bytes(id).into_uuid())
}

/// Seals what a mail is made of.
pub async fn seal(app: &App, mail: &Mail, kind: &str, data: &Value) -> Result<String, SealError> {
    let key = seal::mongodb::open_or_create(&app.sealer, app.db.database(), mail.reader).await?;
    let content = Content {
        kind: kind.to_owned(),
        data: data.clone(),
    };
    let sealed = key.seal(&place(mail), &serde_json::to_vec(&content)?)?;
    Ok(STANDARD.encode(sealed))
}

/// What a mail is made of; `None` when whoever it is for was forgotten.
pub async fn unseal(app: &App, mail: &Mail) -> Result<Option<Occasion>, SealError> {
    let Some(sealed) = &mail.sealed else {
        return Ok(None);
    };
    let Some(key) = seal::mongodb::open(&app.sealer, app.db.database(), mail.reader).await? else {
        return Ok(None);
    };
    let sealed = STANDARD.decode(sealed).unwrap_or_default();
    let content: Content = serde_json::from_slice(&key.unseal(&place(mail), &sealed)?)?;
    // It was read before it was sealed.
    Ok(occasion::read(&content.kind, &content.data).and_then(Result::ok))
}

/// Makes all unreadable that was sealed for a reader.
pub async fn destroy_key(app: &App, reader: Uuid) -> Result<(), SealError> {
    seal::mongodb::erase(app.db.database(), reader).await?;
    Ok(())
}

fn place(mail: &Mail) -> Field<'static> {
    Field {
        table: "mails",
        column: "sealed",
        row: mail.id,
    }
}
