//! `POST /v1/orders`: an order is placed.
//!
//! The cart and the prices are read first. Then ONE transaction takes the coupon and the stock, and writes the order, its events and the answer to the
//! idempotency key. No call leaves while a row is locked, and the rows that others wait for are locked last.

use std::time::Duration;

use axum::{
    body::to_bytes,
    extract::State,
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderName, HeaderValue, StatusCode, header};
use kit::{
    Problem,
    client::ClientError,
    extract::Json,
    idempotency::{self, Attempt, Key},
    mariadb::{self},
    money::Money,
    problem::ProblemSchema,
    seal::SealError,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    App,
    address::{Address, is_email},
    change_order::ChangeError,
    clients::CART_TOKEN,
    coupon::Unusable,
    db::orders,
    invalid::Mistakes,
    load_order::{view, view_placed},
    open_order::{ORDER_TOKEN, Shopper, order_token},
    order::Personal,
    price_cart::{Destination, PriceError, Priced, price},
    quote_order::{CartRef, Shortage, shortages},
    text::Locale,
    view::OrderView,
    write_order::write,
};

/// Numbers are drawn anew when one is taken; twice in a row does not happen before there are billions of orders.
const DRAWS: u32 = 5;
/// How long a shopper waits for a turn.
const PATIENCE: Duration = Duration::from_secs(2);
/// What is kept under a key is a line.
const LONGEST_KEPT: usize = 1024;
/// Set on an answer that was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// What is ordered.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderInput {
    /// The cart.
    pub cart: CartRef,
    /// Who is written to. May be absent with an account, whose e-mail is taken then.
    #[serde(default)]
    #[schema(example = "camille@example.fr")]
    pub email: Option<String>,
    /// The language of mails.
    pub locale: Locale,
    /// Where it is sent.
    pub shipping_address: Address,
    /// Who is billed, if that is somebody else.
    #[serde(default)]
    pub billing_address: Option<Address>,
    /// One of `/v1/shipping-methods`.
    #[schema(example = "standard")]
    pub shipping_method: String,
    /// What the shopper was shown. When it costs something else now, nothing is ordered.
    #[serde(default)]
    pub expected_total: Option<Money>,
}

impl OrderInput {
    fn check(&self, has_account: bool) -> Result<(), Mistakes> {
        let mut mistakes = Mistakes::default();
        match &self.email {
            Some(email) => {
                mistakes.require(is_email(email.trim()), "email", "must be an e-mail address");
            }
            None => mistakes.require(
                has_account,
                "email",
                "must be there, because there is no account to take it from",
            ),
        }
        self.shipping_address
            .check("shipping_address", &mut mistakes);
        if let Some(billing) = &self.billing_address {
            billing.check("billing_address", &mut mistakes);
        }
        mistakes.none()
    }
}

/// The answer: the order, and for guests what opens it.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PlacedOrder {
    /// The order.
    #[serde(flatten)]
    pub order: OrderView,
    /// Sent back as the header `Order-Token`, opens the order to whoever has no account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token: Option<String>,
}

/// What is kept under an idempotency key: nothing personal, and the order can be read again.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Stored {
    /// Which order it was.
    pub order_id: Uuid,
}

