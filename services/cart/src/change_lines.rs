//! What shoppers do with the lines of a cart: add, set, take out.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::StatusCode;
use kit::{
    Problem,
    etag::IfMatch,
    extract::{Json, Path},
    problem::ProblemSchema,
};
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    App,
    answer_cart::{Besides, answer},
    cart::{self, Cart, Change, MOST_PIECES, Refusal},
    open_cart::{self, Visitor},
    read_variants,
    variant::{Variant, is_sku},
    view::CartView,
};

/// More of something.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MoreOf {
    /// What.
    #[schema(
        example = "1029743",
        min_length = 1,
        max_length = 64,
        pattern = "^[A-Za-z0-9._-]+$"
    )]
    pub sku: String,
    /// How many more.
    #[schema(minimum = 1, maximum = 99)]
    pub quantity: u32,
}

/// So many of something.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SoMany {
    /// How many; zero takes the line out.
    #[schema(minimum = 0, maximum = 99)]
    pub quantity: u32,
}

/// Adds to a line, or makes it.
#[utoipa::path(
    post, path = "/v1/carts/{id}/lines", tag = "lines", request_body = MoreOf, security(("token" = []), ("cart" = [])),
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "the `ETag` of the cart that the change is made to")),
    responses(
        (status = 200, body = CartView<'static>, headers(("ETag" = String))),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 404, body = ProblemSchema, content_type = "application/problem+json", description = "No such cart, or not for sale."),
        (status = 409, body = ProblemSchema, content_type = "application/problem+json", description = "The cart is full, or has too many of it."),
        (status = 412, body = ProblemSchema, content_type = "application/problem+json", description = "The cart changed meanwhile."),
        (status = 413, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 415, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn add_line(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    visitor: Visitor,
    if_match: Option<IfMatch>,
    Json(more): Json<MoreOf>,
) -> Result<Response, Problem> {
    if !is_sku(&more.sku) {
        return Err(Problem::invalid().field("sku", "must be a SKU of the catalog"));
    }
    within(more.quantity, 1)?;
    change(
        &app,
        id,
        &visitor,
        if_match.as_ref(),
        &more.sku,
        |cart, variant| cart::add(cart, variant, more.quantity),
    )
    .await
}

/// Sets a line to a quantity.
#[utoipa::path(
    put, path = "/v1/carts/{id}/lines/{sku}", tag = "lines", request_body = SoMany, security(("token" = []), ("cart" = [])),
    params(("id" = Uuid, Path), ("sku" = String, Path), ("If-Match" = Option<String>, Header, description = "the `ETag` of the cart that the change is made to")),
    responses(
        (status = 200, body = CartView<'static>, headers(("ETag" = String))),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 404, body = ProblemSchema, content_type = "application/problem+json", description = "No such cart, or not for sale."),
        (status = 409, body = ProblemSchema, content_type = "application/problem+json", description = "The cart is full."),
        (status = 412, body = ProblemSchema, content_type = "application/problem+json", description = "The cart changed meanwhile."),
        (status = 413, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 415, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn put_line(
    State(app): State<App>,
    Path((id, sku)): Path<(Uuid, String)>,
    visitor: Visitor,
    if_match: Option<IfMatch>,
    Json(wanted): Json<SoMany>,
) -> Result<Response, Problem> {
    within(wanted.quantity, 0)?;
    if wanted.quantity == 0 {
        return remove(&app, id, &visitor, if_match.as_ref(), &sku).await;
    }
    change(
        &app,
        id,
        &visitor,
        if_match.as_ref(),
        &sku,
        |cart, variant| cart::put(cart, variant, wanted.quantity),
    )
    .await
}

/// Takes a line out.
#[utoipa::path(
    delete, path = "/v1/carts/{id}/lines/{sku}", tag = "lines", security(("token" = []), ("cart" = [])),
    params(("id" = Uuid, Path), ("sku" = String, Path), ("If-Match" = Option<String>, Header, description = "the `ETag` of the cart that the change is made to")),
    responses(
        (status = 200, body = CartView<'static>, headers(("ETag" = String))),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 404, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 412, body = ProblemSchema, content_type = "application/problem+json", description = "The cart changed meanwhile."),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn delete_line(
    State(app): State<App>,
    Path((id, sku)): Path<(Uuid, String)>,
    visitor: Visitor,
    if_match: Option<IfMatch>,
) -> Result<Response, Problem> {
    remove(&app, id, &visitor, if_match.as_ref(), &sku).await
}

async fn change(
    app: &App,
    id: Uuid,
    visitor: &Visitor,
    if_match: Option<&IfMatch>,
    sku: &str,
    wish: impl Fn(&Cart, &Arc<Variant>) -> Result<Option<Change>, Refusal>,
) -> Result<Response, Problem> {
    if !is_sku(sku) {
        return Err(Refusal::NotForSale(sku.to_owned()).into());
    }
    // Whoever may not open the cart learns nothing of what is for sale.
    let seen = open_cart::find(app, id, visitor).await?;
    let last = seen.line(sku).map(|line| Arc::clone(&line.variant));
    let Some(variant) = read_variants::read_one(app, sku, last).await? else {
        return Err(Refusal::NotForSale(sku.to_owned()).into());
    };
    let decide = |cart: &Cart| wish(cart, &variant).map_err(Problem::from);
    let cart = visitor.write(app, id, if_match, decide).await?;
    Ok(answer(app, StatusCode::OK, &cart, Besides::default()).await)
}

async fn remove(
    app: &App,
    id: Uuid,
    visitor: &Visitor,
    if_match: Option<&IfMatch>,
    sku: &str,
) -> Result<Response, Problem> {
    let decide = |cart: &Cart| {
        let line = cart.line(sku);
        Ok(line.map(|_| Change::LineRemoved {
            sku: sku.to_owned(),
        }))
    };
    let cart = visitor.write(app, id, if_match, decide).await?;
    Ok(answer(app, StatusCode::OK, &cart, Besides::default()).await)
}

fn within(quantity: u32, least: u32) -> Result<(), Problem> {
    if (least..=MOST_PIECES).contains(&quantity) {
        return Ok(());
    }
    let wanted = format!("must be between {least} and {MOST_PIECES}");
    Err(Problem::invalid().field("quantity", wanted))
}
