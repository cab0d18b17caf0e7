//! Who is at the other end: the client's address, scheme and trace, as far as the proxies in between are believed.

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;
use kit::context::{REQUEST_ID, TRACEPARENT, TRACESTATE};
use std::net::{IpAddr, Ipv6Addr};

pub(crate) const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
pub(crate) const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
pub(crate) const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The client as the nearest believable proxy describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// Its address.
    pub address: IpAddr,
    /// Whether it speaks TLS to the first proxy.
    pub https: bool,
    /// Whether the connection comes from a proxy that is believed.
    pub proxied: bool,
}

impl Caller {
    /// Reads `X-Forwarded-For` from the right, past the proxies that are believed: what stands further left was written by
    /// someone who is not.
    pub fn of(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> Self {
        let peer = peer.to_canonical();
        if !is_trusted(&peer, trusted) {
            return Self {
                address: peer,
                https: false,
                proxied: false,
            };
        }
        let mut address = peer;
        let chain = headers.get_all(X_FORWARDED_FOR);
        let chain = chain
            .iter()
            .filter_map(|value| value.to_str().ok())
            .collect::<Vec<_>>();
        for hop in chain.iter().rev().flat_map(|value| value.rsplit(',')) {
            let Some(hop) = parse_hop(hop.trim()) else {
                break;
            };
            address = hop;
            if !is_trusted(&hop, trusted) {
                break;
            }
        }
        let https = headers
            .get(X_FORWARDED_PROTO)
            .is_some_and(|scheme| scheme.as_bytes().eq_ignore_ascii_case(b"https"));
        Self {
            address,
            https,
            proxied: true,
        }
    }

    /// What the client is limited by: an IPv4 address, or an IPv6 network of 64 bits, which one household has all of.
    pub fn network(&self) -> IpAddr {
        match self.address {
            IpAddr::V4(_) => self.address,
            IpAddr::V6(address) => {
                IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)))
            }
        }
    }
}

/// Forgets the request id and the trace of a request that does not come from a proxy that is believed: it begins anew here. Who
/// may choose them makes the lines of different requests look like one, and has traces recorded at the shop's expense; and
/// what is well formed can still be someone else's.
pub fn forget_context(peer: IpAddr, headers: &mut HeaderMap, trusted: &[IpNet]) {
    if !is_trusted(&peer.to_canonical(), trusted) {
        for name in [REQUEST_ID, TRACEPARENT, TRACESTATE] {
            headers.remove(name);
        }
    }
}

fn is_trusted(address: &IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(address))
}

/// `192.0.2.1`, `192.0.2.1:1234`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:1234`.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    let bare = match hop.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        None if hop.matches(':').count() == 1 => hop.split_once(':')?.0,
        None => hop,
    };
    bare.parse::<IpAddr>()
        .ok()
        .map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[track_caller]
    fn check(peer: &str, forwarded_for: &[&str], expected: &str) {
        let trusted = ["10.0.0.0/8", "fd00::/8"].map(|network| network.parse().expect("a network"));
        let mut headers = HeaderMap::new();
        for value in forwarded_for {
            headers.append(
                X_FORWARDED_FOR,
                HeaderValue::from_str(value).expect("a header"),
            );
        }
        let caller = Caller::of(peer.parse().expect("an address"), &headers, &trusted);
        assert_eq!(
            caller.network().to_string(),
            expected,
            "{peer} {forwarded_for:?}"
        );
    }

    #[test]
    fn believes_only_trusted_proxies() {
        check("192.0.2.1", &[], "192.0.2.1");
        check("192.0.2.1", &["198.51.100.7"], "192.0.2.1");
        check("10.1.1.1", &[], "10.1.1.1");
        check("10.1.1.1", &["198.51.100.7"], "198.51.100.7");
        check("::ffff:10.1.1.1", &["198.51.100.7"], "198.51.100.7");
        check(
            "10.1.1.1",
            &["203.0.113.9, 198.51.100.7, 10.2.2.2"],
            "198.51.100.7",
        );
        check(
            "10.1.1.1",
            &["203.0.113.9", "198.51.100.7", "10.2.2.2"],
            "198.51.100.7",
        );
        check("10.1.1.1", &["10.3.3.3, 10.2.2.2"], "10.3.3.3");
    }

    #[test]
    fn stops_at_what_is_not_an_address() {
        check("10.1.1.1", &["203.0.113.9, unknown"], "10.1.1.1");
        check("10.1.1.1", &["203.0.113.9, nonsense, 10.2.2.2"], "10.2.2.2");
        check("10.1.1.1", &[""], "10.1.1.1");
    }

    #[test]
    fn reads_ports_and_brackets_and_groups_ipv6_by_household() {
        check("10.1.1.1", &["198.51.100.7:4321"], "198.51.100.7");
        check("fd00::1", &["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::");
        check("fd00::1", &["[2001:db8:1:2:3:4:5:6]"], "2001:db8:1:2::");
        check("fd00::1", &["[2001:db8:1:2:aaaa::1]:99"], "2001:db8:1:2::");
    }

    #[test]
    fn takes_the_scheme_only_from_trusted_proxies() {
        let trusted = ["10.0.0.0/8".parse().expect("a network")];
        let headers =
            HeaderMap::from_iter([(X_FORWARDED_PROTO, HeaderValue::from_static("https"))]);
        let https =
            |peer: &str| Caller::of(peer.parse().expect("an address"), &headers, &trusted).https;
        assert!(https("10.0.0.1") && !https("192.0.2.1"));
    }
}
