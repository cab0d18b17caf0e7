//! The order of all writes.
//!
//! A writer claims the next revision by inserting an entry whose `_id` is that number, and says in it what it is about to touch.
//! Inserting is atomic everywhere, so revisions have no gaps and no two writers share one; whoever touches the same thing sees the
//! other's entry and starts again. When its documents are written, the writer settles the entry by inserting a record of the changes.
//!
//! A reader follows the numbers. An entry that is not settled yet is a hole: the reader goes on and comes back to it, so a slow
//! writer delays nobody and is never missed. A writer that died leaves a hole for good; after [`Patience::abandoned`] any observer settles it
//! with what the database holds, and the dead writer, should it only have slept, learns so when it tries to settle.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use mongodb::{Collection, bson::doc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Db, DbError, is_duplicate, products};
use crate::{category::Category, product::Product, search::Change};

/// After so many entries, a mark says that everything before is settled, so that nobody starts from the beginning.
const CHECKPOINT_EVERY: u64 = 32;
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
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            writing: Duration::from_secs(15),
            abandoned: Duration::from_secs(45),
            waiting: Duration::from_secs(3),
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
        Self::Db(DbError(error))
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Entry {
    #[serde(rename = "_id")]
    id: String,
    /// What the writer is about to touch, such as `product:{id}` or `sku:42`.
    touches: Vec<String>,
    /// Its record of changes is gone: too old to follow from here.
    #[serde(default)]
    purged: bool,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Record {
    #[serde(rename = "_id")]
    id: String,
    #[serde(default)]
    products: Vec<Product>,
    #[serde(default)]
    removed: Vec<String>,
    #[serde(default)]
    categories: Vec<Category>,
}

/// The journal. Clones share what they know of it.
#[derive(Clone)]
pub struct Journal {
    db: Db,
    entries: Collection<Entry>,
    records: Collection<Record>,
    /// Everything up to here is settled.
    settled: Arc<AtomicU64>,
    seen: Arc<Mutex<BTreeMap<u64, Instant>>>,
    patience: Patience,
}

/// Up to where a writer has looked before it read what it is going to change.
#[derive(Debug, Clone, Copy)]
pub struct Base(u64);

/// The right to write under a revision.
#[derive(Debug)]
pub struct Claim {
    /// The revision.
    pub revision: u64,
    touches: Vec<String>,
    since: Instant,
    writing: Duration,
}

impl Claim {
    /// Fails when this writer has taken so long that others may have given it up. Asked before each write.
    pub fn still_holds(&self) -> Result<(), JournalError> {
        if self.since.elapsed() < self.writing { Ok(()) } else { Err(JournalError::TooSlow) }
    }
}

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
        Ok(self.settled.fetch_max(below * CHECKPOINT_EVERY, Ordering::SeqCst).max(below * CHECKPOINT_EVERY))
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
                if self.is_settled(revision).await? || self.settle_abandoned(revision, &entry).await? {
                    if all_settled {
                        self.settled.fetch_max(revision, Ordering::SeqCst);
                    }
                    continue;
                }
                all_settled = false;
                busy |= entry.touches.iter().any(|touched| touches.contains(touched.as_str()));
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
    pub async fn claim(&self, base: Base, touches: Vec<String>) -> Result<Option<Claim>, JournalError> {
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
                        writing: self.patience.writing,
                    }));
                }
                Err(error) if is_duplicate(&error) => {}
                Err(error) => return Err(error.into()),
            }
            let mine: HashSet<&str> = entry.touches.iter().map(String::as_str).collect();
            let other = self.entry(revision).await?;
            if other.is_none_or(|other| other.touches.iter().any(|touched| mine.contains(touched.as_str()))) {
                return Ok(None);
            }
        }
    }

    /// Settles a claim: from now on readers see its changes.
    pub async fn settle(&self, claim: Claim, changes: &[Change]) -> Result<(), JournalError> {
        let mut record = record_of(changes);
        record.id = number(claim.revision);
        loop {
            match self.records.insert_one(&record).await {
                Ok(_) => return Ok(()),
                Err(error) if is_duplicate(&error) => {}
                Err(error) => return Err(error.into()),
            }
            // Someone took this writer for dead and recorded what was there at the time. What was written since must be told anew.
            tracing::warn!(revision = claim.revision, "took too long to settle; announcing the changes again");
            let base = Base(self.settled.load(Ordering::SeqCst).max(claim.revision));
            let Some(again) = self.claim(base, claim.touches.clone()).await? else {
                return Err(JournalError::TooSlow);
            };
            record.id = number(again.revision);
        }
    }

    /// Gives a claim up after writing nothing.
    pub async fn abandon(&self, claim: Claim) -> Result<(), JournalError> {
        self.settle(claim, &[]).await
    }

    async fn entry(&self, revision: u64) -> Result<Option<Entry>, DbError> {
        Ok(self.entries.find_one(doc! {"_id": number(revision)}).await?)
    }

    async fn is_settled(&self, revision: u64) -> Result<bool, DbError> {
        let found = self.records.clone_with_type::<mongodb::bson::Document>();
        let found = found.find_one(doc! {"_id": number(revision)}).projection(doc! {"_id": 1}).await?;
        Ok(found.is_some())
    }

    async fn has_checkpoint(&self, checkpoint: u64) -> Result<bool, DbError> {
        Ok(self.entries.find_one(doc! {"_id": checkpoint_id(checkpoint)}).await?.is_some())
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
        tracing::warn!(revision, "a writer died before it was done; settling for it");
        let mut record = Record {
            id: number(revision),
            ..Record::default()
        };
        for touched in &entry.touches {
            if touched == CATEGORIES_TOUCH {
                record.categories = products::all_categories(&self.db).await?;
            }
            if let Some(id) = touched.strip_prefix("product:") {
                match Uuid::parse_str(id) {
                    Ok(id) => match products::product(&self.db, id).await? {
                        Some(product) => record.products.push(product),
                        None => record.removed.push(id.to_string()),
                    },
                    Err(error) => tracing::error!(%error, touched, "not a product id"),
                }
            }
        }
        match self.records.insert_one(&record).await {
            Err(error) if !is_duplicate(&error) => Err(error.into()),
            _ => Ok(true),
        }
    }

    /// Marks that everything up to a checkpoint is settled, and drops records that nobody follows any more.
    async fn checkpoint(&self, checkpoint: u64) -> Result<(), DbError> {
        let mark = Entry {
            id: checkpoint_id(checkpoint),
            touches: Vec::new(),
            purged: false,
        };
        match self.entries.insert_one(&mark).await {
            Ok(_) => {}
            // Another replica was first, and drops the records too.
            Err(error) if is_duplicate(&error) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        let Some(old) = checkpoint.checked_sub(KEEP_CHECKPOINTS) else {
            return Ok(());
        };
        for revision in old * CHECKPOINT_EVERY + 1..=(old + 1) * CHECKPOINT_EVERY {
            let id = doc! {"_id": number(revision)};
            // The entry itself stays, a few bytes: its number must never be claimed again.
            let slim = doc! {"$set": {"touches": [], "purged": true}};
            self.entries.update_one(id.clone(), slim).await?;
            self.records.delete_one(id).await?;
        }
        Ok(())
    }
}

