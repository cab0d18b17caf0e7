//! Orders themselves.

use jiff::Timestamp;
use kit::{mariadb::At, money::Currency};
use sqlx::{FromRow, MySqlConnection, Row as _, mysql::MySqlRow};
use uuid::Uuid;

use super::{Result, named, unknown};
use crate::{
    order::{Order, Sums},
    state::{FulfillmentState, OrderState, PaymentState, ReturnState, States, Status},
    text::Locale,
};

/// Every column in the order of the table would do, but the names say what a reader relies on.
const READ: &str = "SELECT id, number, revision, order_state, payment_state, fulfillment_state, return_state, person_id, key_id, personal, \
    cart_id, cart_revision, locale, country, currency, shipping_method, coupon, subtotal, discount_total, shipping_total, shipping_tax_rate, shipping_tax, tax_total, total, tax_included, \
    units, payment_id, paid, refunded, placed_at, expires_at, delivered_at FROM orders WHERE id = ?";
const LOCK: &str = "SELECT id, number, revision, order_state, payment_state, fulfillment_state, return_state, person_id, key_id, personal, \
    cart_id, cart_revision, locale, country, currency, shipping_method, coupon, subtotal, discount_total, shipping_total, shipping_tax_rate, shipping_tax, tax_total, total, tax_included, \
    units, payment_id, paid, refunded, placed_at, expires_at, delivered_at FROM orders WHERE id = ? FOR UPDATE";
const INSERT: &str = "INSERT INTO orders (id, number, status, order_state, payment_state, fulfillment_state, return_state, person_id, key_id, email_index, personal, \
    cart_id, cart_revision, locale, country, currency, shipping_method, coupon, subtotal, discount_total, shipping_total, shipping_tax_rate, shipping_tax, tax_total, total, tax_included, \
    units, placed_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
const SAVE: &str = "UPDATE orders SET revision = revision + 1, status = ?, order_state = ?, payment_state = ?, fulfillment_state = ?, return_state = ?, \
    cart_id = ?, cart_revision = ?, payment_id = ?, paid = ?, refunded = ?, expires_at = ?, delivered_at = ? WHERE id = ?";
const BY_NUMBER: &str = "SELECT id, email_index FROM orders WHERE number = ?";
const DUE: &str = "SELECT id FROM orders WHERE expires_at <= ? ORDER BY expires_at LIMIT ?";
const OF_CART: &str = "SELECT id FROM orders WHERE cart_id = ? AND cart_revision = ?";
const IDS_OF_PERSON: &str =
    "SELECT id FROM orders WHERE person_id = ? OR (email_index = ? AND person_id IS NULL)";
const FORGET: &str =
    "UPDATE orders SET personal = NULL, email_index = NULL, revision = revision + 1 WHERE id = ?";

const SUMMARY_OF_PERSON: &str = "SELECT id, number, order_state, payment_state, fulfillment_state, return_state, currency, total, units, placed_at FROM orders \
    WHERE person_id = ? AND id < ? ORDER BY id DESC LIMIT ?";
const SUMMARY_OF_EMAIL: &str = "SELECT id, number, order_state, payment_state, fulfillment_state, return_state, currency, total, units, placed_at FROM orders \
    WHERE email_index = ? AND id < ? ORDER BY id DESC LIMIT ?";
const SUMMARY_OF_NUMBER: &str = "SELECT id, number, order_state, payment_state, fulfillment_state, return_state, currency, total, units, placed_at FROM orders \
    WHERE number = ? AND id < ? ORDER BY id DESC LIMIT ?";
const SUMMARY_OF_STATUS: &str = "SELECT id, number, order_state, payment_state, fulfillment_state, return_state, currency, total, units, placed_at FROM orders \
    WHERE status = ? AND id < ? ORDER BY id DESC LIMIT ?";
const SUMMARY_OF_ALL: &str = "SELECT id, number, order_state, payment_state, fulfillment_state, return_state, currency, total, units, placed_at FROM orders \
    WHERE id < ? ORDER BY id DESC LIMIT ?";

