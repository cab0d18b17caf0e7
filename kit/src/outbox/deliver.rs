//! Sending what is owed to one sink: batches, halves of batches, single events.

use std::{
    collections::{HashSet, VecDeque},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    time::{Duration, Instant},
};

use http::{StatusCode, header};
use serde_json::Value;

use super::{
    rows::{Refusal, Row},
    sinks::Sink,
};
use crate::{
    auth::ServiceTokens,
    clock::{Clock, random_bytes},
    mariadb::At,
};

/// How often an event is tried that its sink refuses, before it becomes a dead letter: some two minutes.
pub const ATTEMPTS: u32 = 8;
/// How many events one request carries: so few that a busy consumer takes them all before the request's time is up.
const MOST_EVENTS: usize = 50;
/// How many bytes of events one request carries, unless a single one is larger.
const MOST_BYTES: usize = 256 * 1024;
/// How many characters of a refusal are kept.
const LONGEST_ERROR: usize = 400;
/// After this time a lane begins no request any more, so that what was taken is marked soon, and while the relay still holds the sink's lock.
const LANE_TIME: Duration = Duration::from_secs(15);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Sends batches.
#[derive(Clone)]
pub(super) struct Sender {
    pub(super) http: reqwest::Client,
    pub(super) tokens: ServiceTokens,
    pub(super) clock: Clock,
    /// `/orders`
    pub(super) source: String,
}

/// What became of a lane of events.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) taken: Vec<u64>,
    pub(super) refused: Vec<Refusal>,
    /// The sink is away: what is neither taken nor refused was not sent.
    pub(super) away: Option<Away>,
    /// Time was up: some were not sent.
    pub(super) is_cut: bool,
}

/// The sink can't take anything at the moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub(super) struct Away {
    reason: String,
    /// What the sink asked for.
    pub(super) retry_after: Option<Duration>,
}

enum Answer {
    Taken,
    Refused(String),
    Away(Away),
}

/// Spreads rows over lanes that are sent at the same time: all rows of an aggregate in one lane, in their order. Also a few rows: a consumer
/// takes the events of a request one after the other, each with a commit of its own, and commits are cheaper side by side.
pub(super) fn lanes(rows: Vec<Row>, most: usize) -> Vec<Vec<Row>> {
    let count = rows.len().clamp(1, most);
    let mut lanes = vec![Vec::new(); count];
    for row in rows {
        let mut hasher = DefaultHasher::new();
        row.aggregate.hash(&mut hasher);
        let lane = usize::try_from(hasher.finish() % 1024).unwrap_or(0) % count;
        lanes[lane].push(row);
    }
    lanes.retain(|lane| !lane.is_empty());
    lanes
}

/// Cuts a lane into requests, in order. What was refused before goes alone, so that it does not take others down again.
fn batches(rows: Vec<Row>) -> VecDeque<Vec<Row>> {
    let mut batches: VecDeque<Vec<Row>> = VecDeque::new();
    let (mut bytes, mut is_open) = (0, false);
    for row in rows {
        let size = row.payload.len();
        match batches.back_mut() {
            Some(batch)
                if is_open
                    && row.attempts == 0
                    && batch.len() < MOST_EVENTS
                    && bytes + size <= MOST_BYTES =>
            {
                bytes += size;
                batch.push(row);
            }
            _ => {
                bytes = size;
                is_open = row.attempts == 0;
                batches.push_back(vec![row]);
            }
        }
    }
    batches
}

/// How long an event that was refused `attempts` times waits: a second, then twice as long each time, and up to a quarter more.
fn pause(attempts: u32, random: u8) -> Duration {
    let pause = Duration::from_secs(1)
        .saturating_mul(
            1_u32
                .checked_shl(attempts.saturating_sub(1))
                .unwrap_or(u32::MAX),
        )
        .min(LONGEST_PAUSE);
    pause + pause * u32::from(random) / 1020
}

