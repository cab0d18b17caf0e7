//! Hashing on threads of its own, a few at a time: each hash takes a core for some 25 ms and 19 MiB, which a flood of logins shall not
//! take from everybody else.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use argon2::Block;
use kit::{Problem, clock::random_bytes};
use tokio::sync::Semaphore;

use crate::{
    hash::{Cost, HashError, PasswordHash},
    password::Password,
};

/// Requests that wait for their turn. Who comes after them is told to try again: they would only give up waiting.
const MOST_WAITING: usize = 256;

/// Hashes and compares passwords. Clones share the places.
#[derive(Clone)]
pub struct Hasher(Arc<Shared>);

struct Shared {
    cost: Cost,
    /// What the password of an account that does not exist is compared with.
    dummy: String,
    places: Semaphore,
    waiting: AtomicUsize,
    running: AtomicUsize,
    most_running: AtomicUsize,
    count: AtomicU64,
    /// Memory of hashes that are done, while others wait for it: taking it anew would cost each a tenth more.
    memory: Mutex<Vec<Vec<Block>>>,
}

/// Why a password was neither hashed nor compared.
#[derive(Debug, thiserror::Error)]
pub enum HasherError {
    /// Too many wait already.
    #[error("more than {MOST_WAITING} logins are waiting for their turn")]
    Busy,
    /// It was cut off: the process ends.
    #[error("hashing was cut off")]
    CutOff,
    /// The hash could not be made or read.
    #[error(transparent)]
    Hash(#[from] HashError),
}

impl From<HasherError> for Problem {
    fn from(error: HasherError) -> Self {
        match error {
            HasherError::Busy | HasherError::CutOff => Self::unavailable(error),
            HasherError::Hash(_) => Self::internal(error),
        }
    }
}

impl Hasher {
    /// Up to `at_once` hashes at the same time, of this cost.
    pub fn new(cost: Cost, at_once: usize) -> Result<Self, HashError> {
        cost.params()?;
        Ok(Self(Arc::new(Shared {
            cost,
            dummy: PasswordHash::of_nothing(random_bytes(), random_bytes(), cost).as_text(),
            places: Semaphore::new(at_once),
            waiting: AtomicUsize::new(0),
            running: AtomicUsize::new(0),
            most_running: AtomicUsize::new(0),
            count: AtomicU64::new(0),
            memory: Mutex::default(),
        })))
    }

    /// The hash of a password, to be kept.
    pub async fn hash(&self, password: &Password) -> Result<String, HasherError> {
        let (password, cost) = (password.clone(), self.0.cost);
        self.run(move |memory| {
            PasswordHash::new(password.as_bytes(), random_bytes(), cost, memory)
                .map(|hash| hash.as_text())
        })
        .await
    }

    /// Whether this is the password of the hash that was kept. For `None`, an account that does not exist, the same work is done in vain.
    pub async fn matches(
        &self,
        password: &Password,
        kept: Option<&str>,
    ) -> Result<bool, HasherError> {
        let exists = kept.is_some_and(|kept| !kept.is_empty());
        let hash = PasswordHash::parse(kept.filter(|_| exists).unwrap_or(&self.0.dummy))?;
        let password = password.clone();
        let matches = self
            .run(move |memory| hash.matches(password.as_bytes(), memory))
            .await?;
        Ok(matches && exists)
    }

    /// Whether a hash was made with other parameters than today's.
    pub fn is_outdated(&self, kept: &str) -> bool {
        PasswordHash::parse(kept).is_ok_and(|hash| hash.is_outdated(self.0.cost))
    }

    /// The most hashes that ever ran at the same time.
    pub fn most_at_once(&self) -> usize {
        self.0.most_running.load(Ordering::SeqCst)
    }

    /// How many hashes were computed.
    pub fn count(&self) -> u64 {
        self.0.count.load(Ordering::SeqCst)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Vec<Block>) -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, HasherError> {
        let _waiting = Waiting::begin(&self.0)?;
        let _place = self
            .0
            .places
            .acquire()
            .await
            .map_err(|_closed| HasherError::CutOff)?;
        let shared = Arc::clone(&self.0);
        let outcome = tokio::task::spawn_blocking(move || {
            let running = shared.running.fetch_add(1, Ordering::SeqCst) + 1;
            shared.most_running.fetch_max(running, Ordering::SeqCst);
            let mut memory = shared.lock().pop().unwrap_or_default();
            let outcome = work(&mut memory);
            shared.count.fetch_add(1, Ordering::SeqCst);
            shared.running.fetch_sub(1, Ordering::SeqCst);
            shared.put_back(memory);
            outcome
        })
        .await;
        match outcome {
            Ok(outcome) => Ok(outcome?),
            Err(_panicked_or_stopped) => Err(HasherError::CutOff),
        }
    }
}

impl Shared {
    /// Keeps the memory for whoever waits; gives all of it back to the machine when no one does.
    fn put_back(&self, memory: Vec<Block>) {
        let mut kept = self.lock();
        // The request that just ended is counted as waiting until it is told.
        if self.waiting.load(Ordering::SeqCst) > self.running.load(Ordering::SeqCst) + 1 {
            kept.push(memory);
        } else {
            kept.clear();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Vec<Block>>> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the queue, left also when the client hangs up.
struct Waiting<'a>(&'a Shared);

impl<'a> Waiting<'a> {
    fn begin(shared: &'a Shared) -> Result<Self, HasherError> {
        let waiting = Self(shared);
        if shared.waiting.fetch_add(1, Ordering::SeqCst) >= MOST_WAITING {
            return Err(HasherError::Busy);
        }
        Ok(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Memory of this process that is no file's, in MiB.
    fn own_memory() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
        let line = status.lines().find(|line| line.starts_with("RssAnon:"));
        let kib = line.and_then(|line| line.split_whitespace().nth(1));
        kib.and_then(|kib| kib.parse::<u64>().ok())
            .expect("a number")
            / 1024
    }

    #[test]
    fn the_memory_of_hashes_goes_back_whatever_threads_they_ran_on() {
        // At the latest with the threads, which end when they have had nothing to do for a while.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .thread_keep_alive(Duration::from_millis(100))
            .enable_time()
            .build()
            .expect("a runtime");
        let hasher = Hasher::new(Cost::OWASP, 8).expect("a sound cost");
        let password = Password::from("tea pots and kettles");
        let before = own_memory();
        runtime.block_on(async {
            for _ in 0..3 {
                let eight = (0..8).map(|_| hasher.hash(&password));
                for hash in futures::future::join_all(eight).await {
                    hash.expect("hashed");
                }
            }
        });
        assert_eq!(hasher.most_at_once(), 8);
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        while own_memory() > before + 25 {
            assert!(
                std::time::Instant::now() < deadline,
                "{before} MiB before, {} MiB after",
                own_memory()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
