//! `POST /v1/products`, `PUT /v1/products/{id}` and `DELETE /v1/products/{id}`: what staff do.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use kit::{
    Problem,
    auth::Identity,
    etag::{self, IfMatch},
    extract::{Json, Path},
    problem::ProblemSchema,
};
use uuid::Uuid;

use crate::{
    App,
    db::products,
    product::{Product, ProductInput},
    read_product::ReadError,
    save::{self, SaveError},
};

/// The permission to write to the catalog.
pub const WRITE: &str = "catalog:write";

/// Writes a new product.
#[utoipa::path(
    post, path = "/v1/products", tag = "products", request_body = ProductInput, security(("token" = [])),
    responses(
        (status = 201, body = Product, headers(("ETag" = String), ("Location" = String))),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 403, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 409, body = ProblemSchema, content_type = "application/problem+json", description = "The key, a slug or a SKU is taken."),
        (status = 415, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn create_product(
    State(app): State<App>,
    caller: Identity,
    Json(input): Json<ProductInput>,
) -> Result<Response, Problem> {
    caller.require(WRITE)?;
    check(&app, &input).await?;
    let id = app.clock.uuid();
    let product = save::save(&app, id, input, app.clock.now(), |_| Ok(())).await?;
    let location =
        HeaderValue::from_str(&format!("/v1/products/{id}")).map_err(Problem::internal)?;
    let headers = [
        (header::LOCATION, location),
        (header::ETAG, etag::of(product.revision)),
    ];
    Ok((StatusCode::CREATED, headers, Json(product)).into_response())
}

/// Changes a product.
#[utoipa::path(
    put, path = "/v1/products/{id}", tag = "products", request_body = ProductInput, security(("token" = [])),
    params(("id" = Uuid, Path), ("If-Match" = String, Header, description = "the `ETag` of the product that the change is made to")),
    responses(
        (status = 200, body = Product, headers(("ETag" = String))),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 403, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 404, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 409, body = ProblemSchema, content_type = "application/problem+json", description = "The key, a slug or a SKU is taken."),
        (status = 412, body = ProblemSchema, content_type = "application/problem+json", description = "Someone else changed it meanwhile."),
        (status = 415, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 428, body = ProblemSchema, content_type = "application/problem+json", description = "`If-Match` is missing."),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn put_product(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    caller: Identity,
    if_match: IfMatch,
    Json(input): Json<ProductInput>,
) -> Result<Response, Problem> {
    caller.require(WRITE)?;
    check(&app, &input).await?;
    let decide = |before: Option<&Product>| match before {
        Some(before) => if_match.check(before.revision),
        None => Err(ReadError::NotFound.into()),
    };
    let product = save::save(&app, id, input, app.clock.now(), decide).await?;
    Ok(([(header::ETAG, etag::of(product.revision))], Json(product)).into_response())
}

/// Takes a product out for good. To keep it for those who bought it, archive it instead.
#[utoipa::path(
    delete, path = "/v1/products/{id}", tag = "products", security(("token" = [])),
    params(("id" = Uuid, Path), ("If-Match" = String, Header, description = "the `ETag` of the product as last seen")),
    responses(
        (status = 204),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 403, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 404, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 412, body = ProblemSchema, content_type = "application/problem+json", description = "Someone else changed it meanwhile."),
        (status = 428, body = ProblemSchema, content_type = "application/problem+json", description = "`If-Match` is missing."),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn delete_product(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    caller: Identity,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    caller.require(WRITE)?;
    let decide = |before: Option<&Product>| match before {
        Some(before) => if_match.check(before.revision),
        None => Err(ReadError::NotFound.into()),
    };
    save::remove(&app, id, decide).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn check(app: &App, input: &ProductInput) -> Result<(), Problem> {
    input.validate().map_err(Problem::from)?;
    let is_known = app.index.snapshot().tree.row(&input.category).is_some();
    // The read model may be a moment behind. Categories are never taken out, so what it knows exists.
    if !is_known
        && products::category(&app.db, &input.category)
            .await
            .map_err(SaveError::from)?
            .is_none()
    {
        return Err(Problem::invalid().field("category", NO_SUCH_CATEGORY));
    }
    Ok(())
}

/// What is said of a category that does not exist.
pub const NO_SUCH_CATEGORY: &str = "is no category of this shop";
