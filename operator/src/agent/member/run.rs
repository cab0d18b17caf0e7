//! How a member's server is started, watched and ended.

use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tracing::warn;

use super::arguments::{Role, arguments};
use super::look::Leading;
use super::{MemberAgent, ObeyError, Process, Settings, Up, copy, lock};
use crate::agent::{accounts, data, server};
use crate::chain::chain;

/// How long a server may take to start. Recovery after a crash reads what was written since the last checkpoint.
const STARTS_WITHIN: Duration = Duration::from_mins(10);
/// The pause between two looks whether a server that starts answers.
const KNOCK_EVERY: Duration = Duration::from_millis(20);

impl MemberAgent {
    /// In a task of its own: recovery may take longer than whoever ordered it waits, and a start must not be left half way.
    pub(super) async fn start(&self, role: Role) -> Result<(), ObeyError> {
        let starting = tokio::spawn(self.clone().start_now(role));
        starting.await.map_err(|_cut_off| ObeyError::NotRunning)?
    }

    async fn start_now(self, role: Role) -> Result<(), ObeyError> {
        {
            let mut process = self.process();
            if !matches!(*process, Process::Down) {
                return Ok(());
            }
            *process = Process::Preparing;
        }
        let started = self.start_up(role).await;
        if started.is_err() {
            self.kill().await;
        }
        let mut process = self.process();
        match started {
            // One that ended meanwhile has said so.
            Ok(up) if matches!(*process, Process::Starting(_)) => *process = Process::Up(up),
            Ok(_) => {}
            Err(error) => {
                *process = Process::Down;
                return Err(error);
            }
        }
        Ok(())
    }

    async fn start_up(&self, role: Role) -> Result<Up, ObeyError> {
        let Settings {
            member,
            place,
            arguments: more,
            ..
        } = &self.0.settings;
        data::make_if_missing(&place.volume, &place.run_folder).await?;
        let password = crate::secrets::hex(&(self.0.random)());
        let mut arguments = arguments(*member, role);
        arguments.extend(more.iter().cloned());
        // Each server makes its own accounts: in the binary log they would be transactions that no other server has.
        let mut statements = vec!["SET SESSION sql_log_bin = 0;".to_owned()];
        statements.extend(accounts::at_start(&[], &password));
        let server =
            server::Server::start(place, &arguments, &statements).map_err(ObeyError::Start)?;
        let (end, ending) = mpsc::channel(1);
        *self.process() = Process::Starting(end.clone());
        tokio::spawn(self.clone().guard(server, ending));
        let pool = accounts::connect(&place.run_folder, &password);
        let answers = async {
            while sqlx::query("SELECT 1").execute(&pool).await.is_err() {
                if matches!(*self.process(), Process::Down) {
                    return Err(ObeyError::NotRunning);
                }
                tokio::time::sleep(KNOCK_EVERY).await;
            }
            Ok(())
        };
        tokio::time::timeout(STARTS_WITHIN, answers)
            .await
            .map_err(|_late| ObeyError::Late)??;
        copy::go_on(&pool, &place.volume).await?;
        *lock(&self.0.answered) = Instant::now();
        Ok(Up {
            // No more than what every reader of JSON keeps exactly.
            run: u64::from_be_bytes(first_eight(&(self.0.random)())) >> 11,
            pool,
            leading: Leading::default(),
            password,
            end,
        })
    }

    /// Waits for the server to end, or ends it.
    async fn guard(self, mut server: server::Server, mut ending: mpsc::Receiver<()>) {
        let ended = tokio::select! {
            ended = server.wait() => ended,
            _ = ending.recv() => server.kill().await.map(|()| std::process::ExitStatus::default()),
        };
        match ended {
            Ok(status) => warn!(%status, "mariadbd has ended"),
            Err(error) => warn!(error = chain(&error), "mariadbd can't be waited for"),
        }
        *self.process() = Process::Down;
    }

    /// Ends the server at once, as if its machine were lost.
    pub(super) async fn kill(&self) {
        let end = match &*self.process() {
            Process::Up(Up { end, .. }) | Process::Starting(end) => end.clone(),
            Process::Down | Process::Preparing => return,
        };
        // Full: it is being ended already.
        let _full_or_gone = end.try_send(());
        // Until its guard is gone, which has said then that it is down.
        end.closed().await;
    }
}

fn first_eight(bytes: &[u8; 32]) -> [u8; 8] {
    let mut first = [0; 8];
    first.copy_from_slice(&bytes[..8]);
    first
}
