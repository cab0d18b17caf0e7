//! How fast the read model is built and asked: `cargo bench -p amazoff-catalog -- [folder with categories.ndjson and products.ndjson]`.
//!
//! No database and no HTTP: what is measured is the index alone, on one thread.
#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]
#![expect(
    clippy::expect_used,
    reason = "a bench that can't go on says why and ends"
)]

use std::{
    fmt::Display,
    fs::File,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use amazoff_catalog::{
    category::CategoryInput,
    list_products,
    listing::ListQuery,
    product::{ProductInput, Stamp},
    search::{Change, SearchIndex},
};
use serde::de::DeserializeOwned;

const BATCH: usize = 4000;
const ROUNDS: usize = 50;

fn main() {
    let folder = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with("--"));
    let folder = folder.map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dev/data/sample"),
        PathBuf::from,
    );
    let index = SearchIndex::new().expect("an index");
    let empty = resident();
    let categories = rows::<CategoryInput>(&folder.join("categories.ndjson"))
        .map(|input| Change::Category(input.into_category(1)))
        .collect();
    index.apply(categories).expect("applied");

    let mut products = 0;
    let mut spent = Duration::ZERO;
    let mut batch = Vec::with_capacity(BATCH);
    let mut apply = |batch: &mut Vec<Change>| {
        let started = Instant::now();
        index.apply(std::mem::take(batch)).expect("applied");
        spent += started.elapsed();
    };
    for (number, input) in (1_u128..).zip(rows::<ProductInput>(&folder.join("products.ndjson"))) {
        let at = jiff::Timestamp::UNIX_EPOCH;
        let stamp = Stamp {
            id: uuid::Uuid::from_u128(number),
            revision: 1,
            created_at: at,
            updated_at: at,
        };
        batch.push(Change::Product(Box::new(input.into_product(stamp))));
        products += 1;
        if batch.len() == BATCH {
            apply(&mut batch);
        }
    }
    apply(&mut batch);
    let milliseconds = spent.as_millis().max(1);
    row("products", products);
    row(
        "indexed",
        format!("{} products/s", products * 1000 / milliseconds),
    );
    row(
        "memory",
        format!("{} MiB ({} MiB before)", resident(), empty),
    );

    for query in [
        "limit=24&facets=true",
        "category=pantry&facets=true",
        "category=dairy/milk&facets=true&sort=price",
        "sort=name&facets=true",
        "q=milk&facets=true",
        "q=chocolate+cookies&facets=true",
        "q=frozen&facets=true&sort=-price",
        "q=choclate&facets=true",
        "q=c&facets=true",
        "q=lait&lang=fr&facets=true",
        "q=zzzzqqqq+milk&facets=true",
    ] {
        ask(&index, query);
    }
}

fn ask(index: &SearchIndex, text: &str) {
    let pairs = text
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.replace('+', " ")));
    let query = ListQuery::parse(pairs).expect("a valid question");
    let mut took: Vec<Duration> = Vec::with_capacity(ROUNDS);
    let mut total = 0;
    for _ in 0..ROUNDS {
        let started = Instant::now();
        total = list_products::list(&index.snapshot(), &query)
            .expect("an answer")
            .total;
        took.push(started.elapsed());
    }
    took.sort();
    let at = |percent: usize| took[(ROUNDS - 1) * percent / 100].as_micros();
    row(
        text,
        format!("{} µs median, {} µs worst, {total} found", at(50), at(100)),
    );
}

fn row(name: &str, value: impl Display) {
    println!("{name:<48} {value}");
}

fn rows<T: DeserializeOwned>(path: &Path) -> impl Iterator<Item = T> + use<T> {
    let file = File::open(path).expect("the data; dev/data/prepare makes it");
    BufReader::new(file)
        .lines()
        .map(|line| serde_json::from_str(&line.expect("text")).expect("a row"))
}

/// Resident memory of this process, in MiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap_or_default();
    line.trim()
        .trim_end_matches(" kB")
        .trim()
        .parse::<u64>()
        .unwrap_or_default()
        / 1024
}
