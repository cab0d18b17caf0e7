//! Notifications' API over a real database, delivering to a mail server that speaks SMTP over TCP.

mod sink;
mod world;

mod delivery;
mod hearing;
mod letters;
mod outages;
mod people;
mod staff;

/// What clients are promised is what is committed.
#[test]
fn openapi_is_committed() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let mut now = serde_json::to_string_pretty(&amazoff_notifications::openapi()).expect("JSON");
    now.push('\n');
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &now).expect("writable");
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == now,
        "the API changed; run `UPDATE=1 cargo test -p amazoff-notifications openapi` and commit openapi.json"
    );
}

/// What `--help` prints is what `main` reads.
#[test]
fn configuration_is_sound() {
    use clap::CommandFactory as _;
    amazoff_notifications::Config::command().debug_assert();
}
