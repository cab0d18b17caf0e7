//! Makes a mail of an event, once however often the event is told.

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    App,
    db::{DbError, expiring, mails, queue},
    mail::{MOST_ATTEMPTS, Mail, State},
    occasion::{self, Occasion, Unreadable, What},
    seal_mail::{self, SealError},
};

/// An event, as far as it matters here.
#[derive(Debug, Clone, Copy)]
pub struct Heard<'a> {
    /// Its id.
    pub id: Uuid,
    /// Its type.
    pub kind: &'a str,
    /// What it is about.
    pub subject: &'a str,
    /// Its data.
    pub data: &'a Value,
}

/// Why an event could not be taken; it will be told again.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The database refused, or could not be reached.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The address can't be sealed.
    #[error("the address can't be sealed")]
    Seal(#[from] SealError),
}

/// Queues the mail that the event gives occasion to, if any.
pub async fn queue_mail(app: &App, heard: Heard<'_>) -> Result<(), QueueError> {
    let Some(read) = occasion::read(heard.kind, heard.data) else {
        return Ok(());
    };
    let there = match mails::find(&app.db, heard.id).await? {
        Some(mail) => mail,
        None => insert(app, heard, read).await?,
    };
    // Also when it was told before: whoever took it then may have ended before this.
    if there.state == State::Queued {
        let entry = queue::Entry {
            mail: there.id,
            attempt: there.attempts + 1,
            next_at: there.next_at.unwrap_or(there.created_at),
        };
        queue::insert(&app.db, entry).await?;
        app.queued.notify_one();
    }
    Ok(())
}

async fn insert(
    app: &App,
    heard: Heard<'_>,
    read: Result<Occasion, Unreadable>,
) -> Result<Mail, QueueError> {
    let now = app.clock.now();
    let mail = match read {
        Ok(occasion) => sealed(app, heard, &occasion, now).await?,
        Err(error) => unreadable(heard, &error, now),
    };
    // First of all, so that it is forgotten in time even if this process ends here.
    expiring::register(&app.db, mail.id, mail.kept_until()).await?;
    let other = mails::insert(&app.db, &mail).await?;
    Ok(other.unwrap_or(mail))
}

async fn sealed(
    app: &App,
    heard: Heard<'_>,
    occasion: &Occasion,
    now: Timestamp,
) -> Result<Mail, SealError> {
    // The very last mail must outlive the keys and the name of whom it is for. It is gone as soon as it is sent.
    let is_last = occasion.what == What::AccountErased;
    let reader = if is_last {
        heard.id
    } else {
        seal_mail::reader(app, &occasion.email)?
    };
    let mut mail = Mail {
        id: heard.id,
        kind: occasion.what.kind().to_owned(),
        about: if is_last {
            String::new()
        } else {
            heard.subject.to_owned()
        },
        language: occasion.language,
        state: State::Queued,
        attempts: 0,
        attempts_left: MOST_ATTEMPTS,
        created_at: now,
        next_at: Some(now),
        sent_at: None,
        error: None,
        reader,
        sealed: None,
    };
    mail.sealed = Some(seal_mail::seal(app, &mail, heard.kind, heard.data).await?);
    Ok(mail)
}

/// What can't be read is no reason to hold up what comes after it: it is kept for staff to see, without what it says.
fn unreadable(heard: Heard<'_>, error: &Unreadable, now: Timestamp) -> Mail {
    tracing::error!(event.id = %heard.id, event.kind = heard.kind, %error, "an event can't be read");
    Mail {
        id: heard.id,
        kind: heard.kind.to_owned(),
        about: heard.subject.to_owned(),
        language: crate::language::Language::default(),
        state: State::Failed,
        attempts: 0,
        attempts_left: 0,
        created_at: now,
        next_at: None,
        sent_at: None,
        error: Some(error.to_string()),
        reader: Uuid::nil(),
        sealed: None,
    }
}
