//! `GET /v1/me/export`: all that the shop keeps about somebody (GDPR, articles 15 and 20).

use std::collections::BTreeMap;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use futures::future::join_all;
use http::{HeaderValue, header};
use jiff::Timestamp;
use kit::{Problem, auth::Identity, client::ClientError, extract::Json, mariadb};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    App,
    db::{DbResult, accounts::Account, addresses, passkeys, sessions},
    issue_session::{PersonAnswer, own_account},
    keep_addresses::AddressItem,
    list_sessions::SessionItem,
    routes::Problems,
};

/// All that is kept.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Export {
    /// When it was gathered.
    pub exported_at: Timestamp,
    /// What each service keeps.
    #[schema(value_type = BTreeMap<String, Object>)]
    pub services: BTreeMap<String, Value>,
}

/// Some service did not answer. Half an export would look like a whole one.
#[derive(Debug, thiserror::Error)]
#[error("{service} did not tell what it keeps")]
struct Incomplete {
    service: String,
    source: ClientError,
}

/// Gathers all that is kept about the caller, from every service.
#[utoipa::path(
    get, path = "/v1/me/export", tag = "accounts", security(("token" = [])),
    responses((status = 200, body = Export), Problems)
)]
pub async fn export_me(State(app): State<App>, identity: Identity) -> Result<Response, Problem> {
    let (id, email, own) = {
        let mut connection = app.pool.acquire().await.map_err(mariadb::unavailable)?;
        let account = own_account(&mut connection, &app, &identity).await?;
        let own = kept_here(&mut connection, &app, &account).await?;
        (account.id, account.email, own)
    };
    let asked = app.people_services.iter().map(|service| async {
        match service.export(&app.service_tokens, id, &email).await {
            Ok(kept) => Ok((service.name.clone(), kept)),
            Err(source) => Err(Incomplete {
                service: service.name.clone(),
                source,
            }),
        }
    });
    let answers: Result<BTreeMap<String, Value>, Incomplete> =
        join_all(asked).await.into_iter().collect();
    let mut services = answers.map_err(|incomplete| {
        let detail = format!("{} can't tell what it keeps right now.", incomplete.service);
        Problem::unavailable(incomplete).detail(detail)
    })?;
    services.insert("users".to_owned(), own);
    let headers = [(
        header::CONTENT_DISPOSITION,
        HeaderValue::from_static(r#"attachment; filename="amazoff-export.json""#),
    )];
    let export = Export {
        exported_at: app.clock.now(),
        services,
    };
    Ok((headers, Json(export)).into_response())
}

async fn kept_here(
    connection: &mut mariadb::MySqlConnection,
    app: &App,
    account: &Account,
) -> DbResult<Value> {
    let addresses = addresses::list(connection, &account.key, account.id).await?;
    let addresses: Vec<AddressItem> = addresses
        .into_iter()
        .map(|(id, address)| AddressItem { id, address })
        .collect();
    let sessions = sessions::list(connection, &account.key, account.id, app.clock.now()).await?;
    let sessions: Vec<SessionItem> = sessions.into_iter().map(SessionItem::from).collect();
    let passkeys = passkeys::list(connection, &account.key, account.id).await?;
    let passkeys: Vec<Value> = passkeys
        .iter()
        .map(|passkey| json!({"name": passkey.name, "created_at": passkey.created_at}))
        .collect();
    Ok(json!({
        "person": PersonAnswer::from(account),
        "addresses": addresses,
        "sessions": sessions,
        "passkeys": passkeys,
    }))
}
