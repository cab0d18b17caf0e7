//! What a relay does beside delivering: it measures what waits, and deletes what nobody waits for.

use std::{collections::HashSet, time::Duration};

use super::{
    metrics::{METRICS, label},
    relay::{Relay, spread},
    rows,
};
use crate::mariadb::At;

const MEASURE_EVERY: Duration = Duration::from_secs(10);
/// One in so many measurements also deletes what is old.
const PURGE_ONE_IN: u32 = 60;
const KEEP_FOR: Duration = Duration::from_hours(24);

impl Relay {
    /// Measures what waits, and deletes what nobody waits for.
    pub(super) async fn keep_house(self) {
        let mut stopping = self.0.stopping.subscribe();
        let mut unknown: HashSet<String> = HashSet::new();
        let mut turn: u32 = 0;
        while !*stopping.borrow_and_update() {
            let measured = self.measure(&mut unknown).await;
            let purged = if turn.is_multiple_of(PURGE_ONE_IN) {
                self.purge().await
            } else {
                Ok(())
            };
            if let Err(error) = measured.and(purged) {
                tracing::debug!(
                    error = crate::problem::chain(&error),
                    "the outbox could not be measured"
                );
            }
            turn = turn.wrapping_add(1);
            tokio::select! {
                () = tokio::time::sleep(spread(MEASURE_EVERY)) => {}
                _ = stopping.changed() => {}
            }
        }
    }

    async fn measure(&self, unknown: &mut HashSet<String>) -> Result<(), sqlx::Error> {
        let owed = rows::owed(&self.0.pool).await?;
        for each in &self.0.loops {
            let label = label(&each.sink.name);
            let of = |is_dead| {
                owed.iter()
                    .find(move |owed| owed.sink == each.sink.name && owed.is_dead == is_dead)
            };
            let age = |at: At| self.0.clock.now().duration_since(at.0).as_secs().max(0);
            let (pending, dead) = (of(false), of(true));
            let lag = pending.and_then(|owed| owed.oldest).map_or(0, age);
            METRICS.lag.get_or_create(&label).set(lag);
            METRICS
                .pending
                .get_or_create(&label)
                .set(pending.map_or(0, |owed| owed.count));
            METRICS
                .dead
                .get_or_create(&label)
                .set(dead.map_or(0, |owed| owed.count));
        }
        for owed in owed {
            let is_known = self.0.loops.iter().any(|each| each.sink.name == owed.sink);
            if !is_known && unknown.insert(owed.sink.clone()) {
                tracing::warn!(
                    sink = owed.sink,
                    count = owed.count,
                    "events wait for a sink that EVENT_SINKS does not name"
                );
            }
        }
        Ok(())
    }

    /// Deletes what was delivered more than a day ago.
    pub async fn purge(&self) -> Result<(), sqlx::Error> {
        match self.0.clock.now().checked_sub(KEEP_FOR) {
            Ok(before) => rows::purge(&self.0.pool, At(before)).await,
            Err(_before_all_time) => Ok(()),
        }
    }
}
