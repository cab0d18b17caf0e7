//! `POST /v1/stock-movements` and `POST /v1/stock/imports`: what staff know of shelves.

use axum::body::Bytes;
use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, StatusCode, header};
use kit::{
    Problem, audit,
    auth::Identity,
    extract::Json,
    idempotency::{self, Attempt, Key},
    mariadb::{self, retrying},
    problem::ProblemSchema,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::MySqlConnection;

use crate::{
    App,
    change_order::ATTEMPTS,
    db::{
        movements::{self, Cause},
        stock,
    },
    invalid::Mistakes,
    stock::{MovementKind, Units, is_sku},
};

/// What staff need for it.
pub const WRITE: &str = "stock:write";
/// Far more than any shelf holds, and far less than a column does.
const MOST: i64 = 10_000_000;
/// How many variants are set in one transaction.
const BATCH: usize = 500;
/// How many rejected lines are told of.
const MOST_REJECTIONS: usize = 100;

/// How stock changed.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MovementInput {
    /// The variant.
    pub sku: String,
    /// By how much: a difference, so that two changes at once both count.
    pub delta: i64,
    /// Why.
    #[schema(min_length = 1, max_length = 200)]
    pub reason: String,
}

/// What is there after it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct StockAfter {
    /// The variant.
    pub sku: String,
    /// Units on the shelf.
    pub on_hand: i64,
    /// Units of them that are promised.
    pub reserved: i64,
}

/// Why stock was not changed.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// There would be less than nothing, or less than was promised.
    #[error("not that much is there")]
    TooLittle,
    /// Another attempt at the same request has the effect instead.
    #[error("the answer can't be kept")]
    Answer(Problem),
    /// The database failed.
    #[error("the database failed")]
    Db(#[from] sqlx::Error),
}

impl From<MoveError> for Problem {
    fn from(error: MoveError) -> Self {
        match error {
            MoveError::TooLittle => Self::new(
                StatusCode::CONFLICT,
                "stock-too-low",
                "Not that much is there, or it is promised to orders.",
            )
            .field(
                "delta",
                "would leave less than nothing, or less than is promised",
            ),
            MoveError::Answer(problem) => problem,
            MoveError::Db(source) => mariadb::unavailable(source),
        }
    }
}

/// Whether the tables refused to hold less than nothing or less than was promised.
fn too_little(error: sqlx::Error) -> MoveError {
    match mariadb::constraint(&error).as_deref() {
        Some("stock_on_hand_not_negative" | "stock_never_oversold") => MoveError::TooLittle,
        _ => MoveError::Db(error),
    }
}

/// Changes stock by a difference.
#[utoipa::path(
    post, path = "/v1/stock-movements", tag = "stock", security(("token" = [])), request_body = MovementInput,
    params(("Idempotency-Key" = String, Header, description = "the same for every attempt at the same change")),
    responses(
        (status = 201, body = StockAfter),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 403, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 409, body = ProblemSchema, content_type = "application/problem+json", description = "Not that much is there; or the same key is under way."),
        (status = 415, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 422, body = ProblemSchema, content_type = "application/problem+json", description = "The key was used for another request."),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn move_stock(
    State(app): State<App>,
    caller: Identity,
    key: Key,
    Json(input): Json<MovementInput>,
) -> Result<Response, Problem> {
    caller.require(WRITE)?;
    let mut mistakes = Mistakes::default();
    mistakes.require(is_sku(&input.sku), "sku", "must be a SKU");
    mistakes.require(
        input.delta != 0 && input.delta.abs() <= MOST,
        "delta",
        format!("must be between -{MOST} and {MOST}, and not 0"),
    );
    let is_said = (1..=200).contains(&input.reason.trim().chars().count());
    mistakes.require(is_said, "reason", "must be 1 to 200 characters");
    mistakes.none()?;
    let request =
        idempotency::Request::new("POST /v1/stock-movements", caller.subject(), &key, &input);
    let (moving, caller) = (&app, &caller);
    idempotency::once(&app.pool, &app.clock, &request, |attempt| async move {
        let after = change(moving, caller.subject(), &input, &attempt).await?;
        Ok((StatusCode::CREATED, Json(after)).into_response())
    })
    .await
}

async fn change(
    app: &App,
    actor: &str,
    input: &MovementInput,
    attempt: &Attempt,
) -> Result<StockAfter, MoveError> {
    retrying(ATTEMPTS, || async {
        let mut transaction = app.pool.begin().await?;
        stock::add(&mut transaction, &input.sku, input.delta)
            .await
            .map_err(too_little)?;
        let cause = Cause {
            kind: MovementKind::Adjusted,
            order: None,
            reason: Some(input.reason.trim()),
            actor,
        };
        let delta = Units {
            sku: input.sku.clone(),
            quantity: input.delta,
        };
        movements::add(&mut transaction, &app.clock, cause, &[delta]).await?;
        audit::record(
            &mut transaction,
            &app.clock,
            actor,
            "stock.move",
            &input.sku,
            &json!({"delta": input.delta}),
        )
        .await?;
        let levels = stock::levels(&mut transaction, &[&input.sku]).await?;
        let (on_hand, reserved) = levels
            .first()
            .map_or((0, 0), |(_, on_hand, reserved)| (*on_hand, *reserved));
        let after = StockAfter {
            sku: input.sku.clone(),
            on_hand,
            reserved,
        };
        attempt
            .finish(&mut transaction, StatusCode::CREATED, &after)
            .await
            .map_err(MoveError::Answer)?;
        transaction.commit().await?;
        Ok(after)
    })
    .await
}

