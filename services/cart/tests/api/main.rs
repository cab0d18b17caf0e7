//! The cart's API over a real database, beside a catalog that answers what the contract says and fails when it is told to.

mod catalog;
mod world;

mod atomicity;
mod carts;
mod contract;
mod expiry;
mod flatness;
mod lines;
mod merging;
mod orders;
mod outages;
mod ownership;
mod people;
mod prices;

/// What clients are promised is what is committed.
#[test]
fn openapi_is_committed() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let mut now = serde_json::to_string_pretty(&amazoff_cart::openapi()).expect("JSON");
    now.push('\n');
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &now).expect("writable");
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == now,
        "the API changed; run `UPDATE=1 cargo test -p amazoff-cart openapi` and commit openapi.json"
    );
}

/// What `--help` prints is what `main` reads.
#[test]
fn configuration_is_sound() {
    use clap::CommandFactory as _;
    amazoff_cart::Config::command().debug_assert();
}
