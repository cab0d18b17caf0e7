//! The shopper's cart, wherever it is: a guest's by its token, or that of who is logged in, into which the guest's goes.

use crate::{
    clients::{
        cart::{Cart, Carts},
        neighbor::Who,
    },
    jar::Cookie,
    read_shopper::{Access, Shopper, is_absent, is_refused},
};
use kit::client::ClientError;

/// A cart, and in whose name it is changed.
pub(crate) struct Held {
    pub(crate) cart: Cart,
    pub(crate) who: Who,
}

impl Shopper {
    /// The shopper's cart, if there is one.
    pub(crate) async fn cart(&mut self) -> Result<Option<Held>, ClientError> {
        let Some(carts) = self.app.carts.clone() else {
            return Ok(None);
        };
        let mut access = self.access().await?;
        for may_renew in [true, false] {
            let Access::Person(who) = access else {
                break;
            };
            match self.own_cart(&carts, &who).await {
                Ok(cart) => return Ok(Some(Held { cart, who })),
                Err(error) if is_refused(&error) && may_renew => access = self.renewed().await?,
                Err(error) => return Err(error),
            }
        }
        self.guest_cart(&carts).await
    }

    /// The shopper's cart; made when there is none.
    pub(crate) async fn cart_to_fill(&mut self) -> Result<Option<Held>, ClientError> {
        let Some(carts) = self.app.carts.clone() else {
            return Ok(None);
        };
        if let Some(held) = self.cart().await? {
            return Ok(Some(held));
        }
        let cart = carts.open(self.app.currency).await?;
        let token = cart.token.clone().unwrap_or_default();
        self.jar.set(Cookie::Cart, &format!("{}.{token}", cart.id));
        self.jar.set(Cookie::Known, "1");
        Ok(Some(Held {
            who: Who::of_cart(&token),
            cart,
        }))
    }

    async fn own_cart(&mut self, carts: &Carts, who: &Who) -> Result<Cart, ClientError> {
        let kept = self.jar.get(Cookie::Cart).map(str::to_owned);
        let guest = kept.as_deref().and_then(|kept| kept.split_once('.'));
        let known = match (guest, &kept) {
            // What was chosen before logging in comes along.
            (Some((id, token)), _) => Some(carts.merge(who, id, token).await),
            (None, Some(id)) => Some(carts.read(id, who).await),
            (None, None) => None,
        };
        let cart = match known {
            Some(Ok(cart)) => cart,
            Some(Err(error)) if !is_absent(&error) => return Err(error),
            _ => carts.mine(who).await?,
        };
        if kept.as_ref() != Some(&cart.id) {
            self.jar.set(Cookie::Cart, &cart.id);
        }
        Ok(cart)
    }

    async fn guest_cart(&mut self, carts: &Carts) -> Result<Option<Held>, ClientError> {
        let Some(kept) = self.jar.get(Cookie::Cart).map(str::to_owned) else {
            return Ok(None);
        };
        let Some((id, token)) = kept.split_once('.') else {
            // The cart of who was logged in.
            self.jar.remove(Cookie::Cart);
            return Ok(None);
        };
        let who = Who::of_cart(token);
        match carts.read(id, &who).await {
            Ok(cart) => Ok(Some(Held { cart, who })),
            Err(error) if is_absent(&error) || is_refused(&error) => {
                self.jar.remove(Cookie::Cart);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}
