//! `GET` and `PATCH /v1/me`: what somebody goes by.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::header;
use kit::{
    Problem,
    auth::Identity,
    etag::{self, IfMatch},
    extract::Json,
    mariadb,
};
use serde::Deserialize;

use crate::{
    App,
    db::accounts,
    issue_session::{PersonAnswer, caller, gone, own_account},
    person::{self, Locale},
    routes::{BodyProblems, EditProblems, Problems},
};

/// What changes; what is absent stays.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileInput {
    #[schema(max_length = 100)]
    name: Option<String>,
    locale: Option<Locale>,
}

/// Reads who the caller is.
#[utoipa::path(
    get, path = "/v1/me", tag = "accounts", security(("token" = [])),
    responses((status = 200, body = PersonAnswer, headers(("ETag" = String))), Problems)
)]
pub async fn read_me(State(app): State<App>, identity: Identity) -> Result<Response, Problem> {
    let mut connection = app.pool.acquire().await.map_err(mariadb::unavailable)?;
    let account = own_account(&mut connection, &app, &identity).await?;
    Ok(shown(&account))
}

/// Changes name and language.
#[utoipa::path(
    patch, path = "/v1/me", tag = "accounts", request_body = ProfileInput, security(("token" = [])),
    params(("If-Match" = String, Header, description = "the `ETag` of what the change is made to")),
    responses((status = 200, body = PersonAnswer, headers(("ETag" = String))), Problems, BodyProblems, EditProblems)
)]
pub async fn edit_me(
    State(app): State<App>,
    identity: Identity,
    if_match: IfMatch,
    Json(input): Json<ProfileInput>,
) -> Result<Response, Problem> {
    let name = input
        .name
        .as_deref()
        .map(person::name)
        .transpose()
        .map_err(|detail| Problem::invalid().field("name", detail))?;
    let id = caller(&identity)?;
    let mut transaction = app.pool.begin().await.map_err(mariadb::unavailable)?;
    if !accounts::lock(&mut transaction, id).await? {
        return Err(gone());
    }
    let before = own_account(&mut transaction, &app, &identity).await?;
    if_match.check(before.revision)?;
    let name = name.as_deref().unwrap_or(&before.name);
    let locale = input.locale.unwrap_or(before.locale);
    accounts::update_profile(&mut transaction, &before, name, locale).await?;
    let after = own_account(&mut transaction, &app, &identity).await?;
    transaction.commit().await.map_err(mariadb::unavailable)?;
    Ok(shown(&after))
}

fn shown(account: &accounts::Account) -> Response {
    let headers = [(header::ETAG, etag::of(account.revision))];
    (headers, Json(PersonAnswer::from(account))).into_response()
}
