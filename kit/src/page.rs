//! Cursor pagination: `?limit=&cursor=` in, `next_cursor` out.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::Problem;

/// The most rows a page holds.
pub const MAX_LIMIT: u32 = 100;

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Where the next page starts; absent on the last page.
    pub next_cursor: Option<String>,
}

/// What a list endpoint is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// How many rows at most (1 to 100).
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl PageQuery {
    /// The limit asked for, `default` when none is; a problem that names the field when out of range.
    pub fn limit(&self, default: u32) -> Result<u32, Problem> {
        match self.limit.unwrap_or(default) {
            limit @ 1..=MAX_LIMIT => Ok(limit),
            _ => {
                Err(Problem::invalid().field("limit", format!("must be between 1 and {MAX_LIMIT}")))
            }
        }
    }

    /// The position in the cursor; a problem that names the field when it was not made by [`encode`].
    pub fn position<T: DeserializeOwned>(&self) -> Result<Option<T>, Problem> {
        self.cursor.as_deref().map(decode).transpose()
    }
}

/// An opaque cursor that holds `position`.
pub fn encode(position: &impl Serialize) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(position).unwrap_or_default())
}

/// The position that a cursor holds.
pub fn decode<T: DeserializeOwned>(cursor: &str) -> Result<T, Problem> {
    URL_SAFE_NO_PAD
        .decode(cursor)
        .ok()
        .and_then(|json| serde_json::from_slice(&json).ok())
        .ok_or_else(|| {
            Problem::invalid().field("cursor", "must be the next_cursor of an earlier page")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_was_made() {
        let query = PageQuery {
            limit: None,
            cursor: Some(encode(&(42, "tea"))),
        };
        assert_eq!(
            query.position::<(u32, String)>().expect("own cursor"),
            Some((42, "tea".to_owned()))
        );
    }

    #[test]
    fn refuses_foreign_cursors_and_absurd_limits() {
        for cursor in ["", "!", "bm8", "eyJhIjoxfQ"] {
            assert!(decode::<(u32, String)>(cursor).is_err(), "{cursor}");
        }
        for (limit, ok) in [(0, false), (1, true), (100, true), (101, false)] {
            let query = PageQuery {
                limit: Some(limit),
                cursor: None,
            };
            assert_eq!(query.limit(24).is_ok(), ok, "{limit}");
        }
    }
}
