//! Asks the members how they are, and sends them orders.

use super::plan::Order;
use super::record::Member;
use super::seen::{Report, Sight};
use crate::agent::member::control::{ORDERS, REPORT};
use crate::chain::chain;
use crate::control::caller::{CallError, Caller};
use futures::future::join_all;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// A member that has not answered by then is silent.
const ANSWERS_WITHIN: Duration = Duration::from_secs(1);
/// A member takes its time to obey; the next look shows how far it is.
const OBEYS_WITHIN: Duration = Duration::from_secs(6);

/// Those who ask the members of one set, and remember since when which of them has been silent.
#[derive(Debug)]
pub struct Members {
    caller: Caller,
    /// Where their agents listen: `https://host:port`.
    addresses: BTreeMap<Member, String>,
    silent_since: BTreeMap<Member, Instant>,
}

impl Members {
    /// Of the set whose agents are at `addresses`.
    pub fn new(addresses: BTreeMap<Member, String>, caller: Caller) -> Self {
        Self {
            caller,
            addresses,
            silent_since: BTreeMap::new(),
        }
    }

    /// The first `count`, all of them at once. `ended` are those whose container is known to have ended.
    pub async fn look(&mut self, count: u32, ended: &BTreeSet<Member>) -> BTreeMap<Member, Sight> {
        let asked = self
            .addresses
            .range(..count)
            .map(|(member, address)| async { (*member, self.ask(address).await) });
        let answers = join_all(asked).await;
        let now = Instant::now();
        let mut sights = BTreeMap::new();
        for (member, answer) in answers {
            let sight = match answer {
                Ok(report) => {
                    self.silent_since.remove(&member);
                    Sight::Answers(report)
                }
                Err(error) => {
                    let since = *self.silent_since.entry(member).or_insert(now);
                    if since == now {
                        tracing::info!(member, error = chain(&error), "a member is silent");
                    }
                    Sight::Silent {
                        since: now.duration_since(since),
                        ended: ended.contains(&member),
                    }
                }
            };
            sights.insert(member, sight);
        }
        sights
    }

    /// Those of the first `count` who did not answer the last time.
    pub fn silent(&self, count: u32) -> BTreeSet<Member> {
        let silent = self.silent_since.range(..count);
        silent.map(|(member, _)| *member).collect()
    }

    async fn ask(&self, address: &str) -> Result<Report, CallError> {
        let url = format!("{address}{REPORT}");
        self.caller.get(&url, ANSWERS_WITHIN).await
    }

    /// All of them at once. What was not carried out is ordered again after the next look, if it is still to be done.
    pub async fn send(&self, orders: &[Order]) {
        join_all(orders.iter().map(|order| self.send_one(order))).await;
    }

    async fn send_one(&self, order: &Order) {
        let Some(address) = self.addresses.get(&order.member) else {
            return;
        };
        let url = format!("{address}{ORDERS}");
        if let Err(error) = self.caller.post(&url, order, OBEYS_WITHIN).await {
            tracing::info!(member = order.member, task = ?order.task, error = chain(&error), "an order was not carried out");
        }
    }
}
