//! What an import reports, and how its lines are read. The streams around it: [`lines`].

pub mod lines;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::invalid::Mistakes;

/// One line of an import's report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Report {
    /// A row was left out.
    Rejected {
        /// Its line, from 1.
        line: u64,
        /// Its key, when it could be read.
        key: Option<String>,
        /// What is wrong with it.
        field: String,
        /// Why.
        detail: String,
    },
    /// Everything up to a line is stored and will survive; an interrupted import goes on after it.
    Progress {
        /// The last line that is stored or rejected.
        line: u64,
        /// Rows stored so far.
        accepted: u64,
        /// Rows left out so far.
        rejected: u64,
    },
    /// All lines are done.
    Done {
        /// The last line.
        line: u64,
        /// Rows stored.
        accepted: u64,
        /// Rows left out.
        rejected: u64,
    },
    /// The import ended early. Repeat it with `from_line` one above `line`.
    Failed {
        /// The last line that is stored or rejected.
        line: u64,
        /// Why.
        detail: String,
    },
}

/// What an import is told beside its rows.
#[derive(Debug, Clone, Copy, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ImportQuery {
    /// The first line to look at, from 1; those before are skipped as already stored.
    #[param(minimum = 1)]
    pub from_line: Option<u64>,
}

/// A row that was left out.
#[derive(Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Its key, when it could be read.
    pub key: Option<String>,
    /// What is wrong with it.
    pub field: String,
    /// Why.
    pub detail: String,
}

impl Rejection {
    /// The rejection of a row for its first mistake.
    pub fn of(key: &str, mistakes: &Mistakes) -> Self {
        let first = mistakes.first();
        Self {
            key: Some(key.to_owned()),
            field: first.map_or_else(String::new, |mistake| mistake.field.clone()),
            detail: first.map_or_else(String::new, |mistake| mistake.detail.clone()),
        }
    }

    /// The same as a line of the report.
    pub fn report(self, line: u64) -> Report {
        let Self { key, field, detail } = self;
        Report::Rejected {
            line,
            key,
            field,
            detail,
        }
    }
}

/// Reads a row. What does not fit is named by its field.
pub fn parse<T: DeserializeOwned>(line: &[u8]) -> Result<T, Rejection> {
    let mut deserializer = serde_json::Deserializer::from_slice(line);
    let parsed = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let field = error.path().to_string();
        (field, error.into_inner())
    });
    let rest = match parsed {
        Ok(row) => deserializer
            .end()
            .map(|()| row)
            .map_err(|error| (".".to_owned(), error)),
        Err(error) => Err(error),
    };
    rest.map_err(|(field, error)| Rejection {
        key: key_of(line),
        // The whole row, or a place that was never reached.
        field: if matches!(field.as_str(), "." | "?") {
            String::new()
        } else {
            field
        },
        detail: error.to_string(),
    })
}

/// The key of a row that is JSON, though not what it should be.
fn key_of(line: &[u8]) -> Option<String> {
    let row: serde_json::Value = serde_json::from_slice(line).ok()?;
    Some(row.get("key")?.as_str()?.chars().take(100).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::product::ProductInput;

    #[test]
    fn names_the_field_that_does_not_fit() {
        for (line, field, key) in [
            (
                r#"{"key":"a","name":{"en":"A","fr":"A"},"category":"c","variants":[{"sku":"1","prices":[{"amount":1.5,"currency":"EUR"}]}]}"#,
                "variants[0].prices[0].amount",
                Some("a"),
            ),
            (
                r#"{"key":"a","name":{"en":"A"},"category":"c","variants":[]}"#,
                "name",
                Some("a"),
            ),
            (r#"{"key":7}"#, "key", None),
            (r#"{"key":"a""#, "", None),
            ("nonsense", "", None),
            (r#"{"key":"a"} {"#, "", None),
        ] {
            let rejection = parse::<ProductInput>(line.as_bytes()).expect_err(line);
            assert_eq!(
                (rejection.field.as_str(), rejection.key.as_deref()),
                (field, key),
                "{line}: {}",
                rejection.detail
            );
        }
    }
}
