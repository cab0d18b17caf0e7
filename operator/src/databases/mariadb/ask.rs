//! Asks the members how they are, and sends them orders.

use super::plan::Order;
use super::record::Member;
use super::seen::{Report, Sight};
use crate::agent::member::control::{ORDERS, REPORT};
use crate::chain::chain;
use futures::future::join_all;
use reqwest::Client;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// A member that has not answered by then is silent.
const ANSWERS_WITHIN: Duration = Duration::from_secs(1);
/// A member takes its time to obey; the next look shows how far it is.
const OBEYS_WITHIN: Duration = Duration::from_secs(6);

/// Those who ask the members of one set, and remember since when which of them has been silent.
#[derive(Debug)]
pub struct Members {
    http: Client,
    /// Where their agents listen: `http://host:port`.
    addresses: BTreeMap<Member, String>,
    silent_since: BTreeMap<Member, Instant>,
}

impl Members {
    /// Of the set whose agents are at `addresses`.
    pub fn new(addresses: BTreeMap<Member, String>) -> Result<Self, reqwest::Error> {
        let http = Client::builder()
            .connect_timeout(ANSWERS_WITHIN)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self {
            http,
            addresses,
            silent_since: BTreeMap::new(),
        })
    }

    /// All of them at once. `ended` are those whose container is known to have ended.
    pub async fn look(&mut self, ended: &BTreeSet<Member>) -> BTreeMap<Member, Sight> {
        let asked = self
            .addresses
            .iter()
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

    async fn ask(&self, address: &str) -> Result<Report, reqwest::Error> {
        self.http
            .get(format!("{address}{REPORT}"))
            .timeout(ANSWERS_WITHIN)
            .send()
            .await?
            .error_for_status()?
            .json()
            .await
    }

    /// All of them at once. What was not carried out is ordered again after the next look, if it is still to be done.
    pub async fn send(&self, orders: &[Order]) {
        join_all(orders.iter().map(|order| self.send_one(order))).await;
    }

    async fn send_one(&self, order: &Order) {
        let Some(address) = self.addresses.get(&order.member) else {
            return;
        };
        let sent = self
            .http
            .post(format!("{address}{ORDERS}"))
            .timeout(OBEYS_WITHIN)
            .json(order)
            .send()
            .await;
        match sent {
            Ok(answer) if answer.status().is_success() => {}
            Ok(answer) => {
                let status = answer.status().as_u16();
                let said = answer.text().await.unwrap_or_default();
                tracing::info!(member = order.member, task = ?order.task, status, said, "an order was not carried out");
            }
            Err(error) => {
                tracing::info!(member = order.member, task = ?order.task, error = chain(&error), "an order was not heard, or not answered");
            }
        }
    }
}
