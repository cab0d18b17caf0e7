//! Where products are on the shelf.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
};

use uuid::Uuid;

use super::shelf::Item;

/// Where products are. Shared by all snapshots.
#[derive(Debug, Default)]
pub(super) struct Slots {
    pub(super) by_id: HashMap<Uuid, Known>,
    /// Slots by hashed keys and slugs: hints, to be checked against what they lead to.
    pub(super) by_name: HashMap<u64, u32>,
    hasher: RandomState,
    pub(super) free: Vec<u32>,
    next: u32,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) revision: u64,
    /// Absent while the product is not published.
    pub(super) slot: Option<u32>,
}

impl Slots {
    pub(super) fn take(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            let slot = self.next;
            self.next += 1;
            slot
        })
    }

    pub(super) fn names_of(&self, item: &Item) -> [u64; 3] {
        let [en, fr] = &item.face.slug;
        [
            self.hash("key", &item.face.key),
            self.hash("en", en),
            self.hash("fr", fr),
        ]
    }

    pub(super) fn hash(&self, kind: &str, name: &str) -> u64 {
        self.hasher.hash_one((kind, name))
    }

    pub(super) fn forget_names(&mut self, item: &Item, slot: u32) {
        for name in self.names_of(item) {
            if self.by_name.get(&name) == Some(&slot) {
                self.by_name.remove(&name);
            }
        }
    }
}