impl FromRow<'_, MySqlRow> for Order {
    fn from_row(row: &MySqlRow) -> Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            number: row.try_get("number")?,
            revision: row.try_get("revision")?,
            states: states(row)?,
            person_id: row.try_get("person_id")?,
            key_id: row.try_get("key_id")?,
            personal: row.try_get("personal")?,
            cart_id: row.try_get("cart_id")?,
            cart_revision: row.try_get("cart_revision")?,
            locale: Locale::of(row.try_get("locale")?),
            country: row.try_get("country")?,
            currency: currency(row)?,
            shipping_method: row.try_get("shipping_method")?,
            coupon: row.try_get("coupon")?,
            sums: Sums {
                subtotal: row.try_get("subtotal")?,
                discount_total: row.try_get("discount_total")?,
                shipping_total: row.try_get("shipping_total")?,
                shipping_tax_rate: row.try_get::<i32, _>("shipping_tax_rate")?.into(),
                shipping_tax: row.try_get("shipping_tax")?,
                tax_total: row.try_get("tax_total")?,
                total: row.try_get("total")?,
                tax_included: row.try_get("tax_included")?,
            },
            units: row.try_get::<i32, _>("units")?.into(),
            payment_id: row.try_get("payment_id")?,
            paid: row.try_get("paid")?,
            refunded: row.try_get("refunded")?,
            placed_at: row.try_get::<At, _>("placed_at")?.0,
            expires_at: row.try_get::<Option<At>, _>("expires_at")?.map(|at| at.0),
            delivered_at: row.try_get::<Option<At>, _>("delivered_at")?.map(|at| at.0),
        })
    }
}

fn states(row: &MySqlRow) -> Result<States> {
    Ok(States {
        order: named(
            &OrderState::ALL,
            OrderState::name,
            "order_state",
            row.try_get("order_state")?,
        )?,
        payment: named(
            &PaymentState::ALL,
            PaymentState::name,
            "payment_state",
            row.try_get("payment_state")?,
        )?,
        fulfillment: named(
            &FulfillmentState::ALL,
            FulfillmentState::name,
            "fulfillment_state",
            row.try_get("fulfillment_state")?,
        )?,
        r#return: named(
            &ReturnState::ALL,
            ReturnState::name,
            "return_state",
            row.try_get("return_state")?,
        )?,
    })
}

pub(super) fn currency(row: &MySqlRow) -> Result<Currency> {
    let code: &str = row.try_get("currency")?;
    code.parse()
        .map_err(|_not_a_code| unknown("currency", code))
}

/// An order as lists show it.
#[derive(Debug, Clone)]
pub struct Summary {
    /// Its id.
    pub id: Uuid,
    /// Its number, plain.
    pub number: String,
    /// Its states.
    pub states: States,
    /// Of the total.
    pub currency: Currency,
    /// What was charged.
    pub total: i64,
    /// How many units.
    pub units: i64,
    /// When it was placed.
    pub placed_at: Timestamp,
}

impl FromRow<'_, MySqlRow> for Summary {
    fn from_row(row: &MySqlRow) -> Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            number: row.try_get("number")?,
            states: states(row)?,
            currency: currency(row)?,
            total: row.try_get("total")?,
            units: row.try_get::<i32, _>("units")?.into(),
            placed_at: row.try_get::<At, _>("placed_at")?.0,
        })
    }
}

