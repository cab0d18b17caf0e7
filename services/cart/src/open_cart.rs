//! Who may open a cart: the guest who shows its token, or the person whose personal cart it is. For anyone else it does not exist.

use std::sync::Arc;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;
use kit::{Problem, auth::Identity, etag::IfMatch};
use uuid::Uuid;

use crate::{
    App,
    cart::{Cart, Change},
    load_cart,
    owner::{Owner, personal_cart},
    write_change,
};

/// The header that a guest's token is sent in.
pub const CART_TOKEN: &str = "cart-token";

/// Whoever asks, with all they show.
#[derive(Debug, Clone)]
pub struct Visitor {
    person: Option<Identity>,
    token: Option<String>,
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let person =
            <Identity as OptionalFromRequestParts<App>>::from_request_parts(parts, app).await?;
        let token = parts.headers.get(CART_TOKEN);
        Ok(Self {
            person,
            token: token
                .and_then(|token| token.to_str().ok())
                .map(str::to_owned),
        })
    }
}

impl Visitor {
    /// A person who shows no cart's token.
    pub fn person(person: Identity) -> Self {
        Self {
            person: Some(person),
            token: None,
        }
    }

    /// Whether this is the visitor's personal cart.
    pub fn owns(&self, id: Uuid) -> bool {
        self.person
            .as_ref()
            .is_some_and(|person| personal_cart(person.subject()) == id)
    }

    /// Whether the visitor may see and change this cart.
    pub fn may_open(&self, cart: &Cart) -> bool {
        let by_token = |token: &String| cart.owner.is_opened_by(token);
        self.owns(cart.id) || self.token.as_ref().is_some_and(by_token)
    }
}

impl Visitor {
    /// Makes the visitor's change to a cart that they may open and that is as they last saw it.
    pub async fn write(
        &self,
        app: &App,
        id: Uuid,
        if_match: Option<&IfMatch>,
        wish: impl Fn(&Cart) -> Result<Option<Change>, Problem>,
    ) -> Result<Arc<Cart>, Problem> {
        let decide = |cart: &Cart| {
            if !self.may_open(cart) || !cart.is_open(app.clock.now()) {
                return Err(NoSuchCart.into());
            }
            if let Some(if_match) = if_match {
                if_match.check(cart.revision)?;
            }
            wish(cart)
        };
        if !self.owns(id) {
            return Ok(write_change::write(app, id, decide).await?);
        }
        // A person's cart is opened by its first change; what they saw before was an empty one.
        let seen = load_cart::newest(app, id).await?;
        if seen.is_open(app.clock.now()) {
            return Ok(write_change::write(app, id, decide).await?);
        }
        let check = |cart: &Cart| if_match.map_or(Ok(()), |seen| seen.check(cart.revision));
        check(&seen)?;
        let opened = write_change::open(app, id, app.currency).await?;
        let decide = |cart: &Cart| {
            if cart.revision != opened.revision {
                check(cart)?;
            }
            wish(cart)
        };
        Ok(write_change::write(app, id, decide).await?)
    }
}

/// There is no such cart, as far as the visitor is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no such cart")]
pub struct NoSuchCart;

impl From<NoSuchCart> for Problem {
    fn from(_: NoSuchCart) -> Self {
        Self::not_found("no-such-cart", "There is no such cart.")
    }
}

/// The cart, as the visitor sees it: a person's cart that is not open is empty, anything else that is not open does not exist.
pub async fn find(app: &App, id: Uuid, visitor: &Visitor) -> Result<Arc<Cart>, Problem> {
    let cart = load_cart::newest(app, id).await?;
    if !visitor.may_open(&cart) {
        return Err(NoSuchCart.into());
    }
    if cart.is_open(app.clock.now()) {
        return Ok(cart);
    }
    if visitor.owns(id) {
        return Ok(empty(app, &cart).into());
    }
    Err(NoSuchCart.into())
}

/// A person's cart that will be opened by its next change.
fn empty(app: &App, cart: &Cart) -> Cart {
    Cart {
        revision: cart.revision,
        changed_at: app.clock.now(),
        owner: Owner::Person,
        ..Cart::absent(cart.id, app.currency)
    }
}
