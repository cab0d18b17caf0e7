//! When a member takes a copy, and gives one.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use tracing::{info, warn};

use super::copy::{self, CopyError};
use super::{MemberAgent, ObeyError, Process, control};
use crate::agent::server::Place;
use crate::chain::chain;
use crate::databases::mariadb::record::Member;

/// The pause after a copy that failed.
const COPIES_AGAIN: Duration = Duration::from_secs(2);

impl MemberAgent {
    /// What its server holds, and whether that is a primary.
    pub(super) fn give_copy(
        &self,
    ) -> Result<(bool, impl Stream<Item = std::io::Result<Bytes>> + use<>), ObeyError> {
        let Process::Up(up) = self.process().clone() else {
            return Err(ObeyError::NotRunning);
        };
        let given = copy::give(&self.0.settings.place.run_folder, &up.password);
        Ok((up.leading.leads, given.map_err(ObeyError::Copy)?))
    }

    /// In a task of its own: it takes minutes.
    pub(super) fn begin_copy(&self, from: Member) {
        let Some((host, port)) = self.0.settings.agents.address(from) else {
            return;
        };
        if self.0.copies.swap(true, Ordering::SeqCst) {
            return;
        }
        let (agent, url) = (
            self.clone(),
            format!("https://{host}:{port}{}", control::COPY),
        );
        tokio::spawn(async move {
            if let Err(error) = agent.copy(&url).await {
                warn!(url, error = chain(&error), "there is no copy yet");
                agent.discard_copy();
                tokio::time::sleep(COPIES_AGAIN).await;
            }
            agent.0.copies.store(false, Ordering::SeqCst);
        });
    }

    /// What is left of a copy takes the room of data.
    pub fn discard_copy(&self) {
        if let Err(error) = copy::discard(&self.0.settings.place.volume) {
            warn!(error = chain(&error), "what is left of a copy stays");
        }
    }

    /// The server goes on until the copy is there. Then it ends, and is started anew when that is ordered.
    async fn copy(&self, url: &str) -> Result<(), CopyError> {
        let mut overtaken = self.0.overtaken.subscribe();
        let Place { volume, run_folder } = self.0.settings.place.clone();
        tokio::select! {
            fetched = copy::fetch(&self.0.caller, url, &volume, &run_folder) => fetched?,
            _ = overtaken.changed() => return Err(CopyError::Overtaken),
        }
        let _turn = self.0.turn.lock().await;
        if overtaken.has_changed().unwrap_or(true) {
            return Err(CopyError::Overtaken);
        }
        info!("ending the server: a copy takes the place of its data");
        self.kill().await;
        let placed = tokio::task::spawn_blocking(move || copy::put_in_place(&volume));
        placed.await.map_err(|_cut_off| CopyError::Overtaken)?
    }
}
