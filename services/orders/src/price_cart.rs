//! A cart at the prices of now: what quotes show and orders charge. Nothing that a client says about money is believed.

use std::collections::HashMap;

use http::{HeaderMap, StatusCode};
use kit::{
    Problem,
    client::ClientError,
    mariadb,
    money::{Currency, MoneyError},
};
use uuid::Uuid;

use crate::{
    App,
    clients::{Cart, Variant},
    coupon::{self, Discount, Unusable},
    db::coupons,
    order::{OrderLine, Shown},
    totals::{self, Item, Totals},
};

/// The most lines of an order.
pub const MOST_LINES: usize = 200;
/// The most units of one line.
pub const MOST_UNITS: u32 = 999;

/// Why a cart has no price.
#[derive(Debug, thiserror::Error)]
pub enum PriceError {
    /// It is not the shopper's, or there is none.
    #[error("no such cart")]
    NoCart,
    /// Nothing is in it.
    #[error("the cart is empty")]
    Empty,
    /// It is larger than orders may be.
    #[error("the cart is too large")]
    TooLarge,
    /// Some of it is not for sale.
    #[error("not for sale: {0:?}")]
    NotForSale(Vec<String>),
    /// Nothing is sent there.
    #[error("nothing is sent there")]
    NoDelivery,
    /// It can't be sent there in this way.
    #[error("no such shipping method")]
    NoSuchMethod,
    /// Sums that don't fit.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// A neighbor did not answer.
    #[error(transparent)]
    Neighbor(#[from] ClientError),
    /// The database did not.
    #[error("the database failed")]
    Db(#[from] sqlx::Error),
}

impl From<PriceError> for Problem {
    fn from(error: PriceError) -> Self {
        let conflict = |kind, title| Self::new(StatusCode::CONFLICT, kind, title);
        match error {
            PriceError::NoCart => Self::not_found("cart-not-found", "There is no such cart.")
                .field("cart.id", "must be a cart of yours"),
            PriceError::Empty => conflict("cart-empty", "The cart is empty."),
            PriceError::TooLarge | PriceError::Money(_) => {
                conflict("cart-too-large", "The cart is too large for one order.").detail(format!(
                    "An order has at most {MOST_LINES} lines of at most {MOST_UNITS} units."
                ))
            }
            PriceError::NotForSale(skus) => {
                let problem = conflict(
                    "not-for-sale",
                    "Something in the cart is not for sale any more.",
                );
                skus.into_iter().fold(problem, |problem, sku| {
                    problem.field(sku, "is not for sale in this currency")
                })
            }
            PriceError::NoDelivery => conflict("no-delivery", "Nothing is sent to this country.")
                .field("country", "must be one that we send to"),
            PriceError::NoSuchMethod => Self::invalid().field(
                "shipping_method",
                "must be one of /v1/shipping-methods for this country and currency",
            ),
            PriceError::Neighbor(source) => Self::unavailable(source),
            PriceError::Db(source) => mariadb::unavailable(source),
        }
    }
}

/// A cart with its prices.
#[derive(Debug)]
pub struct Priced {
    /// The cart as it was read.
    pub cart: Cart,
    /// What each line of it is.
    pub items: Vec<Item>,
    /// What each line shows.
    pub seen: Vec<Seen>,
    /// The coupon in it, and what comes of it.
    pub coupon: Option<TriedCoupon>,
    /// What it all costs.
    pub totals: Totals,
}

/// What a line shows.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The product.
    pub product_id: Uuid,
    /// What the shopper sees of it.
    pub shown: Shown,
}

/// A coupon that was tried.
#[derive(Debug, Clone)]
pub struct TriedCoupon {
    /// Its code.
    pub code: String,
    /// How often one person can use it.
    pub max_uses_per_person: Option<i32>,
    /// Why it can't be used, if so.
    pub unusable: Option<Unusable>,
}

impl Priced {
    /// The currency of everything.
    pub fn currency(&self) -> Currency {
        self.cart.currency
    }

    /// The lines of an order of it.
    pub fn lines(&self) -> Vec<OrderLine> {
        let mut lines: Vec<OrderLine> = Vec::with_capacity(self.items.len());
        let parts = self.items.iter().zip(&self.seen).zip(&self.totals.lines);
        for (line, ((item, seen), total)) in (0..).zip(parts) {
            lines.push(OrderLine {
                line,
                sku: item.sku.clone(),
                product_id: seen.product_id,
                shown: seen.shown.clone(),
                quantity: item.quantity,
                unit_price: item.unit_price.amount,
                discount: total.discount,
                tax_rate: total.tax_rate,
                tax: total.tax,
                total: total.total,
                shipped: 0,
                coming_back: 0,
                returned: 0,
            });
        }
        lines
    }
}

/// Where and how a cart is to be sent.
#[derive(Debug, Clone, Copy)]
pub struct Destination<'a> {
    /// The country.
    pub country: &'a str,
    /// The way.
    pub method: &'a str,
}

