//! What the pages read of other services, and send them, held against what those say they answer and take.

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

/// Of the four services behind a purchase: the service, what is asked of it, and the fields that are read of its answer.
const BEHIND: [(&str, &str, &str, &[&str]); 28] = [
    ("cart", "get", "/v1/carts/{id}", CART),
    ("cart", "post", "/v1/carts", &["id", "token"]),
    ("cart", "get", "/v1/me/cart", CART),
    ("cart", "post", "/v1/me/cart/merge", CART),
    ("cart", "post", "/v1/carts/{id}/lines", CART),
    ("cart", "put", "/v1/carts/{id}/lines/{sku}", CART),
    (
        "orders",
        "get",
        "/v1/stock",
        &["items[].sku", "items[].availability", "items[].left"],
    ),
    (
        "orders",
        "get",
        "/v1/shipping-methods",
        &[
            "items[].id",
            "items[].name.fr",
            "items[].price.amount",
            "items[].free_from.amount",
            "items[].days[]",
        ],
    ),
    (
        "orders",
        "post",
        "/v1/quotes",
        &["totals.total.amount", "coupon.usable", "out_of_stock[].sku"],
    ),
    (
        "orders",
        "post",
        "/v1/orders",
        &["id", "states.payment", "access_token"],
    ),
    ("orders", "get", "/v1/orders/{id}", ORDER),
    (
        "orders",
        "get",
        "/v1/me/orders",
        &[
            "items[].id",
            "items[].number",
            "items[].status",
            "items[].placed_at",
            "items[].total.amount",
            "next_cursor",
        ],
    ),
    (
        "orders",
        "post",
        "/v1/order-lookups",
        &["order_id", "access_token"],
    ),
    ("payment", "get", "/v1/payment-methods", &["[].provider"]),
    (
        "payment",
        "post",
        "/v1/payments",
        &[
            "id",
            "order_id",
            "state",
            "action.kind",
            "action.url",
            "action.client_secret",
            "action.publishable_key",
            "action.hosted_url",
        ],
    ),
    (
        "payment",
        "post",
        "/v1/payments/{id}/sync",
        &["id", "state"],
    ),
    ("users", "post", "/v1/sessions", SESSION),
    ("users", "post", "/v1/sessions/refresh", SESSION),
    (
        "users",
        "get",
        "/v1/me",
        &["email", "name", "locale", "has_totp"],
    ),
    ("users", "post", "/v1/me/totp", &["secret", "uri"]),
    (
        "users",
        "post",
        "/v1/me/totp/confirm",
        &["recovery_codes[]"],
    ),
    (
        "users",
        "post",
        "/v1/me/passkeys/challenge",
        &["id", "options"],
    ),
    (
        "users",
        "post",
        "/v1/sessions/passkey/challenge",
        &["id", "options"],
    ),
    (
        "users",
        "get",
        "/v1/me/passkeys",
        &[
            "items[].id",
            "items[].name",
            "items[].created_at",
            "items[].last_used_at",
        ],
    ),
    ("users", "post", "/v1/me/passkeys", &["id"]),
    ("users", "post", "/v1/sessions/passkey", SESSION),
    (
        "users",
        "get",
        "/v1/me/addresses",
        &[
            "items[].id",
            "items[].name",
            "items[].line1",
            "items[].postal_code",
            "items[].city",
            "items[].country",
        ],
    ),
    (
        "users",
        "get",
        "/v1/me/sessions",
        &["items[].began_at", "items[].last_used_at", "items[].device"],
    ),
];

const CART: &[&str] = &[
    "id",
    "lines[].sku",
    "lines[].slug.en",
    "lines[].name.fr",
    "lines[].options{}",
    "lines[].illustration",
    "lines[].quantity",
    "lines[].unit_price.amount",
    "lines[].line_total.currency",
    "lines[].price_changed_from.amount",
    "lines[].unavailable",
    "coupon",
    "subtotal.amount",
    "count",
];

