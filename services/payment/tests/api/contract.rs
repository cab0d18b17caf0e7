//! What payment reads of orders, held against what orders says it answers.

use serde_json::Value;

fn schema<'a>(document: &'a Value, path: &str) -> &'a Value {
    let schema = &document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
        ["schema"];
    match schema["$ref"].as_str() {
        Some(reference) => document
            .pointer(reference.trim_start_matches('#'))
            .expect("a schema"),
        None => schema,
    }
}

#[test]
fn orders_answers_what_payment_reads() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../orders/openapi.json");
    let text = std::fs::read_to_string(path).expect("orders' description");
    let document: Value = serde_json::from_str(&text).expect("JSON");
    for (path, fields) in [
        ("/v1/orders/{id}", &["id"][..]),
        (
            "/internal/v1/orders/{id}/payable",
            &[
                "order_id",
                "number",
                "amount",
                "state",
                "email",
                "locale",
                "expires_at",
            ],
        ),
    ] {
        let schema = schema(&document, path);
        for field in fields {
            assert!(
                schema["properties"][field].is_object(),
                "{path} answers no {field}"
            );
        }
    }
    let states =
        schema(&document, "/internal/v1/orders/{id}/payable")["properties"]["state"].to_string();
    let states = if states.contains("$ref") {
        document["components"]["schemas"]["OrderState"].to_string()
    } else {
        states
    };
    assert!(states.contains("placed"), "{states}");
}
