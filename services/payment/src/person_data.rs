//! `/internal/v1/people/{id}`: what is kept of a person, for their export, and letting go of it. No name, address or e-mail is kept here: only
//! whose a payment is. The payments themselves stay, as the law wants of books.

use axum::extract::State;
use http::StatusCode;
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
    db::{payments, refunds},
    view::{StaffPayment, show_staff},
};

/// All that is kept of a person.
#[derive(Debug, Serialize)]
pub struct PersonData {
    /// Their payments, with refunds.
    pub payments: Vec<StaffPayment>,
}

/// Exports what is kept of a person.
pub async fn export_person(
    State(app): State<App>,
    caller: Identity,
    Path(person): Path<Uuid>,
) -> Result<Json<PersonData>, Problem> {
    caller.require("people:export")?;
    export(&app, person)
        .await
        .map(Json)
        .map_err(mariadb::unavailable)
}

async fn export(app: &App, person: Uuid) -> sqlx::Result<PersonData> {
    let mut connection = app.pool.acquire().await?;
    let mut shown = Vec::new();
    for payment in payments::of_person(&mut connection, person).await? {
        let refunds = refunds::of_payment(&mut connection, payment.id).await?;
        shown.push(show_staff(&payment, refunds));
    }
    Ok(PersonData { payments: shown })
}

/// Forgets whose the person's payments are.
pub async fn erase_person(
    State(app): State<App>,
    caller: Identity,
    Path(person): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    caller.require("people:erase")?;
    let mut connection = app.pool.acquire().await.map_err(mariadb::unavailable)?;
    payments::erase(&mut connection, person)
        .await
        .map_err(mariadb::unavailable)?;
    Ok(StatusCode::NO_CONTENT)
}
