//! Fetches that several requests wait for together.

use crate::variant::Key;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::OnceCell;

/// The fetches that are under way, by address.
#[derive(Default)]
pub(crate) struct Flights(Mutex<HashMap<Key, Arc<Flight>>>);

/// How a fetch that several requests wait for ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Landing {
    /// There was an answer; it may be in the cache now.
    Answered,
    /// There was none.
    Failed,
}

/// A fetch that several requests wait for.
pub(crate) type Flight = OnceCell<Landing>;

impl Flights {
    /// The fetch for this address that all its requests wait for.
    pub(crate) fn board(&self, key: &Key) -> Ticket<'_> {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let flight = match flights.get(key) {
            Some(flight) => Arc::clone(flight),
            None => Arc::clone(flights.entry(key.clone()).or_default()),
        };
        Ticket {
            key: key.clone(),
            flight,
            flights: &self.0,
        }
    }
}

/// A request's part in a fetch. The last one to leave, be it that its client has gone, takes the fetch off the list.
pub(crate) struct Ticket<'cache> {
    key: Key,
    /// The fetch.
    pub(crate) flight: Arc<Flight>,
    flights: &'cache Mutex<HashMap<Key, Arc<Flight>>>,
}

impl Ticket<'_> {
    /// Whoever asks from now on begins a new fetch.
    pub(crate) fn depart(&self) {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        if flights
            .get(&self.key)
            .is_some_and(|listed| Arc::ptr_eq(listed, &self.flight))
        {
            flights.remove(&self.key);
        }
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        // The list's and ours.
        let last = Arc::strong_count(&self.flight) <= 2;
        if last
            && flights
                .get(&self.key)
                .is_some_and(|listed| Arc::ptr_eq(listed, &self.flight))
        {
            flights.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::Caller;
    use http::Request;

    fn key(path: &str) -> Key {
        let caller = Caller {
            address: "192.0.2.1".parse().expect("an address"),
            https: false,
            proxied: false,
        };
        let request = Request::get(path).body(()).expect("a request");
        Key::of(&request.into_parts().0, &caller)
    }

    #[test]
    fn no_fetch_stays_on_the_list_after_its_requests() {
        let flights = Flights::default();
        let (first, second) = (flights.board(&key("/a")), flights.board(&key("/a")));
        assert!(Arc::ptr_eq(&first.flight, &second.flight));
        first.depart();
        let third = flights.board(&key("/a"));
        assert!(!Arc::ptr_eq(&first.flight, &third.flight));
        drop((first, second, third));
        assert!(flights.0.lock().expect("a lock").is_empty());
    }
}
