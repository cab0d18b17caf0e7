//! Payments. Each change locks its row first.

use jiff::Timestamp;
use kit::mariadb::At;
use sqlx::{FromRow, MySqlConnection, MySqlPool, Row as _, mysql::MySqlRow};
use uuid::Uuid;

use super::{at, money, named, named_or_none, shortened};
use crate::{
    outcome::Outcome,
    owner::Owner,
    payment::{Locale, Payment, Provider, State, Trouble},
};

/// The columns that a payment is read from.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, order_id, order_number, provider, state, amount, currency, received, refunded, charge, reference, hosted_reference, \
             client_secret, approve_url, return_path, locale, page_key, trouble, declined_because, is_superseded, attempts, created_at, expires_at \
             FROM payment ",
            $rest
        )
    };
}

const READ: &str = select!("WHERE id = ?");
const LOCK: &str = select!("WHERE id = ? FOR UPDATE");
const OF_REQUEST: &str = select!("WHERE request_key = ?");
const LIST: &str = select!(
    "WHERE id < ? AND (? IS NULL OR order_id = ?) AND (? IS NULL OR state = ?) ORDER BY id DESC LIMIT ?"
);
const LIST_TROUBLE: &str = select!(
    "WHERE trouble IS NOT NULL AND id < ? AND (? IS NULL OR order_id = ?) AND (? IS NULL OR state = ?) ORDER BY id DESC LIMIT ?"
);
const OF_PERSON: &str = select!("WHERE person_id = ? ORDER BY id");
const BY_REFERENCE: &str = "SELECT id FROM payment WHERE provider = ? AND reference = ?";
const OWNER: &str = "SELECT person_id, order_token_hash FROM payment WHERE id = ?";
const OUTCOME: &str = "SELECT outcome FROM payment WHERE id = ?";
const INSERT: &str = "INSERT INTO payment (id, order_id, order_number, provider, state, amount, currency, reference, return_path, locale, page_key, \
    outcome, person_id, order_token_hash, request_key, trouble, next_look_at, created_at, updated_at, expires_at) \
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
const SAVE: &str = "UPDATE payment SET state = ?, received = ?, refunded = ?, charge = ?, reference = ?, hosted_reference = ?, client_secret = ?, \
    approve_url = ?, trouble = ?, declined_because = ?, attempts = ?, next_look_at = ?, updated_at = ? WHERE id = ?";
const SUPERSEDE: &str = "UPDATE payment SET is_superseded = TRUE, next_look_at = ?, updated_at = ? \
    WHERE order_id = ? AND id < ? AND NOT is_superseded AND state IN ('created', 'action_required', 'authorized', 'declined')";
const LOOK_NOW: &str =
    "UPDATE payment SET next_look_at = ? WHERE order_id = ? AND next_look_at IS NOT NULL";
const DUE: &str = "SELECT id, attempts FROM payment WHERE next_look_at <= ? ORDER BY next_look_at LIMIT ? FOR UPDATE SKIP LOCKED";
const CLAIM: &str = "UPDATE payment SET attempts = ?, next_look_at = ? WHERE id = ?";
const ERASE: &str =
    "UPDATE payment SET person_id = NULL, order_token_hash = NULL WHERE person_id = ?";

impl FromRow<'_, MySqlRow> for Payment {
    fn from_row(row: &MySqlRow) -> sqlx::Result<Self> {
        let page_key: Vec<u8> = row.try_get("page_key")?;
        Ok(Self {
            id: row.try_get("id")?,
            order_id: row.try_get("order_id")?,
            order_number: row.try_get("order_number")?,
            provider: named(row, "provider", Provider::named)?,
            state: named(row, "state", State::named)?,
            amount: money(row)?,
            received: row.try_get("received")?,
            refunded: row.try_get("refunded")?,
            charge: row.try_get("charge")?,
            reference: row.try_get("reference")?,
            hosted_reference: row.try_get("hosted_reference")?,
            client_secret: row.try_get("client_secret")?,
            approve_url: row.try_get("approve_url")?,
            return_path: row.try_get("return_path")?,
            locale: named(row, "locale", |code| Some(Locale::like(code)))?,
            page_key: page_key.try_into().unwrap_or_default(),
            trouble: named_or_none(row, "trouble", Trouble::named)?,
            declined_because: row.try_get("declined_because")?,
            is_superseded: row.try_get("is_superseded")?,
            attempts: row.try_get("attempts")?,
            created_at: at(row, "created_at")?,
            expires_at: at(row, "expires_at")?,
        })
    }
}

