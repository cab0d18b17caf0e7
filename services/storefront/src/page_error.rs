//! Why a page can't be shown.

use crate::{clients::CatalogError, listing_query::BadQuery};

/// Why there is no such page, or not now.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// Nothing is at this address.
    #[error("there is no such page")]
    NotFound,
    /// The address is not one of ours.
    #[error("the address can't be read")]
    BadRequest(#[source] BadQuery),
    /// The catalog refused what the address asks for, such as a cursor that it never gave.
    #[error("the catalog refused the question")]
    Refused,
    /// What the page is about can't be read now.
    #[error("the catalog can't be read")]
    Unavailable(#[source] CatalogError),
    /// The categories could never be read, so nobody knows whether there is such a one.
    #[error("no categories were ever read")]
    NoCategories,
    /// A service that the page is about can't be asked now.
    #[error("a part of the shop can't be reached")]
    Closed(#[source] kit::client::ClientError),
    /// A form that was not made by a page of ours for this browser.
    #[error("the form is not one of ours, or not any more")]
    StaleForm,
    /// The template failed.
    #[error("the page could not be rendered")]
    Render(#[source] askama::Error),
}

impl From<CatalogError> for PageError {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::NotFound => Self::NotFound,
            CatalogError::Refused => Self::Refused,
            CatalogError::Unavailable(_) => Self::Unavailable(error),
        }
    }
}

impl From<BadQuery> for PageError {
    fn from(error: BadQuery) -> Self {
        Self::BadRequest(error)
    }
}
