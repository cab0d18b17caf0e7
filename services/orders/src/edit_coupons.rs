//! `/v1/coupons`: what staff do with coupons.

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{StatusCode, header};
use jiff::Timestamp;
use kit::{
    Problem, audit,
    auth::Identity,
    etag::{self, IfMatch},
    extract::{Json, Path, Query},
    mariadb,
    page::{self, Page, PageQuery},
    problem::ProblemSchema,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    App,
    coupon::{self, CouponRule},
    db::coupons::{self, Coupon},
    invalid::Mistakes,
};

/// What staff need for it.
const WRITE: &str = "promotions:write";
const PER_PAGE: u32 = 50;

/// A coupon as staff write it.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CouponInput {
    /// What people type, in any case; only when it is made.
    #[serde(default)]
    #[schema(example = "SPRING-10", pattern = "^[A-Za-z0-9_-]{3,40}$")]
    pub code: Option<String>,
    /// What it does, when.
    pub rule: CouponRule,
    /// How often it can be used in all; 1 makes it single-use.
    #[serde(default)]
    #[schema(minimum = 1)]
    pub max_uses: Option<i32>,
}

/// A coupon.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = Coupon)]
pub struct CouponView {
    /// What people type.
    pub code: String,
    /// Counts changes by staff; its `ETag`.
    pub revision: u64,
    /// What it does, when.
    pub rule: CouponRule,
    /// How often it can be used in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_uses: Option<i32>,
    /// How often it is used by orders that stand.
    pub uses: i32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When staff last changed it.
    pub updated_at: Timestamp,
}

impl From<Coupon> for CouponView {
    fn from(coupon: Coupon) -> Self {
        Self {
            code: coupon.code,
            revision: coupon.revision,
            rule: coupon.rule,
            max_uses: coupon.max_uses,
            uses: coupon.uses,
            created_at: coupon.created_at,
            updated_at: coupon.updated_at,
        }
    }
}

