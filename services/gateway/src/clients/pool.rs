//! Kept connections to one address.

use super::body::{Answer, Outgoing};
use http::{Request, Response, StatusCode};
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::net::TcpStream;

/// Services close idle connections after 15 s: the gateway lets go of them first, so that it seldom meets a closed one.
const IDLE_FOR: Duration = Duration::from_secs(10);
/// More idle ones than this are not kept.
const MAX_IDLE: usize = 256;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Kept connections to one address.
#[derive(Debug, Clone)]
pub(super) struct Pool(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    host: String,
    port: u16,
    /// The one used last is on top, so that those that are not needed grow old at the bottom.
    idle: Mutex<Vec<Idle>>,
}

#[derive(Debug)]
struct Idle {
    sender: SendRequest<Outgoing>,
    since: Instant,
}

/// A connection that nobody else uses now.
pub(super) struct Connection {
    sender: SendRequest<Outgoing>,
    pool: Pool,
}

/// What became of a request.
pub(super) enum Sent {
    /// The answer has begun.
    Answered(Response<Answer>),
    /// Nothing of it was sent; here it is again.
    NeverLeft(Box<Request<Outgoing>>, hyper::Error),
    /// The connection broke before an answer began.
    Lost(hyper::Error),
}

impl Pool {
    pub(super) fn new(host: String, port: u16) -> Self {
        Self(Arc::new(Shared {
            host,
            port,
            idle: Mutex::default(),
        }))
    }

    /// A connection, and whether it has been used before.
    pub(super) async fn get(&self) -> io::Result<(Connection, bool)> {
        if let Some(sender) = self.take_idle() {
            return Ok((
                Connection {
                    sender,
                    pool: self.clone(),
                },
                true,
            ));
        }
        // Boxed, because it is seldom needed and takes much room.
        let sender = Box::pin(self.connect()).await?;
        Ok((
            Connection {
                sender,
                pool: self.clone(),
            },
            false,
        ))
    }

    async fn connect(&self) -> io::Result<SendRequest<Outgoing>> {
        let connect = TcpStream::connect((self.0.host.as_str(), self.0.port));
        let stream = tokio::time::timeout(CONNECT_TIMEOUT, connect).await??;
        stream.set_nodelay(true)?;
        let (sender, connection) = Builder::new()
            .handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        tokio::spawn(async move {
            if let Err(error) = connection.with_upgrades().await {
                tracing::debug!(%error, "an upstream connection ended early");
            }
        });
        Ok(sender)
    }

    fn take_idle(&self) -> Option<SendRequest<Outgoing>> {
        let mut idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(Idle { sender, since }) = idle.pop() {
            if since.elapsed() > IDLE_FOR {
                // Those below are older still.
                idle.clear();
            } else if sender.is_ready() {
                return Some(sender);
            }
        }
        None
    }

    fn put(&self, sender: SendRequest<Outgoing>) {
        let mut idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if idle.len() >= MAX_IDLE {
            return;
        }
        if idle
            .first()
            .is_some_and(|oldest| now.duration_since(oldest.since) > IDLE_FOR)
        {
            idle.retain(|kept| now.duration_since(kept.since) <= IDLE_FOR);
        }
        idle.push(Idle { sender, since: now });
    }
}

impl Connection {
    pub(super) async fn send(mut self, request: Request<Outgoing>) -> Sent {
        match self.sender.try_send_request(request).await {
            Ok(response) => {
                let kept = (response.status() != StatusCode::SWITCHING_PROTOCOLS).then_some(self);
                Sent::Answered(response.map(|body| Answer::new(body, kept)))
            }
            Err(mut error) => match error.take_message() {
                Some(request) => Sent::NeverLeft(Box::new(request), error.into_error()),
                None => Sent::Lost(error.into_error()),
            },
        }
    }

    /// Keeps the connection for the next request once this one is over on both sides.
    pub(super) fn release(mut self) {
        if self.sender.is_ready() {
            return self.pool.put(self.sender);
        }
        tokio::spawn(async move {
            if self.sender.ready().await.is_ok() {
                self.pool.put(self.sender);
            }
        });
    }
}
