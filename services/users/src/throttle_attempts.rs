//! Counting attempts in the database, where all replicas see them.

use std::convert::Infallible;

use axum::extract::{FromRef, FromRequestParts};
use http::{HeaderValue, StatusCode, header, request::Parts};
use jiff::SignedDuration;
use kit::{
    Problem,
    auth::{ClientAddress, Verifier},
    mariadb::{self, MySqlConnection},
};

use crate::{
    App,
    db::{
        DbError, DbResult,
        throttles::{self, Bucket},
    },
    throttle::{Rule, client, whole_seconds},
};

/// Which client a request came from. The address is what the gateway has signed, or else the other end of the connection: who
/// could choose it would be throttled by nothing, or could throttle others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client(String);

impl<S: Send + Sync> FromRequestParts<S> for Client
where
    Verifier: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let ClientAddress(address) = ClientAddress::from_request_parts(parts, state).await?;
        Ok(Self(client(address)))
    }
}

/// What something is counted under: the kind of thing, and a keyed hash of whose it is.
pub fn bucket(app: &App, kind: &str, whose: &str) -> DbResult<Bucket> {
    Ok(app.sealer.blind_index(&format!("throttle.{kind}"), whose)?)
}

/// The bucket of a client.
pub fn client_bucket(app: &App, kind: &str, client: &Client) -> DbResult<Bucket> {
    bucket(app, kind, &client.0)
}

/// Too many attempts: how long to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many attempts")]
pub struct TooMany(pub SignedDuration);

impl From<TooMany> for Problem {
    fn from(TooMany(wait): TooMany) -> Self {
        let seconds = whole_seconds(wait);
        let value = HeaderValue::from_str(&seconds.to_string())
            .unwrap_or_else(|_| HeaderValue::from_static("60"));
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too-many-attempts",
            "There were too many attempts. Wait a little, then try again.",
        )
        .detail(format!("The next attempt can be made in {seconds} s."))
        .header(header::RETRY_AFTER, value)
    }
}

/// Why an attempt may not be made.
#[derive(Debug, thiserror::Error)]
pub enum ThrottleError {
    /// Not yet.
    #[error(transparent)]
    TooMany(#[from] TooMany),
    /// Nobody knows.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<ThrottleError> for Problem {
    fn from(error: ThrottleError) -> Self {
        match error {
            ThrottleError::TooMany(error) => error.into(),
            ThrottleError::Db(error) => error.into(),
        }
    }
}

impl From<sqlx::Error> for ThrottleError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

/// Charges an attempt, or says how long to wait. In a transaction of its own, so that it counts whatever comes of it, and at once
/// for everybody else.
pub async fn charge(app: &App, rule: &Rule, bucket: &Bucket) -> Result<(), ThrottleError> {
    mariadb::retrying(3, || charge_once(app, rule, bucket)).await
}

async fn charge_once(app: &App, rule: &Rule, bucket: &Bucket) -> Result<(), ThrottleError> {
    let mut transaction = app.pool.begin().await?;
    let outcome = charge_in(&mut transaction, app, rule, bucket).await?;
    transaction.commit().await?;
    Ok(outcome?)
}

/// The same within the transaction of a use case.
pub async fn charge_in(
    connection: &mut MySqlConnection,
    app: &App,
    rule: &Rule,
    bucket: &Bucket,
) -> DbResult<Result<(), TooMany>> {
    let now = app.clock.now();
    let record = throttles::lock(connection, bucket, now).await?;
    if let Some(wait) = rule.wait(Some(&record), now) {
        return Ok(Err(TooMany(wait)));
    }
    throttles::put(connection, bucket, &rule.charge(Some(&record), now)).await?;
    Ok(Ok(()))
}

/// Says how long to wait, charging nothing.
pub async fn check(app: &App, rule: &Rule, bucket: &Bucket) -> Result<(), ThrottleError> {
    let mut connection = app.pool.acquire().await?;
    let record = throttles::find(&mut connection, bucket).await?;
    match rule.wait(record.as_ref(), app.clock.now()) {
        Some(wait) => Err(TooMany(wait).into()),
        None => Ok(()),
    }
}