/// What is written of a new payment beside the payment.
#[derive(Debug)]
pub struct New<'a> {
    /// Whose it is.
    pub owner: &'a Owner,
    /// What the test provider does when nobody chooses.
    pub outcome: Option<Outcome>,
    /// Of the request that made it.
    pub request_key: [u8; 32],
    /// When it is looked at.
    pub next_look_at: Option<Timestamp>,
}

/// Writes a new payment.
pub async fn insert(
    connection: &mut MySqlConnection,
    payment: &Payment,
    new: &New<'_>,
) -> sqlx::Result<()> {
    sqlx::query(INSERT)
        .bind(payment.id)
        .bind(payment.order_id)
        .bind(shortened(&payment.order_number, 40))
        .bind(payment.provider.name())
        .bind(payment.state.name())
        .bind(payment.amount.amount)
        .bind(payment.amount.currency.code())
        .bind(&payment.reference)
        .bind(&payment.return_path)
        .bind(payment.locale.code())
        .bind(&payment.page_key[..])
        .bind(new.outcome.map(Outcome::name))
        .bind(new.owner.person)
        .bind(new.owner.order_token.as_ref().map(|hash| &hash[..]))
        .bind(&new.request_key[..])
        .bind(payment.trouble.map(Trouble::name))
        .bind(new.next_look_at.map(At))
        .bind(At(payment.created_at))
        .bind(At(payment.created_at))
        .bind(At(payment.expires_at))
        .execute(connection)
        .await?;
    Ok(())
}

/// The payment as it is.
pub async fn read(connection: &mut MySqlConnection, id: Uuid) -> sqlx::Result<Option<Payment>> {
    sqlx::query_as(READ)
        .bind(id)
        .fetch_optional(connection)
        .await
}

/// The payment, which nobody else changes until the transaction ends.
pub async fn lock(connection: &mut MySqlConnection, id: Uuid) -> sqlx::Result<Option<Payment>> {
    sqlx::query_as(LOCK)
        .bind(id)
        .fetch_optional(connection)
        .await
}

/// The payment that a request made when it came before.
pub async fn of_request(
    connection: &mut MySqlConnection,
    request_key: &[u8; 32],
) -> sqlx::Result<Option<Payment>> {
    sqlx::query_as(OF_REQUEST)
        .bind(&request_key[..])
        .fetch_optional(connection)
        .await
}

/// The payment of this name at its provider.
pub async fn by_reference(
    connection: &mut MySqlConnection,
    provider: Provider,
    reference: &str,
) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar(BY_REFERENCE)
        .bind(provider.name())
        .bind(reference)
        .fetch_optional(connection)
        .await
}

/// Whose it is.
pub async fn owner(connection: &mut MySqlConnection, id: Uuid) -> sqlx::Result<Owner> {
    let Some(row) = sqlx::query(OWNER)
        .bind(id)
        .fetch_optional(connection)
        .await?
    else {
        return Ok(Owner::default());
    };
    let order_token: Option<Vec<u8>> = row.try_get("order_token_hash")?;
    Ok(Owner {
        person: row.try_get("person_id")?,
        order_token: order_token.and_then(|hash| hash.try_into().ok()),
    })
}

/// What the test provider does with it when nobody chooses.
pub async fn outcome(connection: &mut MySqlConnection, id: Uuid) -> sqlx::Result<Outcome> {
    let name: Option<Option<String>> = sqlx::query_scalar(OUTCOME)
        .bind(id)
        .fetch_optional(connection)
        .await?;
    let outcome = name.flatten().and_then(|name| Outcome::named(&name));
    Ok(outcome.unwrap_or(Outcome::Succeed))
}

