//! What `main` returns when a service can't start or go on.

use std::{error::Error, fmt};

/// An error that `main` returns: the program ends with a sentence and its causes, not with the names of our types.
///
/// Like every catch-all it is no error itself, so that any error turns into it with `?`.
pub struct Failure(String);

impl<E: Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(crate::problem::chain(&error))
    }
}

/// The standard library prints what `main` returns with `Debug`.
impl fmt::Debug for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_a_sentence_with_its_causes() {
        let failure = Failure::from(std::io::Error::other("JWKS_FILE can't be read"));
        assert_eq!(format!("{failure:?}"), "JWKS_FILE can't be read");
    }
}
