//! The order of all writes.
//!
//! A writer claims the next revision by inserting an entry whose `_id` is that number, and says in it what it is about to touch.
//! Inserting is atomic everywhere, so revisions have no gaps and no two writers share one; whoever touches the same thing sees the
//! other's entry and starts again. When its documents are written, the writer settles the entry by inserting a record of the changes.
//!
//! A reader follows the numbers. An entry that is not settled yet is a hole: the reader goes on and comes back to it, so a slow
//! writer delays nobody and is never missed. A writer that died leaves a hole for good; after [`Patience::abandoned`] any observer settles it
//! with what the database holds, and the dead writer, should it only have slept, learns so when it tries to settle.

mod claim;
mod follow;
mod record;

use std::{
    collections::{BTreeMap, HashSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

pub use claim::Claim;
pub use follow::{Follower, News};
use mongodb::{Collection, bson::doc};
use record::{Record, RecordRow};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Db, DbError, is_duplicate, products};
use crate::search::Change;

/// After so many entries, a mark says that everything before is settled, so that nobody starts from the beginning.
const CHECKPOINT_EVERY: u64 = 16;
/// How many checkpoints back the records of changes are kept.
const KEEP_CHECKPOINTS: u64 = 4;

/// How long to wait for what.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// A writer stops when it has not written everything by then.
    pub writing: Duration,
    /// An entry that is open for so long belongs to a dead writer. Well above `writing`.
    pub abandoned: Duration,
    /// How long a writer waits for another one that touches the same.
    pub waiting: Duration,
    /// How long the last command of a write that was cut off may still be under way.
    pub cut_off: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            writing: Duration::from_secs(15),
            abandoned: Duration::from_secs(45),
            waiting: Duration::from_secs(5),
            cut_off: Duration::from_secs(1),
        }
    }
}

/// Why a write could not be ordered.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The database refused, or could not be reached.
    #[error(transparent)]
    Db(#[from] DbError),
    /// Another writer touches the same and does not finish.
    #[error("another write to the same is in progress")]
    Busy,
    /// This writer took too long and must not go on.
    #[error("the write took too long")]
    TooSlow,
}

