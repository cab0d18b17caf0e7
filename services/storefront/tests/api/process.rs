//! The program in a process of its own.

use std::process::{Command, Output};

/// What the program says when it can't start.
fn complaint(name: &str, value: &str) -> String {
    let good = [
        ("CATALOG_URL", "http://127.0.0.1:1"),
        ("PUBLIC_URL", "https://shop.example"),
    ];
    let mut variables = good.to_vec();
    variables.retain(|(other, _)| *other != name);
    variables.push((name, value));
    let Output { status, stderr, .. } = Command::new(env!("CARGO_BIN_EXE_storefront"))
        .env_clear()
        .envs(variables)
        .output()
        .expect("a program");
    let said = String::from_utf8(stderr).expect("text");
    assert!(!status.success(), "{name}={value} starts: {said}");
    said
}

#[test]
fn a_wrong_setting_stops_the_start_with_a_sentence_that_names_it() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("bound").to_string();
    for (name, value, expected) in [
        ("CATALOG_URL", "", "must be set"),
        ("CATALOG_URL", "catalog:8080", "must be an address"),
        ("PUBLIC_URL", "shop.example", "must be an address"),
        ("CURRENCY", "euros", "can't be \"euros\""),
        ("DEFAULT_LANGUAGE", "de", "it is one of en, fr"),
        ("API_ADDR", &taken, "can't listen on"),
    ] {
        let said = complaint(name, value);
        let sentence = said.trim_end();
        assert!(
            sentence.starts_with(&format!("Error: {name}"))
                && sentence.contains(expected)
                && !sentence.contains('\n'),
            "{name}={value}: {said}"
        );
    }
}
