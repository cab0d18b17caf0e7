//! Which kept answer fits a request: the address it asks for, and the request headers that the answer depends on (`Vary`).

use crate::caller::Caller;
use http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts};
use smallvec::SmallVec;

/// The most request headers an answer may depend on to be kept.
const MAX_VARY: usize = 4;

/// Everything an answer depends on beside its `Vary`: scheme, host, path and query.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key(Box<str>);

impl Key {
    /// The key of the address that a request asks for.
    pub fn of(parts: &Parts, caller: &Caller) -> Self {
        let host = match parts.uri.authority() {
            Some(authority) => authority.as_str(),
            None => parts
                .headers
                .get(header::HOST)
                .and_then(|host| host.to_str().ok())
                .unwrap_or_default(),
        };
        let path = parts
            .uri
            .path_and_query()
            .map_or("/", http::uri::PathAndQuery::as_str);
        let scheme = if caller.https { "https://" } else { "http://" };
        let mut key = String::with_capacity(scheme.len() + host.len() + path.len());
        key.push_str(scheme);
        // A host with a slash can't be told from a path: no such host is a key of anything.
        if host
            .bytes()
            .any(|byte| byte == b'/' || byte.is_ascii_uppercase())
        {
            let plain = host.chars().filter(|&letter| letter != '/');
            key.extend(plain.map(|letter| letter.to_ascii_lowercase()));
        } else {
            key.push_str(host);
        }
        key.push_str(path);
        Self(key.into())
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The values of the headers that an answer depends on.
pub type Selector = SmallVec<[u8; 32]>;

/// The names in `Vary`, in one order; `None` when the answer can't be matched to any other request.
pub fn vary(headers: &HeaderMap) -> Option<SmallVec<[HeaderName; 2]>> {
    let mut names: SmallVec<[HeaderName; 2]> = SmallVec::new();
    for value in headers.get_all(header::VARY) {
        for name in value
            .to_str()
            .ok()?
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
        {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            // Everyone's cookies differ: keeping an answer for each would only push others out.
            if name.as_str() == "*" || name == header::COOKIE || name == header::AUTHORIZATION {
                return None;
            }
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names.sort_by(|one, other| one.as_str().cmp(other.as_str()));
    (names.len() <= MAX_VARY).then_some(names)
}

/// What `request` has in the headers of these names.
pub fn select(names: &[HeaderName], request: &HeaderMap) -> Selector {
    let mut selector = Selector::new();
    for name in names {
        if *name == header::ACCEPT_ENCODING {
            selector.extend_from_slice(Codings::of(request).as_str().as_bytes());
        } else {
            for value in request.get_all(name) {
                selector.extend_from_slice(value.as_bytes().trim_ascii());
                selector.push(b',');
            }
        }
        selector.push(b'\n');
    }
    selector
}

/// The compressions that a client reads, of those that services use. Browsers write the same wish in many ways; an answer for
/// each of them would be kept otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Codings {
    /// Brotli.
    pub br: bool,
    /// Gzip.
    pub gzip: bool,
}

impl Codings {
    /// What the client reads.
    pub fn of(request: &HeaderMap) -> Self {
        let mut codings = Self {
            br: false,
            gzip: false,
        };
        for value in request
            .get_all(header::ACCEPT_ENCODING)
            .iter()
            .filter_map(|value| value.to_str().ok())
        {
            for choice in value.split(',') {
                let (name, parameters) = choice.split_once(';').unwrap_or((choice, ""));
                if is_refused(parameters) {
                    continue;
                }
                match name.trim() {
                    name if name.eq_ignore_ascii_case("br") => codings.br = true,
                    name if name.eq_ignore_ascii_case("gzip")
                        || name.eq_ignore_ascii_case("x-gzip") =>
                    {
                        codings.gzip = true;
                    }
                    _ => {}
                }
            }
        }
        codings
    }

    /// The one way in which the gateway asks for them.
    pub fn as_str(self) -> &'static str {
        match (self.br, self.gzip) {
            (true, true) => "br, gzip",
            (true, false) => "br",
            (false, true) => "gzip",
            (false, false) => "identity",
        }
    }

    /// The header in which the gateway asks for them.
    pub fn header(self) -> HeaderValue {
        HeaderValue::from_static(self.as_str())
    }
}

/// Whether the parameters hold a weight of zero.
fn is_refused(parameters: &str) -> bool {
    let weight = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then(|| value.trim())
    });
    weight.is_some_and(|weight| weight.bytes().all(|byte| matches!(byte, b'0' | b'.')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in list {
            headers.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        headers
    }

    #[test]
    fn keys_hold_scheme_host_path_and_query() {
        let key = |uri: &str, host: &str, https| {
            let request = Request::builder()
                .uri(uri)
                .header("host", host)
                .body(())
                .expect("a request");
            let caller = Caller {
                address: "192.0.2.1".parse().expect("an address"),
                https,
                proxied: true,
            };
            Key::of(&request.into_parts().0, &caller)
                .as_str()
                .to_owned()
        };
        assert_eq!(
            key("/a?b=c", "Shop.Example", false),
            "http://shop.example/a?b=c"
        );
        assert_eq!(key("/a", "shop.example", true), "https://shop.example/a");
        assert_eq!(
            key("http://shop.example/a", "other.example", false),
            "http://shop.example/a"
        );
        assert_ne!(
            key("/b", "shop.example/a", false),
            key("/a/b", "shop.example", false)
        );
    }

    #[test]
    fn reads_vary() {
        let names = |value| {
            vary(&headers(&[("vary", value)]))
                .map(|names| names.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        assert_eq!(vary(&HeaderMap::new()).map(|names| names.len()), Some(0));
        assert_eq!(
            names("Accept-Language, accept-encoding"),
            Some(vec!["accept-encoding".into(), "accept-language".into()])
        );
        assert_eq!(names("accept, Accept,"), Some(vec!["accept".into()]));
        for never in [
            "*",
            "cookie",
            "accept, authorization",
            "a b",
            "a, b, c, d, e",
        ] {
            assert_eq!(names(never), None, "{never}");
        }
    }

    #[test]
    fn selects_by_the_values_of_the_named_headers() {
        let names = vary(&headers(&[("vary", "accept-language")])).expect("names");
        let select = |list: &[(&'static str, &'static str)]| select(&names, &headers(list));
        assert_eq!(
            select(&[("accept-language", "fr")]),
            select(&[("accept-language", "fr "), ("x", "1")])
        );
        assert_ne!(
            select(&[("accept-language", "fr")]),
            select(&[("accept-language", "en")])
        );
        assert_ne!(select(&[]), select(&[("accept-language", "fr")]));
    }

    #[test]
    fn two_headers_are_never_taken_for_one() {
        let names = vary(&headers(&[("vary", "x-a, x-b")])).expect("names");
        assert_ne!(
            select(&names, &headers(&[("x-a", "1,2")])),
            select(&names, &headers(&[("x-a", "1"), ("x-b", "2")]))
        );
    }

    #[test]
    fn writes_the_same_wish_for_compression_in_one_way() {
        for (value, expected) in [
            ("gzip, deflate, br, zstd", "br, gzip"),
            ("br;q=1.0, gzip;q=0.8, *;q=0.1", "br, gzip"),
            ("GZIP", "gzip"),
            ("gzip;q=0", "identity"),
            ("gzip; q=0.000, br", "br"),
            ("identity", "identity"),
            ("", "identity"),
        ] {
            assert_eq!(
                Codings::of(&headers(&[("accept-encoding", value)])).as_str(),
                expected,
                "{value}"
            );
        }
    }
}
