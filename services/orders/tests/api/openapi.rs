/// What clients are promised is what is committed.
#[test]
fn openapi_is_committed() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let mut now = serde_json::to_string_pretty(&amazoff_orders::openapi()).expect("JSON");
    now.push('\n');
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &now).expect("writable");
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == now,
        "the API changed; run `UPDATE=1 cargo test -p amazoff-orders openapi` and commit openapi.json"
    );
}

/// What `--help` prints is what `main` reads.
#[test]
fn configuration_is_sound() {
    use clap::CommandFactory as _;
    amazoff_orders::Config::command().debug_assert();
}

/// What is read of others is what they promise.
#[test]
fn neighbors_promise_what_is_read() {
    for (service, schema, fields) in [
        (
            "catalog",
            "VariantView",
            &[
                "sku",
                "product_id",
                "name",
                "slug",
                "category",
                "options",
                "prices",
                "published",
            ][..],
        ),
        ("cart", "Cart", &["id", "revision", "currency", "lines"]),
        ("cart", "CartLine", &["sku", "quantity"]),
    ] {
        let path = format!("{}/../{service}/openapi.json", env!("CARGO_MANIFEST_DIR"));
        let Ok(text) = std::fs::read_to_string(&path) else {
            panic!("{service} has no openapi.json");
        };
        let document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let required = document["components"]["schemas"][schema]["required"]
            .as_array()
            .unwrap_or_else(|| panic!("{service} describes no {schema}"))
            .clone();
        for field in fields {
            assert!(
                required.iter().any(|known| known == field),
                "{service} does not promise {schema}.{field}"
            );
        }
    }
}
