//! What carts read of the catalog, held against what the catalog says it answers.

use serde_json::Value;

/// For each question, the fields that `clients.rs` declares of its answer: `[]` is a list's element, `{}` a map's value.
const READ: [(&str, &[&str]); 1] = [(
    "/v1/variants",
    &[
        "items[].sku",
        "items[].product_id",
        "items[].name.en",
        "items[].name.fr",
        "items[].slug.en",
        "items[].slug.fr",
        "items[].illustration",
        "items[].options{}",
        "items[].prices[].amount",
        "items[].prices[].currency",
        "items[].published",
    ],
)];

/// The fake says nothing that the catalog does not say.
#[test]
fn the_fake_answers_as_the_catalog() {
    let document = catalog();
    let schema = schema(&document, "/v1/variants");
    let answer = serde_json::json!({"items": [crate::catalog::variant("a", 1)]});
    let wrong = misfit(&document, schema, &answer, "answer");
    assert_eq!(wrong, None);
}

#[test]
fn the_catalog_answers_what_carts_read() {
    let document = catalog();
    for (path, fields) in READ {
        let schema = schema(&document, path);
        for field in fields {
            assert!(
                has(&document, schema, &steps(field)),
                "{path} answers no {field}"
            );
        }
    }
}

fn catalog() -> Value {
    let text = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../catalog/openapi.json"
    ))
    .expect("the catalog's description");
    serde_json::from_str(&text).expect("JSON")
}

fn schema<'a>(document: &'a Value, path: &str) -> &'a Value {
    let schema = &document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
        ["schema"];
    assert!(
        schema.is_object(),
        "the catalog describes no answer of {path}"
    );
    schema
}

/// Where a value is not of a schema: fields that it lacks or does not know.
fn misfit(document: &Value, schema: &Value, value: &Value, at: &str) -> Option<String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = document
            .pointer(reference.trim_start_matches('#'))
            .unwrap_or(&Value::Null);
        return misfit(document, target, value, at);
    }
    match value {
        Value::Array(items) => items
            .iter()
            .find_map(|item| misfit(document, &schema["items"], item, &format!("{at}[]"))),
        Value::Object(fields) if schema["properties"].is_object() => {
            let required = schema["required"].as_array().cloned().unwrap_or_default();
            let lacks = required
                .iter()
                .filter_map(Value::as_str)
                .find(|name| !fields.contains_key(*name));
            if let Some(name) = lacks {
                return Some(format!("{at} lacks {name}"));
            }
            fields.iter().find_map(|(name, value)| {
                let field = &schema["properties"][name];
                if field.is_object() {
                    misfit(document, field, value, &format!("{at}.{name}"))
                } else {
                    Some(format!("{at} has {name}, which is not described"))
                }
            })
        }
        _ => None,
    }
}

/// `items[].name` as `items`, `[]`, `name`.
fn steps(field: &str) -> Vec<String> {
    field
        .replace("[]", ".[]")
        .replace("{}", ".{}")
        .split('.')
        .map(str::to_owned)
        .collect()
}

fn has(document: &Value, schema: &Value, steps: &[String]) -> bool {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = document
            .pointer(reference.trim_start_matches('#'))
            .expect("a schema");
        return has(document, target, steps);
    }
    for choice in ["allOf", "anyOf", "oneOf"] {
        if schema[choice]
            .as_array()
            .is_some_and(|schemas| schemas.iter().any(|schema| has(document, schema, steps)))
        {
            return true;
        }
    }
    let Some((step, rest)) = steps.split_first() else {
        return schema.is_object();
    };
    let next = match step.as_str() {
        "[]" => &schema["items"],
        "{}" => &schema["additionalProperties"],
        name => &schema["properties"][name],
    };
    next.is_object() && has(document, next, rest)
}
