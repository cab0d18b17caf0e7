//! `POST /v1/imports/categories`: many categories in one stream, upserted by key. Parents come before their children.

use axum::{body::Body, extract::State, response::Response};
use http::HeaderMap;
use kit::{Problem, auth::Identity, extract::Query, problem::ProblemSchema};

use crate::{
    App,
    category::{Category, CategoryInput, CategoryTree, fits},
    db::products,
    import::{
        ImportQuery, Rejection, Report,
        lines::{Line, Lines, Reports, require_ndjson},
        parse,
    },
    import_products::{ImportError, Progress, finish, permit},
    save::{self, SaveError},
    search::Change,
    write_product::WRITE,
};

const BATCH: usize = 500;

/// Imports categories, one [`CategoryInput`] a line.
#[utoipa::path(
    post, path = "/v1/imports/categories", tag = "imports", params(ImportQuery), security(("token" = [])),
    request_body(content = CategoryInput, content_type = "application/x-ndjson", description = "one category a line, parents first"),
    responses(
        (status = 200, body = Report, content_type = "application/x-ndjson", description = "one report a line"),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 403, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 415, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json", description = "Too many imports run already."),
    )
)]
pub async fn import_categories(
    State(app): State<App>,
    caller: Identity,
    headers: HeaderMap,
    Query(query): Query<ImportQuery>,
    body: Body,
) -> Result<Response, Problem> {
    caller.require(WRITE)?;
    require_ndjson(&headers)?;
    let permit = permit(&app)?;
    let (reports, response) = Reports::open()?;
    tokio::spawn(async move {
        let mut progress = Progress::default();
        let outcome = run(&app, &reports, &mut progress, query, body).await;
        finish(&reports, &progress, outcome).await;
        drop(permit);
    });
    Ok(response)
}

async fn run(
    app: &App,
    reports: &Reports,
    progress: &mut Progress,
    query: ImportQuery,
    body: Body,
) -> Result<(), ImportError> {
    let mut lines = Lines::new(body.into_data_stream());
    let mut batch: Vec<(u64, CategoryInput)> = Vec::new();
    while let Some(line) = lines.next().await.map_err(ImportError::Body)? {
        progress.line += 1;
        if progress.line < query.from_line.unwrap_or(1) {
            progress.stored = progress.line;
            continue;
        }
        let rejection = match line {
            Line::Whole(bytes) if bytes.trim_ascii().is_empty() => continue,
            Line::Whole(bytes) => match read(&bytes) {
                Ok(input) => {
                    batch.push((progress.line, input));
                    if batch.len() >= BATCH {
                        store(app, reports, progress, std::mem::take(&mut batch)).await?;
                    }
                    continue;
                }
                Err(rejection) => rejection,
            },
            Line::TooLong => Rejection {
                key: None,
                field: String::new(),
                detail: "the line is longer than 1 MiB".to_owned(),
            },
        };
        progress.rejected += 1;
        reports.send(&rejection.report(progress.line)).await?;
    }
    store(app, reports, progress, batch).await
}

fn read(line: &[u8]) -> Result<CategoryInput, Rejection> {
    let input: CategoryInput = parse(line)?;
    match input.validate() {
        Ok(()) => Ok(input),
        Err(mistakes) => Err(Rejection::of(&input.key, &mistakes)),
    }
}

async fn store(
    app: &App,
    reports: &Reports,
    progress: &mut Progress,
    batch: Vec<(u64, CategoryInput)>,
) -> Result<(), ImportError> {
    if !batch.is_empty() {
        let claim = save::claim_categories(app).await?;
        let mut known: Vec<Category> = products::all_categories(&app.db)
            .await
            .map_err(SaveError::from)?;
        let mut tree = CategoryTree::new(known.iter().cloned());
        let mut written: Vec<Category> = Vec::new();
        for (line, input) in batch {
            let category = input.into_category(claim.revision);
            if let Err(refusal) = fits(&tree, &category) {
                let (field, detail) = refusal.explain();
                progress.rejected += 1;
                let rejection = Rejection {
                    key: Some(category.key),
                    field: field.to_owned(),
                    detail,
                };
                reports.send(&rejection.report(line)).await?;
                continue;
            }
            progress.accepted += 1;
            if tree
                .get(&category.key)
                .is_some_and(|before| is_same(before, &category))
            {
                continue;
            }
            known.retain(|before| before.key != category.key);
            known.push(category.clone());
            written.retain(|before| before.key != category.key);
            written.push(category);
            tree = CategoryTree::new(known.iter().cloned());
        }
        claim.still_holds().map_err(SaveError::from)?;
        products::put_categories(&app.db, &written)
            .await
            .map_err(SaveError::from)?;
        let changes = written.into_iter().map(Change::Category).collect();
        save::settle(app, claim, changes)
            .await
            .map_err(SaveError::from)?;
    }
    progress.stored = progress.line;
    let report = Report::Progress {
        line: progress.stored,
        accepted: progress.accepted,
        rejected: progress.rejected,
    };
    Ok(reports.send(&report).await?)
}

/// Whether writing changes nothing but the revision.
fn is_same(before: &Category, after: &Category) -> bool {
    let after = Category {
        revision: before.revision,
        product_count: before.product_count,
        ..after.clone()
    };
    after == *before
}
