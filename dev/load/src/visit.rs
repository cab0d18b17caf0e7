//! The subcommands: what they are told, and how a run goes.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError},
    time::Duration,
};

use clap::Args;
use tokio::sync::mpsc;
use url::Url;

use crate::{
    LoadError, baskets, measure, paths,
    report::Report,
    samples::Samples,
    shop::Shop,
    shoppers::{self, Account, Arrivals, Basket, Purchase, Town, accounts},
};

/// Between how many accounts logins are spread: so few that a test opens them at once, so many that one account's limit is not met.
const ACCOUNTS: u32 = 10;

/// What `pages` is told.
#[derive(Debug, Args)]
pub(crate) struct Pages {
    /// The shop, such as <http://127.0.0.1:8080>. Only this machine's own addresses are loaded.
    base: Url,

    /// Requests per second.
    #[arg(long, default_value_t = 200)]
    rate: u32,

    /// For how long, in seconds.
    #[arg(long, default_value_t = 20)]
    seconds: u32,

    /// What is asked for: pages as shoppers browse them, product pages only, searches against the API, or the given paths.
    #[arg(long, value_enum, default_value_t = paths::Mix::Browse)]
    mix: paths::Mix,

    /// A path to ask for in place of the mix; may be given several times.
    #[arg(long)]
    path: Vec<String>,

    /// How long a request may take, in milliseconds, before it counts as failed.
    #[arg(long, default_value_t = 10_000)]
    timeout_ms: u64,

    /// Prints the report as JSON.
    #[arg(long)]
    json: bool,

    /// Exit with 1 when any request failed or the 99th percentile is above this many milliseconds.
    #[arg(long)]
    p99_ms: Option<u64>,
}

/// What `shop` is told.
#[derive(Debug, Args)]
pub(crate) struct Visit {
    #[command(flatten)]
    to: To,

    #[command(flatten)]
    arrivals: Arrivals,

    /// For how long shoppers arrive, in seconds.
    #[arg(long, default_value_t = 30)]
    seconds: u32,

    /// Real baskets for the buyers, one JSON object a line; else they buy one to four things of the shop.
    #[arg(long)]
    baskets: Option<PathBuf>,

    /// Services are killed on purpose: what breaks is no failure, as long as every purchase comes to its end by trying again.
    #[arg(long)]
    expect_outages: bool,

    /// The API of the mail server (Mailpit) that takes the shop's mails.
    #[arg(long)]
    mails: Option<Url>,
}

/// What `replay` is told.
#[derive(Debug, Args)]
pub(crate) struct Replay {
    #[command(flatten)]
    to: To,

    /// The baskets, one JSON object a line.
    #[arg(long)]
    baskets: PathBuf,

    /// How many of them, from the first.
    #[arg(long, default_value_t = usize::MAX)]
    most: usize,

    /// How many shoppers are in the shop at the same time.
    #[arg(long, default_value_t = 32)]
    at_once: usize,
}

/// Where shoppers go, and where what came of it is written.
#[derive(Debug, Args)]
struct To {
    /// The shop, such as <http://127.0.0.1:8080>. Only this machine's own addresses are loaded.
    base: Url,

    /// How long a shopper tries again what failed without a clean answer, in seconds.
    #[arg(long, default_value_t = 30)]
    patience: u64,

    /// Writes the report as a page with charts.
    #[arg(long)]
    html: Option<PathBuf>,

    /// Writes the report as JSON.
    #[arg(long)]
    json: Option<PathBuf>,

    /// Writes the orders that the shop has acknowledged, for `ledger`.
    #[arg(long)]
    acknowledged: Option<PathBuf>,
}

/// Asks for pages at a fixed rate. Whether all was well.
pub(crate) async fn pages(options: &Pages) -> Result<bool, LoadError> {
    let client = client(&options.base, Duration::from_millis(options.timeout_ms))?;
    let paths = if options.path.is_empty() {
        paths::discover(&client, &options.base, options.mix).await?
    } else {
        options.path.clone()
    };
    let report = measure::measure(
        &client,
        &options.base,
        &paths,
        options.rate,
        options.seconds,
    )
    .await?;
    say(&if options.json {
        report.json()
    } else {
        report.text()
    });
    let slow = options
        .p99_ms
        .is_some_and(|most| report.p99_us > most.saturating_mul(1000));
    Ok(report.failed == 0 && !slow)
}

