//! Builds the read model at start and keeps it up with the journal.

use std::{collections::HashSet, sync::atomic::Ordering, time::Duration};

use futures::StreamExt as _;
use kit::Health;
use uuid::Uuid;

use crate::{
    App,
    db::{
        DbError,
        journal::{Follower, News},
        products,
    },
    search::Change,
};

/// Products a batch while building: few enough to be held twice, many enough to make large segments.
const BUILD_BATCH: usize = 4000;
/// The longest pause between tries while the database is away.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Why the read model could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// The database refused, or could not be reached.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The text index failed.
    #[error("the index could not be written")]
    Index(#[from] tantivy::TantivyError),
    /// The task that writes it was lost.
    #[error("the index writer was lost")]
    Lost(#[from] tokio::task::JoinError),
}

/// Builds, says when it is ready, then follows for ever.
pub async fn run(app: App, health: Health, every: Duration) {
    let mut pause = Duration::from_millis(50);
    loop {
        let started = std::time::Instant::now();
        match build(&app).await {
            Ok(follower) => {
                let products = app.index.snapshot().len();
                let seconds = started.elapsed().as_millis();
                tracing::info!(products, milliseconds = seconds, "read model built");
                app.is_built.store(true, Ordering::SeqCst);
                health.set_ready(true);
                pause = Duration::from_millis(50);
                follow(&app, follower, every).await;
                tracing::warn!("too far behind the journal; reading everything anew");
            }
            Err(error) => {
                tracing::warn!(
                    error = kit::problem::chain(&error),
                    "the read model can't be built yet"
                );
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// Reads everything. Afterwards the follower brings what was written meanwhile.
pub async fn build(app: &App) -> Result<Follower, RefreshError> {
    let start = app.journal.find_start().await?;
    let categories = products::all_categories(&app.db).await?;
    apply(app, categories.into_iter().map(Change::Category).collect()).await?;
    let mut seen: HashSet<Uuid> = HashSet::new();
    let mut batches = products::all(&app.db, BUILD_BATCH).await?;
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        seen.extend(batch.iter().map(|product| product.id));
        apply(
            app,
            batch
                .into_iter()
                .map(|product| Change::Product(Box::new(product)))
                .collect(),
        )
        .await?;
    }
    let index = app.index.clone();
    tokio::task::spawn_blocking(move || index.retain(&seen)).await??;
    let mut follower = Follower::new(app.journal.clone(), start);
    while catch_up(app, &mut follower).await? == Pace::Behind {}
    Ok(follower)
}

/// What to do after a look at the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// There may be more already.
    Behind,
    /// Nothing more for now.
    UpToDate,
    /// Start anew.
    Lost,
}

/// Looks at the journal once and applies what is new.
pub async fn catch_up(app: &App, follower: &mut Follower) -> Result<Pace, RefreshError> {
    match follower.look().await? {
        News::Lost => Ok(Pace::Lost),
        News::Changes { changes, more } => {
            apply(app, changes).await?;
            Ok(if more { Pace::Behind } else { Pace::UpToDate })
        }
    }
}

async fn follow(app: &App, mut follower: Follower, every: Duration) {
    let mut is_reachable = true;
    loop {
        match catch_up(app, &mut follower).await {
            Ok(Pace::Behind) => continue,
            Ok(Pace::Lost) => return,
            Ok(Pace::UpToDate) => is_reachable = true,
            Err(error) => {
                // Said once, not twice a second.
                if std::mem::replace(&mut is_reachable, false) {
                    tracing::warn!(
                        error = kit::problem::chain(&error),
                        "can't follow the journal; serving what is known"
                    );
                }
            }
        }
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = app.written.notified() => {}
        }
    }
}

async fn apply(app: &App, changes: Vec<Change>) -> Result<(), RefreshError> {
    if !changes.is_empty() {
        let index = app.index.clone();
        tokio::task::spawn_blocking(move || index.apply(changes)).await??;
    }
    Ok(())
}
