//! The ledger check: what was ordered is what was paid, what left the shelves and what mails were sent for. Nothing is missing,
//! nothing is negative, nothing happened twice.
//!
//! Read through the services' own APIs, as staff would. What becomes true a little later (an event on its way, a mail in the queue) is
//! waited for.

mod books;
mod facts;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::PathBuf,
    time::{Duration, Instant},
};

use books::Reader;
use clap::Args;
use facts::{Fact, Purchases, Rules};
use url::Url;

use crate::{
    LoadError,
    visit::{client, say, tell, write},
};

/// Between two looks at books that don't balance yet.
const PAUSE: Duration = Duration::from_secs(2);

/// What `ledger` is told.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The shop, such as <http://127.0.0.1:8080>. Only this machine's own addresses are read.
    base: Url,

    /// A token that permits ledger:read, orders:read, payments:read and events:write.
    #[arg(long, env = "AMAZOFF_TOKEN", hide_env_values = true)]
    token: String,

    /// Orders that the shop has acknowledged, as `shop` and `replay` write them; may be given several times. Single orders are then looked at
    /// from the first of them on; else all that there ever were.
    #[arg(long)]
    acknowledged: Vec<PathBuf>,

    /// Nobody else ordered meanwhile: an order that nobody was told of is one too many.
    #[arg(long, requires = "acknowledged")]
    only: bool,

    /// The API of the mail server (Mailpit) that takes the shop's mails. Else mails are not looked at.
    #[arg(long)]
    mails: Option<Url>,

    /// How long to wait for what is on its way, in seconds.
    #[arg(long, default_value_t = 120)]
    patience: u64,

    /// Services were killed meanwhile: one that dies between handing a mail in and noting that it did hands it in again, under the same
    /// Message-ID, by which readers know it for the same.
    #[arg(long)]
    expect_outages: bool,

    /// Writes what was found as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// Looks until all facts hold or patience is over, and says what holds. Whether all does.
pub(crate) async fn check(options: &Check) -> Result<bool, LoadError> {
    let purchases = purchases(&options.acknowledged)?;
    let reader = Reader {
        client: client(&options.base, Duration::from_mins(1))?,
        shop: options.base.as_str().trim_end_matches('/').to_owned(),
        token: options.token.clone(),
        mails: options
            .mails
            .as_ref()
            .map(|url| url.as_str().trim_end_matches('/').to_owned()),
        since: purchases.keys().next().cloned(),
    };
    let rules = Rules {
        only: options.only,
        mails_may_come_again: options.expect_outages,
    };
    let patience = Duration::from_secs(options.patience);
    let began = Instant::now();
    let facts = loop {
        let looked = reader.read().await;
        let is_over = began.elapsed() > patience;
        let unfinished = match looked {
            Ok(books) => {
                let facts = facts::judge(&books, &purchases, rules);
                let failing = facts.iter().find(|fact| !fact.holds);
                match failing {
                    Some(fact) if !is_over => format!("{}: {}", fact.name, fact.figures),
                    _ => break facts,
                }
            }
            Err(error) if is_over => return Err(error),
            Err(error) => error.to_string(),
        };
        tell(&format!(
            "{:>4} s   {unfinished}",
            began.elapsed().as_secs()
        ));
        tokio::time::sleep(PAUSE).await;
    };
    say(&table(&facts, began.elapsed()));
    if let Some(file) = &options.json {
        write(
            file,
            &serde_json::to_string_pretty(&facts).unwrap_or_default(),
        )?;
    }
    Ok(facts.iter().all(|fact| fact.holds))
}

fn purchases(files: &[PathBuf]) -> Result<Purchases, LoadError> {
    let mut all = BTreeMap::new();
    for file in files {
        let unreadable = |source| LoadError::Acknowledged(file.display().to_string(), source);
        let text = std::fs::read(file).map_err(unreadable)?;
        let some: Purchases =
            serde_json::from_slice(&text).map_err(|error| unreadable(error.into()))?;
        all.extend(some);
    }
    Ok(all)
}

fn table(facts: &[Fact], took: Duration) -> String {
    let mut text = String::new();
    for fact in facts {
        let mark = if fact.holds { '✓' } else { '✗' };
        let _infallible = writeln!(text, "  {mark} {:<56} {}", fact.name, fact.figures);
        for offender in &fact.offenders {
            let _infallible = writeln!(text, "      {offender}");
        }
    }
    let failing = facts.iter().filter(|fact| !fact.holds).count();
    let verdict = if failing == 0 {
        "the ledger balances".to_owned()
    } else {
        format!(
            "the ledger does not balance: {failing} of {} facts",
            facts.len()
        )
    };
    text + &format!("{verdict} ({:.1} s)", took.as_secs_f64())
}
