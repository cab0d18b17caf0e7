//! Delivers what is owed: one loop for each sink, woken at once by [`Relay::ring`], else every second.

use std::{collections::HashSet, sync::Arc, time::Duration};

use sqlx::{MySqlConnection, MySqlPool};
use tokio::{
    sync::{Notify, watch},
    task::JoinSet,
};

use super::{
    deliver::{Outcome, Sender, lanes},
    metrics::{METRICS, label},
    rows,
    sinks::{Sink, Sinks},
};
use crate::{
    auth::ServiceTokens,
    clock::{Clock, random_bytes},
    mariadb::At,
};

/// How often a relay looks that nobody woke: for what other replicas wrote and died of, and for events that wait to be tried again.
const POLL_EVERY: Duration = Duration::from_secs(1);
/// How long it waits for another replica that drains the same sink.
const LOCK_SECONDS: u32 = 1;
const PATIENT_LOCK_SECONDS: u32 = 10;
/// How many rows are read at once, and in how many lanes they are sent.
const ROWS: u32 = 400;
const LANES: usize = 8;
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The first pause after a failure; it doubles.
const FIRST_BACKOFF: Duration = Duration::from_millis(200);
/// The longest pause of a sink that is away.
const LONGEST_BACKOFF: Duration = Duration::from_secs(20);
/// The longest pause when the database is away.
const LONGEST_DATABASE_BACKOFF: Duration = Duration::from_secs(2);
/// A sink may ask for a longer one, up to this.
const LONGEST_RETRY_AFTER: Duration = Duration::from_mins(1);

/// Delivers events. Clones are the same relay.
#[derive(Clone)]
pub struct Relay(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub(super) pool: MySqlPool,
    sender: Sender,
    pub(super) clock: Clock,
    pub(super) loops: Vec<Arc<Loop>>,
    pub(super) stopping: watch::Sender<bool>,
}

pub(super) struct Loop {
    pub(super) sink: Sink,
    bell: Notify,
}

/// Why a pass over a sink's events ended early.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// The sink could not be reached, or takes nothing at the moment.
    #[error("the sink {sink} is away: {reason}")]
    Away {
        /// Its name.
        sink: String,
        /// What it said.
        reason: String,
        /// How long it asked to be left alone.
        retry_after: Option<Duration>,
    },
    /// The database did not answer.
    #[error("the database did not answer as expected")]
    Database(#[from] sqlx::Error),
    /// The server is no longer the writable one.
    #[error("the database server is read-only")]
    ReadOnly,
}

