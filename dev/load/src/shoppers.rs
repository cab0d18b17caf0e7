//! Shoppers who arrive at a fixed rate, whatever becomes of those before them.

pub(crate) mod accounts;
mod buyer;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

pub(crate) use accounts::Account;
pub(crate) use buyer::{Basket, Purchase};
use reqwest::Method;
use tokio::{sync::mpsc, task::JoinSet};

use crate::{
    LoadError,
    samples::{Failure, Outcome, Sample, Samples, StepReport},
    shop::Shop,
};

/// How often each kind of shopper arrives, in arrivals per second.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Arrivals {
    /// Looks at pages: home, departments, products, searches.
    #[arg(long, default_value_t = 0.0, value_name = "PER_SECOND")]
    pub(crate) browser: f64,
    /// Fills a cart, orders, pays, and sees the order confirmed.
    #[arg(long, default_value_t = 0.0, value_name = "PER_SECOND")]
    pub(crate) buyer: f64,
    /// Takes all it can of one thing into an order and never pays.
    #[arg(long, default_value_t = 0.0, value_name = "PER_SECOND")]
    pub(crate) hoarder: f64,
    /// Guesses passwords, orders of others and webhooks; must get nothing.
    #[arg(long, default_value_t = 0.0, value_name = "PER_SECOND")]
    pub(crate) attacker: f64,
    /// Logs in to an account; needs `--mails`, since accounts are opened with what came by mail.
    #[arg(
        long,
        default_value_t = 0.0,
        value_name = "PER_SECOND",
        requires = "mails"
    )]
    pub(crate) login: f64,
}

/// What all shoppers know.
pub(crate) struct Town {
    pub(crate) shop: Shop,
    /// Pages to look at.
    pub(crate) pages: Vec<String>,
    /// What can be bought.
    pub(crate) skus: Vec<String>,
    /// Baskets that somebody really bought, to be bought again in turn.
    pub(crate) baskets: Vec<Basket>,
    /// Who can log in.
    pub(crate) accounts: Vec<Account>,
    /// The orders that the shop has acknowledged, by id.
    pub(crate) purchases: Mutex<BTreeMap<String, Purchase>>,
    /// What an attacker got that it must not get.
    pub(crate) breaches: Mutex<Vec<String>>,
    turn: AtomicU64,
}

impl Town {
    pub(crate) fn new(
        shop: Shop,
        pages: Vec<String>,
        skus: Vec<String>,
        baskets: Vec<Basket>,
        accounts: Vec<Account>,
    ) -> Self {
        Self {
            shop,
            pages,
            skus,
            baskets,
            accounts,
            purchases: Mutex::default(),
            breaches: Mutex::default(),
            turn: AtomicU64::new(0),
        }
    }

    /// A number that no other shopper gets: spreads choices evenly, and the same way in every run.
    fn turn(&self) -> u64 {
        self.turn.fetch_add(1, Ordering::Relaxed)
    }

    fn pick<'a, T>(&self, among: &'a [T]) -> Option<&'a T> {
        let length = u64::try_from(among.len())
            .ok()
            .filter(|length| *length > 0)?;
        // A step that shares no factor with most lengths: neighbours in time are far apart in the list.
        let at = self.turn().wrapping_mul(7919) % length;
        among.get(usize::try_from(at).ok()?)
    }

    pub(crate) fn remember(&self, order: String, purchase: Purchase) {
        let mut purchases = self
            .purchases
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        purchases.insert(order, purchase);
    }

    fn breach(&self, what: String) {
        let mut breaches = self.breaches.lock().unwrap_or_else(PoisonError::into_inner);
        breaches.push(what);
    }
}

#[derive(Debug, Clone, Copy)]
enum Persona {
    Browser,
    Buyer,
    Hoarder,
    Attacker,
    Login,
}

/// Lets shoppers arrive for `lasting`, tells `progress` each second, and returns when the last one is done.
pub(crate) async fn open(
    town: Arc<Town>,
    mut heard: mpsc::UnboundedReceiver<Sample>,
    arrivals: Arrivals,
    lasting: Duration,
    progress: impl Fn(Duration, &Samples, usize),
) -> Result<Samples, LoadError> {
    let started = Instant::now();
    let mut schedule = schedule(arrivals, lasting).into_iter().peekable();
    let mut samples = Samples::default();
    let mut shoppers = JoinSet::new();
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    loop {
        let next = schedule.peek().map(|(due, _)| started + *due);
        if next.is_none() && shoppers.is_empty() {
            break;
        }
        tokio::select! {
            () = until(next) => {
                if let Some((due, persona)) = schedule.next() {
                    let town = Arc::clone(&town);
                    shoppers.spawn(live(town, persona, started + due));
                }
            }
            Some(sample) = heard.recv() => samples.add(sample).map_err(LoadError::Histogram)?,
            Some(_gone) = shoppers.join_next() => {}
            _ = ticks.tick() => progress(started.elapsed(), &samples, shoppers.len()),
        }
    }
    while let Ok(sample) = heard.try_recv() {
        samples.add(sample).map_err(LoadError::Histogram)?;
    }
    Ok(samples)
}

