//! The answers kept in memory.

use crate::{
    freshness::Freshness,
    stored::Stored,
    variant::{Key, Selector, select},
};
use http::{HeaderMap, HeaderName};
use quick_cache::{Weighter, sync::Cache as Bounded};
use smallvec::SmallVec;
use std::sync::Arc;

/// The most answers kept for one address, by what they vary on.
const MAX_VARIANTS: usize = 8;
/// How long, in milliseconds, an address whose answers must not be kept is not asked for one request at a time.
const PASS_FOR_MS: i64 = 10_000;
/// Answers are a few KiB: this many fit in a MiB.
const ITEMS_PER_MIB: u64 = 64;

/// The answers kept in memory, up to a number of bytes.
pub struct Cache {
    slots: Bounded<Key, Arc<Slot>, Weigh>,
}

/// What is known of one address.
enum Slot {
    /// Its answers.
    Answers {
        vary: SmallVec<[HeaderName; 2]>,
        variants: SmallVec<[(Selector, Arc<Stored>); 1]>,
    },
    /// Its answers must not be kept; believed until then (milliseconds since the epoch).
    Pass(i64),
}

/// What the cache has for a request.
pub enum Found {
    /// An answer that may be given out.
    Fresh(Arc<Stored>),
    /// An answer that may be given out while a new one is fetched.
    Usable(Arc<Stored>),
    /// An answer that must be confirmed first.
    Stale(Arc<Stored>),
    /// Nothing, and there never will be.
    Pass,
    /// Nothing.
    Nothing,
}

#[derive(Clone)]
struct Weigh;

impl Weighter<Key, Arc<Slot>> for Weigh {
    fn weight(&self, key: &Key, slot: &Arc<Slot>) -> u64 {
        let variants = match &**slot {
            Slot::Answers { variants, .. } => {
                variants.iter().map(|(_, stored)| stored.weight()).sum()
            }
            Slot::Pass(_) => 0,
        };
        variants + u64::try_from(key.as_str().len()).unwrap_or(u64::MAX / 4) + 128
    }
}

impl Cache {
    /// Keeps up to `mib` MiB; `None` for 0.
    pub fn new(mib: u32) -> Option<Self> {
        let mib = u64::from(mib);
        (mib > 0).then(|| Self {
            slots: Bounded::with_weighter(
                usize::try_from(mib * ITEMS_PER_MIB).unwrap_or(usize::MAX),
                mib * 1024 * 1024,
                Weigh,
            ),
        })
    }

    /// What there is for a request. Who sends cookies gets only what is meant for everyone.
    pub fn find(&self, key: &Key, request: &HeaderMap, now: i64) -> Found {
        let Some(slot) = self.slots.get(key) else {
            return Found::Nothing;
        };
        match &*slot {
            Slot::Pass(until) if now < *until => Found::Pass,
            Slot::Pass(_) => Found::Nothing,
            Slot::Answers { vary, variants } => {
                let wanted = select(vary, request);
                let cookies = request.contains_key(http::header::COOKIE);
                let fits = |(selector, stored): &&(Selector, Arc<Stored>)| {
                    *selector == wanted && (stored.terms.public || !cookies)
                };
                match variants.iter().find(fits) {
                    None => Found::Nothing,
                    Some((_, stored)) => match stored.freshness(now) {
                        Freshness::Fresh => Found::Fresh(Arc::clone(stored)),
                        Freshness::Usable => Found::Usable(Arc::clone(stored)),
                        Freshness::Stale => Found::Stale(Arc::clone(stored)),
                    },
                }
            }
        }
    }

    /// Keeps an answer to a request with these headers.
    pub fn keep(
        &self,
        key: &Key,
        vary: SmallVec<[HeaderName; 2]>,
        request: &HeaderMap,
        stored: Arc<Stored>,
    ) {
        let selector = select(&vary, request);
        let mut variants: SmallVec<[(Selector, Arc<Stored>); 1]> = SmallVec::new();
        if let Some(slot) = self.slots.get(key)
            && let Slot::Answers {
                vary: before,
                variants: kept,
            } = &*slot
            && *before == vary
        {
            let others = || kept.iter().filter(|(other, _)| *other != selector);
            // The oldest make room.
            let surplus = (others().count() + 1).saturating_sub(MAX_VARIANTS);
            variants.extend(others().skip(surplus).cloned());
        }
        variants.push((selector, stored));
        self.slots
            .insert(key.clone(), Arc::new(Slot::Answers { vary, variants }));
    }

