//! `GET /v1/categories`, `GET` and `PUT /v1/categories/{key}`.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use kit::{
    Problem,
    auth::Identity,
    etag::{self, IfMatch},
    extract::{Json, Path},
    problem::ProblemSchema,
};
use serde::{Deserialize, Serialize};

use crate::{
    App,
    category::{Category, CategoryInput, CategoryTree, parent_of},
    db::products,
    list_products::{PUBLIC, answer},
    save::{self, SaveError},
    search::Change,
    write_product::WRITE,
};

/// More categories than this are no help to anyone.
pub const MOST_CATEGORIES: usize = 5000;

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

/// Writes a category, new or changed.
#[utoipa::path(
    put, path = "/v1/categories/{key}", tag = "categories", request_body = CategoryInput, security(("token" = [])),
    params(
        ("key" = String, Path, description = "may contain slashes"),
        ("If-Match" = Option<String>, Header, description = "the category's `ETag`; required when it exists"),
    ),
    responses(
        (status = 200, body = Category, headers(("ETag" = String))),
        (status = 201, body = Category, headers(("ETag" = String))),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 403, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 409, body = ProblemSchema, content_type = "application/problem+json", description = "A sibling has this slug."),
        (status = 412, body = ProblemSchema, content_type = "application/problem+json", description = "Someone else changed it meanwhile."),
        (status = 428, body = ProblemSchema, content_type = "application/problem+json", description = "It exists, and `If-Match` is missing."),
    )
)]
pub async fn put_category(
    State(app): State<App>,
    Path(key): Path<String>,
    caller: Identity,
    if_match: Option<IfMatch>,
    Json(mut input): Json<CategoryInput>,
) -> Result<Response, Problem> {
    caller.require(WRITE)?;
    if !input.key.is_empty() && input.key != key {
        return Err(Problem::invalid().field("key", "must be the key in the address"));
    }
    input.key.clone_from(&key);
    input.validate().map_err(Problem::from)?;
    let claim = save::claim_categories(&app).await?;
    let tree = CategoryTree::new(
        products::all_categories(&app.db)
            .await
            .map_err(SaveError::from)?,
    );
    let is_new = tree.get(&key).is_none();
    let allowed = match (tree.get(&key), &if_match) {
        (Some(before), Some(if_match)) => if_match.check(before.revision),
        (Some(before), None) => Err(Problem::new(
            StatusCode::PRECONDITION_REQUIRED,
            "if-match-required",
            "Say which revision you change: send its ETag in If-Match.",
        )
        .header(header::ETAG, etag::of(before.revision))),
        (None, _) => Ok(()),
    };
    let category = input.into_category(claim.revision);
    if let Err(problem) = allowed.and_then(|()| fits(&tree, &category).map_err(Problem::from)) {
        app.journal.abandon(claim).await.map_err(SaveError::from)?;
        return Err(problem);
    }
    products::put_categories(&app.db, std::slice::from_ref(&category))
        .await
        .map_err(SaveError::from)?;
    save::settle(&app, claim, vec![Change::Category(category.clone())])
        .await
        .map_err(SaveError::from)?;
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((
        status,
        [(header::ETAG, etag::of(category.revision))],
        Json(category),
    )
        .into_response())
}

/// Why a category does not fit into the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There is nothing above it.
    NoParent,
    /// A sibling has its slug.
    SlugTaken(&'static str),
    /// There are too many.
    TooMany,
}

impl Refusal {
    /// The field that is wrong, and why.
    pub fn explain(self) -> (&'static str, String) {
        match self {
            Self::NoParent => ("parent", "does not exist".to_owned()),
            Self::SlugTaken(field) => (field, "is taken by a category beside it".to_owned()),
            Self::TooMany => (
                "key",
                format!("there are {MOST_CATEGORIES} categories already"),
            ),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let (field, detail) = refusal.explain();
        let problem = match refusal {
            Refusal::SlugTaken(_) => Self::new(
                StatusCode::CONFLICT,
                "slug-taken",
                "Another category has this address.",
            ),
            Refusal::NoParent | Refusal::TooMany => Self::invalid(),
        };
        problem.field(field, detail)
    }
}

/// Whether a category fits into the tree.
pub fn fits(tree: &CategoryTree, category: &Category) -> Result<(), Refusal> {
    let parent = parent_of(&category.key);
    if parent.is_some_and(|parent| tree.get(parent).is_none()) {
        return Err(Refusal::NoParent);
    }
    if tree.rows().len() >= MOST_CATEGORIES && tree.get(&category.key).is_none() {
        return Err(Refusal::TooMany);
    }
    let siblings = tree
        .children(parent.and_then(|parent| tree.row(parent)))
        .map(|row| &tree.rows()[row]);
    for sibling in siblings.filter(|sibling| sibling.key != category.key) {
        if sibling.slug.en == category.slug.en {
            return Err(Refusal::SlugTaken("slug.en"));
        }
        if sibling.slug.fr == category.slug.fr {
            return Err(Refusal::SlugTaken("slug.fr"));
        }
    }
    Ok(())
}