/// Follows the journal from one number on.
pub struct Follower {
    journal: Journal,
    next: u64,
    holes: BTreeMap<u64, Entry>,
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
        }
    }

    /// Reads what is new since the last look.
    pub async fn look(&mut self) -> Result<News, DbError> {
        let mut changes = Vec::new();
        let open: Vec<u64> = self.holes.keys().copied().collect();
        for revision in open {
            if let Some(record) = self.journal.record(revision).await? {
                self.holes.remove(&revision);
                read(record, revision, &mut changes);
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
            match self.journal.record(self.next).await? {
                Some(record) => read(record, self.next, &mut changes),
                None => {
                    self.journal.settle_abandoned(self.next, &entry).await?;
                    self.holes.insert(self.next, entry);
                }
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

    async fn note_settled(&self) -> Result<(), DbError> {
        let settled = self.holes.keys().next().copied().unwrap_or(self.next) - 1;
        let before = self.journal.settled.fetch_max(settled, Ordering::SeqCst);
        if settled > before {
            let mut seen = self.journal.seen.lock().unwrap_or_else(PoisonError::into_inner);
            *seen = seen.split_off(&settled);
        }
        for checkpoint in before / CHECKPOINT_EVERY + 1..=settled / CHECKPOINT_EVERY {
            self.journal.checkpoint(checkpoint).await?;
        }
        Ok(())
    }
}

impl Journal {
    async fn record(&self, revision: u64) -> Result<Option<Record>, DbError> {
        Ok(self.records.find_one(doc! {"_id": number(revision)}).await?)
    }
}

fn record_of(changes: &[Change]) -> Record {
    let mut record = Record::default();
    for change in changes {
        match change {
            Change::Product(product) => record.products.push(Product::clone(product)),
            Change::Removed(id, _) => record.removed.push(id.to_string()),
            Change::Category(category) => record.categories.push(category.clone()),
        }
    }
    record
}

fn read(record: Record, revision: u64, changes: &mut Vec<Change>) {
    let Record {
        id: _,
        products,
        removed,
        categories,
    } = record;
    changes.extend(categories.into_iter().map(Change::Category));
    changes.extend(products.into_iter().map(|product| Change::Product(Box::new(product))));
    let removed = removed.iter().filter_map(|id| Uuid::parse_str(id).ok());
    changes.extend(removed.map(|id| Change::Removed(id, revision)));
}

fn number(revision: u64) -> String {
    format!("{revision:016}")
}

fn checkpoint_id(checkpoint: u64) -> String {
    format!("checkpoint-{checkpoint:012}")
}