const ORDER: &[&str] = &[
    "id",
    "number",
    "status",
    "states.order",
    "states.payment",
    "states.fulfillment",
    "placed_at",
    "expires_at",
    "delivered_at",
    "email",
    "lines[].sku",
    "lines[].name.en",
    "lines[].slug.fr",
    "lines[].options{}",
    "lines[].quantity",
    "lines[].unit_price.amount",
    "lines[].total.amount",
    "lines[].returnable",
    "totals.subtotal.amount",
    "totals.discount_total.amount",
    "totals.shipping_total.amount",
    "totals.tax_total.amount",
    "totals.total.amount",
    "totals.tax_included",
    "coupon",
    "addresses.shipping.line1",
    "addresses.billing.country",
    "shipping_method.name.en",
    "shipments[].carrier",
    "shipments[].tracking",
    "shipments[].tracking_url",
    "shipments[].shipped_at",
    "shipments[].delivered_at",
    "returns[].kind",
    "returns[].state",
    "returns[].requested_at",
    "refunds[].id",
    "refunds[].amount.amount",
    "refunds[].state",
    "history[].at",
    "history[].what",
    "withdrawal.possible",
    "withdrawal.possible_until",
    "cancelable",
];

const SESSION: &[&str] = &["access_token", "expires_at", "refresh_token"];

/// What is sent, and every field of it.
const SENT: [(&str, &str, &str, &[&str]); 22] = [
    ("cart", "post", "/v1/carts", &["currency"]),
    ("cart", "post", "/v1/carts/{id}/lines", &["sku", "quantity"]),
    ("cart", "put", "/v1/carts/{id}/lines/{sku}", &["quantity"]),
    ("cart", "put", "/v1/carts/{id}/coupon", &["code"]),
    ("cart", "post", "/v1/me/cart/merge", &["cart_id", "token"]),
    (
        "orders",
        "post",
        "/v1/quotes",
        &["cart.id", "country", "shipping_method"],
    ),
    (
        "orders",
        "post",
        "/v1/orders",
        &[
            "cart.id",
            "email",
            "locale",
            "shipping_address.line2",
            "billing_address.phone",
            "shipping_method",
            "expected_total.amount",
        ],
    ),
    (
        "orders",
        "post",
        "/v1/orders/{id}/returns",
        &["lines[].sku", "lines[].quantity", "lines[].reason"],
    ),
    (
        "orders",
        "post",
        "/v1/orders/{id}/withdrawal",
        &["lines[].sku", "lines[].quantity"],
    ),
    ("orders", "post", "/v1/order-lookups", &["number", "email"]),
    (
        "payment",
        "post",
        "/v1/payments",
        &["order_id", "provider", "return_url"],
    ),
    (
        "users",
        "post",
        "/v1/sessions",
        &["email", "password", "totp"],
    ),
    (
        "users",
        "post",
        "/v1/registrations",
        &["email", "password", "name", "locale"],
    ),
    (
        "users",
        "post",
        "/v1/password-resets/confirm",
        &["token", "password"],
    ),
    ("users", "patch", "/v1/me", &["name", "locale"]),
    ("users", "post", "/v1/me/totp", &["password"]),
    ("users", "delete", "/v1/me/totp", &["password", "code"]),
    ("users", "post", "/v1/me/passkeys/challenge", &["password"]),
    (
        "users",
        "post",
        "/v1/me/passkeys",
        &["challenge_id", "name", "credential"],
    ),
    (
        "users",
        "post",
        "/v1/sessions/passkey",
        &["challenge_id", "credential"],
    ),
    ("users", "put", "/v1/me/password", &["current", "new"]),
    (
        "users",
        "post",
        "/v1/me/addresses",
        &[
            "name",
            "line1",
            "line2",
            "postal_code",
            "city",
            "region",
            "country",
            "phone",
        ],
    ),
];

fn described(service: &str) -> Value {
    let path = format!("{}/../{service}/openapi.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("the service's description");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn the_catalog_answers_what_the_pages_read() {
    let document = described("catalog");
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

#[test]
fn the_services_behind_answer_what_the_pages_read() {
    for (service, method, path, fields) in BEHIND {
        let document = described(service);
        let responses = &document["paths"][path][method]["responses"];
        let answer = ["200", "201"]
            .iter()
            .find_map(|status| responses.get(status))
            .expect("an answer");
        let schema = &answer["content"]["application/json"]["schema"];
        for field in fields {
            assert!(
                has(&document, schema, &steps(field)),
                "{service}: {method} {path} answers no {field}"
            );
        }
    }
}

#[test]
fn the_services_behind_take_what_the_pages_send() {
    for (service, method, path, fields) in SENT {
        let document = described(service);
        let schema = &document["paths"][path][method]["requestBody"]["content"]["application/json"]
            ["schema"];
        for field in fields {
            assert!(
                has(&document, schema, &steps(field)),
                "{service}: {method} {path} takes no {field}"
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
        .filter(|step| !step.is_empty())
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
