//! `GET /v1/users` and `GET /v1/users/{id}`: what staff see of people.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::header;
use jiff::Timestamp;
use kit::{
    Problem,
    auth::Identity,
    etag,
    extract::{Json, Path, Query},
    mariadb,
    page::{self, Page, PageQuery},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    App,
    db::accounts::{self, Account},
    email::Email,
    person::Locale,
    role::Role,
    routes::Problems,
};

/// The permission to see people.
pub const READ: &str = "users:read";

/// A person, as staff see it.
#[derive(Debug, Serialize, Deserialize, PartialEq, Eq, utoipa::ToSchema)]
pub struct UserAnswer {
    /// The id.
    pub id: Uuid,
    /// The address.
    pub email: String,
    /// The name.
    pub name: String,
    /// The language.
    pub locale: Locale,
    /// The roles.
    pub roles: Vec<Role>,
    /// Whether a code from an app is asked for at login.
    pub has_totp: bool,
    /// Whether the person has asked to be erased, which is under way.
    pub is_leaving: bool,
    /// Since when.
    pub created_at: Timestamp,
}

impl From<&Account> for UserAnswer {
    fn from(account: &Account) -> Self {
        Self {
            id: account.id,
            email: account.email.as_str().to_owned(),
            name: account.name.clone(),
            locale: account.locale,
            roles: account.roles.iter().collect(),
            has_totp: account.totp.is_some(),
            is_leaving: account.is_leaving,
            created_at: account.created_at,
        }
    }
}

/// What is looked for.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UsersQuery {
    /// A whole e-mail address, or an id. Names and parts of addresses can't be searched: they are sealed.
    q: Option<String>,
    /// How many rows at most (1 to 100).
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Lists people, the newest first.
#[utoipa::path(
    get, path = "/v1/users", tag = "staff", params(UsersQuery), security(("token" = [])),
    responses((status = 200, body = Page<UserAnswer>), Problems)
)]
pub async fn list_users(
    State(app): State<App>,
    identity: Identity,
    Query(query): Query<UsersQuery>,
) -> Result<Json<Page<UserAnswer>>, Problem> {
    identity.require(READ)?;
    let pages = PageQuery {
        limit: query.limit,
        cursor: query.cursor,
    };
    let limit = pages.limit(24)?;
    let before: Uuid = pages.position()?.unwrap_or(Uuid::max());
    let mut connection = app.pool.acquire().await.map_err(mariadb::unavailable)?;
    if let Some(q) = query.q.as_deref().map(str::trim).filter(|q| !q.is_empty()) {
        let found = match (Uuid::try_parse(q), Email::parse(q)) {
            (Ok(id), _) => accounts::find(&mut connection, &app.sealer, id).await?,
            (_, Some(email)) => {
                let index = app.email_index(&email)?;
                accounts::find_by_email(&mut connection, &app.sealer, &index).await?
            }
            (Err(_), None) => None,
        };
        return Ok(Json(Page {
            items: found.iter().map(UserAnswer::from).collect(),
            next_cursor: None,
        }));
    }
    let accounts = accounts::page(&mut connection, &app.sealer, before, limit + 1).await?;
    let shown: Vec<&Account> = accounts
        .iter()
        .take(usize::try_from(limit).unwrap_or(usize::MAX))
        .collect();
    let next_cursor = (accounts.len() > shown.len())
        .then(|| shown.last().map(|last| page::encode(&last.id)))
        .flatten();
    Ok(Json(Page {
        items: shown.into_iter().map(UserAnswer::from).collect(),
        next_cursor,
    }))
}

/// What is said of a person who is not there.
pub fn no_such_user() -> Problem {
    Problem::not_found("user-not-found", "There is no such person.")
}

/// Reads one person.
#[utoipa::path(
    get, path = "/v1/users/{id}", tag = "staff", params(("id" = Uuid, Path)), security(("token" = [])),
    responses((status = 200, body = UserAnswer, headers(("ETag" = String))), Problems)
)]
pub async fn read_user(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    identity: Identity,
) -> Result<Response, Problem> {
    identity.require(READ)?;
    let mut connection = app.pool.acquire().await.map_err(mariadb::unavailable)?;
    let account = accounts::find(&mut connection, &app.sealer, id)
        .await?
        .ok_or_else(no_such_user)?;
    Ok(shown(&account))
}

/// The answer that shows a person.
pub fn shown(account: &Account) -> Response {
    let headers = [(header::ETAG, etag::of(account.revision))];
    (headers, Json(UserAnswer::from(account))).into_response()
}
