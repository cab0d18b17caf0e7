use std::process::{Command, Output};

/// Runs the real program without what it needs.
fn run(variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gateway"));
    command
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .expect("a program")
}

#[test]
fn a_wrong_setting_stops_the_start_with_a_sentence_that_names_it() {
    let good = [
        ("CATALOG_URL", "http://127.0.0.1:1"),
        ("STOREFRONT_URL", "http://127.0.0.1:1"),
        ("JWKS_FILE", "/nonexistent"),
    ];
    for (name, value, expected) in [
        (
            "CATALOG_URL",
            "https://catalog/x",
            "must be the address of a service",
        ),
        ("TRUSTED_PROXIES", "10.0.0.0/99", "trusted-proxies"),
        ("CORS_ORIGINS", "partner.example", "must be an origin"),
        (
            "RATE_LIMITS",
            "pages=fast",
            "must be class=requests-per-second:burst",
        ),
        ("JWKS_FILE", "/nonexistent", "JWKS_FILE"),
    ] {
        let mut variables = good.to_vec();
        variables.retain(|(other, _)| *other != name);
        variables.push((name, value));
        let output = run(&variables);
        let said = String::from_utf8_lossy(&output.stderr).into_owned()
            + &String::from_utf8_lossy(&output.stdout);
        assert!(
            !output.status.success() && said.contains(expected),
            "{name}: {said}"
        );
    }
}
