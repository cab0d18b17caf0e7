//! Hands queued mails in, and tries again what was not taken. While the mail server can't be reached at all, everything stays queued and nothing counts as tried.

use std::time::Duration;

use futures::{StreamExt as _, stream};
use jiff::SignedDuration;
use kit::clock::random_bytes;

use crate::{
    App,
    db::{
        DbError, mails,
        queue::{self, Claimed, Entry},
    },
    letter,
    mail::{Failure, Mail, State},
    metrics,
    seal_mail::{self, SealError},
};

/// How many mails are looked at in one round.
const MOST: i64 = 500;
/// How many are handed in at the same time.
const AT_ONCE: usize = 8;
/// How long to wait when nothing rings.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest wait while the mail server or the database is away.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// How long an attempt may be under way. After that whoever made it is dead, and it counts as failed.
pub const LEASE: SignedDuration = SignedDuration::from_secs(90);

/// Why a round came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// The mail server can't be reached.
    #[error("the mail server can't be reached: {0}")]
    Away(String),
    /// The database refused, or could not be reached.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The keys can't be read.
    #[error("the keys of mails can't be read")]
    Seal(#[from] SealError),
}

/// Delivers for ever.
pub async fn run(app: App) {
    let mut pause = PAUSE;
    loop {
        match round(&app).await {
            Ok(0) => {
                pause = PAUSE;
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = app.queued.notified() => {}
                }
            }
            Ok(_) => pause = PAUSE,
            Err(error) => {
                // Said when it begins; the health of the service says that it lasts.
                if pause == PAUSE {
                    tracing::warn!(error = kit::problem::chain(&error), "mails stay queued");
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// Tries what is due once, and says how many mails came to an end or will be tried later.
pub async fn round(app: &App) -> Result<usize, DeliveryError> {
    let now = app.clock.now();
    let due = queue::due(&app.db, now, MOST).await?;
    let oldest = due.iter().map(|entry| entry.next_at).min();
    metrics::waiting(due.len(), oldest, now);
    if due.is_empty() {
        return Ok(0);
    }
    app.post_office
        .reachable()
        .await
        .map_err(DeliveryError::Away)?;
    let attempts = due.into_iter().map(|entry| attempt(app, entry));
    let outcomes: Vec<_> = stream::iter(attempts)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let mut moved = 0;
    for outcome in outcomes {
        if outcome? {
            moved += 1;
        }
    }
    Ok(moved)
}

/// Makes an attempt, unless it is someone else's.
async fn attempt(app: &App, entry: Entry) -> Result<bool, DeliveryError> {
    let now = app.clock.now();
    if let Claimed::Taken(since) = queue::claim(&app.db, &entry, now).await? {
        if now.duration_since(since) > LEASE {
            let next = Entry {
                attempt: entry.attempt + 1,
                ..entry
            };
            queue::replace(&app.db, next).await?;
            return Ok(true);
        }
        return Ok(false);
    }
    // Looked at after the claim: whoever made the attempt before has written what became of it.
    let mail = mails::find(&app.db, entry.mail).await?;
    let Some(mail) = mail.filter(|mail| mail.state == State::Queued) else {
        queue::delete(&app.db, entry.mail).await?;
        return Ok(true);
    };
    // The numbers of attempts that nobody ended count too.
    let mail = Mail {
        attempts: entry.attempt - 1,
        ..mail
    };
    let ended = match hand_in(app, &mail).await {
        Ok(()) => mail.sent(app.clock.now()),
        Err(HandInError::Failure(failure)) => {
            let [jitter] = random_bytes();
            mail.failed(&failure, app.clock.now(), jitter)
        }
        Err(HandInError::Erased) => mail.erased(),
        Err(HandInError::Seal(error)) => {
            // Nothing was sent: the attempt is given back.
            queue::unclaim(&app.db, &entry).await?;
            return Err(error.into());
        }
    };
    mails::replace(&app.db, &ended).await?;
    metrics::ended(&ended);
    if ended.state == State::Sent && ended.reader == ended.id {
        // The last mail to someone had a key of its own.
        seal_mail::destroy_key(app, ended.reader).await?;
    }
    match ended.next_at {
        Some(next_at) => {
            let next = Entry {
                attempt: entry.attempt + 1,
                next_at,
                ..entry
            };
            queue::replace(&app.db, next).await?;
        }
        None => queue::delete(&app.db, entry.mail).await?,
    }
    if ended.state == State::Failed {
        tracing::warn!(
            mail.id = %ended.id,
            mail.kind = ended.kind,
            error = ended.error,
            "a mail was given up"
        );
    }
    Ok(true)
}

enum HandInError {
    Failure(Failure),
    Erased,
    Seal(SealError),
}

async fn hand_in(app: &App, mail: &Mail) -> Result<(), HandInError> {
    let occasion = match seal_mail::unseal(app, mail).await {
        Ok(Some(occasion)) => occasion,
        Ok(None) => return Err(HandInError::Erased),
        Err(error) => return Err(HandInError::Seal(error)),
    };
    let written = letter::write(&occasion, &app.shop)
        .map_err(|error| HandInError::Failure(Failure::Unwritable(error.to_string())))?;
    let (to, language) = (&occasion.email, occasion.language);
    app.post_office
        .send(mail.id, to, written, language, app.clock.now())
        .await
        .map_err(HandInError::Failure)
}
