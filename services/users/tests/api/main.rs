//! The users' API over a real database.

mod accounts;
mod erasure;
mod factors;
mod keys;
mod logins;
mod outages;
mod ownership;
mod passkeys;
mod passwords;
mod process;
mod registrations;
mod sessions;
mod staff;
mod world;

/// What clients are promised is what is committed.
#[test]
fn openapi_is_committed() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let mut now = serde_json::to_string_pretty(&amazoff_users::openapi()).expect("JSON");
    now.push('\n');
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &now).expect("writable");
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == now,
        "the API changed; run `UPDATE=1 cargo test -p amazoff-users openapi` and commit openapi.json"
    );
}

/// What `--help` prints is what `main` reads.
#[test]
fn configuration_is_sound() {
    use clap::CommandFactory as _;
    amazoff_users::Config::command().debug_assert();
}
