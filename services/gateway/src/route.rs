//! What a route declares, and which route a path takes.

use std::time::Duration;

/// One line of the table in [`crate::routes`].
#[derive(Debug)]
pub struct Route {
    /// Its name in logs and metrics.
    pub name: &'static str,
    /// The paths it takes: this one, and those below it.
    pub prefix: &'static str,
    /// Who answers.
    pub target: Target,
    /// What its requests count as when they are limited.
    pub class: Class,
    /// Who may call.
    pub access: Access,
    /// Whether answers to anonymous GETs may be kept, when the answers themselves allow it.
    pub cached: bool,
    /// The most bytes a request's body may have.
    pub max_body: u64,
    /// How long the upstream may take to begin its answer, and how long any pause in a body may last.
    pub timeout: Duration,
}

/// Who answers a route's requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The catalog service.
    Catalog,
    /// The storefront service.
    Storefront,
    /// The users service.
    Users,
    /// The cart service.
    Cart,
    /// The orders service.
    Orders,
    /// The payment service.
    Payment,
    /// The notifications service.
    Notifications,
    /// Nobody outside may ask for this: 404.
    Nobody,
}

/// Requests that are limited together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Files that never change.
    Assets,
    /// Pages for people.
    Pages,
    /// Reading the API.
    Reads,
    /// Searching, and suggestions while typing.
    Searches,
    /// Changes.
    Writes,
    /// Streams of many changes.
    Imports,
    /// Whatever could be guessed: passwords, codes, order numbers.
    Logins,
    /// What payment providers send, all from a few addresses.
    Webhooks,
}

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anyone; a token that is sent must still be valid.
    Anyone,
    /// Anyone may read; changing needs a token.
    WritesNeedToken,
    /// Everything needs a token with this permission.
    Needs(&'static str),
}

impl Target {
    /// Everyone who answers.
    pub const ALL: [Self; 7] = [
        Self::Catalog,
        Self::Storefront,
        Self::Users,
        Self::Cart,
        Self::Orders,
        Self::Payment,
        Self::Notifications,
    ];
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 8] = [
        Self::Assets,
        Self::Pages,
        Self::Reads,
        Self::Searches,
        Self::Writes,
        Self::Imports,
        Self::Logins,
        Self::Webhooks,
    ];

    /// Its place in [`Class::ALL`].
    pub const fn index(self) -> usize {
        match self {
            Self::Assets => 0,
            Self::Pages => 1,
            Self::Reads => 2,
            Self::Searches => 3,
            Self::Writes => 4,
            Self::Imports => 5,
            Self::Logins => 6,
            Self::Webhooks => 7,
        }
    }

    /// Its name in settings, headers and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Assets => "assets",
            Self::Pages => "pages",
            Self::Reads => "reads",
            Self::Searches => "searches",
            Self::Writes => "writes",
            Self::Imports => "imports",
            Self::Logins => "logins",
            Self::Webhooks => "webhooks",
        }
    }
}

/// The first route of `table` that takes `path`.
pub fn find<'table>(table: &'table [Route], path: &str) -> Option<&'table Route> {
    table.iter().find(|route| route.takes(path))
}

impl Route {
    fn takes(&self, path: &str) -> bool {
        match path.strip_prefix(self.prefix) {
            Some(rest) => rest.is_empty() || self.prefix.ends_with('/') || rest.starts_with('/'),
            None => false,
        }
    }
}

/// Whether a path means the same to every server that reads it: no dot segments, no doubled or backward slashes, no control
/// bytes, in the clear or percent-encoded. Others could slip past a route's prefix and mean something else behind it.
pub fn is_plain(path: &str) -> bool {
    if !path.starts_with('/') {
        return false;
    }
    // Nearly every path has none of these bytes, and then there is nothing to look into.
    let suspicious =
        |byte: u8| matches!(byte, b'.' | b'%' | b'\\') || byte.is_ascii_control() || byte >= 0x80;
    if !path.bytes().any(suspicious) {
        return !path.contains("//");
    }
    let Some(decoded) = decode(path) else {
        return false;
    };
    let hidden = |byte: &u8| *byte == b'\\' || byte.is_ascii_control();
    !decoded.iter().any(hidden)
        && !encodes_slash(path)
        && !path.contains("//")
        && decoded
            .split(|byte| *byte == b'/')
            .all(|segment| segment != b"." && segment != b"..")
}

fn encodes_slash(path: &str) -> bool {
    path.as_bytes()
        .windows(3)
        .any(|window| window.eq_ignore_ascii_case(b"%2f"))
}

fn decode(path: &str) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let high = char::from(bytes.next()?).to_digit(16)?;
            let low = char::from(bytes.next()?).to_digit(16)?;
            decoded.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            decoded.push(byte);
        }
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::ROUTES;

    #[track_caller]
    fn check(path: &str, expected: &str) {
        assert_eq!(
            find(ROUTES, path).map(|route| route.name),
            Some(expected),
            "{path}"
        );
    }

    #[test]
    fn paths_take_the_first_route_that_holds_them() {
        check("/", "pages");
        check("/fr/p/lait-entier", "pages");
        check("/v1/products", "products");
        check("/v1/products/0193", "products");
        check("/v1/productsearch", "unknown");
        check("/v1/suggestions", "suggestions");
        check("/v1/imports/products", "imports");
        check("/v1/me", "me");
        check("/v1/me/cart/merge", "my-cart");
        check("/v1/me/orders", "my-orders");
        check("/v1/stock/imports", "stock-imports");
        check("/v1/stock", "stock");
        check("/v1/nothing", "unknown");
        check("/.well-known/jwks.json", "keys");
        check("/internal/v1/people/1", "internal");
        check("/metrics", "metrics");
        check("/health/ready", "health");
        check("/healthy-food", "pages");
    }

    #[test]
    fn every_path_has_a_route_and_every_name_is_used_once() {
        assert_eq!(ROUTES.last().map(|route| route.prefix), Some("/"));
        for (index, route) in ROUTES.iter().enumerate() {
            let same = ROUTES.iter().position(|other| other.name == route.name);
            assert_eq!(same, Some(index), "{}", route.name);
            check(route.prefix, route.name);
        }
    }

    #[test]
    fn refuses_paths_that_servers_read_differently() {
        for (path, plain) in [
            ("/", true),
            ("/en/p/milk-2.5-l", true),
            ("/caf%C3%A9", true),
            ("/.well-known/security.txt", true),
            ("/a/../b", false),
            ("/a/%2e%2E/b", false),
            ("/a/./b", false),
            ("/a/..", false),
            ("/a//b", false),
            ("//evil.example", false),
            ("/a%2fb", false),
            ("/a%5Cb", false),
            ("/a\\b", false),
            ("/a%00", false),
            ("/a%0d%0ab", false),
            ("/a%zz", false),
            ("/a%2", false),
            ("*", false),
            ("", false),
        ] {
            assert_eq!(is_plain(path), plain, "{path}");
        }
    }
}
