//! What the cart keeps on a person, told and forgotten. Guests' carts name nobody.

use axum::extract::State;
use http::StatusCode;
use kit::{
    Problem,
    auth::Identity,
    extract::{Json, Path},
};
use serde::Serialize;
use uuid::Uuid;

use crate::{
    App,
    cart::{Cart, Change, State as CartState},
    compact_cart,
    db::expiring,
    load_cart,
    owner::personal_cart,
    write_change,
};

/// The permission to read all that is kept on a person.
pub const EXPORT: &str = "people:export";
/// The permission to forget a person.
pub const ERASE: &str = "people:erase";

/// All that is kept on a person.
#[derive(Debug, Serialize)]
pub struct Export {
    /// Their cart; none when there is nothing in it.
    pub cart: Option<ExportedCart>,
}

/// A person's cart.
#[derive(Debug, Serialize)]
pub struct ExportedCart {
    /// Its id.
    pub id: Uuid,
    /// When it last changed.
    pub changed_at: jiff::Timestamp,
    /// When it is given up.
    pub expires_at: jiff::Timestamp,
    /// The coupon code.
    pub coupon: Option<String>,
    /// What is in it.
    pub lines: Vec<ExportedLine>,
}

/// A line of a person's cart.
#[derive(Debug, Serialize)]
pub struct ExportedLine {
    /// What.
    pub sku: String,
    /// What it is called.
    pub name: crate::variant::LocalizedText,
    /// How many.
    pub quantity: u32,
}

/// `GET /internal/v1/people/{id}`.
pub async fn export_person(
    State(app): State<App>,
    Path(person): Path<Uuid>,
    caller: Identity,
) -> Result<Json<Export>, Problem> {
    caller.require(EXPORT)?;
    let cart = load_cart::newest(&app, personal_cart(&person.to_string())).await?;
    let is_kept = cart.state == CartState::Open;
    Ok(Json(Export {
        cart: is_kept.then(|| exported(&cart)),
    }))
}

/// `DELETE /internal/v1/people/{id}`. The past of the cart goes at once; that there was one goes a day later, when nobody can come back to it.
pub async fn erase_person(
    State(app): State<App>,
    Path(person): Path<Uuid>,
    caller: Identity,
) -> Result<StatusCode, Problem> {
    caller.require(ERASE)?;
    let id = personal_cart(&person.to_string());
    expiring::register(&app.db, id, app.clock.now()).await?;
    let closed = write_change::write(&app, id, |cart| {
        let is_gone = matches!(
            cart.state,
            CartState::Absent | CartState::Closed { erased: true }
        );
        Ok::<_, Problem>((!is_gone).then_some(Change::Closed { erased: true }))
    })
    .await?;
    if closed.revision > 0 {
        compact_cart::forget_past(&app, &closed).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

fn exported(cart: &Cart) -> ExportedCart {
    let lines = cart.lines.iter().map(|line| ExportedLine {
        sku: line.variant.sku.clone(),
        name: line.variant.name.clone(),
        quantity: line.quantity(),
    });
    ExportedCart {
        id: cart.id,
        changed_at: cart.changed_at,
        expires_at: cart.expires_at(),
        coupon: cart.coupon.as_ref().map(|coupon| coupon.code.clone()),
        lines: lines.collect(),
    }
}
