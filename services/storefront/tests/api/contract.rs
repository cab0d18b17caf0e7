//! What the pages read of the catalog, held against what the catalog says it answers.

use serde_json::Value;

/// For each question, the fields that `clients.rs` declares of its answer: `[]` is a list's element, `{}` a map's value.
const READ: [(&str, &[&str]); 4] = [
    (
        "/v1/categories",
        &[
            "items[].key",
            "items[].parent",
            "items[].name.en",
            "items[].name.fr",
            "items[].slug.en",
            "items[].slug.fr",
            "items[].illustration",
            "items[].product_count",
        ],
    ),
    (
        "/v1/products",
        &[
            "items[].id",
            "items[].key",
            "items[].name",
            "items[].slug",
            "items[].category",
            "items[].brand",
            "items[].price.from.amount",
            "items[].price.to.currency",
            "items[].compare_at.amount",
            "items[].variant_count",
            "items[].image.url",
            "items[].image.alt.en",
            "items[].image.width",
            "items[].image.height",
            "items[].illustration",
            "next_cursor",
            "total",
            "corrected_query",
            "facets.categories[].key",
            "facets.categories[].name",
            "facets.categories[].count",
            "facets.brands[].value",
            "facets.brands[].count",
            "facets.attributes{}[].value",
            "facets.attributes{}[].count",
            "facets.price.min.amount",
            "facets.price.max.currency",
        ],
    ),
    (
        "/v1/products/by-slug/{lang}/{slug}",
        &[
            "key",
            "name.en",
            "description.fr",
            "slug.fr",
            "category",
            "brand",
            "attributes{}",
            "options[]",
            "variants[].sku",
            "variants[].options{}",
            "variants[].prices[].amount",
            "variants[].prices[].currency",
            "variants[].compare_at[].amount",
            "images[].url",
            "images[].alt.fr",
            "images[].width",
            "images[].height",
        ],
    ),
    (
        "/v1/suggestions",
        &[
            "queries[]",
            "products[].slug",
            "categories[].key",
            "categories[].name",
        ],
    ),
];

#[test]
fn the_catalog_answers_what_the_pages_read() {
    let text = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../catalog/openapi.json"
    ))
    .expect("the catalog's description");
    let document: Value = serde_json::from_str(&text).expect("JSON");
    for (path, fields) in READ {
        let schema = &document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
            ["schema"];
        assert!(
            schema.is_object(),
            "the catalog describes no answer of {path}"
        );
        for field in fields {
            assert!(
                has(&document, schema, &steps(field)),
                "{path} answers no {field}"
            );
        }
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
