//! The network address of who began a request, for limits. One service alone, the one that clients reach first, knows it; it says so in a
//! token that travels on with the request, and nobody else is believed: whoever can choose the address can choose whom the limits are for.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use axum::extract::{ConnectInfo, FromRef, FromRequestParts};
use http::{HeaderMap, HeaderName, HeaderValue, request::Parts};
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};

use super::{
    Claims, ISSUER, KeyError, RELOAD_EVERY_SECONDS, RELOAD_UNKNOWN_KEY_SECONDS, SERVICE_PREFIX,
    SigningKey, TokenError, Verifier, VerifyingKey, service_tokens::read,
};
use crate::clock::Clock;

/// The header that holds the token. Clients can't send it, and services hand it on unread.
pub const CLIENT_ADDRESS: HeaderName = HeaderName::from_static("x-amazoff-client");
/// What it takes to be believed.
pub const MAY_SAY: &str = "clients:name";
/// Whom these tokens are for: nobody takes one for an access token, nor an access token for one.
const AUDIENCE: &str = "amazoff-client-address";

/// How many seconds a token is valid.
const LIFE: i64 = 60;
/// How many clients' tokens are remembered. A signature costs some 20 µs, which is too much for every request of the same client.
const REMEMBERED: usize = 10_000;

/// What such a token says.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct AddressClaims {
    #[serde(flatten)]
    claims: Claims,
    address: IpAddr,
}

/// Says the addresses of clients, in the name of the service that they reach first.
pub struct AddressTokens {
    file: Option<PathBuf>,
    name: String,
    clock: Clock,
    key: Mutex<(SigningKey, i64)>,
    remembered: Cache<IpAddr, (HeaderValue, i64)>,
}

impl AddressTokens {
    /// Signs with the private JWK in a file, which is read again every half a minute: keys rotate without a restart.
    pub fn from_file(path: PathBuf, name: &str, clock: Clock) -> Result<Self, KeyError> {
        let key = read(&path)?;
        Ok(Self {
            file: Some(path),
            ..Self::new(key, name, clock)
        })
    }

    /// Signs with this key for good.
    pub fn new(key: SigningKey, name: &str, clock: Clock) -> Self {
        let now = clock.now().as_second();
        Self {
            file: None,
            name: name.to_owned(),
            clock,
            key: Mutex::new((key, now)),
            remembered: Cache::new(REMEMBERED),
        }
    }

    /// The value of [`CLIENT_ADDRESS`] for a client; `None` when it can't be signed.
    pub fn value(&self, address: IpAddr) -> Option<HeaderValue> {
        let now = self.clock.now().as_second();
        if let Some((value, renew_at)) = self.remembered.get(&address)
            && now < renew_at
        {
            return Some(value);
        }
        match self.sign(address, now) {
            Ok(value) => {
                let renew_at = now.saturating_add(LIFE / 2);
                self.remembered.insert(address, (value.clone(), renew_at));
                Some(value)
            }
            Err(error) => {
                tracing::error!(
                    error = crate::problem::chain(&error),
                    "a client's address could not be signed"
                );
                None
            }
        }
    }

    fn sign(&self, address: IpAddr, now: i64) -> Result<HeaderValue, KeyError> {
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: format!("{SERVICE_PREFIX}{}", self.name),
            iat: now,
            exp: now.saturating_add(LIFE),
            permissions: Vec::new(),
            roles: Vec::new(),
        };
        let mut key = self.key.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = &self.file
            && now.saturating_sub(key.1) >= LIFE / 2
        {
            match read(file) {
                Ok(fresh) => *key = (fresh, now),
                Err(error) => tracing::error!(
                    error = crate::problem::chain(&error),
                    "the service's key could not be read again; the old one stays"
                ),
            }
        }
        let token = key.0.sign(&AddressClaims { claims, address })?;
        let mut value =
            HeaderValue::try_from(token).unwrap_or_else(|_| HeaderValue::from_static("-"));
        value.set_sensitive(true);
        Ok(value)
    }
}