/// Writes what may change.
pub async fn save(
    connection: &mut MySqlConnection,
    payment: &Payment,
    next_look_at: Option<Timestamp>,
    now: Timestamp,
) -> sqlx::Result<()> {
    let declined_because = payment
        .declined_because
        .as_ref()
        .map(|reason| shortened(reason, 100));
    sqlx::query(SAVE)
        .bind(payment.state.name())
        .bind(payment.received)
        .bind(payment.refunded)
        .bind(&payment.charge)
        .bind(&payment.reference)
        .bind(&payment.hosted_reference)
        .bind(&payment.client_secret)
        .bind(&payment.approve_url)
        .bind(payment.trouble.map(Trouble::name))
        .bind(declined_because)
        .bind(payment.attempts)
        .bind(next_look_at.map(At))
        .bind(At(now))
        .bind(payment.id)
        .execute(connection)
        .await?;
    Ok(())
}

/// The shopper began anew: earlier payments of the order that may still be paid are called off. Not in the transaction that holds the
/// order's standing, which is locked after payments, never before. Whether there were any.
pub async fn supersede(
    connection: &mut MySqlConnection,
    payment: &Payment,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let done = sqlx::query(SUPERSEDE)
        .bind(At(now))
        .bind(At(now))
        .bind(payment.order_id)
        .bind(payment.id)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Has the payments of an order that wait for anything looked at now.
pub async fn look_now(
    connection: &mut MySqlConnection,
    order_id: Uuid,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query(LOOK_NOW)
        .bind(At(now))
        .bind(order_id)
        .execute(connection)
        .await?;
    Ok(())
}

/// Payments that are to be looked at, each given to one caller: their next look is moved on as `wait` says.
pub async fn claim_due(
    pool: &MySqlPool,
    most: u32,
    now: Timestamp,
    next: impl Fn(u32) -> Timestamp,
) -> sqlx::Result<Vec<Uuid>> {
    let mut transaction = pool.begin().await?;
    let due: Vec<(Uuid, u32)> = sqlx::query_as(DUE)
        .bind(At(now))
        .bind(most)
        .fetch_all(&mut *transaction)
        .await?;
    for (id, attempts) in &due {
        let attempts = attempts.saturating_add(1);
        sqlx::query(CLAIM)
            .bind(attempts)
            .bind(At(next(attempts)))
            .bind(id)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    Ok(due.into_iter().map(|(id, _)| id).collect())
}

/// Which payments are listed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// Only those that staff should look at.
    pub in_trouble: bool,
    /// Only those of this order.
    pub order_id: Option<Uuid>,
    /// Only those in this state.
    pub state: Option<State>,
}

/// Payments before `before`, the newest first.
pub async fn list(
    connection: &mut MySqlConnection,
    filter: Filter,
    before: Uuid,
    most: u32,
) -> sqlx::Result<Vec<Payment>> {
    let state = filter.state.map(State::name);
    sqlx::query_as(if filter.in_trouble {
        LIST_TROUBLE
    } else {
        LIST
    })
    .bind(before)
    .bind(filter.order_id)
    .bind(filter.order_id)
    .bind(state)
    .bind(state)
    .bind(most)
    .fetch_all(connection)
    .await
}

/// All payments of a person.
pub async fn of_person(
    connection: &mut MySqlConnection,
    person: Uuid,
) -> sqlx::Result<Vec<Payment>> {
    sqlx::query_as(OF_PERSON)
        .bind(person)
        .fetch_all(connection)
        .await
}

/// Payments are nobody's from now on. The money stays in the books, as the law wants.
pub async fn erase(connection: &mut MySqlConnection, person: Uuid) -> sqlx::Result<()> {
    sqlx::query(ERASE).bind(person).execute(connection).await?;
    Ok(())
}
