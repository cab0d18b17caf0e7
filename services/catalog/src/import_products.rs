//! `POST /v1/imports/products`: many products in one stream, upserted by key.
//!
//! Rows are written in batches; a batch is bounded in rows and bytes, and the next one is read only when it is stored. So memory stays
//! small, and a client that sends faster than the database takes is slowed down by TCP.

use std::collections::HashSet;

use axum::{body::Body, extract::State, response::Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use kit::{Problem, auth::Identity, extract::Query, problem::ProblemSchema};
use tokio::sync::OwnedSemaphorePermit;

use crate::{
    App,
    db::products,
    import::{
        ImportQuery, Rejection, Report,
        lines::{Gone, Line, Lines, Reports, require_ndjson},
        parse,
    },
    product::ProductInput,
    save::{self, SaveError},
    slug,
    write_product::{NO_SUCH_CATEGORY, WRITE},
};

/// Rows a batch.
const BATCH: usize = 1000;
/// Bytes a batch: a record in the journal holds all of it, and a document holds at most 16 MiB.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// Why an import ended early.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Rows could not be written.
    #[error(transparent)]
    Save(#[from] SaveError),
    /// The client stopped sending in the middle.
    #[error("the rows stopped coming")]
    Body(#[source] axum::Error),
    /// Nobody listens any more.
    #[error(transparent)]
    Gone(#[from] Gone),
}

impl ImportError {
    /// What the client is told.
    pub fn detail(&self) -> &'static str {
        match self {
            Self::Save(_) => {
                "The database did not take the rows. Go on from the next line in a moment."
            }
            Self::Body(_) => "The rows stopped coming.",
            Self::Gone(_) => "The client went away.",
        }
    }
}

/// Imports products, one [`ProductInput`] a line.
///
/// Answers while it reads: a line for each row that is left out, progress after each batch that is stored, `done` or `failed` at the end.
#[utoipa::path(
    post, path = "/v1/imports/products", tag = "imports", params(ImportQuery), security(("token" = [])),
    request_body(content = ProductInput, content_type = "application/x-ndjson", description = "one product a line, each at most 1 MiB"),
    responses(
        (status = 200, body = Report, content_type = "application/x-ndjson", description = "one report a line"),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 403, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 415, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json", description = "Too many imports run already."),
    )
)]
pub async fn import_products(
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
        let mut import = Import::new(&app, reports, query);
        let outcome = import.run(body).await;
        import.finish(outcome).await;
        drop(permit);
    });
    Ok(response)
}

/// Room for one more import.
pub fn permit(app: &App) -> Result<OwnedSemaphorePermit, Problem> {
    app.imports.clone().try_acquire_owned().map_err(|full| {
        let title = "Too many imports run already. Try again later.";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too-many-imports", title)
            .header(header::RETRY_AFTER, HeaderValue::from_static("10"))
            .with_source(full)
    })
}

/// How far an import is.
#[derive(Debug, Default)]
pub struct Progress {
    /// The last line read.
    pub line: u64,
    /// The last line that is stored or rejected.
    pub stored: u64,
    /// Rows stored.
    pub accepted: u64,
    /// Rows left out.
    pub rejected: u64,
}

struct Import<'a> {
    app: &'a App,
    reports: Reports,
    from_line: u64,
    progress: Progress,
    batch: Vec<(u64, ProductInput)>,
    batch_bytes: usize,
    /// Every unique name that the batch wants: a row that wants one of them too starts the next batch.
    batch_names: HashSet<String>,
    categories: HashSet<String>,
}

impl<'a> Import<'a> {
    fn new(app: &'a App, reports: Reports, query: ImportQuery) -> Self {
        Self {
            app,
            reports,
            from_line: query.from_line.unwrap_or(1),
            progress: Progress::default(),
            batch: Vec::with_capacity(BATCH),
            batch_bytes: 0,
            batch_names: HashSet::new(),
            categories: HashSet::new(),
        }
    }

    async fn run(&mut self, body: Body) -> Result<(), ImportError> {
        let mut lines = Lines::new(body.into_data_stream());
        while let Some(line) = lines.next().await.map_err(ImportError::Body)? {
            self.progress.line += 1;
            if self.progress.line < self.from_line {
                self.progress.stored = self.progress.line;
                continue;
            }
            match line {
                Line::Whole(bytes) if bytes.trim_ascii().is_empty() => {}
                Line::Whole(bytes) => match self.read(&bytes).await? {
                    Ok(input) => self.add(input, bytes.len()).await?,
                    Err(rejection) => self.reject(self.progress.line, rejection).await?,
                },
                Line::TooLong => {
                    let rejection = Rejection {
                        key: None,
                        field: String::new(),
                        detail: "the line is longer than 1 MiB".to_owned(),
                    };
                    self.reject(self.progress.line, rejection).await?;
                }
            }
        }
        self.store(self.progress.line).await
    }