impl Relay {
    /// A relay of the service that `tokens` are for.
    pub fn new(
        pool: MySqlPool,
        sinks: Sinks,
        tokens: ServiceTokens,
        clock: Clock,
    ) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .pool_idle_timeout(Duration::from_secs(30))
            .tcp_nodelay(true)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let source = format!("/{}", tokens.name());
        let loops = sinks.0.into_iter().map(|sink| {
            Arc::new(Loop {
                sink,
                bell: Notify::new(),
            })
        });
        Ok(Self(Arc::new(Shared {
            sender: Sender {
                http,
                tokens,
                clock: clock.clone(),
                source,
            },
            pool,
            clock,
            loops: loops.collect(),
            stopping: watch::Sender::new(false),
        })))
    }

    /// Says that something was committed: it is delivered now.
    pub fn ring(&self) {
        for each in &self.0.loops {
            each.bell.notify_one();
        }
    }

    /// Lets [`Relay::run`] return once what is being sent was answered and marked.
    pub fn stop(&self) {
        self.0.stopping.send_replace(true);
    }

    /// Delivers until [`Relay::stop`]. Dropped in the middle, it may deliver something twice, and loses nothing.
    pub async fn run(self) {
        let mut running = JoinSet::new();
        for each in &self.0.loops {
            running.spawn(self.clone().follow(Arc::clone(each)));
        }
        running.spawn(self.clone().keep_house());
        running.join_all().await;
    }

    /// Delivers all that is due to every sink, at once and whatever failed before, and says how many events were taken. For tests, which
    /// need no second loop beside them.
    pub async fn run_once(&self) -> Result<usize, RelayError> {
        let (mut taken, mut failure) = (0, None);
        for each in &self.0.loops {
            let mut connection = None;
            match self
                .pass(&mut connection, &each.sink, PATIENT_LOCK_SECONDS)
                .await
            {
                Ok(count) => taken += count,
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        failure.map_or(Ok(taken), Err)
    }

    async fn follow(self, each: Arc<Loop>) {
        let mut stopping = self.0.stopping.subscribe();
        let mut connection = None;
        let mut failures: u32 = 0;
        while !*stopping.borrow_and_update() {
            let pause = match self.pass(&mut connection, &each.sink, LOCK_SECONDS).await {
                Ok(_) => {
                    if failures > 0 {
                        tracing::info!(sink = each.sink.name, "events are delivered again");
                    }
                    failures = 0;
                    tokio::select! {
                        () = each.bell.notified() => {}
                        () = tokio::time::sleep(spread(POLL_EVERY)) => {}
                        _ = stopping.changed() => {}
                    }
                    continue;
                }
                Err(error) => {
                    failures = failures.saturating_add(1);
                    METRICS
                        .failures
                        .get_or_create(&label(&each.sink.name))
                        .inc();
                    // At the first, second, fourth, eighth … time: an outage of an hour is a few lines.
                    if failures.is_power_of_two() {
                        tracing::warn!(
                            sink = each.sink.name,
                            failures,
                            error = crate::problem::chain(&error),
                            "events wait"
                        );
                    }
                    backoff(failures, &error)
                }
            };
            // A sink that is away is not tried again for each event that is written meanwhile.
            tokio::select! {
                () = tokio::time::sleep(spread(pause)) => {}
                _ = stopping.changed() => {}
            }
        }
    }

    /// Delivers all that is due to one sink, unless another relay is doing so. Keeps a connection of its own, out of the pool: the lock goes
    /// with it, also when this future is dropped.
    async fn pass(
        &self,
        kept: &mut Option<MySqlConnection>,
        sink: &Sink,
        lock_seconds: u32,
    ) -> Result<usize, RelayError> {
        let mut connection = if let Some(connection) = kept.take() {
            connection
        } else {
            let mut connection = self.0.pool.acquire().await?.detach();
            rows::prepare(&mut connection).await?;
            connection
        };
        let look = rows::look(&mut connection, &sink.name).await?;
        if look.is_read_only {
            return Err(RelayError::ReadOnly);
        }
        if !look.is_owed || !rows::lock(&mut connection, &sink.name, lock_seconds).await? {
            *kept = Some(connection);
            return Ok(0);
        }
        let outcome = self.drain(&mut connection, sink).await;
        if !matches!(outcome, Err(RelayError::Database(_))) {
            rows::unlock(&mut connection, &sink.name).await?;
            *kept = Some(connection);
        }
        outcome
    }

    /// Pages through what is owed, again and again, until a whole turn has nothing to send.
    async fn drain(
        &self,
        connection: &mut MySqlConnection,
        sink: &Sink,
    ) -> Result<usize, RelayError> {
        let mut total = 0;
        loop {
            let (mut taken, mut after) = (0, 0);
            // Aggregates one of whose events was refused and is tried again later: what follows it waits.
            let mut waiting: HashSet<String> = HashSet::new();
            loop {
                let mut page = rows::pending(connection, &sink.name, after, ROWS).await?;
                let Some(last) = page.last() else { break };
                after = last.seq;
                let is_last_page = page.len() < usize::try_from(ROWS).unwrap_or(usize::MAX);
                let now = At(self.0.clock.now());
                page.retain(|row| {
                    let waits = waiting.contains(&row.aggregate)
                        || row.next_at.is_some_and(|next_at| next_at > now);
                    if waits {
                        waiting.insert(row.aggregate.clone());
                    }
                    !waits
                });
                let outcome = self.send(sink, page).await;
                rows::mark(connection, &sink.name, &outcome.taken, &outcome.refused).await?;
                count(sink, &outcome);
                taken += outcome.taken.len();
                waiting.extend(
                    outcome
                        .refused
                        .into_iter()
                        .filter(|refusal| !refusal.is_dead())
                        .map(|refusal| refusal.aggregate),
                );
                if let Some(away) = outcome.away {
                    return Err(RelayError::Away {
                        sink: sink.name.clone(),
                        reason: away.to_string(),
                        retry_after: away.retry_after,
                    });
                }
                // What was not sent comes before all that follows.
                if is_last_page || outcome.is_cut || *self.0.stopping.borrow() {
                    break;
                }
            }
            total += taken;
            if taken == 0 || *self.0.stopping.borrow() {
                return Ok(total);
            }
        }
    }

    /// Sends a page in lanes, and puts together what became of them.
    async fn send(&self, sink: &Sink, page: Vec<rows::Row>) -> Outcome {
        let mut sending = JoinSet::new();
        for lane in lanes(page, LANES) {
            sending.spawn(self.0.sender.clone().send(sink.clone(), lane));
        }
        let mut all = Outcome::default();
        while let Some(lane) = sending.join_next().await {
            // A lane that panicked marked nothing, so its events are sent again.
            let Ok(lane) = lane else { continue };
            all.taken.extend(lane.taken);
            all.refused.extend(lane.refused);
            all.away = all.away.or(lane.away);
            all.is_cut |= lane.is_cut;
        }
        all
    }
}

fn count(sink: &Sink, outcome: &Outcome) {
    let taken = u64::try_from(outcome.taken.len()).unwrap_or(u64::MAX);
    METRICS
        .delivered
        .get_or_create(&label(&sink.name))
        .inc_by(taken);
    for refusal in &outcome.refused {
        METRICS.failures.get_or_create(&label(&sink.name)).inc();
        if refusal.is_dead() {
            tracing::error!(
                sink = sink.name,
                seq = refusal.seq,
                aggregate = refusal.aggregate,
                error = refusal.error,
                "an event became a dead letter"
            );
        }
    }
}

fn backoff(failures: u32, error: &RelayError) -> Duration {
    let (longest, asked) = match error {
        RelayError::Away { retry_after, .. } => (LONGEST_BACKOFF, *retry_after),
        RelayError::Database(_) | RelayError::ReadOnly => (LONGEST_DATABASE_BACKOFF, None),
    };
    let doubled = 1_u32
        .checked_shl(failures.saturating_sub(1))
        .unwrap_or(u32::MAX);
    let backoff = FIRST_BACKOFF.saturating_mul(doubled).min(longest);
    asked.map_or(backoff, |asked| backoff.max(asked.min(LONGEST_RETRY_AFTER)))
}

/// Up to a quarter more, so that replicas do not all come at once.
pub(super) fn spread(pause: Duration) -> Duration {
    let [random] = random_bytes::<1>();
    pause + pause * u32::from(random) / 1020
}
