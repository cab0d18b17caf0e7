//! `/v1/me/addresses`: where somebody has things sent.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use kit::{
    Problem,
    auth::Identity,
    extract::{Json, Path},
    mariadb,
};
use serde::Serialize;
use uuid::Uuid;

use crate::{
    App,
    address::{Address, MOST},
    db::{accounts, addresses},
    issue_session::{caller, own_account},
    routes::{BodyProblems, Problems},
};

/// Addresses.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AddressList {
    /// The oldest first.
    pub items: Vec<AddressItem>,
}

/// An address that is kept.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AddressItem {
    /// The id.
    pub id: Uuid,
    /// The address.
    #[serde(flatten)]
    pub address: Address,
}

fn no_such_address() -> Problem {
    Problem::not_found("address-not-found", "There is no such address.")
}

/// Lists the caller's addresses.
#[utoipa::path(
    get, path = "/v1/me/addresses", tag = "addresses", security(("token" = [])),
    responses((status = 200, body = AddressList), Problems)
)]
pub async fn list_addresses(
    State(app): State<App>,
    identity: Identity,
) -> Result<Json<AddressList>, Problem> {
    let mut connection = app.pool.acquire().await.map_err(mariadb::unavailable)?;
    let account = own_account(&mut connection, &app, &identity).await?;
    let list = addresses::list(&mut connection, &account.key, account.id).await?;
    let items = list
        .into_iter()
        .map(|(id, address)| AddressItem { id, address })
        .collect();
    Ok(Json(AddressList { items }))
}

/// Keeps one more address.
#[utoipa::path(
    post, path = "/v1/me/addresses", tag = "addresses", request_body = Address, security(("token" = [])),
    responses((status = 201, body = AddressItem, headers(("Location" = String))), Problems, BodyProblems)
)]
pub async fn add_address(
    State(app): State<App>,
    identity: Identity,
    Json(input): Json<Address>,
) -> Result<Response, Problem> {
    let address = input.checked()?;
    let person = caller(&identity)?;
    let id = app.clock.uuid();
    let mut transaction = app.pool.begin().await.map_err(mariadb::unavailable)?;
    // Locked, so that two at once don't both become the last one.
    accounts::lock(&mut transaction, person).await?;
    let account = own_account(&mut transaction, &app, &identity).await?;
    let count = addresses::count(&mut transaction, account.id).await?;
    if usize::try_from(count).is_ok_and(|count| count >= MOST) {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "too-many-addresses",
            "You keep as many addresses as there is room for.",
        )
        .detail(format!("There is room for {MOST}; take one out first.")));
    }
    addresses::insert(&mut transaction, &account.key, account.id, id, &address).await?;
    transaction.commit().await.map_err(mariadb::unavailable)?;
    let location =
        HeaderValue::from_str(&format!("/v1/me/addresses/{id}")).map_err(Problem::internal)?;
    let answer = Json(AddressItem { id, address });
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], answer).into_response())
}

/// Changes an address.
#[utoipa::path(
    put, path = "/v1/me/addresses/{id}", tag = "addresses", request_body = Address, security(("token" = [])),
    params(("id" = Uuid, Path)), responses((status = 200, body = AddressItem), Problems, BodyProblems)
)]
pub async fn put_address(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    identity: Identity,
    Json(input): Json<Address>,
) -> Result<Json<AddressItem>, Problem> {
    let address = input.checked()?;
    let mut connection = app.pool.acquire().await.map_err(mariadb::unavailable)?;
    let account = own_account(&mut connection, &app, &identity).await?;
    if !addresses::update(&mut connection, &account.key, account.id, id, &address).await? {
        return Err(no_such_address());
    }
    Ok(Json(AddressItem { id, address }))
}

/// Takes an address out.
#[utoipa::path(
    delete, path = "/v1/me/addresses/{id}", tag = "addresses", security(("token" = [])),
    params(("id" = Uuid, Path)), responses((status = 204), Problems)
)]
pub async fn delete_address(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    identity: Identity,
) -> Result<StatusCode, Problem> {
    let person = caller(&identity)?;
    let mut connection = app.pool.acquire().await.map_err(mariadb::unavailable)?;
    if !addresses::delete(&mut connection, person, id).await? {
        return Err(no_such_address());
    }
    Ok(StatusCode::NO_CONTENT)
}
