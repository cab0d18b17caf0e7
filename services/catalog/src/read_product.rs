//! `GET /v1/products/{id}` and `GET /v1/products/by-slug/{lang}/{slug}`.
//!
//! What was read is remembered. It is served again as long as the read model has heard of nothing newer, and also when the database
//! does not answer.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use kit::{
    Problem,
    auth::Identity,
    etag,
    extract::{Json, Path},
    problem::ProblemSchema,
};
use uuid::Uuid;

use crate::{
    App,
    db::{DbError, products},
    list_products::PUBLIC,
    product::Product,
    text::Language,
};

const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-store");

/// Why a product could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is none, or not for this caller.
    #[error("no such product")]
    NotFound,
    /// Neither the database nor memory has it.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::NotFound => {
                Self::not_found("product-not-found", "There is no such product.")
            }
            ReadError::Db(source) => Self::unavailable(source),
        }
    }
}

/// Reads one product.
#[utoipa::path(
    get, path = "/v1/products/{id}", tag = "products", params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = Product, headers(("ETag" = String, description = "the revision"), ("Cache-Control" = String))),
        (status = 304, description = "Nothing changed since the `ETag` in `If-None-Match`."),
        (status = 404, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn read_product(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    caller: Option<Identity>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let product = find(&app, id).await?;
    show(&product, caller.as_ref(), &headers)
}

/// Reads the product at an address of the site.
#[utoipa::path(
    get, path = "/v1/products/by-slug/{lang}/{slug}", tag = "products",
    params(("lang" = Language, Path), ("slug" = String, Path)),
    responses(
        (status = 200, body = Product, headers(("ETag" = String, description = "the revision"), ("Cache-Control" = String))),
        (status = 304, description = "Nothing changed since the `ETag` in `If-None-Match`."),
        (status = 404, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn read_product_by_slug(
    State(app): State<App>,
    Path((lang, slug)): Path<(Language, String)>,
    caller: Option<Identity>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let product = find_by_slug(&app, lang, &slug).await?;
    show(&product, caller.as_ref(), &headers)
}

/// The product with this id, whatever its status.
pub async fn find(app: &App, id: Uuid) -> Result<Arc<Product>, ReadError> {
    let remembered = app.remembered.get(&id);
    let newest = app.index.snapshot().revision_of(id);
    if let Some(product) = remembered
        .as_ref()
        .filter(|product| newest.is_some_and(|newest| product.revision >= newest))
    {
        return Ok(Arc::clone(product));
    }
    match products::product(&app.db, id).await {
        Ok(Some(product)) => {
            let product = Arc::new(product);
            app.remembered.insert(id, Arc::clone(&product));
            Ok(product)
        }
        Ok(None) => {
            app.remembered.remove(&id);
            Err(ReadError::NotFound)
        }
        // Something a moment old is worth more than nothing.
        Err(error) => remembered.ok_or(ReadError::Db(error)),
    }
}

async fn find_by_slug(
    app: &App,
    language: Language,
    slug: &str,
) -> Result<Arc<Product>, ReadError> {
    let hint = app.index.snapshot().id_of_slug(language, slug);
    if let Some(id) = hint {
        match find(app, id).await {
            Ok(product) if product.slug.get(language) == slug => return Ok(product),
            Ok(_) | Err(ReadError::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    let name = format!("slug:{language}:{slug}");
    let product = products::bearer(&app.db, &name)
        .await?
        .ok_or(ReadError::NotFound)?;
    Ok(Arc::new(product))
}

fn show(
    product: &Product,
    caller: Option<&Identity>,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let is_staff = caller.is_some_and(|caller| {
        caller.may("catalog:write") || caller.may("catalog:read_unpublished")
    });
    if !product.is_published() && !is_staff {
        return Err(ReadError::NotFound.into());
    }
    let tag = etag::of(product.revision);
    let cache = if product.is_published() {
        PUBLIC
    } else {
        PRIVATE
    };
    let common = [
        (header::ETAG, tag.clone()),
        (header::CACHE_CONTROL, cache),
        (header::VARY, HeaderValue::from_static("authorization")),
    ];
    if etag::not_modified(headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, common).into_response());
    }
    Ok((common, Json(product)).into_response())
}