impl From<mongodb::error::Error> for JournalError {
    fn from(error: mongodb::error::Error) -> Self {
        Self::Db(error.into())
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Entry {
    #[serde(rename = "_id")]
    id: String,
    /// What the writer is about to touch, such as `product:{id}` or `sku:42`, one a line.
    touches: String,
    /// Its record of changes is gone: too old to follow from here.
    #[serde(default)]
    purged: bool,
}

impl Entry {
    fn touches_any(&self, touches: &HashSet<&str>) -> bool {
        self.touches
            .lines()
            .any(|touched| touches.contains(touched))
    }
}

/// The journal. Clones share what they know of it.
#[derive(Clone)]
pub struct Journal {
    db: Db,
    entries: Collection<Entry>,
    records: Collection<RecordRow>,
    /// Everything up to here is settled.
    settled: Arc<AtomicU64>,
    seen: Arc<Mutex<BTreeMap<u64, Instant>>>,
    patience: Patience,
}

/// Up to where a writer has looked before it read what it is going to change.
#[derive(Debug, Clone, Copy)]
pub struct Base(u64);

/// The name under which a product is touched.
pub fn product_touch(id: Uuid) -> String {
    format!("product:{id}")
}

/// The name under which all categories are touched: their rules span the tree.
pub const CATEGORIES_TOUCH: &str = "categories";

impl Journal {
    /// The journal of a database.
    pub fn new(db: Db, patience: Patience) -> Self {
        Self {
            entries: db.collection("journal"),
            records: db.collection("changes"),
            db,
            settled: Arc::default(),
            seen: Arc::default(),
            patience,
        }
    }

    /// Looks for the last checkpoint. To be called before anything else; calling it again does no harm.
    pub async fn find_start(&self) -> Result<u64, DbError> {
        let mut above = 1;
        while self.has_checkpoint(above).await? {
            above *= 2;
        }
        let mut below = above / 2;
        while above - below > 1 {
            let middle = below.midpoint(above);
            if self.has_checkpoint(middle).await? {
                below = middle;
            } else {
                above = middle;
            }
        }
        let start = below * CHECKPOINT_EVERY;
        self.settled.fetch_max(start, Ordering::SeqCst);
        Ok(start)
    }

    /// Waits until no one else is writing what is touched, and says from where on another writer would be in the way.
    pub async fn begin(&self, touches: &[String]) -> Result<Base, JournalError> {
        let touches: HashSet<&str> = touches.iter().map(String::as_str).collect();
        let started = Instant::now();
        loop {
            let mut revision = self.settled.load(Ordering::SeqCst);
            let mut busy = false;
            let mut all_settled = true;
            while let Some(entry) = self.entry(revision + 1).await? {
                revision += 1;
                if self.is_settled(revision).await?
                    || self.settle_abandoned(revision, &entry).await?
                {
                    if all_settled {
                        self.settled.fetch_max(revision, Ordering::SeqCst);
                    }
                    continue;
                }
                all_settled = false;
                busy |= entry.touches_any(&touches);
            }
            if !busy {
                return Ok(Base(revision));
            }
            if started.elapsed() > self.patience.waiting {
                return Err(JournalError::Busy);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Claims the next revision; `None` when someone touched the same since `base`: begin again.
    pub async fn claim(
        &self,
        base: Base,
        touches: &[String],
    ) -> Result<Option<Claim>, JournalError> {
        self.claim_lines(base, touches.join("\n")).await
    }

    async fn claim_lines(
        &self,
        base: Base,
        touches: String,
    ) -> Result<Option<Claim>, JournalError> {
        let mut entry = Entry {
            id: String::new(),
            touches,
            purged: false,
        };
        let mut revision = base.0;
        loop {
            revision += 1;
            entry.id = number(revision);
            match self.entries.insert_one(&entry).await {
                Ok(_) => {
                    return Ok(Some(Claim {
                        revision,
                        touches: entry.touches,
                        since: Instant::now(),
                        journal: self.clone(),
                        is_settled: false,
                    }));
                }
                Err(error) if is_duplicate(&error) => {}
                Err(error) => return Err(error.into()),
            }
            let mine: HashSet<&str> = entry.touches.lines().collect();
            let other = self.entry(revision).await?;
            if other.is_none_or(|other| other.touches_any(&mine)) {
                return Ok(None);
            }
        }
    }

    /// Settles a claim: from now on readers see its changes.
    pub async fn settle(&self, mut claim: Claim, changes: &[Change]) -> Result<(), JournalError> {
        let record = record::of(changes);
        let mut row = record.row(claim.revision)?;
        loop {
            match self.records.insert_one(&row).await {
                Ok(_) => {
                    claim.is_settled = true;
                    return Ok(());
                }
                Err(error) if is_duplicate(&error) => {}
                Err(error) => return Err(error.into()),
            }
            // Someone took this writer for dead and recorded what was there at the time. What was written since must be told anew.
            tracing::warn!(
                revision = claim.revision,
                "took too long to settle; announcing the changes again"
            );
            let base = Base(self.settled.load(Ordering::SeqCst).max(claim.revision));
            let Some(again) = self.claim_lines(base, claim.touches.clone()).await? else {
                return Err(JournalError::TooSlow);
            };
            claim.is_settled = true;
            claim = again;
            row.id = number(claim.revision);
        }
    }

    /// Gives a claim up after writing nothing.
    pub async fn abandon(&self, claim: Claim) -> Result<(), JournalError> {
        self.settle(claim, &[]).await
    }

    async fn entry(&self, revision: u64) -> Result<Option<Entry>, DbError> {
        Ok(self
            .entries
            .find_one(doc! {"_id": number(revision)})
            .await?)
    }

    async fn is_settled(&self, revision: u64) -> Result<bool, DbError> {
        let found = self.records.clone_with_type::<mongodb::bson::Document>();
        let found = found
            .find_one(doc! {"_id": number(revision)})
            .projection(doc! {"_id": 1})
            .await?;
        Ok(found.is_some())
    }

    async fn has_checkpoint(&self, checkpoint: u64) -> Result<bool, DbError> {
        Ok(self
            .entries
            .find_one(doc! {"_id": checkpoint_id(checkpoint)})
            .await?
            .is_some())
    }

    /// Settles an entry for a writer that died, with what it left behind.
    async fn settle_abandoned(&self, revision: u64, entry: &Entry) -> Result<bool, DbError> {
        if entry.purged {
            return Ok(true);
        }
        let first_seen = {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            *seen.entry(revision).or_insert_with(Instant::now)
        };
        if first_seen.elapsed() < self.patience.abandoned {
            return Ok(false);
        }
        tracing::warn!(
            revision,
            "a writer died before it was done; settling for it"
        );
        self.settle_with_what_is_there(revision, &entry.touches)
            .await?;
        Ok(true)
    }

    async fn settle_with_what_is_there(&self, revision: u64, touches: &str) -> Result<(), DbError> {
        let mut record = Record::default();
        for touched in touches.lines() {
            if touched == CATEGORIES_TOUCH {
                record.categories = products::all_categories(&self.db).await?;
            }
            if let Some(id) = touched.strip_prefix("product:") {
                match Uuid::parse_str(id) {
                    Ok(id) => match products::product(&self.db, id).await? {
                        Some(product) => record.products.push(product),
                        None => record.removed.push(id),
                    },
                    Err(error) => tracing::error!(%error, touched, "not a product id"),
                }
            }
        }
        match self.records.insert_one(record.row(revision)?).await {
            Err(error) if !is_duplicate(&error) => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Drops records that nobody follows any more, then marks that everything up to a checkpoint is settled. In that order: whoever
    /// finds the mark leaves the records alone, so a replica that dies before it has dropped them must not leave one.
    async fn checkpoint(&self, checkpoint: u64) -> Result<(), DbError> {
        if self.has_checkpoint(checkpoint).await? {
            return Ok(());
        }
        if let Some(old) = checkpoint.checked_sub(KEEP_CHECKPOINTS) {
            for revision in old * CHECKPOINT_EVERY + 1..=(old + 1) * CHECKPOINT_EVERY {
                let id = doc! {"_id": number(revision)};
                // The entry itself stays, a few bytes: its number must never be claimed again.
                let slim = doc! {"$set": {"touches": "", "purged": true}};
                self.entries.update_one(id.clone(), slim).await?;
                self.records.delete_one(id).await?;
            }
        }
        let mark = Entry {
            id: checkpoint_id(checkpoint),
            touches: String::new(),
            purged: false,
        };
        match self.entries.insert_one(&mark).await {
            Err(error) if !is_duplicate(&error) => Err(error.into()),
            _ => Ok(()),
        }
    }
}

impl Journal {
    async fn record(&self, revision: u64) -> Result<Option<Record>, DbError> {
        let row = self
            .records
            .find_one(doc! {"_id": number(revision)})
            .await?;
        row.map(|row| Record::unpack(&row)).transpose()
    }
}

fn number(revision: u64) -> String {
    format!("{revision:016}")
}

fn checkpoint_id(checkpoint: u64) -> String {
    format!("checkpoint-{checkpoint:012}")
}
