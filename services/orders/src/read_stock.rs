//! `GET /v1/stock` for everybody, `GET /v1/stock-movements` for staff.

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, header};
use jiff::Timestamp;
use kit::{
    Problem,
    auth::Identity,
    extract::{Json, Query},
    mariadb,
    page::{self, Page, PageQuery},
    problem::ProblemSchema,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    App,
    db::{
        movements::{self, Movement},
        stock,
    },
    move_stock::WRITE,
    stock::{Availability, MovementKind, is_sku, tell},
};

/// The most variants of one question.
const MOST: usize = 200;
const PER_PAGE: u32 = 50;

/// Which variants.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StockQuery {
    /// SKUs, separated by commas; 200 at most.
    #[param(example = "1029743,995242")]
    pub sku: String,
}

/// What is there.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct StockLevels {
    /// One entry for each SKU of the question, in its order.
    pub items: Vec<StockLevel>,
}

/// What is there of a variant.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct StockLevel {
    /// The variant.
    pub sku: String,
    /// Whether it can be had. What never was in stock is out.
    pub availability: Availability,
    /// How many are left, when few.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<i64>,
}

/// Says what can be had. May be some seconds old; placing an order looks for itself.
#[utoipa::path(
    get, path = "/v1/stock", tag = "stock", params(StockQuery),
    responses(
        (status = 200, body = StockLevels, headers(("Cache-Control" = String))),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn read_stock(
    State(app): State<App>,
    Query(query): Query<StockQuery>,
) -> Result<Response, Problem> {
    let skus: Vec<&str> = query
        .sku
        .split(',')
        .map(str::trim)
        .filter(|sku| !sku.is_empty())
        .collect();
    if skus.is_empty() || skus.len() > MOST || !skus.iter().all(|sku| is_sku(sku)) {
        let must = format!("must be 1 to {MOST} SKUs, separated by commas");
        return Err(Problem::invalid().field("sku", must));
    }
    let mut connection = app.pool.acquire().await.map_err(mariadb::unavailable)?;
    let levels = stock::levels(&mut connection, &skus)
        .await
        .map_err(mariadb::unavailable)?;
    let item = |sku: &str| {
        let level = levels.iter().find(|(known, ..)| known == sku);
        let (availability, left) =
            tell(level.map_or(0, |(_, on_hand, reserved)| on_hand - reserved));
        StockLevel {
            sku: sku.to_owned(),
            availability,
            left,
        }
    };
    let items = skus.into_iter().map(item).collect();
    let cache = [(
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=5"),
    )];
    Ok((cache, Json(StockLevels { items })).into_response())
}

/// Whose movements.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MovementsQuery {
    /// The variant.
    pub sku: String,
    /// How many rows at most (1 to 100).
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// A change of what is there.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StockMovement {
    /// Its id.
    pub id: Uuid,
    /// The variant.
    pub sku: String,
    /// Why.
    pub kind: MovementKind,
    /// By how much.
    pub delta: i64,
    /// For which order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_id: Option<Uuid>,
    /// In words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who did it.
    pub actor: String,
    /// When.
    pub at: Timestamp,
}

impl From<Movement> for StockMovement {
    fn from(movement: Movement) -> Self {
        Self {
            id: movement.id,
            sku: movement.sku,
            kind: movement.kind,
            delta: movement.delta,
            order_id: movement.order_id,
            reason: movement.reason,
            actor: movement.actor,
            at: movement.at,
        }
    }
}

/// Lists the changes of a variant's stock, newest first.
#[utoipa::path(
    get, path = "/v1/stock-movements", tag = "stock", security(("token" = [])), params(MovementsQuery),
    responses(
        (status = 200, body = Page<StockMovement>),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 403, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn list_movements(
    State(app): State<App>,
    caller: Identity,
    Query(query): Query<MovementsQuery>,
) -> Result<Json<Page<StockMovement>>, Problem> {
    caller.require(WRITE)?;
    if !is_sku(&query.sku) {
        return Err(Problem::invalid().field("sku", "must be a SKU"));
    }
    let page = PageQuery {
        limit: query.limit,
        cursor: query.cursor,
    };
    let limit = page.limit(PER_PAGE)?;
    let before = page.position()?;
    let mut connection = app.pool.acquire().await.map_err(mariadb::unavailable)?;
    let found = movements::of_sku(&mut connection, &query.sku, before, limit + 1).await;
    let mut found = found.map_err(mariadb::unavailable)?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().map(|movement| movement.id);
    Ok(Json(Page {
        next_cursor: last.filter(|_| has_more).map(|id| page::encode(&id)),
        items: found.into_iter().map(StockMovement::from).collect(),
    }))
}