/// Lets shoppers arrive. Whether nobody got what they must not, and nothing broke that should not.
pub(crate) async fn shop(options: &Visit) -> Result<bool, LoadError> {
    let baskets = match &options.baskets {
        Some(file) => baskets::read(file, usize::MAX)?,
        None => Vec::new(),
    };
    let accounts = match &options.mails {
        Some(mails) if options.arrivals.login > 0.0 => {
            let client = client(&options.to.base, Duration::from_secs(10))?;
            accounts::open(&client, &options.to.base, mails, ACCOUNTS).await?
        }
        _ => Vec::new(),
    };
    let (town, heard) = town(&options.to, baskets, accounts).await?;
    let lasting = Duration::from_secs(options.seconds.into());
    let samples = shoppers::open(
        Arc::clone(&town),
        heard,
        options.arrivals,
        lasting,
        progress(options.seconds.into()),
    )
    .await?;
    let is_well = shoppers::is_well(&samples, options.expect_outages);
    Ok(conclude(&options.to, &town, &samples, lasting)? && is_well)
}

/// Buys real baskets. Whether all were sold.
pub(crate) async fn replay(options: &Replay) -> Result<bool, LoadError> {
    let baskets = baskets::read(&options.baskets, options.most)?;
    let all = baskets.len();
    let (town, heard) = town(&options.to, Vec::new(), Vec::new()).await?;
    let began = std::time::Instant::now();
    let samples = shoppers::replay(
        Arc::clone(&town),
        heard,
        baskets,
        options.at_once,
        progress(0),
    )
    .await?;
    let is_well = conclude(&options.to, &town, &samples, began.elapsed())?;
    Ok(is_well && usize::try_from(samples.done("purchase")).is_ok_and(|done| done == all))
}

async fn town(
    to: &To,
    baskets: Vec<Basket>,
    accounts: Vec<Account>,
) -> Result<(Arc<Town>, mpsc::UnboundedReceiver<crate::samples::Sample>), LoadError> {
    let client = client(&to.base, Duration::from_secs(10))?;
    let pages = paths::discover(&client, &to.base, paths::Mix::Browse).await?;
    let skus = paths::skus(&client, &to.base).await?;
    let (tell, heard) = mpsc::unbounded_channel();
    let shop = Shop::new(client, &to.base, tell, Duration::from_secs(to.patience));
    Ok((
        Arc::new(Town::new(shop, pages, skus, baskets, accounts)),
        heard,
    ))
}

fn conclude(to: &To, town: &Town, samples: &Samples, lasting: Duration) -> Result<bool, LoadError> {
    let breaches = town.breaches.lock().unwrap_or_else(PoisonError::into_inner);
    let command = std::env::args().collect::<Vec<_>>().join(" ");
    let report = Report::new(command, lasting.as_secs(), samples, breaches.clone());
    say(&report.text());
    if let Some(file) = &to.html {
        write(file, &report.html())?;
    }
    if let Some(file) = &to.json {
        write(file, &report.json())?;
    }
    if let Some(file) = &to.acknowledged {
        let purchases = town
            .purchases
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let purchases: &BTreeMap<String, Purchase> = &purchases;
        write(
            file,
            &serde_json::to_string_pretty(purchases).unwrap_or_default(),
        )?;
    }
    Ok(report.breaches.is_empty())
}

pub(crate) fn write(file: &Path, text: &str) -> Result<(), LoadError> {
    std::fs::write(file, text)
        .map_err(|source| LoadError::Write(file.display().to_string(), source))
}

pub(crate) fn client(base: &Url, timeout: Duration) -> Result<reqwest::Client, LoadError> {
    if !base.host_str().is_some_and(is_this_machine) {
        return Err(LoadError::NotThisMachine(base.to_string()));
    }
    reqwest::Client::builder()
        .timeout(timeout)
        .redirect(reqwest::redirect::Policy::none())
        .tcp_nodelay(true)
        .build()
        .map_err(LoadError::Client)
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host == "[::1]"
        || host.starts_with("127.")
}

/// A line a second on the terminal; `seconds` is 0 when nobody knows how long it takes.
fn progress(seconds: u64) -> impl Fn(Duration, &Samples, usize) {
    move |elapsed, samples, shoppers| {
        let of = if seconds == 0 {
            String::new()
        } else {
            format!("/{seconds}")
        };
        tell(&format!(
            "{:>4}{of} s   {shoppers} in the shop, {} pages, {} orders, {} purchases, {} failed",
            elapsed.as_secs(),
            samples.done("page"),
            samples.done("place order"),
            samples.done("purchase"),
            samples.failed(),
        ));
    }
}

#[expect(clippy::print_stdout, reason = "the report is this program's output")]
pub(crate) fn say(report: &str) {
    println!("{report}");
}

/// On one line that is written over while somebody watches; a line every ten seconds in a log.
#[expect(clippy::print_stderr, reason = "progress is for whoever waits")]
pub(crate) fn tell(line: &str) {
    use std::io::IsTerminal as _;
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[2K{line}");
    } else if line
        .trim_start()
        .split(['/', ' '])
        .next()
        .is_some_and(|second| second.ends_with('0'))
    {
        eprintln!("{line}");
    }
}
