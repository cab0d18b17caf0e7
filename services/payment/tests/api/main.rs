//! Payment's API over a real database, with a Stripe and a `PayPal` of the tests' own.

mod contract;
mod events;
mod fakes;
mod outages;
mod payments;
mod paypal;
mod people;
mod races;
mod refunds;
mod settings;
mod staff;
mod stripe;
mod stripe_mock;
mod test_provider;
mod world;

/// What clients are promised is what is committed.
#[test]
fn openapi_is_committed() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let mut now = serde_json::to_string_pretty(&amazoff_payment::openapi()).expect("JSON");
    now.push('\n');
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &now).expect("writable");
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == now,
        "the API changed; run `UPDATE=1 cargo test -p amazoff-payment openapi` and commit openapi.json"
    );
}

/// What `--help` prints is what `main` reads.
#[test]
fn configuration_is_sound() {
    use clap::CommandFactory as _;
    amazoff_payment::Config::command().debug_assert();
}
