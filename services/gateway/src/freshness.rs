//! How long an answer may be kept and given to others: a subset of RFC 9111, with RFC 5861's two ways to serve stale answers.
//!
//! Only what an answer says itself counts: without a lifetime in `Cache-Control` it is not kept. What a client says in its own
//! `Cache-Control` is not heeded, so that no client can make the services work harder than others do.

use http::{HeaderMap, StatusCode, header};

/// What an answer allows to be done with it. Times are seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Terms {
    /// How old it may be to be given out as it is.
    pub lifetime: u64,
    /// How much longer it may be given out while a new one is fetched.
    pub while_revalidate: u64,
    /// How much longer it may be given out when no new one can be had.
    pub if_error: u64,
    /// Whether it is for everyone, whatever cookies they send.
    pub public: bool,
}

/// What may be done with an answer of a certain age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// Give it out.
    Fresh,
    /// Give it out, and fetch a new one meanwhile.
    Usable,
    /// Fetch a new one first.
    Stale,
}

impl Terms {
    /// The terms of an answer; `None` when it must not be kept.
    pub fn of(status: StatusCode, headers: &HeaderMap) -> Option<Self> {
        let keepable = matches!(status.as_u16(), 200 | 301 | 308 | 404 | 410);
        if !keepable
            || headers.contains_key(header::SET_COOKIE)
            || headers.contains_key(header::CONTENT_RANGE)
        {
            return None;
        }
        let control = Control::of(headers);
        if control.no_store || control.private {
            return None;
        }
        let lifetime = control.s_maxage.or(control.max_age)?;
        let strict = control.must_revalidate;
        let terms = Self {
            lifetime: if control.no_cache { 0 } else { lifetime },
            while_revalidate: if strict || control.no_cache {
                0
            } else {
                control.stale_while_revalidate
            },
            if_error: if strict || control.no_cache {
                0
            } else {
                control.stale_if_error
            },
            public: control.public || control.s_maxage.is_some(),
        };
        // With a tag, even what is stale at once is worth keeping: asking whether it changed is cheap.
        let useful = terms.kept_for() > 0 || headers.contains_key(header::ETAG);
        useful.then_some(terms)
    }

    /// What may be done with the answer at this age.
    pub fn at(&self, age: u64) -> Freshness {
        if age < self.lifetime {
            Freshness::Fresh
        } else if age < self.lifetime.saturating_add(self.while_revalidate) {
            Freshness::Usable
        } else {
            Freshness::Stale
        }
    }

    /// Whether the answer may stand in at this age when no new one can be had.
    pub fn stands_in_at(&self, age: u64) -> bool {
        age < self.lifetime.saturating_add(self.if_error)
    }

    /// How long there is any use for the answer.
    pub fn kept_for(&self) -> u64 {
        self.lifetime
            .saturating_add(self.while_revalidate.max(self.if_error))
    }
}

/// How old the answer already was when it came, in seconds.
pub fn initial_age(headers: &HeaderMap) -> u64 {
    headers
        .get(header::AGE)
        .and_then(|age| age.to_str().ok()?.trim().parse().ok())
        .unwrap_or(0)
}

/// `Cache-Control` of an answer.
#[derive(Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a directive of its own"
)]
struct Control {
    no_store: bool,
    no_cache: bool,
    private: bool,
    public: bool,
    must_revalidate: bool,
    max_age: Option<u64>,
    s_maxage: Option<u64>,
    stale_while_revalidate: u64,
    stale_if_error: u64,
}

