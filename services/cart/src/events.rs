//! What the cart hears: that something was ordered, so that it need not be bought again.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use kit::{
    Problem,
    inbox::{self, Events},
};
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    App,
    cart::{self, Cart, State as CartState},
    db::DbError,
    load_cart, write_change,
};

/// The type of the one event that concerns carts.
pub const ORDER_PLACED: &str = "amazoff.order.placed";

/// An order was placed for what was in a cart.
#[derive(Debug, Clone, Deserialize)]
pub struct OrderPlaced {
    /// The order.
    pub order_id: Uuid,
    /// The cart.
    pub cart_id: Uuid,
    /// The revision that was ordered.
    pub cart_revision: u64,
}

/// `POST /internal/v1/events`. What is no news of carts is taken and forgotten.
pub async fn hear(State(app): State<App>, Events(events): Events) -> Result<StatusCode, Problem> {
    let database = app.db.database();
    for event in events.iter().filter(|event| event.kind == ORDER_PLACED) {
        let placed: OrderPlaced = event.read()?;
        let is_known = inbox::mongodb::is_known(database, &event.id).await;
        if is_known.map_err(DbError::from)? {
            continue;
        }
        take_out(&app, &placed).await?;
        let remembered = inbox::mongodb::remember(database, &event.id).await;
        remembered.map_err(DbError::from)?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Takes what was ordered out of the cart, or out of the personal cart that it was moved to meanwhile. Hearing of it again changes nothing.
pub async fn take_out(app: &App, placed: &OrderPlaced) -> Result<(), Problem> {
    let ordered = load_cart::newest(app, placed.cart_id).await?;
    if let CartState::Moved { to } = ordered.state {
        return take_out_of(app, to, placed, Some(&ordered)).await;
    }
    take_out_of(app, placed.cart_id, placed, None).await
}

async fn take_out_of(
    app: &App,
    id: Uuid,
    placed: &OrderPlaced,
    moved: Option<&Arc<Cart>>,
) -> Result<(), Problem> {
    write_change::write(app, id, |cart| {
        let ordered = moved.map_or(cart, |moved| &**moved);
        let change = (cart.state == CartState::Open)
            .then(|| cart::order(cart, ordered, placed.order_id, placed.cart_revision));
        Ok::<_, Problem>(change.flatten())
    })
    .await?;
    Ok(())
}
