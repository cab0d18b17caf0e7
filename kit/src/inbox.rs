//! What others say happened: the batch that a sink is sent, and the memory that makes "at least once" into "once".
//!
//! With `MariaDB` [`take`] stands in the transaction of the effect: both are kept, or neither. `MongoDB` services have no transaction over two
//! documents; there the effect must bear being repeated, and [`mongodb::remember`] comes after it.

#[cfg(feature = "mongodb")]
pub mod mongodb;
#[cfg(feature = "mariadb")]
mod taken;

use axum::extract::{FromRef, FromRequest, FromRequestParts, Request};
use bytes::Bytes;
use http::{StatusCode, header};
use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

#[cfg(feature = "mariadb")]
pub use taken::{MIGRATION, sweep, take};

use crate::{
    Problem,
    auth::{Identity, SERVICE_PREFIX, Verifier},
};

/// Who may send events: of itself.
pub const SEND: &str = "events:send";
/// Who may pass on the events of others, as a broker does.
pub const FORWARD: &str = "events:forward";
/// The most events of a request.
const MOST_EVENTS: usize = 1000;

/// Something that another service says happened (`CloudEvents` 1.0).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The version of `CloudEvents`.
    specversion: String,
    /// Its id; the same when it comes again.
    pub id: Uuid,
    /// Who says so, such as `/orders`.
    pub source: String,
    /// What happened, such as `amazoff.order.placed`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The id of what it happened to.
    #[serde(default)]
    pub subject: String,
    /// When.
    pub time: Option<Timestamp>,
    /// The trace of the request in which it happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// What the receiver needs to know of it.
    #[serde(default)]
    pub data: serde_json::Value,
}

impl Event {
    /// The data as what this type of event carries; a problem that names the field when it is not.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        serde_path_to_error::deserialize(&self.data).map_err(|error| {
            Problem::invalid()
                .detail(format!("Event {} of type {}.", self.id, self.kind))
                .field(format!("data.{}", error.path()), error.inner().to_string())
        })
    }
}

/// The events of a request, in order: a batch, or a single one. Refuses callers that may not send events (403), and events that the caller
/// says happened elsewhere: a service whose key is stolen can't speak for another.
///
/// Answer 204 once all of them took effect. Answer a problem with 4xx only for an event that will never be taken, and 503 for what may work later:
/// the sender keeps sending. Ignore types that are not known: a newer sender may know more.
#[derive(Debug, Clone)]
pub struct Events(pub Vec<Event>);

impl<S> FromRequest<S> for Events
where
    S: Send + Sync,
    Verifier: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let caller =
            <Identity as FromRequestParts<S>>::from_request_parts(&mut parts, state).await?;
        if !caller.may(FORWARD) {
            caller.require(SEND)?;
        }
        let content_type = parts
            .headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let is_batch = match content_type.split(';').next().unwrap_or_default().trim() {
            "application/cloudevents-batch+json" => true,
            "application/cloudevents+json" => false,
            _ => {
                return Err(Problem::new(
                    StatusCode::UNSUPPORTED_MEDIA_TYPE,
                    "unsupported-media-type",
                    "Send CloudEvents with Content-Type: application/cloudevents-batch+json.",
                ));
            }
        };
        let body = Bytes::from_request(Request::from_parts(parts, body), state)
            .await
            .map_err(|rejection| match rejection.status() {
                StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "too-large",
                    "The request is too large.",
                ),
                // It broke off on its way: the sender sends it again.
                _ => Problem::unavailable(rejection),
            })?;
        let events: Vec<Event> = if is_batch {
            parse(&body)?
        } else {
            vec![parse(&body)?]
        };
        check(&events, &caller)?;
        Ok(Self(events))
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        Problem::invalid().field(error.path().to_string(), error.inner().to_string())
    })
}

fn check(events: &[Event], caller: &Identity) -> Result<(), Problem> {
    if events.len() > MOST_EVENTS {
        let detail = format!("must be at most {MOST_EVENTS} events");
        return Err(Problem::invalid().field("body", detail));
    }
    let own = caller.subject().strip_prefix(SERVICE_PREFIX);
    for (index, event) in events.iter().enumerate() {
        if event.specversion != "1.0" {
            return Err(Problem::invalid().field(format!("[{index}].specversion"), "must be 1.0"));
        }
        let is_own = own.is_some_and(|own| event.source.strip_prefix('/') == Some(own));
        if !is_own && !caller.may(FORWARD) {
            return Err(
                Problem::new(StatusCode::FORBIDDEN, "forbidden", "You may not do this.")
                    .field(format!("[{index}].source"), "must be the caller"),
            );
        }
    }
    Ok(())
}