    /// Remembers that answers of this address must not be kept, so that its requests need not wait for each other.
    pub fn pass(&self, key: &Key, now: i64) {
        self.slots
            .insert(key.clone(), Arc::new(Slot::Pass(now + PASS_FOR_MS)));
    }

    /// Forgets an address: it was just changed.
    pub fn forget(&self, key: &Key) {
        self.slots.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{caller::Caller, freshness::Terms, variant};
    use bytes::Bytes;
    use http::{HeaderValue, Request, StatusCode, header};

    fn key(path: &str) -> Key {
        let caller = Caller {
            address: "192.0.2.1".parse().expect("an address"),
            https: false,
            proxied: false,
        };
        Key::of(
            &Request::get(path)
                .body(())
                .expect("a request")
                .into_parts()
                .0,
            &caller,
        )
    }

    fn stored(size: usize, public: bool) -> Arc<Stored> {
        let terms = Terms {
            lifetime: 10,
            while_revalidate: 10,
            if_error: 0,
            public,
        };
        Arc::new(Stored::new(
            StatusCode::OK,
            HeaderMap::new(),
            Bytes::from(vec![0; size]),
            terms,
            0,
        ))
    }

    fn request(language: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::ACCEPT_LANGUAGE, HeaderValue::from_static(language))])
    }

    fn by_language() -> SmallVec<[HeaderName; 2]> {
        variant::vary(&HeaderMap::from_iter([(
            header::VARY,
            HeaderValue::from_static("accept-language"),
        )]))
        .expect("names")
    }

    #[test]
    fn finds_the_variant_and_its_freshness() {
        let cache = Cache::new(1).expect("a cache");
        cache.keep(&key("/a"), by_language(), &request("fr"), stored(1, true));
        assert!(matches!(
            cache.find(&key("/a"), &request("fr"), 0),
            Found::Fresh(_)
        ));
        assert!(matches!(
            cache.find(&key("/a"), &request("fr"), 10_000),
            Found::Usable(_)
        ));
        assert!(matches!(
            cache.find(&key("/a"), &request("fr"), 20_000),
            Found::Stale(_)
        ));
        assert!(matches!(
            cache.find(&key("/a"), &request("en"), 0),
            Found::Nothing
        ));
        assert!(matches!(
            cache.find(&key("/b"), &request("fr"), 0),
            Found::Nothing
        ));
    }

    #[test]
    fn keeps_the_newest_variants_only() {
        let cache = Cache::new(1).expect("a cache");
        let languages = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
        for language in languages {
            cache.keep(
                &key("/a"),
                by_language(),
                &request(language),
                stored(1, true),
            );
        }
        let found = languages.map(|language| {
            matches!(
                cache.find(&key("/a"), &request(language), 0),
                Found::Fresh(_)
            )
        });
        assert_eq!(
            found,
            [false, true, true, true, true, true, true, true, true]
        );
    }

    #[test]
    fn gives_who_sends_cookies_only_what_is_for_everyone() {
        let cache = Cache::new(1).expect("a cache");
        let cookies = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_static("a=1"))]);
        cache.keep(
            &key("/a"),
            SmallVec::new(),
            &HeaderMap::new(),
            stored(1, false),
        );
        assert!(matches!(
            cache.find(&key("/a"), &cookies, 0),
            Found::Nothing
        ));
        cache.keep(
            &key("/a"),
            SmallVec::new(),
            &HeaderMap::new(),
            stored(1, true),
        );
        assert!(matches!(
            cache.find(&key("/a"), &cookies, 0),
            Found::Fresh(_)
        ));
    }

    #[test]
    fn holds_no_more_bytes_than_it_may() {
        let cache = Cache::new(1).expect("a cache");
        for index in 0..100 {
            cache.keep(
                &key(&format!("/{index}")),
                SmallVec::new(),
                &HeaderMap::new(),
                stored(100_000, true),
            );
        }
        assert!(cache.slots.weight() <= 1024 * 1024 && cache.slots.len() >= 5);
    }

    #[test]
    fn remembers_for_a_while_what_must_not_be_kept() {
        let cache = Cache::new(1).expect("a cache");
        cache.pass(&key("/a"), 0);
        assert!(matches!(
            cache.find(&key("/a"), &HeaderMap::new(), PASS_FOR_MS - 1),
            Found::Pass
        ));
        assert!(matches!(
            cache.find(&key("/a"), &HeaderMap::new(), PASS_FOR_MS),
            Found::Nothing
        ));
    }
}
