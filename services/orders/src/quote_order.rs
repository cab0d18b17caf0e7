//! `POST /v1/quotes` and `GET /v1/shipping-methods`: what it will cost, before anything is promised.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, header};
use kit::{
    Problem,
    extract::{Json, Query},
    mariadb,
    money::{Currency, Money},
    problem::ProblemSchema,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    App,
    address::is_country,
    coupon::Unusable,
    db::stock,
    open_order::Shopper,
    order::Sums,
    price_cart::{Destination, Priced, price},
    stock::sum_by_sku,
    text::LocalizedText,
    view::TotalsView,
};

/// Which cart, sent where and how.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuoteInput {
    /// The cart.
    pub cart: CartRef,
    /// ISO 3166-1 alpha-2.
    #[schema(example = "FR")]
    pub country: String,
    /// One of `/v1/shipping-methods`.
    #[schema(example = "standard")]
    pub shipping_method: String,
}

/// A cart, by id.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CartRef {
    /// Its id.
    pub id: Uuid,
}

/// What a cart costs.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Quote {
    /// The revision of the cart that this is about.
    pub cart_revision: u64,
    /// One for each line of the cart.
    pub lines: Vec<QuoteLine>,
    /// What it costs.
    pub totals: TotalsView,
    /// What comes of the cart's coupon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coupon: Option<QuoteCoupon>,
    /// Variants of which fewer are left than the cart has.
    pub out_of_stock: Vec<Shortage>,
}

/// A line of a quote.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct QuoteLine {
    /// The variant.
    pub sku: String,
    /// How many.
    pub quantity: i64,
    /// What one costs now.
    pub unit_price: Money,
    /// What the coupon takes off.
    pub discount: Money,
    /// The tax rate in basis points.
    pub tax_rate: i64,
    /// The tax in `total`.
    pub tax: Money,
    /// What is paid for the line.
    pub total: Money,
}

/// A coupon that was tried.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct QuoteCoupon {
    /// Its code.
    pub code: String,
    /// Whether it counts.
    pub usable: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Unusable>,
}

/// A variant of which there is not enough.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Shortage {
    /// The variant.
    pub sku: String,
    /// How many are left.
    pub left: i64,
}

/// Counts a cart at the prices of now.
#[utoipa::path(
    post, path = "/v1/quotes", tag = "orders", request_body = QuoteInput, security(("token" = []), ("cart" = []), ()),
    responses(
        (status = 200, body = Quote),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 404, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 409, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 415, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn quote_order(
    State(app): State<App>,
    shopper: Shopper,
    Json(input): Json<QuoteInput>,
) -> Result<Json<Quote>, Problem> {
    if !is_country(&input.country) {
        return Err(Problem::invalid().field("country", "must be two capital letters, such as FR"));
    }
    let to = Destination {
        country: &input.country,
        method: &input.shipping_method,
    };
    let priced = price(&app, input.cart.id, &shopper.headers, to).await?;
    let out_of_stock = shortages(&app, &priced)
        .await
        .map_err(mariadb::unavailable)?;
    Ok(Json(show(priced, out_of_stock)))
}

/// Of which variants fewer are left than the cart has.
pub async fn shortages(app: &App, priced: &Priced) -> Result<Vec<Shortage>, sqlx::Error> {
    let wanted = sum_by_sku(
        priced
            .items
            .iter()
            .map(|item| (item.sku.as_str(), item.quantity)),
    );
    let skus: Vec<&str> = wanted.iter().map(|units| units.sku.as_str()).collect();
    let mut connection = app.pool.acquire().await?;
    let levels = stock::levels(&mut connection, &skus).await?;
    let shortage = |units: crate::stock::Units| {
        let level = levels.iter().find(|(sku, ..)| *sku == units.sku);
        let left = level.map_or(0, |(_, on_hand, reserved)| on_hand - reserved);
        (left < units.quantity).then_some(Shortage {
            sku: units.sku,
            left: left.max(0),
        })
    };
    Ok(wanted.into_iter().filter_map(shortage).collect())
}

fn show(priced: Priced, out_of_stock: Vec<Shortage>) -> Quote {
    let currency = priced.currency();
    let money = |amount| Money::new(amount, currency);
    let line = |(item, total): (&crate::totals::Item, &crate::totals::LineTotal)| QuoteLine {
        sku: item.sku.clone(),
        quantity: item.quantity,
        unit_price: item.unit_price,
        discount: money(total.discount),
        tax_rate: total.tax_rate,
        tax: money(total.tax),
        total: money(total.total),
    };
    let coupon = |tried: crate::price_cart::TriedCoupon| QuoteCoupon {
        code: tried.code,
        usable: tried.unusable.is_none(),
        reason: tried.unusable,
    };
    Quote {
        cart_revision: priced.cart.revision,
        lines: priced
            .items
            .iter()
            .zip(&priced.totals.lines)
            .map(line)
            .collect(),
        totals: TotalsView::new(&Sums::from(&priced.totals), currency),
        coupon: priced.coupon.map(coupon),
        out_of_stock,
    }
}

/// Where to, in which currency.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MethodsQuery {
    /// ISO 3166-1 alpha-2.
    #[param(example = "FR")]
    pub country: String,
    /// ISO 4217.
    #[param(value_type = String, example = "EUR")]
    pub currency: Currency,
}

/// Ways to send things.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ShippingMethods {
    /// In the order in which they are offered; none when nothing is sent there.
    pub items: Vec<ShippingMethod>,
}

/// A way to send things.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ShippingMethod {
    /// Its name in the API.
    pub id: String,
    /// Its name for people.
    pub name: LocalizedText,
    /// Working days it takes, at least and at most.
    pub days: [u16; 2],
    /// What it costs.
    pub price: Money,
    /// It costs nothing for goods from this amount on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub free_from: Option<Money>,
}

/// Lists the ways to send things to a country.
#[utoipa::path(
    get, path = "/v1/shipping-methods", tag = "orders", params(MethodsQuery),
    responses(
        (status = 200, body = ShippingMethods, headers(("Cache-Control" = String))),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn list_shipping_methods(
    State(app): State<App>,
    Query(query): Query<MethodsQuery>,
) -> Result<Response, Problem> {
    if !is_country(&query.country) {
        return Err(Problem::invalid().field("country", "must be two capital letters, such as FR"));
    }
    let currency = query.currency;
    let methods = app.terms.shipping(&query.country, currency);
    let items = methods.map(|(rule, price)| ShippingMethod {
        id: rule.id.clone(),
        name: rule.name.clone(),
        days: rule.days,
        price: Money::new(price.price, currency),
        free_from: price.free_from.map(|amount| Money::new(amount, currency)),
    });
    let items = items.collect();
    let cache = [(
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=60"),
    )];
    Ok((cache, Json(ShippingMethods { items })).into_response())
}
