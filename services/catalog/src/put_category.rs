//! `PUT /v1/categories/{key}`: what staff do to the tree.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use kit::{
    Problem,
    auth::Identity,
    etag::{self, IfMatch},
    extract::{Json, Path},
    problem::ProblemSchema,
};

use crate::{
    App,
    category::{Category, CategoryInput, CategoryTree, Refusal, fits},
    db::products,
    save::{self, SaveError},
    search::Change,
    write_product::WRITE,
};

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
        (status = 415, body = ProblemSchema, content_type = "application/problem+json"),
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
