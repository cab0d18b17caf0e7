//! `GET /internal/v1/people/{id}` and `DELETE /internal/v1/people/{id}`: all that is kept of a person, and its end.
//!
//! Orders stay, because accounts must add up; who placed them does not. What can't be delivered any more, because nobody knows where to, is called off
//! and paid back.

use axum::extract::State;
use http::StatusCode;
use kit::{
    Problem, audit,
    auth::Identity,
    extract::{Json, Path, PersonEmail},
    mariadb::{self, retrying},
    problem::ProblemSchema,
    seal,
};
use serde::Serialize;
use serde_json::json;
use sqlx::MySqlConnection;
use uuid::Uuid;

use crate::{
    App,
    cancel_order::cancel,
    change_order::{ATTEMPTS, ChangeError},
    db::{coupons, events as events_db, orders, returns},
    load_order::view,
    view::OrderView,
    write_order::{email_index, guest_key},
};

const EXPORT: &str = "people:export";
const ERASE: &str = "people:erase";

/// All that is kept of a person.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PersonExport {
    /// Every order, of the account and as a guest.
    pub orders: Vec<OrderView>,
}

/// Exports all that is kept of a person.
#[utoipa::path(
    get, path = "/internal/v1/people/{id}", tag = "internal", security(("token" = [])), params(("id" = Uuid, Path), ("person-email" = Option<String>, Header, description = "Under which e-mail else the person may be known: as a guest.")),
    responses(
        (status = 200, body = PersonExport),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 403, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 404, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn export_person(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    caller: Identity,
    PersonEmail(email): PersonEmail,
) -> Result<Json<PersonExport>, Problem> {
    caller.require(EXPORT)?;
    let index = email
        .as_deref()
        .map(|email| email_index(&app.sealer, email))
        .transpose()
        .map_err(ChangeError::from)?;
    let mut connection = app.pool.acquire().await.map_err(mariadb::unavailable)?;
    let ids = orders::ids_of_person(&mut connection, id, index.as_ref()).await;
    let mut shown = Vec::new();
    for order in ids.map_err(mariadb::unavailable)? {
        let order = orders::read(&mut connection, order)
            .await
            .map_err(mariadb::unavailable)?;
        if let Some(order) = order {
            shown.push(view(&app, &mut connection, order).await?);
        }
    }
    Ok(Json(PersonExport { orders: shown }))
}

/// Forgets a person. Twice is no mistake.
#[utoipa::path(
    delete, path = "/internal/v1/people/{id}", tag = "internal", security(("token" = [])), params(("id" = Uuid, Path), ("person-email" = Option<String>, Header, description = "Under which e-mail else the person may be known: as a guest.")),
    responses(
        (status = 204),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 403, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 404, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn forget_person(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    caller: Identity,
    PersonEmail(email): PersonEmail,
) -> Result<StatusCode, Problem> {
    caller.require(ERASE)?;
    let index = email
        .as_deref()
        .map(|email| email_index(&app.sealer, email))
        .transpose()
        .map_err(ChangeError::from)?;
    let ids = {
        let mut connection = app.pool.acquire().await.map_err(mariadb::unavailable)?;
        let ids = orders::ids_of_person(&mut connection, id, index.as_ref()).await;
        ids.map_err(mariadb::unavailable)?
    };
    for order in &ids {
        // One by one: a person's orders are few, and each is locked for a moment only.
        let forgotten = retrying(ATTEMPTS, || async {
            let mut transaction = app.pool.begin().await?;
            forget(&app, &mut transaction, *order).await?;
            transaction.commit().await?;
            Ok::<_, ChangeError>(())
        });
        forgotten.await?;
    }
    let guest = email
        .as_deref()
        .map(|email| guest_key(&app.sealer, email))
        .transpose();
    let keys = [Some(id), guest.map_err(ChangeError::from)?];
    let erased = async {
        let mut transaction = app.pool.begin().await?;
        for key in keys.into_iter().flatten() {
            seal::erase(&mut transaction, key).await?;
        }
        audit::record(
            &mut transaction,
            &app.clock,
            caller.subject(),
            "person.forget",
            &id.to_string(),
            &json!({"orders": ids.len()}),
        )
        .await?;
        transaction.commit().await?;
        Ok::<_, ChangeError>(())
    };
    erased.await?;
    app.relay.ring();
    Ok(StatusCode::NO_CONTENT)
}

async fn forget(app: &App, connection: &mut MySqlConnection, id: Uuid) -> Result<(), ChangeError> {
    let Some(mut order) = orders::lock(connection, id).await? else {
        return Ok(());
    };
    if order.states.canceled().is_ok() {
        cancel(app, connection, &mut order, "forgotten").await?;
    }
    orders::forget(connection, id).await?;
    coupons::forget(connection, id).await?;
    returns::forget(connection, id).await?;
    // Mails that wait are for nobody any more, and those that were sent are not kept for later.
    events_db::forget(connection, id).await?;
    Ok(())
}
