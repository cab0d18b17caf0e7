//! Forgets mails a month after they were queued. Every replica sweeps; what one has done the other finds done.

use std::time::Duration;

use uuid::Uuid;

use crate::{
    App,
    db::{DbError, expiring, mails, queue},
};

/// How long to wait between two sweeps.
const PAUSE: Duration = Duration::from_mins(10);
/// How many mails are read at once.
const BATCH: i64 = 200;

/// Sweeps for ever.
pub async fn run(app: App) {
    loop {
        match sweep(&app).await {
            Ok(0) => {}
            Ok(mails) => tracing::info!(mails, "forgot old mails"),
            Err(error) => tracing::warn!(
                error = kit::problem::chain(&error),
                "old mails could not be forgotten"
            ),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Forgets what is due, and says how many mails that were.
pub async fn sweep(app: &App) -> Result<u64, DbError> {
    let mut forgotten = 0;
    for day in expiring::due(&app.db, app.clock.now()).await? {
        loop {
            let mails = expiring::some(&app.db, &day, BATCH).await?;
            if mails.is_empty() {
                break;
            }
            for mail in mails {
                forget(app, mail).await?;
                expiring::done(&app.db, &day, mail).await?;
                forgotten += 1;
            }
        }
        expiring::close(&app.db, &day).await?;
    }
    Ok(forgotten)
}

async fn forget(app: &App, id: Uuid) -> Result<(), DbError> {
    if let Some(mail) = mails::find(&app.db, id).await? {
        queue::delete(&app.db, id).await?;
        queue::forget_claims(&app.db, id, mail.attempts + 1).await?;
        mails::delete(&app.db, id).await?;
    }
    Ok(())
}
