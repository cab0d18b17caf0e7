//! The right to write, and what becomes of it when its holder stops.

use std::time::{Duration, Instant};

use super::{Journal, JournalError};

/// The right to write under a revision. One that is dropped before it is settled (the write failed, or its caller went away) is settled
/// in the background with what the database holds, so that nobody waits for it.
pub struct Claim {
    /// The revision.
    pub revision: u64,
    pub(super) touches: String,
    pub(super) since: Instant,
    pub(super) journal: Journal,
    pub(super) is_settled: bool,
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
