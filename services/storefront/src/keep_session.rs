//! Sessions, renewed on demand: a refresh token is used once, however many tabs ask at the same moment.

use crate::clients::users::{Session, Users};
use http::StatusCode;
use kit::client::ClientError;
use sha2::{Digest as _, Sha256};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::OnceCell;

/// How long a renewed session is lent to who still brings the token it was renewed with: as long as `users` itself would. Longer, and a
/// stolen token would go unnoticed.
const LENT_FOR: Duration = Duration::from_secs(10);

/// Renews sessions. Clones share what is under way.
#[derive(Clone)]
pub(crate) struct Sessions {
    users: Users,
    flights: Arc<Mutex<HashMap<[u8; 32], Flight>>>,
}

#[derive(Clone)]
struct Flight {
    began: Instant,
    session: Arc<OnceCell<Option<Session>>>,
}

impl Sessions {
    /// Sessions that `users` keeps.
    pub(crate) fn new(users: Users) -> Self {
        Self {
            users,
            flights: Arc::default(),
        }
    }

    /// The session that a refresh token is exchanged for; `None` when it is over.
    pub(crate) async fn renew(&self, refresh_token: &str) -> Result<Option<Session>, ClientError> {
        let flight = self.flight(Sha256::digest(refresh_token).into());
        let session = flight
            .session
            .get_or_try_init(|| self.exchange(refresh_token.to_owned()))
            .await?;
        Ok(session.clone())
    }

    /// Runs to its end though the shopper may have closed the page: else the new tokens would be lost and the old one used up.
    async fn exchange(&self, refresh_token: String) -> Result<Option<Session>, ClientError> {
        let users = self.users.clone();
        let exchange = tokio::spawn(async move { users.refresh(&refresh_token).await });
        let Ok(outcome) = exchange.await else {
            return Err(ClientError::LeftAlone("users"));
        };
        match outcome {
            Ok(session) => Ok(Some(session)),
            Err(error) => match error.status() {
                Some(StatusCode::TOO_MANY_REQUESTS) => Err(error),
                Some(status) if status.is_client_error() => Ok(None),
                _ => Err(error),
            },
        }
    }

    fn flight(&self, token: [u8; 32]) -> Flight {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        flights.retain(|_, flight| flight.began.elapsed() < LENT_FOR);
        flights
            .entry(token)
            .or_insert_with(|| Flight {
                began: Instant::now(),
                session: Arc::default(),
            })
            .clone()
    }
}
