//! `POST /v1/me/cart/merge`: at login, what was put aside as a guest goes into the personal cart.
//!
//! First the guest's cart is moved: from then on nobody changes it, and its lines stay readable here. Then they are written into the personal cart, which
//! remembers where they came from. Whatever stops in between, asking again does the rest, and nothing is counted twice.

use axum::{extract::State, response::Response};
use http::StatusCode;
use jiff::SignedDuration;
use kit::{Problem, auth::Identity, extract::Json, problem::ProblemSchema};
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    App,
    answer_cart::{Besides, answer},
    cart::{self, Cart, Change, State as CartState},
    db::expiring,
    open_cart::NoSuchCart,
    owner::personal_cart,
    view::CartView,
    write_change,
};

/// How long what was moved is kept, for askers who got no answer.
pub const MOVED_KEPT: SignedDuration = SignedDuration::from_hours(24);

/// A guest's cart and the token that opens it.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GuestCart {
    /// The cart.
    pub cart_id: Uuid,
    /// Its token.
    pub token: String,
}

/// Merges a guest's cart into the caller's personal cart: quantities are added, 99 of one thing and 200 lines at most; the coupon comes along where there is none.
#[utoipa::path(
    post, path = "/v1/me/cart/merge", tag = "carts", request_body = GuestCart, security(("token" = [])),
    responses(
        (status = 200, body = CartView<'static>, headers(("ETag" = String))),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 404, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 413, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 415, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn merge_carts(
    State(app): State<App>,
    person: Identity,
    Json(theirs): Json<GuestCart>,
) -> Result<Response, Problem> {
    let mine = personal_cart(person.subject());
    let guest = write_change::write(&app, theirs.cart_id, |cart| {
        move_to(&app, cart, &theirs.token, mine)
    })
    .await?;
    let soon = app.clock.now().saturating_add(MOVED_KEPT);
    expiring::register(&app.db, guest.id, soon.unwrap_or(guest.changed_at)).await?;
    write_change::open(&app, mine, guest.currency).await?;
    let merged = write_change::write(&app, mine, |cart| {
        Ok::<_, Problem>(cart::merge(cart, &guest))
    })
    .await?;
    let left_out = cart::left_out(&merged, &guest);
    let besides = Besides {
        left_out: &left_out,
        ..Besides::default()
    };
    Ok(answer(&app, StatusCode::OK, &merged, besides).await)
}

fn move_to(app: &App, cart: &Cart, token: &str, mine: Uuid) -> Result<Option<Change>, NoSuchCart> {
    let is_here = cart.owner.is_opened_by(token);
    match cart.state {
        CartState::Open if is_here && cart.is_open(app.clock.now()) => {
            Ok(Some(Change::Moved { to: mine }))
        }
        CartState::Moved { to } if is_here && to == mine => Ok(None),
        _ => Err(NoSuchCart),
    }
}
