//! `GET /v1/variants?sku=a,b,c`: what a cart or an order needs to know of the things in it.
//!
//! A cart may be told what was read a moment ago. Whoever takes money asks with `live=true` and is told what the database holds now.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::{HeaderValue, header};
use kit::{
    Problem,
    extract::{Json, Query},
    money::Money,
    problem::ProblemSchema,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    App,
    db::products,
    product::{Product, Status, Variant},
    read_product::{self, ReadError},
    text::LocalizedText,
};

/// The most SKUs of one question: as many as a cart has lines.
const MOST: usize = 200;
/// How many are looked up at the same time.
const AT_ONCE: usize = 16;

/// What is asked for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct VariantsQuery {
    /// SKUs, separated by commas; 200 at most.
    #[param(example = "1029743,995242")]
    pub sku: String,
    /// Whether the database is asked even for what was read a moment ago.
    #[serde(default)]
    pub live: bool,
}

/// The variants that exist, in the order of the question. An unknown SKU is left out.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Variants {
    /// One entry a SKU.
    pub items: Vec<VariantView>,
}

/// A variant with what a line of a cart shows of its product.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct VariantView {
    /// The variant.
    pub sku: String,
    /// Its product.
    pub product_id: Uuid,
    /// The product's name.
    pub name: LocalizedText,
    /// The product's address on the site.
    pub slug: LocalizedText,
    /// The product's category.
    pub category: String,
    /// The category's illustration, if it or one above it has one.
    pub illustration: Option<String>,
    /// A value for each of the product's options.
    pub options: BTreeMap<String, String>,
    /// What it costs, once a currency.
    pub prices: Vec<Money>,
    /// Whether it is for sale.
    pub published: bool,
}

/// Reads variants by SKU.
#[utoipa::path(
    get, path = "/v1/variants", tag = "products", params(VariantsQuery),
    responses(
        (status = 200, body = Variants),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn list_variants(
    State(app): State<App>,
    Query(query): Query<VariantsQuery>,
) -> Result<Response, Problem> {
    let skus: Vec<String> = query
        .sku
        .split(',')
        .map(str::trim)
        .filter(|sku| !sku.is_empty())
        .map(str::to_owned)
        .collect();
    if skus.is_empty() || skus.len() > MOST {
        let wanted = format!("must name 1 to {MOST} SKUs, separated by commas");
        return Err(Problem::invalid().field("sku", wanted));
    }
    let reads = skus.into_iter().map(|sku| {
        let app = app.clone();
        async move { find(&app, sku, query.live).await }
    });
    let found: Vec<Option<VariantView>> =
        stream::iter(reads).buffered(AT_ONCE).try_collect().await?;
    let items = found.into_iter().flatten().collect();
    let fresh = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((fresh, Json(Variants { items })).into_response())
}

async fn find(app: &App, sku: String, live: bool) -> Result<Option<VariantView>, ReadError> {
    // Whose the SKU was when last asked. Only a hint: it counts when the product still bears it.
    if let Some(id) = app.sku_owners.get(&sku)
        && let Some(product) = read(app, id, live).await?
        && let Some(variant) = product.variant(&sku)
    {
        return Ok(Some(view(app, &product, variant)));
    }
    let Some(owner) = products::owner(&app.db, &format!("sku:{sku}")).await? else {
        return Ok(None);
    };
    let Some(product) = read(app, owner, live).await? else {
        return Ok(None);
    };
    let Some(variant) = product.variant(&sku) else {
        return Ok(None);
    };
    let found = view(app, &product, variant);
    app.sku_owners.insert(sku, owner);
    Ok(Some(found))
}

/// A product that is or was for sale: what is in the making is nobody's business.
async fn read(app: &App, id: Uuid, live: bool) -> Result<Option<Arc<Product>>, ReadError> {
    let product = if live {
        products::product(&app.db, id).await?.map(Arc::new)
    } else {
        match read_product::find(app, id).await {
            Ok(product) => Some(product),
            Err(ReadError::NotFound) => None,
            Err(error) => return Err(error),
        }
    };
    Ok(product.filter(|product| product.status != Status::Draft))
}

fn view(app: &App, product: &Product, variant: &Variant) -> VariantView {
    let snapshot = app.index.snapshot();
    let category = snapshot.tree.row(&product.category);
    VariantView {
        sku: variant.sku.clone(),
        product_id: product.id,
        name: product.name.clone(),
        slug: product.slug.clone(),
        category: product.category.clone(),
        illustration: category
            .and_then(|row| snapshot.tree.illustration(row))
            .map(str::to_owned),
        options: variant.options.clone(),
        prices: variant.prices.clone(),
        published: product.is_published(),
    }
}
