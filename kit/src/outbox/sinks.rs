//! Who gets events: `name=url name=url`.

use std::str::FromStr;

use url::Url;

/// Where one consumer takes events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sink {
    /// Its name, by which [`emit`](super::emit) knows it.
    pub name: String,
    /// Where batches are posted.
    pub url: Url,
}

/// Every consumer that is configured (`EVENT_SINKS`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sinks(pub Vec<Sink>);

/// Why sinks can't be read.
#[derive(Debug, thiserror::Error)]
pub enum SinksError {
    /// Not `name=url`.
    #[error(
        "{0:?} is not name=url with a name of at most 40 small letters, digits and hyphens, and an http:// address"
    )]
    Malformed(String),
    /// A name stands there twice.
    #[error("{0:?} is named twice")]
    Twice(String),
}

impl FromStr for Sinks {
    type Err = SinksError;

    fn from_str(text: &str) -> Result<Self, SinksError> {
        let mut sinks: Vec<Sink> = Vec::new();
        for part in text.split_whitespace() {
            let sink = parse(part).ok_or_else(|| SinksError::Malformed(part.to_owned()))?;
            if sinks.iter().any(|other| other.name == sink.name) {
                return Err(SinksError::Twice(sink.name));
            }
            sinks.push(sink);
        }
        Ok(Self(sinks))
    }
}

fn parse(part: &str) -> Option<Sink> {
    let (name, url) = part.split_once('=')?;
    let is_name = (1..=40).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    let url: Url = url.parse().ok()?;
    let is_http = matches!(url.scheme(), "http" | "https") && url.has_host();
    (is_name && is_http).then(|| Sink {
        name: name.to_owned(),
        url,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names_and_addresses() {
        for (text, names) in [
            ("", Some(vec![])),
            (
                " a=http://a:8080/internal/v1/events\n b-2=http://b/ ",
                Some(vec!["a", "b-2"]),
            ),
            ("a=http://a b", None),
            ("A=http://a", None),
            ("=http://a", None),
            ("a=ftp://a", None),
            ("a=http://a a=http://b", None),
        ] {
            let sinks = text.parse::<Sinks>().ok();
            let found: Option<Vec<&str>> = sinks
                .as_ref()
                .map(|sinks| sinks.0.iter().map(|sink| &*sink.name).collect());
            assert_eq!(found, names, "{text}");
        }
    }
}
