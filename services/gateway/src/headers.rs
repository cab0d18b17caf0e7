//! Which headers pass through, in both directions.

use crate::caller::{Caller, X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use smallvec::SmallVec;

/// Meant for the next hop only (RFC 9110, section 7.6.1), and the old ones that are still seen.
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// What only the gateway may say about a client, and what makes a server answer another address than the one that was
/// routed and limited.
const NOT_FROM_CLIENTS: [&str; 9] = [
    "x-user-",
    "x-amazoff-",
    "x-forwarded-",
    "x-real-ip",
    "x-client-ip",
    "x-original-",
    "x-rewrite-",
    "x-http-method",
    "x-envoy-",
];

/// Makes a client's headers fit for an upstream. `upgrade` is the protocol that this hop and the next agree to switch to.
pub fn to_upstream(headers: &mut HeaderMap, caller: &Caller, upgrade: Option<HeaderValue>) {
    let forwarded_host = caller
        .proxied
        .then(|| headers.remove(X_FORWARDED_HOST))
        .flatten();
    remove_hop_by_hop(headers);
    let dropped: SmallVec<[HeaderName; 4]> = headers
        .keys()
        .filter(|name| is_not_from_clients(name))
        .cloned()
        .collect();
    for name in dropped {
        headers.remove(name);
    }
    // The gateway answers it itself, when it begins to read the body.
    headers.remove(header::EXPECT);
    join_cookies(headers);

    let scheme = if caller.https { "https" } else { "http" };
    headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(scheme));
    let address = text(&caller.address.to_string());
    headers.insert(header::FORWARDED, forwarded(caller, scheme));
    headers.insert(X_FORWARDED_FOR, address);
    if let Some(host) = forwarded_host.or_else(|| headers.get(header::HOST).cloned()) {
        headers.insert(X_FORWARDED_HOST, host);
    }
    if let Some(protocol) = upgrade {
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, protocol);
    }
}

/// Makes an upstream's headers fit for a client.
pub fn to_client(headers: &mut HeaderMap) {
    remove_hop_by_hop(headers);
    headers.remove(header::SERVER);
    headers.remove("x-powered-by");
}

/// What every answer says to browsers, unless the upstream has said it better.
pub fn secure(headers: &mut HeaderMap, https: bool) {
    const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
    let mut default = |name: HeaderName, value: &'static str| {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    };
    default(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    default(header::REFERRER_POLICY, "strict-origin-when-cross-origin");
    default(header::CONTENT_SECURITY_POLICY, "frame-ancestors 'self'");
    default(
        PERMISSIONS_POLICY,
        "camera=(), geolocation=(), microphone=()",
    );
    if https {
        default(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
}

/// The protocol a client asks to switch to, if it asks as it should.
pub fn wanted_upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let protocol = headers.get(header::UPGRADE)?;
    nominated(headers)
        .any(|name| name.eq_ignore_ascii_case("upgrade"))
        .then(|| protocol.clone())
}

/// How many bytes the headers take on the wire.
pub fn size(headers: &HeaderMap) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum()
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(header::CONNECTION) {
        let names: SmallVec<[HeaderName; 4]> = nominated(headers)
            // Framing and addressing are not a client's to take away from the next hop.
            .filter(|name| {
                !name.eq_ignore_ascii_case("host") && !name.eq_ignore_ascii_case("content-length")
            })
            .filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok())
            .collect();
        for name in names {
            headers.remove(name);
        }
    }
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
}

/// The names in `Connection`.
fn nominated(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(header::CONNECTION).into_iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}

fn is_not_from_clients(name: &HeaderName) -> bool {
    let name = name.as_str();
    name == "forwarded"
        || (name.starts_with("x-")
            && NOT_FROM_CLIENTS
                .iter()
                .any(|prefix| name.starts_with(prefix)))
}

/// HTTP/2 may split cookies over several headers; HTTP/1.1 servers read one (RFC 9113, section 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    if headers.get_all(header::COOKIE).iter().nth(1).is_none() {
        return;
    }
    let cookies: Vec<&[u8]> = headers
        .get_all(header::COOKIE)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    if let Ok(joined) = HeaderValue::from_bytes(&cookies.join(&b"; "[..])) {
        headers.insert(header::COOKIE, joined);
    }
}

/// RFC 7239. The host is left out: it is in `X-Forwarded-Host`, and quoting it would be one more thing to get wrong.
fn forwarded(caller: &Caller, scheme: &str) -> HeaderValue {
    let address = caller.address;
    text(&if address.is_ipv6() {
        format!("for=\"[{address}]\";proto={scheme}")
    } else {
        format!("for={address};proto={scheme}")
    })
}