/// Writes a new order. The violated constraint is `orders_number` when the number is taken, `orders_cart` when this revision of the cart was ordered.
pub async fn insert(
    connection: &mut MySqlConnection,
    order: &Order,
    email_index: &[u8; 32],
) -> Result<()> {
    let sums = &order.sums;
    sqlx::query(INSERT)
        .bind(order.id)
        .bind(&order.number)
        .bind(order.states.status().name())
        .bind(order.states.order.name())
        .bind(order.states.payment.name())
        .bind(order.states.fulfillment.name())
        .bind(order.states.r#return.name())
        .bind(order.person_id)
        .bind(order.key_id)
        .bind(&email_index[..])
        .bind(&order.personal)
        .bind(order.cart_id)
        .bind(order.cart_revision)
        .bind(order.locale.code())
        .bind(&order.country)
        .bind(order.currency.code())
        .bind(&order.shipping_method)
        .bind(&order.coupon)
        .bind(sums.subtotal)
        .bind(sums.discount_total)
        .bind(sums.shipping_total)
        .bind(sums.shipping_tax_rate)
        .bind(sums.shipping_tax)
        .bind(sums.tax_total)
        .bind(sums.total)
        .bind(sums.tax_included)
        .bind(order.units)
        .bind(At(order.placed_at))
        .bind(order.expires_at.map(At))
        .execute(connection)
        .await?;
    Ok(())
}

/// Reads an order.
pub async fn read(connection: &mut MySqlConnection, id: Uuid) -> Result<Option<Order>> {
    sqlx::query_as(READ)
        .bind(id)
        .fetch_optional(connection)
        .await
}

/// Reads an order that is about to change; whoever else wants to change it waits.
pub async fn lock(connection: &mut MySqlConnection, id: Uuid) -> Result<Option<Order>> {
    sqlx::query_as(LOCK)
        .bind(id)
        .fetch_optional(connection)
        .await
}

/// Writes what can change of an order that is locked.
pub async fn save(connection: &mut MySqlConnection, order: &mut Order) -> Result<()> {
    let states = order.states;
    let saved = sqlx::query(SAVE)
        .bind(states.status().name())
        .bind(states.order.name())
        .bind(states.payment.name())
        .bind(states.fulfillment.name())
        .bind(states.r#return.name())
        .bind(order.cart_id)
        .bind(order.cart_revision)
        .bind(order.payment_id)
        .bind(order.paid)
        .bind(order.refunded)
        .bind(order.expires_at.map(At))
        .bind(order.delivered_at.map(At))
        .bind(order.id)
        .execute(connection)
        .await?;
    if saved.rows_affected() != 1 {
        return Err(sqlx::Error::RowNotFound);
    }
    order.revision += 1;
    Ok(())
}

/// The order with this number, and the index of its e-mail.
pub async fn by_number(
    connection: &mut MySqlConnection,
    number: &str,
) -> Result<Option<(Uuid, Option<Vec<u8>>)>> {
    sqlx::query_as(BY_NUMBER)
        .bind(number)
        .fetch_optional(connection)
        .await
}

/// The order of this revision of a cart.
pub async fn of_cart(
    connection: &mut MySqlConnection,
    cart: Uuid,
    revision: u64,
) -> Result<Option<Uuid>> {
    sqlx::query_scalar(OF_CART)
        .bind(cart)
        .bind(revision)
        .fetch_optional(connection)
        .await
}

/// Unpaid orders whose time is up.
pub async fn due(connection: &mut MySqlConnection, now: Timestamp, most: u32) -> Result<Vec<Uuid>> {
    sqlx::query_scalar(DUE)
        .bind(At(now))
        .bind(most)
        .fetch_all(connection)
        .await
}

/// Which orders a list holds.
#[derive(Debug, Clone)]
pub enum Which {
    /// Those of an account.
    OfPerson(Uuid),
    /// Those of an e-mail, by its index.
    OfEmail([u8; 32]),
    /// The one with this number.
    OfNumber(String),
    /// Those with this headline.
    OfStatus(Status),
    /// All.
    All,
}

/// A page of orders, newest first, older than `before`.
pub async fn list(
    connection: &mut MySqlConnection,
    which: &Which,
    before: Option<Uuid>,
    most: u32,
) -> Result<Vec<Summary>> {
    let before = before.unwrap_or(Uuid::max());
    let query = match which {
        Which::OfPerson(person) => sqlx::query_as(SUMMARY_OF_PERSON).bind(*person),
        Which::OfEmail(index) => sqlx::query_as(SUMMARY_OF_EMAIL).bind(index.to_vec()),
        Which::OfNumber(number) => sqlx::query_as(SUMMARY_OF_NUMBER).bind(number.clone()),
        Which::OfStatus(status) => sqlx::query_as(SUMMARY_OF_STATUS).bind(status.name()),
        Which::All => sqlx::query_as(SUMMARY_OF_ALL),
    };
    query.bind(before).bind(most).fetch_all(connection).await
}

/// All orders of a person: those of the account, and those that were placed as a guest with the e-mail.
pub async fn ids_of_person(
    connection: &mut MySqlConnection,
    person: Uuid,
    email_index: Option<&[u8; 32]>,
) -> Result<Vec<Uuid>> {
    sqlx::query_scalar(IDS_OF_PERSON)
        .bind(person)
        .bind(email_index.map(|index| index.to_vec()))
        .fetch_all(connection)
        .await
}

/// Takes out what is personal.
pub async fn forget(connection: &mut MySqlConnection, id: Uuid) -> Result<()> {
    sqlx::query(FORGET).bind(id).execute(connection).await?;
    Ok(())
}