/// Why no order was placed.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// The cart has no price.
    #[error(transparent)]
    Price(#[from] PriceError),
    /// Fewer are left than the cart has.
    #[error("out of stock")]
    OutOfStock(Vec<Shortage>),
    /// It costs something else than the shopper saw.
    #[error("the total is {0:?} now")]
    TotalChanged(Money),
    /// The coupon does not count, and the shopper saw a price with it.
    #[error("the coupon can't be used: {0}")]
    Coupon(Unusable),
    /// This revision of the cart is an order already.
    #[error("the cart is ordered already")]
    CartOrdered(Option<Uuid>),
    /// The shopper's account did not answer.
    #[error(transparent)]
    Account(ClientError),
    /// What all changes fail with.
    #[error(transparent)]
    Change(#[from] ChangeError),
}

impl From<sqlx::Error> for PlaceError {
    fn from(error: sqlx::Error) -> Self {
        Self::Change(error.into())
    }
}

impl From<PlaceError> for Problem {
    fn from(error: PlaceError) -> Self {
        let conflict = |kind, title| Self::new(StatusCode::CONFLICT, kind, title);
        match error {
            PlaceError::Price(error) => error.into(),
            PlaceError::OutOfStock(shortages) => {
                let problem = conflict(
                    "out-of-stock",
                    "Not enough is left of something in the cart.",
                );
                shortages.into_iter().fold(problem, |problem, shortage| {
                    problem.field(shortage.sku, format!("only {} left", shortage.left))
                })
            }
            PlaceError::TotalChanged(total) => conflict(
                "total-changed",
                "The cart costs something else now. Look at it again.",
            )
            .field(
                "expected_total",
                format!("is {} minor units of {} now", total.amount, total.currency),
            ),
            PlaceError::Coupon(reason) => {
                conflict("coupon-not-usable", "The coupon can't be used.")
                    .field("coupon", reason.to_string())
            }
            PlaceError::CartOrdered(order) => {
                let problem = conflict("cart-ordered", "This cart was ordered already.");
                match order {
                    Some(order) => problem.detail(format!("It is the order {order}.")),
                    None => problem,
                }
            }
            PlaceError::Account(source) => Self::unavailable(source),
            PlaceError::Change(error) => error.into(),
        }
    }
}

/// Places an order.
#[utoipa::path(
    post, path = "/v1/orders", tag = "orders", request_body = OrderInput, security(("token" = []), ("cart" = [])),
    params(("Idempotency-Key" = String, Header, description = "the same for every attempt at the same order")),
    responses(
        (status = 201, body = PlacedOrder, headers(("Location" = String), ("Order-Token" = Option<String>))),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 404, body = ProblemSchema, content_type = "application/problem+json", description = "There is no such cart."),
        (status = 409, body = ProblemSchema, content_type = "application/problem+json", description = "Out of stock, another total, an unusable coupon, an empty cart, a cart that was ordered; or the same key is under way."),
        (status = 415, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 422, body = ProblemSchema, content_type = "application/problem+json", description = "The key was used for another request."),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn place_order(
    State(app): State<App>,
    shopper: Shopper,
    key: Key,
    Json(input): Json<OrderInput>,
) -> Result<Response, Problem> {
    input.check(shopper.person().is_some())?;
    // When a crowd comes, those who can't be served soon are told so at once, instead of all of them waiting until nobody is.
    let turn = tokio::time::timeout(PATIENCE, app.turns.acquire());
    let _turn = turn.await.map_err(Problem::unavailable)?;
    let scope = scope(&app, &shopper).map_err(ChangeError::from)?;
    let request = idempotency::Request::new("POST /v1/orders", &scope, &key, &input);
    let (placing, shopper) = (&app, &shopper);
    let response = idempotency::once(&app.pool, &app.clock, &request, |attempt| async move {
        let placed = place(placing, shopper, &input, &attempt).await?;
        placing.relay.ring();
        answer(placing, shopper, placed)
    })
    .await?;
    if response.headers().contains_key(REPLAYED) {
        return replay(&app, shopper, response).await;
    }
    Ok(response)
}

/// A key belongs to whoever uses it: an account, or whoever shows the token of the cart.
fn scope(app: &App, shopper: &Shopper) -> Result<String, SealError> {
    if let Some(person) = shopper.person() {
        return Ok(format!("person|{person}"));
    }
    let token = shopper
        .headers
        .get(CART_TOKEN)
        .and_then(|token| token.to_str().ok());
    let index = app
        .sealer
        .blind_index("cart token", token.unwrap_or_default())?;
    Ok(format!("guest|{}", URL_SAFE_NO_PAD.encode(index)))
}

async fn place(
    app: &App,
    shopper: &Shopper,
    input: &OrderInput,
    attempt: &Attempt,
) -> Result<OrderView, PlaceError> {
    let to = Destination {
        country: &input.shipping_address.country,
        method: &input.shipping_method,
    };
    let priced = price(app, input.cart.id, &shopper.headers, to).await?;
    if let Some(reason) = priced.coupon.as_ref().and_then(|coupon| coupon.unusable) {
        return Err(PlaceError::Coupon(reason));
    }
    let total = Money::new(priced.totals.total, priced.currency());
    if input
        .expected_total
        .is_some_and(|expected| expected != total)
    {
        return Err(PlaceError::TotalChanged(total));
    }
    let email = match &input.email {
        Some(email) => email.trim().to_owned(),
        None => {
            app.neighbors
                .me(&shopper.headers)
                .await
                .map_err(PlaceError::Account)?
                .email
        }
    };
    let personal = Personal {
        email,
        shipping: input.shipping_address.clone(),
        billing: input.billing_address.clone(),
    };
    let lines = priced.lines();
    for _ in 1..DRAWS {
        match write(app, shopper, input, &priced, &personal, &lines, attempt).await {
            Err(PlaceError::Change(ChangeError::Db(error)))
                if mariadb::constraint(&error).as_deref() == Some("orders_number") => {}
            Ok(order) => return Ok(view_placed(app, order, lines, personal)),
            Err(error) => return Err(explain(app, &priced, error).await?),
        }
    }
    let order = write(app, shopper, input, &priced, &personal, &lines, attempt).await?;
    Ok(view_placed(app, order, lines, personal))
}

/// What a refusal of the database means.
async fn explain(app: &App, priced: &Priced, error: PlaceError) -> Result<PlaceError, PlaceError> {
    match error {
        PlaceError::OutOfStock(_) => Ok(PlaceError::OutOfStock(shortages(app, priced).await?)),
        PlaceError::Change(ChangeError::Db(error))
            if mariadb::constraint(&error).as_deref() == Some("orders_cart") =>
        {
            let mut connection = app.pool.acquire().await?;
            let order =
                orders::of_cart(&mut connection, priced.cart.id, priced.cart.revision).await?;
            Ok(PlaceError::CartOrdered(order))
        }
        other => Ok(other),
    }
}

/// The same request came before: the order it placed, as it is now.
async fn replay(app: &App, shopper: &Shopper, kept: Response) -> Result<Response, Problem> {
    let body = to_bytes(kept.into_body(), LONGEST_KEPT)
        .await
        .map_err(Problem::internal)?;
    let stored: Stored = serde_json::from_slice(&body).map_err(Problem::internal)?;
    let mut connection = app.pool.acquire().await.map_err(mariadb::unavailable)?;
    let order = orders::read(&mut connection, stored.order_id)
        .await
        .map_err(mariadb::unavailable)?;
    let order = order.ok_or(ChangeError::NotFound)?;
    let shown = view(app, &mut connection, order).await?;
    drop(connection);
    let mut response = answer(app, shopper, shown)?;
    response
        .headers_mut()
        .insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

fn answer(app: &App, shopper: &Shopper, order: OrderView) -> Result<Response, Problem> {
    let token = match shopper.person() {
        Some(_) => None,
        None => Some(order_token(&app.sealer, order.id).map_err(ChangeError::from)?),
    };
    let location =
        HeaderValue::from_str(&format!("/v1/orders/{}", order.id)).map_err(Problem::internal)?;
    let placed = PlacedOrder {
        order,
        access_token: token.clone(),
    };
    let mut response = (
        StatusCode::CREATED,
        [(header::LOCATION, location)],
        Json(placed),
    )
        .into_response();
    if let Some(token) = token {
        let token = HeaderValue::from_str(&token).map_err(Problem::internal)?;
        response.headers_mut().insert(ORDER_TOKEN, token);
    }
    Ok(response)
}
