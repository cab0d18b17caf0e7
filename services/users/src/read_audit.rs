//! `GET /v1/audit`: who did what.

use axum::extract::State;
use kit::{
    Problem, audit,
    auth::Identity,
    extract::{Json, Query},
    mariadb,
    page::{Page, PageQuery},
};

use crate::{App, routes::Problems};

/// The permission to read the audit trail.
const READ: &str = "audit:read";

/// Reads the audit trail, the newest first. It names people by their ids alone.
#[utoipa::path(
    get, path = "/v1/audit", tag = "staff", params(audit::Filter, PageQuery), security(("token" = [])),
    responses((status = 200, body = Page<audit::Entry>), Problems)
)]
pub async fn read_audit(
    State(app): State<App>,
    identity: Identity,
    Query(filter): Query<audit::Filter>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<audit::Entry>>, Problem> {
    identity.require(READ)?;
    // The column holds ASCII alone, and the database refuses to compare it with anything else.
    if filter
        .action
        .as_ref()
        .is_some_and(|action| !action.is_ascii())
    {
        return Err(Problem::invalid().field("action", "must be ASCII, such as roles.changed"));
    }
    let mut connection = app.pool.acquire().await.map_err(mariadb::unavailable)?;
    Ok(Json(audit::list(&mut connection, &filter, &query).await?))
}
