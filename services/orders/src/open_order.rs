//! Whose order it is. Every handler opens an order here, and whoever may not see it is told that there is none.

use axum::extract::{FromRef, FromRequestParts};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderName, request::Parts};
use kit::{
    Problem,
    auth::{Identity, Verifier},
    seal::{SealError, Sealer},
};
use sqlx::MySqlConnection;
use uuid::Uuid;

use crate::{App, change_order::ChangeError, db::orders, order::Order};

/// The header in which a guest shows that an order is theirs.
pub const ORDER_TOKEN: HeaderName = HeaderName::from_static("order-token");
/// What staff need to read any order.
pub const READ: &str = "orders:read";
/// What staff need to change any order.
pub const WRITE: &str = "orders:write";

/// Whoever sent the request, with what they show for it.
#[derive(Debug, Clone)]
pub struct Shopper {
    /// Who it is, if known.
    pub caller: Option<Identity>,
    /// All headers: some are passed on to other services.
    pub headers: HeaderMap,
}

impl<S: Send + Sync> FromRequestParts<S> for Shopper
where
    Verifier: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = Option::<Identity>::from_request_parts(parts, state).await?;
        Ok(Self {
            caller,
            headers: parts.headers.clone(),
        })
    }
}

impl Shopper {
    /// Whose account it is, if a person's.
    pub fn person(&self) -> Option<Uuid> {
        self.caller
            .as_ref()
            .and_then(|caller| caller.subject().parse().ok())
    }

    /// Who did it, as history and ledgers name them: an id and never a name.
    pub fn actor(&self) -> String {
        let subject = self.caller.as_ref().map(Identity::subject);
        subject.unwrap_or("guest").chars().take(64).collect()
    }

    fn may(&self, permission: &str) -> bool {
        self.caller
            .as_ref()
            .is_some_and(|caller| caller.may(permission))
    }

    fn owns(&self, order: &Order, sealer: &Sealer) -> Result<bool, SealError> {
        if order.person_id.is_some() && order.person_id == self.person() {
            return Ok(true);
        }
        let Some(shown) = self.headers.get(ORDER_TOKEN) else {
            return Ok(false);
        };
        Ok(is_same(
            shown.as_bytes(),
            order_token(sealer, order.id)?.as_bytes(),
        ))
    }
}

/// What opens an order to whoever has it: derived from the order's id under a key of ours, so that it needs no table and can be told again.
pub fn order_token(sealer: &Sealer, order: Uuid) -> Result<String, SealError> {
    let index = sealer.blind_index("order token", &order.to_string())?;
    Ok(URL_SAFE_NO_PAD.encode(index))
}

/// Compares in a time that does not depend on where they differ.
fn is_same(a: &[u8], b: &[u8]) -> bool {
    let differences = a.iter().zip(b).fold(0, |all, (a, b)| all | (a ^ b));
    a.len() == b.len() && std::hint::black_box(differences) == 0
}

/// Reads an order that the shopper owns, or that staff may read.
pub async fn read(
    app: &App,
    connection: &mut MySqlConnection,
    id: Uuid,
    shopper: &Shopper,
) -> Result<Order, ChangeError> {
    let order = orders::read(connection, id)
        .await?
        .ok_or(ChangeError::NotFound)?;
    if shopper.owns(&order, &app.sealer)? || shopper.may(READ) {
        return Ok(order);
    }
    Err(ChangeError::NotFound)
}

/// Locks an order that the shopper owns, or that staff may change.
pub async fn lock(
    app: &App,
    connection: &mut MySqlConnection,
    id: Uuid,
    shopper: &Shopper,
) -> Result<Order, ChangeError> {
    let order = orders::lock(connection, id)
        .await?
        .ok_or(ChangeError::NotFound)?;
    if shopper.owns(&order, &app.sealer)? || shopper.may(WRITE) {
        return Ok(order);
    }
    Err(ChangeError::NotFound)
}

/// Locks an order for staff, who were asked for their permission before.
pub async fn lock_for_staff(
    connection: &mut MySqlConnection,
    id: Uuid,
) -> Result<Order, ChangeError> {
    orders::lock(connection, id)
        .await?
        .ok_or(ChangeError::NotFound)
}
