//! Cookies: the little that browsers keep for the shop. None of them is read by scripts but the one that says that there is something to fetch.

use http::{HeaderMap, HeaderValue, header};

/// A cookie of the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cookie {
    /// A random value that the tokens of forms are bound to.
    Visit,
    /// The cart: its id, and for guests a dot and its token.
    Cart,
    /// The access token of who is logged in.
    Access,
    /// The refresh token of who is logged in.
    Refresh,
    /// The guest's orders: `id.token` of each, the newest first.
    Orders,
    /// What was filled in at the checkout so far.
    Draft,
    /// The payment that the shopper was sent away for.
    Payment,
    /// Tells the script that the header has a count or a name to show.
    Known,
}

const DAY: u64 = 86_400;

impl Cookie {
    /// Every cookie of the shop.
    pub const ALL: [Self; 8] = [
        Self::Visit,
        Self::Cart,
        Self::Access,
        Self::Refresh,
        Self::Orders,
        Self::Draft,
        Self::Payment,
        Self::Known,
    ];

    const fn plain_name(self) -> &'static str {
        match self {
            Self::Visit => "visit",
            Self::Cart => "cart",
            Self::Access => "access",
            Self::Refresh => "refresh",
            Self::Orders => "orders",
            Self::Draft => "draft",
            Self::Payment => "payment",
            Self::Known => "known",
        }
    }

    /// With the prefix that keeps other hosts of the domain from setting it (RFC 6265bis, section 4.1.3.2), where there is https.
    fn name(self, is_secure: bool) -> String {
        let prefix = if is_secure { "__Host-" } else { "" };
        format!("{prefix}{}", self.plain_name())
    }

    /// Seconds that it is kept; `None`: as long as the browser is open.
    const fn lifetime(self) -> Option<u64> {
        match self {
            Self::Visit | Self::Cart | Self::Known | Self::Refresh => Some(90 * DAY),
            Self::Orders => Some(365 * DAY),
            Self::Payment => Some(DAY),
            Self::Access | Self::Draft => None,
        }
    }
}

/// The cookies of a request, and what the answer changes of them.
#[derive(Debug)]
pub struct Jar {
    is_secure: bool,
    values: Vec<(Cookie, String)>,
    changes: Vec<(Cookie, HeaderValue)>,
}

impl Jar {
    /// The shop's cookies that a request brings; `is_secure` when shoppers reach the shop over https.
    pub fn new(headers: &HeaderMap, is_secure: bool) -> Self {
        let mut values = Vec::new();
        let pairs = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='));
        for (name, value) in pairs {
            let known = Cookie::ALL
                .into_iter()
                .find(|cookie| cookie.name(is_secure) == name);
            if let Some(cookie) = known.filter(|_| is_value(value) && !value.is_empty()) {
                values.push((cookie, value.to_owned()));
            }
        }
        Self {
            is_secure,
            values,
            changes: Vec::new(),
        }
    }

    /// The value of a cookie, as the answer leaves it.
    pub fn get(&self, cookie: Cookie) -> Option<&str> {
        self.values
            .iter()
            .find(|(known, _)| *known == cookie)
            .map(|(_, value)| value.as_str())
    }

    /// Sets a cookie for its usual time.
    pub fn set(&mut self, cookie: Cookie, value: &str) {
        self.set_for(cookie, value, cookie.lifetime());
    }

    /// Sets a cookie for some seconds.
    pub fn set_for(&mut self, cookie: Cookie, value: &str, seconds: Option<u64>) {
        if !is_value(value) {
            return;
        }
        self.values.retain(|(known, _)| *known != cookie);
        self.values.push((cookie, value.to_owned()));
        self.change(cookie, value, seconds);
    }

    /// Has the browser forget a cookie.
    pub fn remove(&mut self, cookie: Cookie) {
        let was_there = self.get(cookie).is_some();
        self.values.retain(|(known, _)| *known != cookie);
        self.changes.retain(|(known, _)| *known != cookie);
        if was_there {
            self.change(cookie, "", Some(0));
        }
    }

    /// The `Set-Cookie` headers of the answer.
    pub fn changes(&self) -> impl Iterator<Item = &HeaderValue> {
        self.changes.iter().map(|(_, value)| value)
    }

    fn change(&mut self, cookie: Cookie, value: &str, seconds: Option<u64>) {
        let mut text = format!(
            "{}={value}; Path=/; SameSite=Lax",
            cookie.name(self.is_secure)
        );
        if cookie != Cookie::Known {
            text.push_str("; HttpOnly");
        }
        if self.is_secure {
            text.push_str("; Secure");
        }
        if let Some(seconds) = seconds {
            text.push_str("; Max-Age=");
            text.push_str(&seconds.to_string());
        }
        self.changes.retain(|(known, _)| *known != cookie);
        if let Ok(value) = HeaderValue::from_str(&text) {
            self.changes.push((cookie, value));
        }
    }
}

/// The characters of base64url, of ids and of dots between them: nothing that another attribute could be made of.
fn is_value(value: &str) -> bool {
    value
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jar(cookies: &str, is_secure: bool) -> Jar {
        let value = HeaderValue::from_str(cookies).expect("a header");
        Jar::new(&HeaderMap::from_iter([(header::COOKIE, value)]), is_secure)
    }

    fn changes(jar: &Jar) -> Vec<&str> {
        jar.changes()
            .map(|value| value.to_str().expect("ASCII"))
            .collect()
    }

    #[test]
    fn over_https_a_cookie_belongs_to_this_host_alone() {
        let mut jar = jar("visit=other; __Host-visit=mine; x=y", true);
        assert_eq!(jar.get(Cookie::Visit), Some("mine"));
        jar.set(Cookie::Cart, "id.token");
        assert_eq!(jar.get(Cookie::Cart), Some("id.token"));
        assert_eq!(
            changes(&jar),
            ["__Host-cart=id.token; Path=/; SameSite=Lax; HttpOnly; Secure; Max-Age=7776000"]
        );
    }

    #[test]
    fn a_value_can_bring_no_attribute() {
        let mut jar = jar("cart=a b; orders=\"q\"; draft=", false);
        assert_eq!(jar.get(Cookie::Cart), None);
        assert_eq!(jar.get(Cookie::Orders), None);
        assert_eq!(jar.get(Cookie::Draft), None);
        jar.set(Cookie::Cart, "x; Domain=evil.example");
        assert!(changes(&jar).is_empty());
    }

    #[test]
    fn the_last_change_counts() {
        let mut jar = jar("access=old", false);
        jar.set(Cookie::Access, "new");
        jar.remove(Cookie::Access);
        assert_eq!(jar.get(Cookie::Access), None);
        assert_eq!(
            changes(&jar),
            ["access=; Path=/; SameSite=Lax; HttpOnly; Max-Age=0"]
        );
        jar.remove(Cookie::Draft);
        assert_eq!(
            changes(&jar).len(),
            1,
            "what was never there is not removed"
        );
    }

    #[test]
    fn a_script_reads_only_that_there_is_something() {
        let mut jar = jar("", true);
        for cookie in Cookie::ALL {
            jar.set(cookie, "1");
        }
        for change in changes(&jar) {
            assert_eq!(
                change.contains("HttpOnly"),
                !change.starts_with("__Host-known"),
                "{change}"
            );
        }
    }
}