impl Sender {
    /// Sends a lane, one request after the other, until its end, until the sink is away or until it took long enough.
    pub(super) async fn send(self, sink: Sink, rows: Vec<Row>) -> Outcome {
        let mut outcome = Outcome::default();
        let mut waiting: HashSet<String> = HashSet::new();
        let mut queue = batches(rows);
        let began = Instant::now();
        while let Some(mut batch) = queue.pop_front() {
            if began.elapsed() > LANE_TIME {
                outcome.is_cut = true;
                break;
            }
            batch.retain(|row| !waiting.contains(&row.aggregate));
            if batch.is_empty() {
                continue;
            }
            match self.post(&sink, &batch).await {
                Answer::Taken => outcome.taken.extend(batch.iter().map(|row| row.seq)),
                Answer::Refused(_) if batch.len() > 1 => {
                    // One of them is to blame: each half is asked on its own, in order.
                    let second = batch.split_off(batch.len() / 2);
                    queue.push_front(second);
                    queue.push_front(batch);
                }
                Answer::Refused(error) => {
                    for row in batch {
                        let refusal = self.refusal(&row, error.clone());
                        if !refusal.is_dead() {
                            waiting.insert(row.aggregate);
                        }
                        outcome.refused.push(refusal);
                    }
                }
                Answer::Away(away) => {
                    outcome.away = Some(away);
                    break;
                }
            }
        }
        outcome
    }

    fn refusal(&self, row: &Row, error: String) -> Refusal {
        let attempts = row.attempts.saturating_add(1);
        let [random] = random_bytes::<1>();
        let next_at = (attempts < ATTEMPTS)
            .then(|| self.clock.now().checked_add(pause(attempts, random)).ok())
            .flatten();
        Refusal {
            seq: row.seq,
            aggregate: row.aggregate.clone(),
            attempts,
            next_at: next_at.map(At),
            error,
        }
    }

    async fn post(&self, sink: &Sink, rows: &[Row]) -> Answer {
        let sent = self
            .http
            .post(sink.url.clone())
            .header(
                header::CONTENT_TYPE,
                "application/cloudevents-batch+json; charset=utf-8",
            )
            .header(header::AUTHORIZATION, self.tokens.bearer())
            .body(self.body(rows))
            .send()
            .await;
        let response = match sent {
            Ok(response) => response,
            Err(error) => {
                return Answer::Away(Away {
                    reason: crate::problem::chain(&error),
                    retry_after: None,
                });
            }
        };
        let status = response.status();
        if status.is_success() {
            return Answer::Taken;
        }
        let retry_after = response
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        // What it says is for people: not worth failing for.
        let said = response.text().await.unwrap_or_default();
        let reason: String = format!("{status}: {said}")
            .chars()
            .take(LONGEST_ERROR)
            .collect();
        if is_refusal(status) {
            Answer::Refused(reason)
        } else {
            Answer::Away(Away {
                reason,
                retry_after,
            })
        }
    }

    /// The batch as JSON. The data is already JSON and stays as it is.
    fn body(&self, rows: &[Row]) -> String {
        let mut body = String::with_capacity(rows.iter().map(|row| row.payload.len() + 400).sum());
        for row in rows {
            body.push(if body.is_empty() { '[' } else { ',' });
            body.push_str(r#"{"specversion":"1.0","datacontenttype":"application/json""#);
            for (name, value) in [
                ("id", Some(row.id.to_string())),
                ("source", Some(self.source.clone())),
                ("type", Some(row.kind.clone())),
                ("subject", Some(row.aggregate.clone())),
                ("time", Some(row.created_at.0.to_string())),
                ("traceparent", row.traceparent.clone()),
            ] {
                if let Some(value) = value {
                    body.push_str(",\"");
                    body.push_str(name);
                    body.push_str("\":");
                    body.push_str(&Value::String(value).to_string());
                }
            }
            body.push_str(",\"data\":");
            body.push_str(&row.payload);
            body.push('}');
        }
        body.push(']');
        body
    }
}

/// Whether the sink will not take this event, as opposed to not taking anything at the moment.
fn is_refusal(status: StatusCode) -> bool {
    status.is_client_error()
        && !matches!(
            status,
            StatusCode::UNAUTHORIZED
                | StatusCode::FORBIDDEN
                | StatusCode::REQUEST_TIMEOUT
                | StatusCode::TOO_MANY_REQUESTS
        )
}

#[cfg(test)]
mod tests;
