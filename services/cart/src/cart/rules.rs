//! What a wish makes of a cart: a change, nothing at all, or a refusal.

use std::sync::Arc;

use uuid::Uuid;

use super::{Cart, Change, Line, MOST_LINES, MOST_PIECES, OrderedLine, Pieces};
use crate::variant::Variant;

/// Why a wish is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There are as many lines as can be.
    #[error("the cart has {MOST_LINES} lines already")]
    Full,
    /// There would be too many of it.
    #[error("the cart has {has} of {sku}, and would have more than {MOST_PIECES}")]
    TooMany {
        /// What.
        sku: String,
        /// How many there are.
        has: u32,
    },
    /// The catalog does not sell it, or not in this currency.
    #[error("{0} is not for sale")]
    NotForSale(String),
}

/// So many of this, however many there were; zero takes it out. `None` when that is so already.
pub fn put(cart: &Cart, variant: &Arc<Variant>, quantity: u32) -> Result<Option<Change>, Refusal> {
    let sku = &variant.sku;
    let line = cart.line(sku);
    if quantity == 0 {
        return Ok(line.map(|_| Change::LineRemoved { sku: sku.clone() }));
    }
    let Some(price) = variant.price(cart.currency) else {
        return Err(Refusal::NotForSale(sku.clone()));
    };
    if quantity > MOST_PIECES {
        let has = line.map_or(0, Line::quantity);
        return Err(Refusal::TooMany {
            sku: sku.clone(),
            has,
        });
    }
    if line.is_none() && cart.lines.len() >= MOST_LINES {
        return Err(Refusal::Full);
    }
    let is_so = line.is_some_and(|line| {
        line.quantity() == quantity && line.variant.price(cart.currency) == Some(price)
    });
    Ok((!is_so).then(|| Change::LineSet {
        variant: Arc::clone(variant),
        quantity,
    }))
}

/// So many of this more.
pub fn add(cart: &Cart, variant: &Arc<Variant>, quantity: u32) -> Result<Option<Change>, Refusal> {
    let has = cart.line(&variant.sku).map_or(0, Line::quantity);
    let sum = has.saturating_add(quantity);
    if sum > MOST_PIECES {
        return Err(Refusal::TooMany {
            sku: variant.sku.clone(),
            has,
        });
    }
    if quantity == 0 {
        return Ok(None);
    }
    put(cart, variant, sum)
}

/// All of a guest's cart into this one: quantities are added, up to what a line may hold; the coupon comes too where there is none. `None` when that was done
/// before, or there is nothing to bring.
pub fn merge(mine: &Cart, guest: &Cart) -> Option<Change> {
    let brings_nothing = guest.lines.is_empty() && guest.coupon.is_none();
    if mine.merged.contains(&guest.id) || brings_nothing {
        return None;
    }
    let lines = guest.lines.iter().map(|line| Pieces {
        variant: Arc::clone(&line.variant),
        quantity: line.quantity(),
    });
    Some(Change::Merged {
        from: guest.id,
        lines: lines.collect(),
        coupon: guest.coupon.as_ref().map(|coupon| coupon.code.clone()),
    })
}

/// The SKUs of a guest's cart that there was no room for.
pub fn left_out(merged: &Cart, guest: &Cart) -> Vec<String> {
    let skus = guest.lines.iter().map(|line| &line.variant.sku);
    skus.filter(|sku| merged.line(sku).is_none())
        .cloned()
        .collect()
}

/// What an order of `ordered` at `revision` takes out of `cart`, which is the same cart later, or the one it was moved to: what was ordered
/// goes, what was put in since stays. Nothing when it was done before.
pub fn order(cart: &Cart, ordered: &Cart, order: Uuid, revision: u64) -> Option<Change> {
    if cart.orders.contains(&order) {
        return None;
    }
    let lines: Vec<OrderedLine> = ordered
        .lines
        .iter()
        .map(|line| OrderedLine {
            sku: line.variant.sku.clone(),
            quantity: line.quantity_at(revision),
        })
        .filter(|line| line.quantity > 0)
        .collect();
    let coupon = ordered.coupon.as_ref();
    let coupon = coupon.filter(|coupon| coupon.revision <= revision);
    let coupon = coupon.map(|coupon| coupon.code.clone());
    (!lines.is_empty() || coupon.is_some()).then_some(Change::Ordered {
        order,
        lines,
        coupon,
    })
}
