//! Lets in whoever shows a certificate of the set's authority.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::Listener;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::{debug, warn};

use super::certificates::{CertificateError, Identity};
use crate::chain::chain;

/// How long a handshake may take.
const SHAKES_HANDS_WITHIN: Duration = Duration::from_secs(2);
/// How many connections may wait to be served.
const WAITING: usize = 16;
/// The pause after no connection could be taken, as when there are too many open files.
const TAKES_AGAIN: Duration = Duration::from_millis(100);

/// Listens. Handshakes wait for nobody: one that hangs keeps no other from being served.
pub struct TlsListener {
    address: SocketAddr,
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
}

impl TlsListener {
    /// Takes connections of `listener` from now on, until it is dropped.
    pub fn new(listener: TcpListener, identity: &Identity) -> Result<Self, CertificateError> {
        let acceptor = TlsAcceptor::from(Arc::new(identity.server()?));
        let address = listener.local_addr().map_err(CertificateError::Address)?;
        let (sender, ready) = mpsc::channel(WAITING);
        tokio::spawn(take(listener, acceptor, sender));
        Ok(Self { address, ready })
    }
}

async fn take(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    ready: mpsc::Sender<(TlsStream<TcpStream>, SocketAddr)>,
) {
    loop {
        let taken = tokio::select! {
            taken = listener.accept() => taken,
            () = ready.closed() => return,
        };
        let (stream, peer) = match taken {
            Ok(taken) => taken,
            Err(error) => {
                warn!(error = chain(&error), "no connection can be taken");
                tokio::time::sleep(TAKES_AGAIN).await;
                continue;
            }
        };
        let (acceptor, ready) = (acceptor.clone(), ready.clone());
        tokio::spawn(async move {
            match tokio::time::timeout(SHAKES_HANDS_WITHIN, acceptor.accept(stream)).await {
                // Whoever listens no longer serves nobody.
                Ok(Ok(stream)) => drop(ready.send((stream, peer)).await),
                Ok(Err(error)) => debug!(%peer, error = chain(&error), "no handshake"),
                Err(_late) => debug!(%peer, "no handshake in time"),
            }
        });
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(taken) => taken,
            // Its task has ended, which it does not before this is dropped.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(self.address)
    }
}
