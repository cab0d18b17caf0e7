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

use lz4_flex::block;
use mongodb::{
    Collection,
    bson::{Binary, doc, spec::BinarySubtype},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Db, DbError, is_duplicate, products};
use crate::{category::Category, product::Product, search::Change};

/// After so many entries, a mark says that everything before is settled, so that nobody starts from the beginning.
const CHECKPOINT_EVERY: u64 = 16;
/// How many checkpoints back the records of changes are kept.
const KEEP_CHECKPOINTS: u64 = 4;

/// A record holds a batch of an import, which is a few MiB; a larger length is damage.
const LARGEST_RECORD: usize = 64 * 1024 * 1024;

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

/// What changed, as compressed JSON: an import's record holds hundreds of products, which the database has no need to look into.
#[derive(Debug, Serialize, Deserialize)]
struct RecordRow {
    #[serde(rename = "_id")]
    id: String,
    changes: Binary,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Record {
    #[serde(default)]
    products: Vec<Product>,
    #[serde(default)]
    removed: Vec<Uuid>,
    #[serde(default)]
    categories: Vec<Category>,
}

impl Record {
    fn row(&self, revision: u64) -> Result<RecordRow, DbError> {
        let json = serde_json::to_vec(self).map_err(DbError::record)?;
        Ok(RecordRow {
            id: number(revision),
            changes: Binary {
                subtype: BinarySubtype::Generic,
                bytes: compress(&json)?,
            },
        })
    }

    fn read(row: &RecordRow) -> Result<Self, DbError> {
        let json = decompress(&row.changes.bytes)?;
        serde_json::from_slice(&json).map_err(DbError::record)
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

/// The right to write under a revision. One that is dropped before it is settled (the write failed, or its caller went away) is settled
/// in the background with what the database holds, so that nobody waits for it.
pub struct Claim {
    /// The revision.
    pub revision: u64,
    touches: String,
    since: Instant,
    journal: Journal,
    is_settled: bool,
}

impl Claim {
    /// Fails when this writer has taken so long that others may have given it up. Asked before each write.
    pub fn still_holds(&self) -> Result<(), JournalError> {
        if self.since.elapsed() < self.journal.patience.writing {
            Ok(())
        } else {
            Err(JournalError::TooSlow)
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        if self.is_settled {
            return;
        }
        let journal = self.journal.clone();
        let (revision, touches) = (self.revision, std::mem::take(&mut self.touches));
        runtime.spawn(async move {
            let until = Instant::now() + journal.patience.abandoned;
            // What was under way when the write was cut off has come to an end by then.
            let mut pause = journal.patience.cut_off;
            while Instant::now() < until {
                tokio::time::sleep(pause).await;
                match journal.settle_with_what_is_there(revision, &touches).await {
                    Ok(()) => return,
                    Err(error) => tracing::debug!(
                        revision,
                        error = kit::problem::chain(&error),
                        "can't settle for a write that was cut off yet"
                    ),
                }
                pause = pause.max(Duration::from_millis(500));
            }
        });
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
        Ok(self
            .settled
            .fetch_max(below * CHECKPOINT_EVERY, Ordering::SeqCst)
            .max(below * CHECKPOINT_EVERY))
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
        let record = record_of(changes);
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

    /// Marks that everything up to a checkpoint is settled, and drops records that nobody follows any more.
    async fn checkpoint(&self, checkpoint: u64) -> Result<(), DbError> {
        let mark = Entry {
            id: checkpoint_id(checkpoint),
            touches: String::new(),
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
            let slim = doc! {"$set": {"touches": "", "purged": true}};
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
            if let Some(record) = self.journal.record(self.next).await? {
                read(record, self.next, &mut changes);
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

    async fn note_settled(&self) -> Result<(), DbError> {
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
        for checkpoint in before / CHECKPOINT_EVERY + 1..=settled / CHECKPOINT_EVERY {
            self.journal.checkpoint(checkpoint).await?;
        }
        Ok(())
    }
}

impl Journal {
    async fn record(&self, revision: u64) -> Result<Option<Record>, DbError> {
        let row = self
            .records
            .find_one(doc! {"_id": number(revision)})
            .await?;
        row.map(|row| Record::read(&row)).transpose()
    }
}

/// LZ4 behind the length of what it holds.
fn compress(json: &[u8]) -> Result<Vec<u8>, DbError> {
    let length = u32::try_from(json.len())
        .map_err(DbError::record)?
        .to_le_bytes();
    let mut bytes = vec![0; length.len() + block::get_maximum_output_size(json.len())];
    bytes[..length.len()].copy_from_slice(&length);
    let written =
        block::compress_into(json, &mut bytes[length.len()..]).map_err(DbError::record)?;
    bytes.truncate(length.len() + written);
    Ok(bytes)
}

fn decompress(bytes: &[u8]) -> Result<Vec<u8>, DbError> {
    let (length, rest) = bytes.split_first_chunk().ok_or(DbError::Truncated)?;
    let length = usize::try_from(u32::from_le_bytes(*length)).map_err(DbError::record)?;
    let mut json = vec![0; length.min(LARGEST_RECORD)];
    let written = block::decompress_into(rest, &mut json).map_err(DbError::record)?;
    json.truncate(written);
    Ok(json)
}

fn record_of(changes: &[Change]) -> Record {
    let mut record = Record::default();
    for change in changes {
        match change {
            Change::Product(product) => record.products.push(Product::clone(product)),
            Change::Removed(id, _) => record.removed.push(*id),
            Change::Category(category) => record.categories.push(category.clone()),
        }
    }
    record
}

fn read(record: Record, revision: u64, changes: &mut Vec<Change>) {
    let Record {
        products,
        removed,
        categories,
    } = record;
    changes.extend(categories.into_iter().map(Change::Category));
    changes.extend(
        products
            .into_iter()
            .map(|product| Change::Product(Box::new(product))),
    );
    changes.extend(removed.into_iter().map(|id| Change::Removed(id, revision)));
}

fn number(revision: u64) -> String {
    format!("{revision:016}")
}

fn checkpoint_id(checkpoint: u64) -> String {
    format!("checkpoint-{checkpoint:012}")
}
