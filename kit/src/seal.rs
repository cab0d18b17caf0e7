//! Personal data at rest: sealed field by field with a key of the person's own, so that erasing the key erases every copy of what it sealed.
//!
//! A [`Sealer`] holds the master key; the database holds each person's key, wrapped by it. `XChaCha20-Poly1305` seals; the table, the column and the row
//! stand in the associated data, so that a sealed value can't be moved to another place. Erasing is deleting the person's key row. A backup of the
//! database still holds that row: whoever restores one must repeat the erasures since.
//!
//! What must be found by its value (an e-mail address) is kept beside it as a [`Sealer::blind_index`].

mod field;
#[cfg(feature = "mongodb")]
pub mod mongodb;
#[cfg(feature = "mariadb")]
mod rows;
mod sealer;

pub use field::{DataKey, Field};
#[cfg(feature = "mariadb")]
pub use rows::{MIGRATION, erase, open, open_or_create};
pub use sealer::Sealer;

/// Why something can't be sealed or unsealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The file can't be read.
    #[error("{path} can't be read")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file holds no master key.
    #[error(
        "the master key must be 32 bytes in base64, one a line; the first seals, all of them unseal"
    )]
    MasterKey,
    /// Not what [`DataKey::seal`] made.
    #[error("the sealed value is not one of ours")]
    Malformed,
    /// Another key, another place, or not as it was sealed.
    #[error("the sealed value can't be opened with this key at this place")]
    Refused,
    /// Not text.
    #[error("the sealed value is no text")]
    NotText,
    /// `MariaDB` did not answer.
    #[cfg(feature = "mariadb")]
    #[error("the database did not answer as expected")]
    MariaDb(#[from] sqlx::Error),
    /// `MongoDB` did not answer.
    #[cfg(feature = "mongodb")]
    #[error("the database did not answer as expected")]
    MongoDb(#[from] ::mongodb::error::Error),
}