impl Control {
    fn of(headers: &HeaderMap) -> Self {
        let mut control = Self::default();
        let values = headers.get_all(header::CACHE_CONTROL);
        for directive in values
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
        {
            let (name, value) = match directive.split_once('=') {
                Some((name, value)) => (name.trim(), value.trim().trim_matches('"')),
                None => (directive.trim(), ""),
            };
            // What can't be read as a number is as good as expired (RFC 9111, section 4.2.1); what is too large is for ever.
            let seconds = || {
                if value.len() > 9 {
                    1 << 31
                } else {
                    value.parse().unwrap_or(0)
                }
            };
            match name.to_ascii_lowercase().as_str() {
                "no-store" => control.no_store = true,
                "no-cache" => control.no_cache = true,
                "private" => control.private = true,
                "public" => control.public = true,
                "must-revalidate" | "proxy-revalidate" => control.must_revalidate = true,
                // The first of each counts.
                "max-age" if control.max_age.is_none() => control.max_age = Some(seconds()),
                "s-maxage" if control.s_maxage.is_none() => control.s_maxage = Some(seconds()),
                "stale-while-revalidate" => control.stale_while_revalidate = seconds(),
                "stale-if-error" => control.stale_if_error = seconds(),
                _ => {}
            }
        }
        control
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    fn terms(status: u16, headers: &[(&'static str, &'static str)]) -> Option<Terms> {
        let headers = headers
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect();
        Terms::of(StatusCode::from_u16(status).expect("a status"), &headers)
    }

    /// The times in the order of [`Terms`].
    #[track_caller]
    fn check(control: &'static str, expected: Option<(u64, u64, u64)>) {
        let terms = terms(200, &[("cache-control", control)]);
        let times = terms.map(|terms| (terms.lifetime, terms.while_revalidate, terms.if_error));
        assert_eq!(times, expected, "{control}");
    }

    #[test]
    fn keeps_what_says_how_long() {
        check("max-age=60", Some((60, 0, 0)));
        check(
            "public, max-age=5, stale-while-revalidate=60",
            Some((5, 60, 0)),
        );
        check("Max-Age=5 , Stale-If-Error=\"30\"", Some((5, 0, 30)));
        check("max-age=5, s-maxage=60", Some((60, 0, 0)));
        check("max-age=0, stale-while-revalidate=10", Some((0, 10, 0)));
        check("max-age=99999999999999999999", Some((1 << 31, 0, 0)));
        check("max-age=10, max-age=99", Some((10, 0, 0)));
    }

    #[test]
    fn does_not_keep_what_does_not_say_so_or_forbids_it() {
        for control in [
            "",
            "public",
            "no-store",
            "no-store, max-age=60",
            "private, max-age=60",
            "private=\"x\", max-age=60",
            "max-age=0",
            "max-age=soon",
            "max-age=-1",
            "s-maxage=0, max-age=60",
            "no-cache, max-age=60",
        ] {
            check(control, None);
        }
    }

    #[test]
    fn must_revalidate_forbids_stale_answers() {
        check(
            "max-age=5, must-revalidate, stale-while-revalidate=60, stale-if-error=60",
            Some((5, 0, 0)),
        );
        check(
            "max-age=5, proxy-revalidate, stale-if-error=60",
            Some((5, 0, 0)),
        );
    }

    #[test]
    fn no_cache_with_a_tag_is_kept_to_ask_whether_it_changed() {
        let kept = terms(
            200,
            &[("cache-control", "no-cache, max-age=60"), ("etag", "\"1\"")],
        )
        .expect("kept");
        assert_eq!(kept.at(0), Freshness::Stale);
    }

    #[test]
    fn never_keeps_cookies_parts_or_failures() {
        let control = ("cache-control", "public, max-age=60");
        assert!(terms(200, &[control]).is_some());
        assert!(terms(200, &[control, ("set-cookie", "a=1")]).is_none());
        assert!(terms(206, &[control]).is_none());
        assert!(terms(200, &[control, ("content-range", "bytes 0-1/2")]).is_none());
        for (status, kept) in [
            (301, true),
            (302, false),
            (404, true),
            (500, false),
            (503, false),
            (201, false),
        ] {
            assert_eq!(terms(status, &[control]).is_some(), kept, "{status}");
        }
    }

    #[test]
    fn is_public_only_when_it_says_so() {
        for (control, public) in [
            ("max-age=1", false),
            ("public, max-age=1", true),
            ("s-maxage=1", true),
        ] {
            assert_eq!(
                terms(200, &[("cache-control", control)])
                    .expect("kept")
                    .public,
                public,
                "{control}"
            );
        }
    }

    #[test]
    fn ages_through_fresh_usable_and_stale() {
        let terms = Terms {
            lifetime: 5,
            while_revalidate: 10,
            if_error: 100,
            public: true,
        };
        for (age, expected) in [
            (0, Freshness::Fresh),
            (4, Freshness::Fresh),
            (5, Freshness::Usable),
            (14, Freshness::Usable),
            (15, Freshness::Stale),
        ] {
            assert_eq!(terms.at(age), expected, "{age}");
        }
        assert!(terms.stands_in_at(104) && !terms.stands_in_at(105));
        assert_eq!(terms.kept_for(), 105);
    }

    #[test]
    fn reads_the_age_an_answer_came_with() {
        for (age, expected) in [("7", 7), ("x", 0), ("-1", 0)] {
            let headers = HeaderMap::from_iter([(header::AGE, HeaderValue::from_static(age))]);
            assert_eq!(initial_age(&headers), expected);
        }
    }
}