/// Buys every basket, `at_once` at a time, as fast as the shop sells.
pub(crate) async fn replay(
    town: Arc<Town>,
    mut heard: mpsc::UnboundedReceiver<Sample>,
    baskets: Vec<Basket>,
    at_once: usize,
    progress: impl Fn(Duration, &Samples, usize),
) -> Result<Samples, LoadError> {
    let started = Instant::now();
    let mut left = baskets.into_iter();
    let mut samples = Samples::default();
    let mut shoppers = JoinSet::new();
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    loop {
        while shoppers.len() < at_once
            && let Some(basket) = left.next()
        {
            let town = Arc::clone(&town);
            shoppers.spawn(async move { buyer::buy_basket(&town, basket).await });
        }
        if shoppers.is_empty() {
            break;
        }
        tokio::select! {
            Some(sample) = heard.recv() => samples.add(sample).map_err(LoadError::Histogram)?,
            Some(_gone) = shoppers.join_next() => {}
            _ = ticks.tick() => progress(started.elapsed(), &samples, shoppers.len()),
        }
    }
    while let Ok(sample) = heard.try_recv() {
        samples.add(sample).map_err(LoadError::Histogram)?;
    }
    Ok(samples)
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}

/// Who arrives when: each kind evenly over the time.
fn schedule(arrivals: Arrivals, lasting: Duration) -> Vec<(Duration, Persona)> {
    let Arrivals {
        browser,
        buyer,
        hoarder,
        attacker,
        login,
    } = arrivals;
    let mut all = Vec::new();
    for (rate, persona) in [
        (browser, Persona::Browser),
        (buyer, Persona::Buyer),
        (hoarder, Persona::Hoarder),
        (attacker, Persona::Attacker),
        (login, Persona::Login),
    ] {
        if rate > 0.0
            && let Ok(gap) = Duration::try_from_secs_f64(rate.recip())
        {
            let mut due = Duration::ZERO;
            while due < lasting {
                all.push((due, persona));
                due += gap;
            }
        }
    }
    all.sort_by_key(|(due, _)| *due);
    all
}

async fn live(town: Arc<Town>, persona: Persona, due: Instant) {
    match persona {
        Persona::Browser => browse(&town, due).await,
        Persona::Buyer => buyer::buy(&town, due).await,
        Persona::Hoarder => buyer::hoard(&town, due).await,
        Persona::Attacker => attack(&town, due).await,
        Persona::Login => log_in(&town, due).await,
    }
}

async fn browse(town: &Town, due: Instant) {
    if let Some(page) = town.pick(&town.pages) {
        let request = town.shop.request(Method::GET, page);
        let _counted = town.shop.once("page", due, request).await;
    }
}

async fn log_in(town: &Town, due: Instant) {
    if let Some(Account { email, password }) = town.pick(&town.accounts) {
        let request = town
            .shop
            .request(Method::POST, "/v1/sessions")
            .json(&serde_json::json!({"email": email, "password": password}));
        let _counted = town.shop.once("log in", due, request).await;
    }
}

/// Tries what must not work. An answer that says yes is a breach.
async fn attack(town: &Town, due: Instant) {
    let number = town.turn();
    let nobody = uuid_like(number);
    let (what, request) = match number % 4 {
        0 => (
            "a guessed password",
            town.shop.request(Method::POST, "/v1/sessions").json(
                &serde_json::json!({"email": format!("someone{number}@example.com"), "password": "letmein-please"}),
            ),
        ),
        1 => (
            "somebody's order",
            town.shop
                .request(Method::GET, &format!("/v1/orders/{nobody}"))
                .header("order-token", "guess"),
        ),
        2 => (
            "a forged webhook",
            town.shop
                .request(Method::POST, "/v1/webhooks/stripe")
                .header("stripe-signature", "t=1,v1=00")
                .body(r#"{"type":"payment_intent.succeeded"}"#),
        ),
        _ => (
            "the internal API",
            town.shop
                .request(Method::GET, &format!("/internal/v1/people/{nobody}")),
        ),
    };
    if let Ok(answer) = town.shop.once("attack", due, request).await {
        town.breach(format!("{what}: {} {}", answer.status, answer.json));
    }
}

/// An id of the right shape that is nobody's.
fn uuid_like(number: u64) -> String {
    format!("01900000-0000-7000-8000-{number:012x}")
}

/// Whether all went well. In a quiet run nothing is broken, and nothing had to be tried twice for want of an answer. When services are killed on
/// purpose, pages may break and requests fail, as long as every purchase comes to its end by trying again.
pub(crate) fn is_well(samples: &Samples, expect_outages: bool) -> bool {
    let is_sold = samples.fell_short("purchase") == 0;
    let is_clean = |step: &StepReport| step.broken == 0 && step.again_broken == 0;
    is_sold && (expect_outages || samples.steps().iter().all(is_clean))
}

impl Outcome {
    /// A shopper's errand that ended short of its goal.
    pub(crate) fn short_of(goal: &str) -> Self {
        Self::Failed(Failure::Broken(format!("not {goal}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_arrives_evenly_and_only_while_the_doors_are_open() {
        let arrivals = Arrivals {
            browser: 10.0,
            buyer: 2.5,
            hoarder: 0.0,
            attacker: 0.0,
            login: 0.0,
        };
        let schedule = schedule(arrivals, Duration::from_secs(4));
        assert_eq!(schedule.len(), 40 + 10);
        assert!(schedule.is_sorted_by_key(|(due, _)| *due));
        assert!(
            schedule
                .iter()
                .all(|(due, _)| *due < Duration::from_secs(4))
        );
    }
}