/// How much there is of a variant.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LevelInput {
    /// The variant.
    pub sku: String,
    /// Units on the shelf, the promised ones too.
    #[schema(minimum = 0)]
    pub on_hand: i64,
}

/// What became of an import.
#[derive(Debug, Clone, Default, Serialize, utoipa::ToSchema)]
pub struct ImportReport {
    /// Lines whose stock is as they say.
    pub accepted: u64,
    /// Lines left out.
    pub rejected: u64,
    /// The first of them.
    pub rejections: Vec<Rejection>,
}

/// A line left out.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Rejection {
    /// Which line, from 1.
    pub line: u64,
    /// Why.
    pub detail: String,
}

impl ImportReport {
    fn reject(&mut self, line: u64, detail: String) {
        self.rejected += 1;
        if self.rejections.len() < MOST_REJECTIONS {
            self.rejections.push(Rejection { line, detail });
        }
    }
}

/// Sets the stock of many variants, a line each. Repeating it changes nothing. Of a variant that comes twice the last line counts.
#[utoipa::path(
    post, path = "/v1/stock/imports", tag = "stock", security(("token" = [])),
    request_body(content = LevelInput, content_type = "application/x-ndjson", description = "one variant a line"),
    responses(
        (status = 200, body = ImportReport),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 403, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 413, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 415, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn import_stock(
    State(app): State<App>,
    caller: Identity,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<ImportReport>, Problem> {
    caller.require(WRITE)?;
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    if kind.is_none_or(|kind| !kind.starts_with("application/x-ndjson")) {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            "Send lines of JSON with Content-Type: application/x-ndjson.",
        ));
    }
    let mut report = ImportReport::default();
    let mut batch: Vec<(u64, LevelInput)> = Vec::with_capacity(BATCH);
    for (number, line) in (1..).zip(body.split(|byte| *byte == b'\n')) {
        if line.trim_ascii().is_empty() {
            continue;
        }
        match read(line) {
            Ok(level) => batch.push((number, level)),
            Err(detail) => report.reject(number, detail),
        }
        if batch.len() == BATCH {
            set(&app, caller.subject(), &batch, &mut report).await?;
            batch.clear();
        }
    }
    set(&app, caller.subject(), &batch, &mut report).await?;
    Ok(Json(report))
}

fn read(line: &[u8]) -> Result<LevelInput, String> {
    let level: LevelInput = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    if !is_sku(&level.sku) {
        return Err("sku must be a SKU".to_owned());
    }
    if !(0..=MOST).contains(&level.on_hand) {
        return Err(format!("on_hand must be between 0 and {MOST}"));
    }
    Ok(level)
}

/// Sets a batch in one transaction. A line that says less than is promised is left out, whatever the others say.
async fn set(
    app: &App,
    actor: &str,
    batch: &[(u64, LevelInput)],
    report: &mut ImportReport,
) -> Result<(), MoveError> {
    if batch.is_empty() {
        return Ok(());
    }
    let refused = retrying(ATTEMPTS, || async {
        let mut transaction = app.pool.begin().await?;
        let refused = set_all(app, &mut transaction, actor, batch).await?;
        transaction.commit().await?;
        Ok::<_, MoveError>(refused)
    });
    let refused = refused.await?;
    let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
    report.accepted += count(batch.len() - refused.len());
    for (line, reserved) in refused {
        report.reject(
            line,
            format!("on_hand must be at least {reserved}, which are promised to orders"),
        );
    }
    Ok(())
}

async fn set_all(
    app: &App,
    connection: &mut MySqlConnection,
    actor: &str,
    batch: &[(u64, LevelInput)],
) -> Result<Vec<(u64, i64)>, MoveError> {
    let mut wanted: std::collections::BTreeMap<&str, (u64, i64)> =
        std::collections::BTreeMap::new();
    for (line, level) in batch {
        wanted.insert(&level.sku, (*line, level.on_hand));
    }
    let skus: Vec<&str> = wanted.keys().copied().collect();
    let known = stock::lock(connection, &skus).await?;
    let known: std::collections::HashMap<&str, (i64, i64)> = known
        .iter()
        .map(|(sku, on_hand, reserved)| (sku.as_str(), (*on_hand, *reserved)))
        .collect();
    let (mut levels, mut deltas, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for (sku, (line, on_hand)) in wanted {
        let (before, reserved) = known.get(sku).copied().unwrap_or((0, 0));
        if on_hand < reserved {
            refused.push((line, reserved));
            continue;
        }
        levels.push(Units {
            sku: sku.to_owned(),
            quantity: on_hand,
        });
        if on_hand != before {
            deltas.push(Units {
                sku: sku.to_owned(),
                quantity: on_hand - before,
            });
        }
    }
    if !levels.is_empty() {
        stock::set(connection, &levels).await?;
    }
    let cause = Cause {
        kind: MovementKind::Imported,
        order: None,
        reason: None,
        actor,
    };
    movements::add(connection, &app.clock, cause, &deltas).await?;
    audit::record(
        connection,
        &app.clock,
        actor,
        "stock.import",
        "stock",
        &json!({"changed": deltas.len()}),
    )
    .await?;
    Ok(refused)
}
