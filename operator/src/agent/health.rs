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

use crate::chain::chain;

/// Serves health and metrics for ever.
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

/// The names are those of `mysqld_exporter`, so that dashboards made for it work.
async fn metrics(State(pool): State<MySqlPool>) -> Response {
    let content_type = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    let Ok(rows) = pool.fetch_all("SHOW GLOBAL STATUS").await else {
        return (content_type, "mysql_up 0\n").into_response();
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
    (content_type, text).into_response()
}
