use std::{future::Future, time::Duration};

use axum::response::{IntoResponse as _, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use sqlx::{MySqlConnection, MySqlPool};
use uuid::Uuid;

use super::Request;
use crate::{
    Problem,
    clock::Clock,
    mariadb::{At, unavailable},
};

/// After this time an attempt that has not ended is taken to be dead, and a shopper whose replica was killed need wait no longer. One that is only
/// slow loses nothing: it fails when it wants to finish, and its effect is taken back.
pub const ABANDONED_AFTER: Duration = Duration::from_secs(10);
/// How long an answer is kept.
const KEEP_FOR: Duration = Duration::from_hours(24);
/// How often a row may change under our eyes before we call it busy.
const LOOKS: u32 = 5;

const INSERT: &str =
    "INSERT IGNORE INTO idempotency (id, request, attempt, begun_at) VALUES (?, ?, ?, ?)";
const READ: &str = "SELECT request, attempt, begun_at, status, body FROM idempotency WHERE id = ?";
const TAKE_OVER: &str = "UPDATE idempotency SET attempt = ?, begun_at = ? WHERE id = ? AND attempt = ? AND status IS NULL";
const EXPIRE: &str = "DELETE FROM idempotency WHERE id = ? AND attempt = ? AND begun_at = ?";
const FINISH: &str =
    "UPDATE idempotency SET status = ?, body = ? WHERE id = ? AND attempt = ? AND status IS NULL";
const RELEASE: &str = "DELETE FROM idempotency WHERE id = ? AND attempt = ? AND status IS NULL";
const SWEEP: &str = "DELETE FROM idempotency WHERE begun_at < ? ORDER BY begun_at LIMIT 1000";

/// The right to have the effect; ended by [`Attempt::finish`] or [`Attempt::release`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    id: [u8; 32],
    attempt: Uuid,
}

/// How a request with a key begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It is the first, or its predecessor died: have the effect.
    Begun(Attempt),
    /// It had its effect before: this was the answer.
    Replayed(StatusCode, String),
    /// Another one is having the effect.
    InFlight,
    /// The key was used for something else.
    Mismatch,
}

impl Attempt {
    /// Keeps the answer, in the transaction of the effect. Fails when somebody else took the attempt over, who has the effect instead: return
    /// the problem, and the transaction takes the effect back.
    pub async fn finish(
        &self,
        connection: &mut MySqlConnection,
        status: StatusCode,
        body: &impl Serialize,
    ) -> Result<(), Problem> {
        let body = serde_json::to_string(body).map_err(Problem::internal)?;
        let done = sqlx::query(FINISH)
            .bind(status.as_u16())
            .bind(body)
            .bind(&self.id[..])
            .bind(self.attempt)
            .execute(connection)
            .await
            .map_err(unavailable)?;
        if done.rows_affected() == 1 {
            Ok(())
        } else {
            Err(in_flight())
        }
    }

    /// Gives the key back: there was no effect, and the same request may be tried again.
    pub async fn release(&self, pool: &MySqlPool) -> Result<(), sqlx::Error> {
        sqlx::query(RELEASE)
            .bind(&self.id[..])
            .bind(self.attempt)
            .execute(pool)
            .await?;
        Ok(())
    }
}

/// Asks for the right to have the effect of a request.
pub async fn begin(
    pool: &MySqlPool,
    clock: &Clock,
    request: &Request,
) -> Result<Begun, sqlx::Error> {
    type Columns = (Vec<u8>, Uuid, At, Option<u16>, Option<String>);
    let own = Attempt {
        id: request.id,
        attempt: clock.uuid(),
    };
    for _ in 0..LOOKS {
        let now = clock.now();
        let inserted = sqlx::query(INSERT)
            .bind(&request.id[..])
            .bind(&request.content[..])
            .bind(own.attempt)
            .bind(At(now))
            .execute(pool)
            .await?;
        if inserted.rows_affected() == 1 {
            return Ok(Begun::Begun(own));
        }
        let found: Option<Columns> = sqlx::query_as(READ)
            .bind(&request.id[..])
            .fetch_optional(pool)
            .await?;
        // Released or swept meanwhile.
        let Some((content, attempt, begun_at, status, body)) = found else {
            continue;
        };
        let age = now.duration_since(begun_at.0).unsigned_abs();
        if age >= KEEP_FOR && now > begun_at.0 {
            sqlx::query(EXPIRE)
                .bind(&request.id[..])
                .bind(attempt)
                .bind(begun_at)
                .execute(pool)
                .await?;
            continue;
        }
        if content != request.content {
            return Ok(Begun::Mismatch);
        }
        if let Some(status) = status {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
            return Ok(Begun::Replayed(status, body.unwrap_or_default()));
        }
        if age < ABANDONED_AFTER || now < begun_at.0 {
            return Ok(Begun::InFlight);
        }
        let taken = sqlx::query(TAKE_OVER)
            .bind(own.attempt)
            .bind(At(now))
            .bind(&request.id[..])
            .bind(attempt)
            .execute(pool)
            .await?;
        if taken.rows_affected() == 1 {
            return Ok(Begun::Begun(own));
        }
    }
    Ok(Begun::InFlight)
}

/// Runs `run` unless it ran before under the same key, in which case the answer is the one it gave then, with `Idempotency-Replayed: true`. When `run`
/// fails the key is given back.
pub async fn once<F>(
    pool: &MySqlPool,
    clock: &Clock,
    request: &Request,
    run: impl FnOnce(Attempt) -> F,
) -> Result<Response, Problem>
where
    F: Future<Output = Result<Response, Problem>>,
{
    match begin(pool, clock, request).await.map_err(unavailable)? {
        Begun::Begun(attempt) => {
            let outcome = run(attempt.clone()).await;
            if outcome.is_err()
                && let Err(error) = attempt.release(pool).await
            {
                // It is taken over later.
                tracing::warn!(
                    error = crate::problem::chain(&error),
                    "an idempotency key could not be given back"
                );
            }
            outcome
        }
        Begun::Replayed(status, body) => {
            let headers = [
                (
                    header::CONTENT_TYPE,
                    HeaderValue::from_static("application/json"),
                ),
                (
                    HeaderName::from_static("idempotency-replayed"),
                    HeaderValue::from_static("true"),
                ),
            ];
            Ok((status, headers, body).into_response())
        }
        Begun::InFlight => Err(in_flight()),
        Begun::Mismatch => Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency-key-reused",
            "This Idempotency-Key was used for a different request.",
        )
        .field("Idempotency-Key", "must be new for each intent")),
    }
}

fn in_flight() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "request-in-flight",
        "The same request is being answered. Ask again in a moment.",
    )
    .header(header::RETRY_AFTER, HeaderValue::from_static("1"))
}

/// Forgets answers that are more than a day old.
pub async fn sweep(pool: &MySqlPool, clock: &Clock) -> Result<(), sqlx::Error> {
    let Ok(before) = clock.now().checked_sub(KEEP_FOR) else {
        return Ok(());
    };
    loop {
        let deleted = sqlx::query(SWEEP).bind(At(before)).execute(pool).await?;
        if deleted.rows_affected() < 1000 {
            return Ok(());
        }
    }
}
