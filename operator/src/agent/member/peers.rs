//! Where the members of the set are.

use std::str::FromStr;

use crate::databases::mariadb::record::Member;

/// The addresses of the members' servers, in the order of their ordinals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peers(Vec<(String, u16)>);

/// What an address has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("members are given as host:port, separated by commas")]
pub struct BadPeers;

impl FromStr for Peers {
    type Err = BadPeers;

    fn from_str(text: &str) -> Result<Self, BadPeers> {
        let peers = text.split(',').map(|address| {
            let (host, port) = address.rsplit_once(':').ok_or(BadPeers)?;
            // They become part of a statement that takes no parameters.
            let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
            if host.is_empty() || !host.bytes().all(is_name) {
                return Err(BadPeers);
            }
            Ok((
                host.to_owned(),
                port.parse().map_err(|_not_a_port| BadPeers)?,
            ))
        });
        peers.collect::<Result<_, _>>().map(Self)
    }
}

impl Peers {
    /// How many there are.
    pub fn count(&self) -> Member {
        Member::try_from(self.0.len()).unwrap_or(Member::MAX)
    }

    /// Where a member's server is.
    pub fn address(&self, member: Member) -> Option<(&str, u16)> {
        let index = usize::try_from(member).ok()?;
        self.0.get(index).map(|(host, port)| (host.as_str(), *port))
    }

    /// Whose server is at `host:port`.
    pub fn member_at(&self, address: &str) -> Option<Member> {
        let place = self
            .0
            .iter()
            .position(|(host, port)| format!("{host}:{port}") == address)?;
        Member::try_from(place).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_names_and_ports_and_nothing_else() {
        let peers: Peers = "a-0.a:3306,a-1.a:3307".parse().expect("addresses");
        assert_eq!(peers.address(1), Some(("a-1.a", 3307)));
        assert_eq!(
            (peers.member_at("a-1.a:3307"), peers.address(2)),
            (Some(1), None)
        );
        for wrong in ["", "a", "a:x", ":3306", "a'; DROP:1", "a:3306,"] {
            assert_eq!(wrong.parse::<Peers>(), Err(BadPeers), "{wrong}");
        }
    }
}
