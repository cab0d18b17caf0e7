//! `GET /v1/categories` and `GET /v1/categories/{key}`.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, header};
use kit::{
    Problem, etag,
    extract::{Json, Path},
    problem::ProblemSchema,
};
use serde::{Deserialize, Serialize};

use crate::{
    App,
    category::Category,
    list_products::{PUBLIC, answer},
};

/// All categories.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CategoryList {
    /// Each parent before its children, siblings in their order.
    pub items: Vec<Category>,
}

/// Lists all categories in tree order.
#[utoipa::path(
    get, path = "/v1/categories", tag = "categories",
    responses((status = 200, body = CategoryList, headers(("ETag" = String), ("Cache-Control" = String))))
)]
pub async fn list_categories(
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let items = app.index.snapshot().tree.rows().to_vec();
    answer(&headers, &CategoryList { items })
}

/// Reads one category.
#[utoipa::path(
    get, path = "/v1/categories/{key}", tag = "categories",
    params(("key" = String, Path, description = "may contain slashes")),
    responses(
        (status = 200, body = Category, headers(("ETag" = String, description = "the revision"), ("Cache-Control" = String))),
        (status = 404, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn read_category(
    State(app): State<App>,
    Path(key): Path<String>,
) -> Result<Response, Problem> {
    let snapshot = app.index.snapshot();
    let category = snapshot
        .tree
        .get(&key)
        .ok_or_else(|| Problem::not_found("category-not-found", "There is no such category."))?;
    let headers = [
        (header::ETAG, etag::of(category.revision)),
        (header::CACHE_CONTROL, PUBLIC),
    ];
    Ok((headers, Json(category)).into_response())
}
