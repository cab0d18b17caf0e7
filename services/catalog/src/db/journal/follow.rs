//! Reading along, past holes and back.

use std::{
    collections::BTreeMap,
    sync::{PoisonError, atomic::Ordering},
};

use super::{CHECKPOINT_EVERY, DbError, Entry, Journal, record};
use crate::search::Change;

/// Follows the journal from one number on.
pub struct Follower {
    journal: Journal,
    next: u64,
    holes: BTreeMap<u64, Entry>,
    /// The last checkpoint that this follower has seen to. Its own count: writers move [`Journal::settled`] on without marking anything.
    checkpoint: u64,
}

/// What a look at the journal brought.
#[derive(Debug)]
pub enum News {
    /// Changes, maybe none. `more` when it is worth looking again at once.
    Changes {
        /// What happened, oldest revision first except for holes that were filled.
        changes: Vec<Change>,
        /// The journal may go on.
        more: bool,
    },
    /// The reader is so far behind that the records are gone: everything must be read anew.
    Lost,
}

/// How many products one look brings at most, to bound memory.
const ENOUGH: usize = 1000;

impl Follower {
    /// A follower that has seen everything up to `revision`.
    pub fn new(journal: Journal, revision: u64) -> Self {
        Self {
            journal,
            next: revision + 1,
            holes: BTreeMap::new(),
            checkpoint: revision / CHECKPOINT_EVERY,
        }
    }

    /// Reads what is new since the last look.
    pub async fn look(&mut self) -> Result<News, DbError> {
        let mut changes = Vec::new();
        let open: Vec<u64> = self.holes.keys().copied().collect();
        for revision in open {
            if let Some(record) = self.journal.record(revision).await? {
                self.holes.remove(&revision);
                record::read(record, revision, &mut changes);
            } else if let Some(entry) = self.holes.get(&revision) {
                // Once settled for the dead writer, the next look reads it.
                self.journal.settle_abandoned(revision, entry).await?;
            }
        }
        let mut more = true;
        while changes.len() < ENOUGH {
            let Some(entry) = self.journal.entry(self.next).await? else {
                more = false;
                break;
            };
            if entry.purged {
                return Ok(News::Lost);
            }
            if let Some(record) = self.journal.record(self.next).await? {
                record::read(record, self.next, &mut changes);
            } else {
                self.journal.settle_abandoned(self.next, &entry).await?;
                self.holes.insert(self.next, entry);
            }
            self.next += 1;
        }
        self.note_settled().await?;
        Ok(News::Changes { changes, more })
    }

    /// The entries that are claimed but not settled.
    pub fn holes(&self) -> usize {
        self.holes.len()
    }

    async fn note_settled(&mut self) -> Result<(), DbError> {
        let settled = self.holes.keys().next().copied().unwrap_or(self.next) - 1;
        let before = self.journal.settled.fetch_max(settled, Ordering::SeqCst);
        if settled > before {
            let mut seen = self
                .journal
                .seen
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            *seen = seen.split_off(&settled);
        }
        while self.checkpoint < settled / CHECKPOINT_EVERY {
            self.journal.checkpoint(self.checkpoint + 1).await?;
            self.checkpoint += 1;
        }
        Ok(())
    }
}