    async fn read(&mut self, line: &[u8]) -> Result<Result<ProductInput, Rejection>, ImportError> {
        let input: ProductInput = match parse(line) {
            Ok(input) => input,
            Err(rejection) => return Ok(Err(rejection)),
        };
        if let Err(mistakes) = input.validate() {
            return Ok(Err(Rejection::of(&input.key, &mistakes)));
        }
        if !self.has_category(&input.category).await? {
            return Ok(Err(Rejection {
                key: Some(input.key),
                field: "category".to_owned(),
                detail: NO_SUCH_CATEGORY.to_owned(),
            }));
        }
        Ok(Ok(input))
    }

    async fn has_category(&mut self, key: &str) -> Result<bool, ImportError> {
        if self.categories.contains(key) {
            return Ok(true);
        }
        let is_known = self.app.index.snapshot().tree.row(key).is_some()
            || products::category(&self.app.db, key)
                .await
                .map_err(SaveError::from)?
                .is_some();
        if is_known {
            self.categories.insert(key.to_owned());
        }
        Ok(is_known)
    }

    async fn add(&mut self, input: ProductInput, bytes: usize) -> Result<(), ImportError> {
        let slugs = slug::of_product(&input);
        let mut names = vec![
            format!("key:{}", input.key),
            format!("slug:en:{}", slugs.en),
            format!("slug:fr:{}", slugs.fr),
        ];
        names.extend(
            input
                .variants
                .iter()
                .map(|variant| format!("sku:{}", variant.sku)),
        );
        let is_full = self.batch.len() >= BATCH || self.batch_bytes + bytes > BATCH_BYTES;
        if is_full || names.iter().any(|name| self.batch_names.contains(name)) {
            self.store(self.progress.line - 1).await?;
        }
        self.batch_names.extend(names);
        self.batch_bytes += bytes;
        self.batch.push((self.progress.line, input));
        Ok(())
    }

    /// Stores the batch and reports it. `upto` is the last line that is dealt with then.
    async fn store(&mut self, upto: u64) -> Result<(), ImportError> {
        let (lines, inputs): (Vec<u64>, Vec<ProductInput>) = self.batch.drain(..).unzip();
        self.batch_bytes = 0;
        self.batch_names.clear();
        if !inputs.is_empty() {
            let taken = save::save_all(self.app, &inputs, self.app.clock.now()).await?;
            self.progress.accepted += u64::try_from(inputs.len() - taken.len()).unwrap_or_default();
            for (position, field) in taken {
                let rejection = Rejection {
                    key: Some(inputs[position].key.clone()),
                    field,
                    detail: "is taken by another product".to_owned(),
                };
                self.reject(lines[position], rejection).await?;
            }
        }
        self.progress.stored = upto;
        let report = Report::Progress {
            line: upto,
            accepted: self.progress.accepted,
            rejected: self.progress.rejected,
        };
        Ok(self.reports.send(&report).await?)
    }

    async fn reject(&mut self, line: u64, rejection: Rejection) -> Result<(), Gone> {
        self.progress.rejected += 1;
        self.reports.send(&rejection.report(line)).await
    }

    async fn finish(self, outcome: Result<(), ImportError>) {
        finish(&self.reports, &self.progress, outcome).await;
    }
}

/// Sends the last line of a report, and says in the log how it went.
pub async fn finish(reports: &Reports, progress: &Progress, outcome: Result<(), ImportError>) {
    let Progress {
        line: _,
        stored,
        accepted,
        rejected,
    } = *progress;
    let report = match &outcome {
        Ok(()) => Report::Done {
            line: stored,
            accepted,
            rejected,
        },
        Err(error) => Report::Failed {
            line: stored,
            detail: error.detail().to_owned(),
        },
    };
    match outcome {
        Ok(()) => tracing::info!(line = stored, accepted, rejected, "import done"),
        Err(error) => tracing::warn!(
            line = stored,
            accepted,
            rejected,
            error = kit::problem::chain(&error),
            "import ended early"
        ),
    }
    // Nobody is left to tell when this fails.
    let _ = reports.send(&report).await;
}
