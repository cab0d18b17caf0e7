//! Whether the server takes writes, and what Prometheus is told of it.

use std::{fmt::Write as _, net::SocketAddr};

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{StatusCode, header};
use sqlx::{Executor as _, MySqlPool, Row as _};

use super::member::MemberAgent;
use crate::chain::chain;
use crate::databases::mariadb::seen::{Report, Server};

/// Serves health and metrics of a server by itself for ever.
pub(super) async fn serve(address: SocketAddr, pool: MySqlPool) -> std::io::Result<()> {
    let router = Router::new()
        // The agent ends with the server, so there is nothing more to ask; a slow disk must not have it killed.
        .route("/health/live", get(|| async { StatusCode::NO_CONTENT }))
        .route("/health/ready", get(ready))
        .route("/metrics", get(metrics))
        .with_state(pool);
    let listener = tokio::net::TcpListener::bind(address).await?;
    axum::serve(listener, router).await
}

/// A server that answers reads may still refuse every write: a full disk, a read-only mount. So it is asked to write.
async fn ready(State(pool): State<MySqlPool>) -> Response {
    let beat = "REPLACE INTO amazoff.heartbeat VALUES (1, UTC_TIMESTAMP(6))";
    match pool.execute(beat).await {
        Ok(_) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, chain(&error)).into_response(),
    }
}

/// Serves health and metrics of one of a set for ever.
pub(super) async fn serve_member(address: SocketAddr, member: MemberAgent) -> std::io::Result<()> {
    let router = Router::new()
        // Of the agent alone: whatever is the matter with the server is for the operator to cure.
        .route("/health/live", get(|| async { StatusCode::NO_CONTENT }))
        .route("/health/ready", get(member_ready))
        .route("/metrics", get(member_metrics))
        .with_state(member);
    let listener = tokio::net::TcpListener::bind(address).await?;
    axum::serve(listener, router).await
}

/// A member that can be read from: it takes writes, or receives and applies what the primary writes.
async fn member_ready(State(member): State<MemberAgent>) -> Response {
    match member.report_unasked().await.server {
        Server::Up(state) if state.is_fresh() => StatusCode::NO_CONTENT.into_response(),
        server => {
            let said = serde_json::to_string(&server).unwrap_or_default();
            (StatusCode::SERVICE_UNAVAILABLE, said).into_response()
        }
    }
}

async fn member_metrics(State(member): State<MemberAgent>) -> Response {
    let report = member.report_unasked().await;
    let server = match member.pool() {
        Some(pool) => server_metrics(&pool).await,
        None => "mysql_up 0\n".to_owned(),
    };
    let text = server + &metrics_of(&report);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}

/// What the operator decides by.
fn metrics_of(report: &Report) -> String {
    let mut text = String::new();
    let mut gauge = |name: &str, value: u64| {
        let _infallible = writeln!(text, "amazoff_mariadb_{name} {value}");
    };
    gauge("record_version", report.version);
    if let Server::Up(state) = &report.server {
        gauge("open", state.open.into());
        gauge("leads", state.leads.into());
        gauge("fresh", state.is_fresh().into());
        gauge("stuck", state.stuck.into());
        gauge("written_transaction", state.written);
        gauge("received_transaction", state.received);
        gauge("acknowledging_members", state.connected.into());
        gauge("waiting_for_acknowledgement", state.waits.into());
    }
    text
}

async fn metrics(State(pool): State<MySqlPool>) -> Response {
    let text = server_metrics(&pool).await;
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}

/// The names are those of `mysqld_exporter`, so that dashboards made for it work.
async fn server_metrics(pool: &MySqlPool) -> String {
    let Ok(rows) = pool.fetch_all("SHOW GLOBAL STATUS").await else {
        return "mysql_up 0\n".to_owned();
    };
    let mut text = "mysql_up 1\n".to_owned();
    for row in rows {
        let (Ok(name), Ok(value)) = (row.try_get::<String, _>(0), row.try_get::<String, _>(1))
        else {
            continue;
        };
        if value.parse::<f64>().is_ok() {
            let _infallible = writeln!(text, "mysql_global_status_{} {value}", name.to_lowercase());
        }
    }
    text
}
