//! `GET /v1/suggestions`: what a shopper may be about to type.

use std::collections::HashSet;

use axum::{extract::State, response::Response};
use http::HeaderMap;
use kit::{Problem, extract::Query, money::Currency, problem::ProblemSchema};
use serde::{Deserialize, Serialize};

use crate::{
    App,
    list_products::answer,
    listing::{LONGEST_QUESTION, ProductSummary, summary},
    search::{
        Snapshot,
        select::{Filters, Selection, Sort, select},
        suggest,
    },
    text::Language,
};

const MOST: usize = 20;
const DEFAULT_LIMIT: usize = 8;
const CATEGORIES: usize = 3;

/// What is asked.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SuggestionQuery {
    /// What was typed so far, at most 200 characters.
    #[serde(default)]
    pub q: String,
    /// `en` (default) or `fr`.
    pub lang: Option<Language>,
    /// For the prices shown; `EUR` by default.
    #[param(value_type = Option<String>)]
    pub currency: Option<Currency>,
    /// How many of each kind at most: 1 to 20, 8 by default.
    pub limit: Option<usize>,
}

/// What may be meant.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Suggestions {
    /// Whole questions.
    pub queries: Vec<String>,
    /// Products.
    pub products: Vec<ProductSummary>,
    /// Categories, those with most products first.
    pub categories: Vec<SuggestedCategory>,
}

/// A category that may be meant.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SuggestedCategory {
    /// Its key.
    pub key: String,
    /// Its name in the language asked for.
    pub name: String,
}

/// Completes what was typed.
#[utoipa::path(
    get, path = "/v1/suggestions", tag = "products", params(SuggestionQuery),
    responses(
        (status = 200, body = Suggestions),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn suggestions(
    State(app): State<App>,
    headers: HeaderMap,
    Query(query): Query<SuggestionQuery>,
) -> Result<Response, Problem> {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MOST).contains(&limit) {
        return Err(Problem::invalid().field("limit", format!("must be 1 to {MOST}")));
    }
    if query.q.chars().count() > LONGEST_QUESTION {
        return Err(Problem::invalid().field(
            "q",
            format!("must be at most {LONGEST_QUESTION} characters"),
        ));
    }
    let suggestions = suggest(&app.index.snapshot(), &query, limit).map_err(Problem::internal)?;
    answer(&headers, &suggestions)
}

fn suggest(
    snapshot: &Snapshot,
    query: &SuggestionQuery,
    limit: usize,
) -> tantivy::Result<Suggestions> {
    let language = query.lang.unwrap_or(Language::En);
    let currency = query.currency.unwrap_or(Currency::EUR);
    let found = snapshot.answer(&query.q, language)?.found;
    let selected = select(
        snapshot,
        &Selection {
            found: Some(&found),
            filters: &Filters::default(),
            sort: Sort::Relevance,
            language,
            currency,
            after: None,
            limit,
            facets: false,
        },
    );
    let mut told = HashSet::new();
    let mut queries = suggest::queries(snapshot, &query.q, language, limit)?;
    queries.retain(|text| told.insert(text.clone()));
    let rows = suggest::categories(snapshot, &query.q, language, limit.min(CATEGORIES)).into_iter();
    Ok(Suggestions {
        queries,
        products: selected
            .items
            .into_iter()
            .map(|item| summary(snapshot, item, language, currency))
            .collect(),
        categories: rows
            .map(|row| &snapshot.tree.rows()[row])
            .map(|category| SuggestedCategory {
                key: category.key.clone(),
                name: category.name.get(language).to_owned(),
            })
            .collect(),
    })
}
