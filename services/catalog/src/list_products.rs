//! `GET /v1/products`: a page of products, and what other choices would show.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use kit::{Problem, etag, money::Money, page, problem::ProblemSchema};
use serde::{Deserialize, Serialize};

use crate::{
    App,
    listing::{ListQuery, ProductSummary, summary},
    search::{
        Snapshot,
        select::{self, Counts, Filters, Selection},
    },
};

/// How long anyone may keep what anyone may see.
pub const PUBLIC: HeaderValue =
    HeaderValue::from_static("public, max-age=5, stale-while-revalidate=60");
/// A facet with more values than this is no choice but a list.
const MOST_FACET_VALUES: usize = 50;
const MOST_FACETS: usize = 50;

/// A page of products.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ProductList {
    /// The page.
    pub items: Vec<ProductSummary>,
    /// Where the next page starts; `null` on the last one.
    pub next_cursor: Option<String>,
    /// How many products there are in all pages.
    pub total: u64,
    /// What other choices would show; `null` unless asked for with `facets=true`.
    pub facets: Option<Facets>,
    /// What was searched for instead of `q`, when nothing is spelled like that.
    pub corrected_query: Option<String>,
}

/// How many products each choice would show. A choice made does not reduce the counts of its alternatives.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Facets {
    /// The categories below the chosen one; beside it, when nothing is below.
    pub categories: Vec<CategoryFacet>,
    /// The most frequent brands.
    pub brands: Vec<ValueFacet>,
    /// The most frequent values of each attribute.
    pub attributes: BTreeMap<String, Vec<ValueFacet>>,
    /// The lowest and the highest price.
    pub price: Option<PriceFacet>,
}

/// A category and how many products it would show.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CategoryFacet {
    /// The category's key.
    pub key: String,
    /// Its name in the language asked for.
    pub name: String,
    /// Products in it and below it.
    pub count: u64,
}

/// A value and how many products it would show.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ValueFacet {
    /// The value.
    pub value: String,
    /// Products that have it.
    pub count: u64,
}

/// The prices that there are.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PriceFacet {
    /// The lowest.
    pub min: Money,
    /// The highest.
    pub max: Money,
}

/// Lists, searches and counts published products.
///
/// Attributes are filtered by `attribute.{name}=…`, as often as wanted: values of one attribute widen the list, different attributes narrow it.
#[utoipa::path(
    get, path = "/v1/products", tag = "products",
    params(
        ("lang" = Option<String>, Query, description = "`en` (default) or `fr`"),
        ("currency" = Option<String>, Query, description = "ISO 4217 code, `EUR` by default"),
        ("q" = Option<String>, Query, description = "words to search for, at most 200 characters; typing mistakes are forgiven"),
        ("category" = Option<String>, Query, description = "a category's key; categories below it count too"),
        ("brand" = Option<Vec<String>>, Query, description = "any of these brands"),
        ("attribute.{name}" = Option<Vec<String>>, Query, description = "any of these values of an attribute or option"),
        ("price_min" = Option<i64>, Query, description = "minor units"),
        ("price_max" = Option<i64>, Query, description = "minor units"),
        ("sort" = Option<select::Sort>, Query, description = "`relevance` by default"),
        ("limit" = Option<u32>, Query, description = "1 to 100, 24 by default"),
        ("cursor" = Option<String>, Query, description = "the `next_cursor` of the page before"),
        ("facets" = Option<bool>, Query, description = "whether to count what other choices would show"),
    ),
    responses(
        (status = 200, body = ProductList, headers(("ETag" = String), ("Cache-Control" = String))),
        (status = 304, description = "Nothing changed since the `ETag` in `If-None-Match`."),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn list_products(
    State(app): State<App>,
    headers: HeaderMap,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    let pairs =
        url::form_urlencoded::parse(raw.as_deref().unwrap_or_default().as_bytes()).into_owned();
    let query = ListQuery::parse(pairs).map_err(Problem::from)?;
    let list = list(&app.index.snapshot(), &query).map_err(Problem::internal)?;
    answer(&headers, &list)
}

/// A JSON answer that anyone may keep for a moment, and that is not sent again to those who have it.
pub fn answer(headers: &HeaderMap, body: &impl Serialize) -> Result<Response, Problem> {
    let json = serde_json::to_vec(body).map_err(Problem::internal)?;
    // The same on every replica, unlike anything counted.
    let mut hasher = DefaultHasher::new();
    json.hash(&mut hasher);
    let tag = etag::of(hasher.finish());
    let common = [(header::ETAG, tag.clone()), (header::CACHE_CONTROL, PUBLIC)];
    if etag::not_modified(headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, common).into_response());
    }
    let content_type = [(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    )];
    Ok((common, content_type, json).into_response())
}

