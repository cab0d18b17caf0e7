//! `GET /v1/me/orders` for shoppers, `GET /v1/orders` for staff.

use axum::extract::State;
use kit::{
    Problem,
    auth::Identity,
    extract::{Json, Query},
    mariadb,
    money::Money,
    page::{self, Page, PageQuery},
    problem::ProblemSchema,
};
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    App,
    address::is_email,
    change_order::ChangeError,
    db::orders::{self, Summary, Which},
    number::Number,
    open_order::READ,
    state::Status,
    view::{OrderSummary, dashed},
    write_order::email_index,
};

const PER_PAGE: u32 = 20;

/// Lists the orders of the caller's account, newest first.
#[utoipa::path(
    get, path = "/v1/me/orders", tag = "orders", security(("token" = [])), params(PageQuery),
    responses(
        (status = 200, body = Page<OrderSummary>),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn list_my_orders(
    State(app): State<App>,
    caller: Identity,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<OrderSummary>>, Problem> {
    // Whoever is no person has no orders.
    let person: Uuid = caller.subject().parse().unwrap_or_default();
    list(&app, Which::OfPerson(person), &query).await
}

/// Which orders staff look for.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OrdersQuery {
    /// Only those with this headline.
    pub status: Option<Status>,
    /// The number of an order, or the e-mail of whoever ordered.
    #[param(example = "06ADZ-89NPD")]
    pub q: Option<String>,
    /// How many rows at most (1 to 100).
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// Lists orders, newest first.
#[utoipa::path(
    get, path = "/v1/orders", tag = "orders", security(("token" = [])), params(OrdersQuery),
    responses(
        (status = 200, body = Page<OrderSummary>),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 403, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn list_orders(
    State(app): State<App>,
    caller: Identity,
    Query(query): Query<OrdersQuery>,
) -> Result<Json<Page<OrderSummary>>, Problem> {
    caller.require(READ)?;
    let sought = query
        .q
        .as_deref()
        .map(str::trim)
        .filter(|text| !text.is_empty());
    let which = match (sought, query.status) {
        (Some(_), Some(_)) => {
            return Err(Problem::invalid().field("q", "can't be combined with status"));
        }
        (Some(text), None) => which(&app, text)?,
        (None, Some(status)) => Which::OfStatus(status),
        (None, None) => Which::All,
    };
    let page = PageQuery {
        limit: query.limit,
        cursor: query.cursor,
    };
    list(&app, which, &page).await
}

fn which(app: &App, text: &str) -> Result<Which, Problem> {
    if is_email(text) {
        return Ok(Which::OfEmail(
            email_index(&app.sealer, text).map_err(ChangeError::from)?,
        ));
    }
    match text.parse::<Number>() {
        Ok(number) => Ok(Which::OfNumber(number.plain().to_owned())),
        Err(_) => Err(Problem::invalid().field(
            "q",
            "must be a whole order number or a whole e-mail address",
        )),
    }
}

async fn list(
    app: &App,
    which: Which,
    query: &PageQuery,
) -> Result<Json<Page<OrderSummary>>, Problem> {
    let limit = query.limit(PER_PAGE)?;
    let before = query.position()?;
    let mut connection = app.pool.acquire().await.map_err(mariadb::unavailable)?;
    let found = orders::list(&mut connection, &which, before, limit + 1).await;
    let mut found = found.map_err(mariadb::unavailable)?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().map(|order| order.id);
    Ok(Json(Page {
        next_cursor: last.filter(|_| has_more).map(|id| page::encode(&id)),
        items: found.iter().map(show).collect(),
    }))
}

fn show(order: &Summary) -> OrderSummary {
    OrderSummary {
        id: order.id,
        number: dashed(&order.number),
        status: order.states.status(),
        states: order.states,
        placed_at: order.placed_at,
        total: Money::new(order.total, order.currency),
        units: order.units,
    }
}