/// Reads a cart and the catalog, then counts. The database is asked for the coupon only, and after the neighbors answered.
pub async fn price(
    app: &App,
    cart: Uuid,
    shopper: &HeaderMap,
    to: Destination<'_>,
) -> Result<Priced, PriceError> {
    let cart = app
        .neighbors
        .cart(cart, shopper)
        .await?
        .ok_or(PriceError::NoCart)?;
    if cart.lines.is_empty() {
        return Err(PriceError::Empty);
    }
    let is_sound = |quantity: u32| (1..=MOST_UNITS).contains(&quantity);
    if cart.lines.len() > MOST_LINES || !cart.lines.iter().all(|line| is_sound(line.quantity)) {
        return Err(PriceError::TooLarge);
    }
    let rule = app.terms.tax(to.country).ok_or(PriceError::NoDelivery)?;
    let mut methods = app.terms.shipping(to.country, cart.currency);
    let (_, shipping) = methods
        .find(|(method, _)| method.id == to.method)
        .ok_or(PriceError::NoSuchMethod)?;
    let mut skus: Vec<&str> = cart.lines.iter().map(|line| line.sku.as_str()).collect();
    skus.sort_unstable();
    skus.dedup();
    let variants = app.neighbors.variants(&skus).await?;
    let (items, seen) = items(&cart, variants)?;
    let (discount, coupon) = match &cart.coupon {
        Some(code) => try_coupon(app, code, &items).await?,
        None => (Discount::None, None),
    };
    let totals = totals::count(&items, rule, shipping, &discount)?;
    Ok(Priced {
        cart,
        items,
        seen,
        coupon,
        totals,
    })
}

fn items(cart: &Cart, variants: Vec<Variant>) -> Result<(Vec<Item>, Vec<Seen>), PriceError> {
    let known: HashMap<String, Variant> = variants
        .into_iter()
        .map(|variant| (variant.sku.clone(), variant))
        .collect();
    let (mut items, mut all_seen, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    for line in &cart.lines {
        let variant = known.get(&line.sku).filter(|variant| variant.published);
        let price = variant.and_then(|variant| {
            variant
                .prices
                .iter()
                .find(|price| price.currency == cart.currency && price.amount >= 0)
        });
        let (Some(variant), Some(price)) = (variant, price) else {
            missing.push(line.sku.clone());
            continue;
        };
        items.push(Item {
            sku: line.sku.clone(),
            category: variant.category.clone(),
            quantity: line.quantity.into(),
            unit_price: *price,
        });
        let shown = Shown {
            name: variant.name.clone(),
            slug: variant.slug.clone(),
            options: variant.options.clone(),
            category: variant.category.clone(),
            illustration: variant.illustration.clone(),
        };
        all_seen.push(Seen {
            product_id: variant.product_id,
            shown,
        });
    }
    if missing.is_empty() {
        Ok((items, all_seen))
    } else {
        Err(PriceError::NotForSale(missing))
    }
}

async fn try_coupon(
    app: &App,
    code: &str,
    items: &[Item],
) -> Result<(Discount, Option<TriedCoupon>), PriceError> {
    let mut tried = TriedCoupon {
        code: code.to_owned(),
        max_uses_per_person: None,
        unusable: Some(Unusable::Unknown),
    };
    let Some(code) = coupon::code(code) else {
        return Ok((Discount::None, Some(tried)));
    };
    let mut connection = app.pool.acquire().await?;
    let Some(coupon) = coupons::read(&mut connection, &code).await? else {
        return Ok((Discount::None, Some(tried)));
    };
    tried.code = code;
    tried.max_uses_per_person = coupon.rule.max_uses_per_person;
    if coupon.max_uses.is_some_and(|most| coupon.uses >= most) {
        tried.unusable = Some(Unusable::UsedUp);
        return Ok((Discount::None, Some(tried)));
    }
    match coupon.rule.discount(items, app.clock.now()) {
        Ok(discount) => {
            tried.unusable = None;
            Ok((discount, Some(tried)))
        }
        Err(reason) => {
            tried.unusable = Some(reason);
            Ok((Discount::None, Some(tried)))
        }
    }
}
