//! How a cart is answered: at the prices of now, never from a cache on the way.

use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};
use kit::{Problem, etag, extract::Json};

use crate::{
    App,
    cart::{Cart, MOST_LINES, MOST_PIECES, Refusal},
    read_variants, view,
};

/// What is told besides the cart.
#[derive(Debug, Default)]
pub struct Besides<'a> {
    /// The token of a cart that was just made.
    pub token: Option<&'a str>,
    /// What there was no room for.
    pub left_out: &'a [String],
}

/// The cart, priced by the catalog in one question for all of its lines.
pub async fn answer(app: &App, status: StatusCode, cart: &Cart, besides: Besides<'_>) -> Response {
    let skus: Vec<&str> = cart
        .lines
        .iter()
        .map(|line| line.variant.sku.as_str())
        .collect();
    let known = read_variants::read_many(app, &skus).await;
    let mut shown = view::of(cart, &known);
    shown.token = besides.token;
    shown.left_out = besides.left_out;
    let headers = [
        (header::ETAG, etag::of(cart.revision)),
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("private, no-store"),
        ),
    ];
    (status, headers, Json(shown)).into_response()
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match &refusal {
            Refusal::Full => Self::new(StatusCode::CONFLICT, "cart-full", "The cart is full.")
                .detail(format!(
                    "A cart holds {MOST_LINES} different things at most."
                ))
                .field("sku", "is one too many"),
            Refusal::TooMany { has, .. } => Self::new(
                StatusCode::CONFLICT,
                "too-many-pieces",
                "That is more than a cart holds of one thing.",
            )
            .detail(format!("The cart has {has} of it."))
            .field("quantity", format!("must leave {MOST_PIECES} at most")),
            Refusal::NotForSale(_) => Self::not_found("not-for-sale", "This is not for sale.")
                .field(
                    "sku",
                    "is nothing the catalog sells in this cart's currency",
                ),
        }
        .with_source(refusal)
    }
}