impl Verifier {
    /// The client's address as the service says that may say it; `None` when nobody does who is believed.
    pub fn client_address(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let token = headers.get(CLIENT_ADDRESS)?.to_str().ok()?;
        let shared = &*self.0;
        let now = shared.clock.now().as_second();
        shared.reload_if_older_than(RELOAD_EVERY_SECONDS, now);
        let allow =
            |key: &VerifyingKey, said: AddressClaims| Some((key.allow(said.claims)?, said.address));
        let mut read = shared.read(token, AUDIENCE, allow);
        if matches!(read, Err(TokenError::UnknownKey)) {
            shared.reload_if_older_than(RELOAD_UNKNOWN_KEY_SECONDS, now);
            read = shared.read(token, AUDIENCE, allow);
        }
        let (claims, address) = read.ok()?;
        let may_say = claims.permissions.iter().any(|may| may == MAY_SAY)
            && claims.sub.starts_with(SERVICE_PREFIX);
        (may_say && shared.still_good(&claims, now).is_ok()).then_some(address)
    }
}

/// Who began a request: what [`CLIENT_ADDRESS`] says if it can be believed, else the other end of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl<S> FromRequestParts<S> for ClientAddress
where
    S: Send + Sync,
    Verifier: FromRef<S>,
{
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let said = Verifier::from_ref(state).client_address(&parts.headers);
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let address = said
            .or_else(|| peer.map(|ConnectInfo(peer)| peer.ip()))
            .unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        Ok(Self(address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestIssuer;
    use jiff::Timestamp;
    use std::time::Duration;

    fn noon() -> Clock {
        Clock::fixed(Timestamp::from_second(1_800_000_000).expect("an instant"))
    }

    fn headers(value: HeaderValue) -> HeaderMap {
        HeaderMap::from_iter([(CLIENT_ADDRESS, value)])
    }

    const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

    #[test]
    fn an_address_is_believed_of_who_may_say_it_and_for_a_minute() {
        let (clock, mut issuer) = (noon(), TestIssuer::new());
        let gateway = issuer.addresses(&clock, "gateway", &[MAY_SAY]);
        let verifier = issuer.verifier(clock.clone());
        let said = headers(gateway.value(ADDRESS).expect("signed"));
        assert_eq!(verifier.client_address(&said), Some(ADDRESS));
        assert_eq!(
            gateway.value(ADDRESS),
            gateway.value(ADDRESS),
            "it is signed once"
        );
        clock.advance(Duration::from_secs(61));
        assert_eq!(verifier.client_address(&said), None);
        let again = headers(gateway.value(ADDRESS).expect("signed"));
        assert_eq!(verifier.client_address(&again), Some(ADDRESS));
    }

    #[test]
    fn nobody_else_is_believed() {
        let (clock, mut issuer) = (noon(), TestIssuer::new());
        let other = issuer.addresses(&clock, "cart", &["events:send"]);
        let stranger = TestIssuer::new().addresses(&clock, "gateway", &[MAY_SAY]);
        let person = issuer.token(&clock, "someone", &[MAY_SAY]);
        let service = issuer.service(&clock, "gateway", &[MAY_SAY]).bearer();
        let verifier = issuer.verifier(clock);
        let access = service
            .to_str()
            .expect("ASCII")
            .trim_start_matches("Bearer ");
        for value in [
            other.value(ADDRESS).expect("signed"),
            stranger.value(ADDRESS).expect("signed"),
            HeaderValue::from_str(&person).expect("a token"),
            HeaderValue::from_str(access).expect("a token"),
            HeaderValue::from_static("192.0.2.7"),
            HeaderValue::from_static(""),
        ] {
            assert_eq!(
                verifier.client_address(&headers(value.clone())),
                None,
                "{value:?}"
            );
        }
    }

    #[test]
    fn it_opens_no_door() {
        let (clock, mut issuer) = (noon(), TestIssuer::new());
        let gateway = issuer.addresses(&clock, "gateway", &[MAY_SAY]);
        let value = gateway.value(ADDRESS).expect("signed");
        let verifier = issuer.verifier(clock);
        assert!(verifier.verify(value.to_str().expect("ASCII")).is_err());
    }
}