fn text(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(&str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&str, &str)| {
            (
                HeaderName::from_bytes(name.as_bytes()).expect("a name"),
                HeaderValue::from_str(value).expect("a value"),
            )
        };
        let mut map = HeaderMap::new();
        for (name, value) in list.iter().map(pair) {
            map.append(name, value);
        }
        map
    }

    fn passed(list: &[(&str, &str)], proxied: bool, https: bool) -> Vec<(String, String)> {
        let caller = Caller {
            address: "192.0.2.1".parse().expect("an address"),
            https,
            proxied,
        };
        let mut headers = headers(list);
        to_upstream(&mut headers, &caller, None);
        let text = |value: &HeaderValue| value.to_str().expect("ascii").to_owned();
        let mut list: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name.to_string(), text(value)))
            .collect();
        list.sort();
        list
    }

    #[track_caller]
    fn check(sent: &[(&str, &str)], expected: &[(&str, &str)]) {
        let mut expected: Vec<_> = expected
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        for (name, value) in [
            ("forwarded", "for=192.0.2.1;proto=http"),
            ("x-forwarded-for", "192.0.2.1"),
            ("x-forwarded-proto", "http"),
        ] {
            expected.push((name.to_owned(), value.to_owned()));
        }
        expected.sort();
        assert_eq!(passed(sent, false, false), expected, "{sent:?}");
    }

    #[test]
    fn passes_on_what_is_the_clients_to_say() {
        check(
            &[
                ("host", "shop.example"),
                ("authorization", "Bearer t"),
                ("accept", "*/*"),
                ("if-match", "\"3\""),
            ],
            &[
                ("host", "shop.example"),
                ("authorization", "Bearer t"),
                ("accept", "*/*"),
                ("if-match", "\"3\""),
                ("x-forwarded-host", "shop.example"),
            ],
        );
    }

    #[test]
    fn strips_identity_that_a_client_claims() {
        check(
            &[
                ("x-user-id", "1"),
                ("x-amazoff-permissions", "catalog:write"),
                ("x-forwarded-for", "10.0.0.1"),
                ("x-forwarded-host", "evil.example"),
                ("x-forwarded-proto", "https"),
                ("x-forwarded-prefix", "/x"),
                ("x-real-ip", "10.0.0.1"),
                ("x-original-url", "/admin"),
                ("x-http-method-override", "DELETE"),
                ("forwarded", "for=10.0.0.1"),
                ("x-requested-with", "fetch"),
            ],
            &[("x-requested-with", "fetch")],
        );
    }

    #[test]
    fn strips_what_is_meant_for_this_hop() {
        check(
            &[
                ("connection", "close, X-Private , te"),
                ("x-private", "1"),
                ("te", "trailers"),
                ("keep-alive", "timeout=5"),
                ("proxy-connection", "keep-alive"),
                ("proxy-authorization", "Basic eA=="),
                ("upgrade", "h2c"),
                ("trailer", "x-sum"),
                ("transfer-encoding", "chunked"),
                ("expect", "100-continue"),
                ("accept", "*/*"),
            ],
            &[("accept", "*/*")],
        );
    }

    #[test]
    fn lets_no_client_take_framing_or_address_away() {
        check(
            &[
                ("connection", "host, content-length, x-forwarded-for"),
                ("host", "shop.example"),
                ("content-length", "3"),
            ],
            &[
                ("host", "shop.example"),
                ("content-length", "3"),
                ("x-forwarded-host", "shop.example"),
            ],
        );
    }

    #[test]
    fn joins_cookies_that_http_2_split() {
        check(
            &[("cookie", "a=1"), ("cookie", "b=2")],
            &[("cookie", "a=1; b=2")],
        );
    }

    #[test]
    fn believes_the_host_of_a_trusted_proxy() {
        let sent = [
            ("host", "10.0.0.9"),
            ("x-forwarded-host", "shop.example"),
            ("x-forwarded-for", "a, b"),
        ];
        let passed = passed(&sent, true, true);
        for (name, value) in [
            ("x-forwarded-host", "shop.example"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-for", "192.0.2.1"),
        ] {
            assert!(
                passed.contains(&(name.to_owned(), value.to_owned())),
                "{name} in {passed:?}"
            );
        }
    }

    #[test]
    fn upgrades_only_when_the_connection_header_says_so() {
        let wanted = |list: &[(&str, &str)]| wanted_upgrade(&headers(list));
        assert_eq!(
            wanted(&[
                ("upgrade", "websocket"),
                ("connection", "keep-alive, Upgrade")
            ]),
            Some(HeaderValue::from_static("websocket"))
        );
        assert_eq!(wanted(&[("upgrade", "websocket")]), None);
        assert_eq!(wanted(&[("connection", "upgrade")]), None);
    }

    #[test]
    fn adds_security_headers_only_where_they_are_missing() {
        let mut headers = headers(&[("content-security-policy", "default-src 'none'")]);
        secure(&mut headers, false);
        assert_eq!(headers["content-security-policy"], "default-src 'none'");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert!(!headers.contains_key("strict-transport-security"));
        secure(&mut headers, true);
        assert!(headers.contains_key("strict-transport-security"));
    }
}
