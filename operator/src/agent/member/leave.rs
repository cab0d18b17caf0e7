//! When a member ends its server by itself: cut off from everybody, or because its pod is to go.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::{MemberAgent, Process, lock};
use crate::databases::mariadb::plan::ISOLATED;
use crate::databases::mariadb::seen::Server;

/// The pause between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long a primary whose pod is to go waits until it has handed over.
const HANDS_OVER_WITHIN: Duration = Duration::from_secs(15);
/// The pause between two looks whether it has.
const HANDED_OVER_EVERY: Duration = Duration::from_millis(50);

impl MemberAgent {
    /// Ends a server that takes writes once nobody has asked for [`ISOLATED`] how it is, and no other member receives from it: it can acknowledge
    /// nothing, and another may be chosen. One that needs nobody's acknowledgement is the only one there is, and goes on. Never returns.
    pub async fn guard_against_isolation(self) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let unasked = lock(&self.0.asked).elapsed();
            if unasked < ISOLATED || !self.leads_others() {
                continue;
            }
            let is_isolated = match self.report_unasked().await.server {
                Server::Up(state) => state.open && state.connected == 0,
                // It does not even answer its agent.
                Server::Hung(since) => since >= ISOLATED,
                Server::Down | Server::Changing => false,
            };
            if is_isolated {
                warn!(
                    unasked_s = unasked.as_secs(),
                    "ending the server: nobody asks for it, nobody receives from it"
                );
                self.kill().await;
            }
        }
    }

    /// Its pod is to go. A primary hands over first, if somebody is there to take over.
    pub async fn leave(&self) {
        self.0.leaves.store(true, Ordering::SeqCst);
        let began = Instant::now();
        while began.elapsed() < HANDS_OVER_WITHIN && self.takes_writes_for_others().await {
            tokio::time::sleep(HANDED_OVER_EVERY).await;
        }
        info!(
            waited_ms = began.elapsed().as_millis(),
            "ending the server: its pod is to go"
        );
        // At once: a server that is asked to stop commits what nobody has acknowledged, and can't come back (measured).
        self.kill().await;
    }

    /// Whether it is the primary, closed or open, of a set in which another could be.
    async fn takes_writes_for_others(&self) -> bool {
        if !self.leads_others() {
            return false;
        }
        let server = self.report_unasked().await.server;
        matches!(server, Server::Up(state) if state.leads && state.connected > 0)
    }

    /// Whether it is a primary that acknowledges nothing alone.
    fn leads_others(&self) -> bool {
        matches!(&*self.process(), Process::Up(up) if up.leading.leads && up.leading.required)
    }
}
