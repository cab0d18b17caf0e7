//! The accounts of the services, for as long as this member leads the set.

use std::time::Duration;

use sqlx::MySqlPool;

use super::{MemberAgent, Process};
use crate::agent::accounts::{self, Account, AccountsError, Unwanted};
use crate::chain::chain;
use crate::databases::mariadb::record::Run;

/// The pause between two looks at which accounts are wanted.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// What was brought in line, and in which run of the server.
type Done = (Run, Vec<Account>);

#[derive(Debug, thiserror::Error)]
enum AccountsNotKept {
    #[error("the accounts can't be understood")]
    Wanted(#[from] AccountsError),
    #[error("the server refused")]
    Refused(#[from] sqlx::Error),
}

impl MemberAgent {
    /// Keeps the accounts as the store wants them, for as long as this is the primary: its binary log takes them to the others. Never returns.
    pub async fn keep_accounts(self) {
        let mut done = None;
        let mut unwanted = Unwanted::default();
        loop {
            let opened = self.0.opened.notified();
            let led = match &*self.process() {
                Process::Up(up) if up.leading.leads => Some((up.run, up.pool.clone())),
                _ => None,
            };
            if let Some((run, pool)) = led {
                match self
                    .bring_in_line(&pool, run, done.as_ref(), &mut unwanted)
                    .await
                {
                    Ok(now_done) => done = now_done,
                    Err(error) => {
                        tracing::debug!(error = chain(&error), "the accounts are not in line yet");
                    }
                }
            }
            tokio::select! {
                () = opened => {}
                () = tokio::time::sleep(LOOK_AGAIN) => {}
            }
        }
    }

    async fn bring_in_line(
        &self,
        pool: &MySqlPool,
        run: Run,
        done: Option<&Done>,
        unwanted: &mut Unwanted,
    ) -> Result<Option<Done>, AccountsNotKept> {
        let wanted = accounts::read(&self.0.settings.accounts_file)?;
        if done
            .as_ref()
            .is_some_and(|(done_in, done)| *done_in == run && *done == wanted)
        {
            return Ok(done.cloned());
        }
        let is_open: i64 = sqlx::query_scalar("SELECT @@GLOBAL.read_only = 0")
            .fetch_one(pool)
            .await?;
        if is_open == 0 || !accounts::bring_in_line(pool, &wanted, unwanted).await? {
            return Ok(None);
        }
        Ok(Some((run, wanted)))
    }
}
