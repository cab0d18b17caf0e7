//! `GET /v1/me/sessions`: where somebody is logged in.

use axum::extract::State;
use jiff::Timestamp;
use kit::{Problem, auth::Identity, extract::Json, mariadb};
use serde::Serialize;
use uuid::Uuid;

use crate::{
    App,
    db::sessions::{self, Session},
    issue_session::own_account,
    routes::Problems,
};

/// Sessions.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SessionList {
    /// The last used first.
    pub items: Vec<SessionItem>,
}

/// A session.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SessionItem {
    /// The id.
    pub id: Uuid,
    /// What the browser called itself.
    pub device: Option<String>,
    /// Since when.
    pub began_at: Timestamp,
    /// When it last got new tokens.
    pub last_used_at: Timestamp,
    /// When it ends at the latest.
    pub ends_at: Timestamp,
}

impl From<Session> for SessionItem {
    fn from(session: Session) -> Self {
        let Session {
            id,
            device,
            began_at,
            last_used_at,
            ends_at,
        } = session;
        Self {
            id,
            device,
            began_at,
            last_used_at,
            ends_at,
        }
    }
}

/// Lists the caller's sessions.
#[utoipa::path(
    get, path = "/v1/me/sessions", tag = "sessions", security(("token" = [])),
    responses((status = 200, body = SessionList), Problems)
)]
pub async fn list_sessions(
    State(app): State<App>,
    identity: Identity,
) -> Result<Json<SessionList>, Problem> {
    let mut connection = app.pool.acquire().await.map_err(mariadb::unavailable)?;
    let account = own_account(&mut connection, &app, &identity).await?;
    let sessions =
        sessions::list(&mut connection, &account.key, account.id, app.clock.now()).await?;
    let items = sessions.into_iter().map(SessionItem::from).collect();
    Ok(Json(SessionList { items }))
}
