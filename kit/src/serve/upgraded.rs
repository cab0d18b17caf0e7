//! Connections that are no longer HTTP: the server has given them away, and still waits for them when it leaves.

use tokio::sync::watch;

/// The upgraded connections of a server. Clones share them.
#[derive(Debug, Clone)]
pub struct Upgraded(watch::Sender<Stage>);

/// Held for as long as an upgraded connection lasts.
#[derive(Debug)]
pub struct Held(watch::Receiver<Stage>);

/// How far the server is on its way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Serving,
    Leaving,
    Closing,
}

impl Default for Upgraded {
    fn default() -> Self {
        Self(watch::Sender::new(Stage::Serving))
    }
}

impl Upgraded {
    /// One more, unless the server is leaving: then the client does better with another one.
    pub fn hold(&self) -> Option<Held> {
        let held = Held(self.0.subscribe());
        (*self.0.borrow() == Stage::Serving).then_some(held)
    }

    /// From now on there are no new ones.
    pub(super) fn leave(&self) {
        self.0.send_replace(Stage::Leaving);
    }

    /// Those that are left should end now.
    pub(super) fn close(&self) {
        self.0.send_replace(Stage::Closing);
    }

    /// Waits until there are none.
    pub(super) async fn ended(&self) {
        self.0.closed().await;
    }
}

impl Held {
    /// Waits until the connection should be closed.
    pub async fn closing(&mut self) {
        // Without a server there is nobody left to serve for either.
        let _server_is_gone = self.0.wait_for(|stage| *stage == Stage::Closing).await;
    }
}