/// Why a coupon was not written.
#[derive(Debug, thiserror::Error)]
pub enum CouponError {
    /// There is none of this code.
    #[error("no such coupon")]
    NotFound,
    /// There is one of this code.
    #[error("the code is taken")]
    Taken,
    /// It was used more often than it shall be.
    #[error("it was used more often")]
    UsedMore,
    /// Somebody else changed it.
    #[error("changed meanwhile")]
    Changed,
    /// The database failed.
    #[error("the database failed")]
    Db(#[from] sqlx::Error),
}

impl From<CouponError> for Problem {
    fn from(error: CouponError) -> Self {
        match error {
            CouponError::NotFound => {
                Self::not_found("coupon-not-found", "There is no such coupon.")
            }
            CouponError::Taken => Self::new(
                StatusCode::CONFLICT,
                "coupon-taken",
                "There is a coupon of this code.",
            )
            .field("code", "is taken"),
            CouponError::UsedMore => Self::new(
                StatusCode::CONFLICT,
                "coupon-used-more",
                "The coupon was used more often.",
            )
            .field("max_uses", "must be at least as many as uses"),
            CouponError::Changed => Self::new(
                StatusCode::PRECONDITION_FAILED,
                "changed-meanwhile",
                "Someone else changed this meanwhile. Read it again, then repeat your change.",
            ),
            CouponError::Db(source) => mariadb::unavailable(source),
        }
    }
}

impl CouponInput {
    fn check(&self) -> Result<(), Mistakes> {
        let mut mistakes = Mistakes::default();
        self.rule.check(&mut mistakes);
        mistakes.require(
            self.max_uses.is_none_or(|most| most > 0),
            "max_uses",
            "must be at least 1",
        );
        mistakes.none()
    }
}

/// Lists coupons by code.
#[utoipa::path(
    get, path = "/v1/coupons", tag = "coupons", security(("token" = [])), params(PageQuery),
    responses(
        (status = 200, body = Page<CouponView>),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 403, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn list_coupons(
    State(app): State<App>,
    caller: Identity,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<CouponView>>, Problem> {
    caller.require(WRITE)?;
    let limit = query.limit(PER_PAGE)?;
    let after: String = query.position()?.unwrap_or_default();
    let mut connection = app.pool.acquire().await.map_err(mariadb::unavailable)?;
    let found = coupons::list(&mut connection, &after, limit + 1).await;
    let mut found = found.map_err(mariadb::unavailable)?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().map(|coupon| coupon.code.clone());
    Ok(Json(Page {
        next_cursor: last.filter(|_| has_more).map(|code| page::encode(&code)),
        items: found.into_iter().map(CouponView::from).collect(),
    }))
}

/// Reads a coupon.
#[utoipa::path(
    get, path = "/v1/coupons/{code}", tag = "coupons", security(("token" = [])), params(("code" = String, Path)),
    responses(
        (status = 200, body = CouponView, headers(("ETag" = String))),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 403, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 404, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn read_coupon(
    State(app): State<App>,
    Path(code): Path<String>,
    caller: Identity,
) -> Result<Response, Problem> {
    caller.require(WRITE)?;
    Ok(show(StatusCode::OK, find(&app, &code).await?))
}

/// Makes a coupon.
#[utoipa::path(
    post, path = "/v1/coupons", tag = "coupons", security(("token" = [])), request_body = CouponInput,
    responses(
        (status = 201, body = CouponView, headers(("ETag" = String))),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 403, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 409, body = ProblemSchema, content_type = "application/problem+json", description = "The code is taken."),
        (status = 415, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn create_coupon(
    State(app): State<App>,
    caller: Identity,
    Json(input): Json<CouponInput>,
) -> Result<Response, Problem> {
    caller.require(WRITE)?;
    input.check()?;
    let code = input.code.as_deref().and_then(coupon::code);
    let code = code.ok_or_else(|| {
        Problem::invalid().field("code", "must be 3 to 40 letters, digits, - and _")
    })?;
    let created = async {
        let mut transaction = app.pool.begin().await?;
        let inserted = coupons::insert(
            &mut transaction,
            &code,
            &input.rule,
            input.max_uses,
            app.clock.now(),
        )
        .await;
        inserted.map_err(|error| match mariadb::constraint(&error).as_deref() {
            Some("PRIMARY") => CouponError::Taken,
            _ => error.into(),
        })?;
        audit::record(
            &mut transaction,
            &app.clock,
            caller.subject(),
            "coupon.create",
            &code,
            &json!({"rule": input.rule, "max_uses": input.max_uses}),
        )
        .await?;
        transaction.commit().await?;
        Ok::<_, CouponError>(())
    };
    created.await?;
    Ok(show(StatusCode::CREATED, find(&app, &code).await?))
}

/// Changes a coupon. To end one, make it inactive: orders that used it still name it.
#[utoipa::path(
    put, path = "/v1/coupons/{code}", tag = "coupons", security(("token" = [])), request_body = CouponInput,
    params(("code" = String, Path), ("If-Match" = String, Header, description = "the `ETag` of the coupon that the change is made to")),
    responses(
        (status = 200, body = CouponView, headers(("ETag" = String))),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 403, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 404, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 409, body = ProblemSchema, content_type = "application/problem+json", description = "It was used more often than `max_uses`."),
        (status = 412, body = ProblemSchema, content_type = "application/problem+json", description = "Someone else changed it meanwhile."),
        (status = 415, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 428, body = ProblemSchema, content_type = "application/problem+json", description = "`If-Match` is missing."),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn put_coupon(
    State(app): State<App>,
    Path(code): Path<String>,
    caller: Identity,
    if_match: IfMatch,
    Json(input): Json<CouponInput>,
) -> Result<Response, Problem> {
    caller.require(WRITE)?;
    input.check()?;
    let before = find(&app, &code).await?;
    if input
        .code
        .as_deref()
        .is_some_and(|new| coupon::code(new).as_ref() != Some(&before.code))
    {
        return Err(Problem::invalid().field("code", "must be the code in the address"));
    }
    if_match.check(before.revision)?;
    let updated = async {
        let mut transaction = app.pool.begin().await?;
        let updated = coupons::update(
            &mut transaction,
            &before.code,
            before.revision,
            &input.rule,
            input.max_uses,
            app.clock.now(),
        )
        .await;
        let updated = updated.map_err(|error| match mariadb::constraint(&error).as_deref() {
            Some("coupon_never_overused") => CouponError::UsedMore,
            _ => error.into(),
        })?;
        if !updated {
            return Err(CouponError::Changed);
        }
        audit::record(
            &mut transaction,
            &app.clock,
            caller.subject(),
            "coupon.change",
            &before.code,
            &json!({"rule": input.rule, "max_uses": input.max_uses}),
        )
        .await?;
        transaction.commit().await?;
        Ok(())
    };
    updated.await?;
    Ok(show(StatusCode::OK, find(&app, &before.code).await?))
}

async fn find(app: &App, code: &str) -> Result<Coupon, CouponError> {
    let code = coupon::code(code).ok_or(CouponError::NotFound)?;
    let mut connection = app.pool.acquire().await?;
    coupons::read(&mut connection, &code)
        .await?
        .ok_or(CouponError::NotFound)
}

fn show(status: StatusCode, coupon: Coupon) -> Response {
    let tag = [(header::ETAG, etag::of(coupon.revision))];
    (status, tag, Json(CouponView::from(coupon))).into_response()
}
