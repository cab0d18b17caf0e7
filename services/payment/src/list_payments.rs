//! `GET /v1/payments`: what staff see, money that was not wanted first of all.

use axum::extract::State;
use kit::{
    Problem,
    auth::Identity,
    extract::{Json, Query},
    mariadb,
    page::{self, Page, PageQuery},
    problem::ProblemSchema,
};
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    App,
    db::{
        payments::{self, Filter},
        refunds,
    },
    payment::State as PaymentState,
    read_payment::READ,
    view::{StaffPayment, show_staff},
};

const DEFAULT_LIMIT: u32 = 50;

/// Which payments.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PaymentsQuery {
    /// Only those that need a look.
    #[serde(default)]
    pub problem: bool,
    /// Only those of this order.
    pub order_id: Option<Uuid>,
    /// Only those in this state.
    pub state: Option<PaymentState>,
    /// How many rows at most (1 to 100).
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// Lists payments, the newest first. Needs the permission `payments:read`.
#[utoipa::path(
    get, path = "/v1/payments", tag = "staff", params(PaymentsQuery), security(("token" = [])),
    responses(
        (status = 200, body = Page<StaffPayment>),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 403, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn list_payments(
    State(app): State<App>,
    caller: Identity,
    Query(query): Query<PaymentsQuery>,
) -> Result<Json<Page<StaffPayment>>, Problem> {
    caller.require(READ)?;
    let page = PageQuery {
        limit: query.limit,
        cursor: query.cursor,
    };
    let limit = page.limit(DEFAULT_LIMIT)?;
    let before: Uuid = page.position()?.unwrap_or(Uuid::max());
    let filter = Filter {
        in_trouble: query.problem,
        order_id: query.order_id,
        state: query.state,
    };
    rows(&app, filter, before, limit)
        .await
        .map(Json)
        .map_err(mariadb::unavailable)
}

async fn rows(
    app: &App,
    filter: Filter,
    before: Uuid,
    limit: u32,
) -> sqlx::Result<Page<StaffPayment>> {
    let mut connection = app.pool.acquire().await?;
    let mut found = payments::list(&mut connection, filter, before, limit + 1).await?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next_cursor = found
        .last()
        .filter(|_| has_more)
        .map(|last| page::encode(&last.id));
    let mut items = Vec::with_capacity(found.len());
    for payment in found {
        let refunds = refunds::of_payment(&mut connection, payment.id).await?;
        items.push(show_staff(&payment, refunds));
    }
    Ok(Page { items, next_cursor })
}