/// Answers a question from a snapshot.
pub fn list(snapshot: &Snapshot, query: &ListQuery) -> tantivy::Result<ProductList> {
    let answer = query
        .q
        .as_deref()
        .map(|text| snapshot.answer(text, query.language))
        .transpose()?;
    let filters = filters(snapshot, query);
    let selected = select::select(
        snapshot,
        &Selection {
            found: answer.as_ref().map(|answer| answer.found.as_slice()),
            filters: &filters,
            sort: query.sort,
            language: query.language,
            currency: query.currency,
            after: query.after.as_ref(),
            limit: query.limit,
            facets: query.facets,
        },
    );
    let show = |item| summary(snapshot, item, query.language, query.currency);
    Ok(ProductList {
        items: selected.items.into_iter().map(show).collect(),
        next_cursor: selected.next.as_ref().map(page::encode),
        total: selected.total,
        facets: query
            .facets
            .then(|| facets(snapshot, query, &selected.counts)),
        corrected_query: answer.and_then(|answer| answer.corrected),
    })
}

fn filters(snapshot: &Snapshot, query: &ListQuery) -> Filters {
    let tables = &snapshot.tables;
    let categories = query.category.as_deref().map(|key| {
        let below = snapshot.tree.row(key).map(|row| snapshot.tree.subtree(row));
        let rows = snapshot.category_rows.iter();
        rows.map(|row| {
            row.zip(below.clone())
                .is_some_and(|(row, below)| below.contains(&row))
        })
        .collect()
    });
    let brands = (!query.brands.is_empty()).then(|| {
        query
            .brands
            .iter()
            .filter_map(|brand| tables.brands.find(brand))
            .collect()
    });
    let attributes = query.attributes.iter().map(|(name, values)| {
        // What was never heard of fits nothing, and must not be mistaken for no filter.
        let attribute = tables.attributes.find(name).unwrap_or(u32::MAX);
        let values = values
            .iter()
            .filter_map(|value| tables.find_value(attribute, value));
        (attribute, values.collect())
    });
    let price = (query.price_min.is_some() || query.price_max.is_some()).then(|| {
        (
            query.price_min.unwrap_or(0),
            query.price_max.unwrap_or(i64::MAX),
        )
    });
    Filters {
        categories,
        brands,
        attributes: attributes.collect(),
        price,
    }
}

fn facets(snapshot: &Snapshot, query: &ListQuery, counts: &Counts) -> Facets {
    let tables = &snapshot.tables;
    let mut attributes: BTreeMap<String, Vec<ValueFacet>> = BTreeMap::new();
    for (value, count) in (0_u32..)
        .zip(&counts.values)
        .filter(|(_, count)| **count > 0)
    {
        let attribute = usize::try_from(value)
            .ok()
            .and_then(|value| tables.value_attributes().get(value).copied());
        if let Some(name) = attribute.and_then(|attribute| tables.attributes.text(attribute)) {
            attributes
                .entry(name.to_string())
                .or_default()
                .push(ValueFacet {
                    value: tables.value_text(value).to_owned(),
                    count: *count,
                });
        }
    }
    for (name, values) in &mut attributes {
        cut(
            values,
            query.attributes.get(name).map_or(&[], Vec::as_slice),
        );
    }
    if attributes.len() > MOST_FACETS {
        let mut sizes: Vec<(u64, String)> = attributes
            .iter()
            .map(|(name, values)| {
                (
                    u64::MAX - values.iter().map(|value| value.count).sum::<u64>(),
                    name.clone(),
                )
            })
            .collect();
        sizes.sort();
        for (_, name) in sizes.split_off(MOST_FACETS) {
            attributes.remove(&name);
        }
    }
    let mut brands: Vec<ValueFacet> = tables
        .brands
        .iter()
        .zip(&counts.brands)
        .filter(|(_, count)| **count > 0)
        .map(|(brand, count)| ValueFacet {
            value: brand.to_string(),
            count: *count,
        })
        .collect();
    cut(&mut brands, &query.brands);
    Facets {
        categories: category_facets(snapshot, query, counts),
        brands,
        attributes,
        price: counts.price.map(|(min, max)| PriceFacet {
            min: Money::new(min, query.currency),
            max: Money::new(max, query.currency),
        }),
    }
}

/// The most frequent values first; those that are chosen stay, however rare.
fn cut(values: &mut Vec<ValueFacet>, chosen: &[String]) {
    let by_count = |value: &ValueFacet| (u64::MAX - value.count, value.value.clone());
    values.sort_by_cached_key(|value| (!chosen.contains(&value.value), by_count(value)));
    values.truncate(MOST_FACET_VALUES);
    values.sort_by_cached_key(by_count);
}

fn category_facets(snapshot: &Snapshot, query: &ListQuery, counts: &Counts) -> Vec<CategoryFacet> {
    let tree = &snapshot.tree;
    let mut own = vec![0; tree.rows().len()];
    for (row, count) in snapshot.category_rows.iter().zip(&counts.categories) {
        if let Some(row) = row {
            own[*row] += count;
        }
    }
    let chosen = query.category.as_deref().and_then(|key| tree.row(key));
    let parent = match chosen {
        Some(row) if tree.children(Some(row)).next().is_none() => tree.parent(row),
        other => other,
    };
    let shown = tree.children(parent).map(|row| {
        let category = &tree.rows()[row];
        CategoryFacet {
            key: category.key.clone(),
            name: category.name.get(query.language).to_owned(),
            count: tree.subtree(row).map(|below| own[below]).sum(),
        }
    });
    shown.filter(|facet| facet.count > 0).collect()
}
