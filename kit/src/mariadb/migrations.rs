//! Changes to the tables, applied in order, once, whatever number of replicas starts at the same time.
//!
//! They are a step of their own where it matters: `<service> migrate` applies them with a user that may change tables, and the service itself
//! (`MIGRATIONS=await`) serves with one that may not, once it finds them applied. On one machine a service may do both ([`Mode::Apply`]).
//!
//! `MariaDB` can't take back part of a migration, so each statement of one must bear being run again (`IF NOT EXISTS`, `IF EXISTS`): one that was
//! cut in the middle is run again from its beginning. Programs of the release before still run meanwhile, so a change first
//! adds (expand) and takes away only in a later release (contract).

use std::{collections::HashMap, future::Future, time::Duration};

use sha2::{Digest as _, Sha256};
use sqlx::{Connection as _, MySqlConnection, MySqlPool};
use tokio::signal::unix::{SignalKind, signal};

use super::{is_unavailable, open};
use crate::Health;

/// What a program is started to do about its tables; flattened into a service's configuration.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Tables {
    /// What to do instead of serving.
    #[arg(value_enum)]
    pub command: Option<Command>,

    /// Whether this process brings its tables up to date itself, or waits until `migrate` has, with a user that may change tables.
    #[arg(long, env = "MIGRATIONS", value_enum, default_value_t = Mode::Apply)]
    pub migrations: Mode,
}

/// What to do instead of serving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Command {
    /// Bring the tables in `MARIADB_URL` up to date, and end.
    Migrate,
}

/// How a process that serves comes to tables that are up to date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// It applies what is missing.
    Apply,
    /// It waits until somebody else has.
    Await,
}

/// How long, in seconds, a replica waits for another one that migrates.
const LOCK_SECONDS: u32 = 60;
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);

const TABLE: &str = "CREATE TABLE IF NOT EXISTS migration (
    version INT UNSIGNED NOT NULL PRIMARY KEY,
    name VARCHAR(100) NOT NULL,
    checksum BINARY(32) NOT NULL,
    applied_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
) ENGINE = InnoDB";

/// One change to the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migration {
    /// Its place in the order.
    pub version: u32,
    /// What it does, for people.
    pub name: &'static str,
    /// Its statements, each ended by `;`. Never changed once released: what is applied would differ from what is written.
    pub sql: &'static str,
}

impl Migration {
    fn checksum(&self) -> [u8; 32] {
        Sha256::digest(self.sql.as_bytes()).into()
    }
}

/// Why the tables could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// A migration differs from what was applied under its number.
    #[error("migration {version} ({name}) was changed after it was applied")]
    Changed {
        /// Its number.
        version: u32,
        /// Its name.
        name: &'static str,
    },
    /// A migration that this program needs is not applied.
    #[error("migration {version} ({name}) is not applied")]
    Pending {
        /// Its number.
        version: u32,
        /// Its name.
        name: &'static str,
    },
    /// The system refused to tell about signals, or asked the program to end.
    #[error("the migration was given up")]
    Stopped(#[source] std::io::Error),
    /// Another replica has been migrating for longer than is waited for.
    #[error("another replica has been migrating for more than {LOCK_SECONDS} s")]
    Busy,
    /// A statement of a migration failed.
    #[error("migration {version} ({name}) failed")]
    Failed {
        /// Its number.
        version: u32,
        /// Its name.
        name: &'static str,
        /// What the database said.
        source: sqlx::Error,
    },
    /// The database did not answer.
    #[error("the database did not answer as expected")]
    Database(#[from] sqlx::Error),
}

/// Applies what is not applied yet. What a newer release applied is left alone: this program may be its rollback.
pub async fn migrate(pool: &MySqlPool, migrations: &[Migration]) -> Result<(), MigrateError> {
    // Out of the pool for good: the lock and the settings go with the connection.
    let mut connection = pool.acquire().await?.detach();
    let outcome = apply(&mut connection, migrations).await;
    let _already_gone = connection.close().await;
    outcome
}

/// Whether everything this program needs is applied, as it knows it. Needs no more than to read.
pub async fn check(pool: &MySqlPool, migrations: &[Migration]) -> Result<(), MigrateError> {
    let applied = applied(&mut *pool.acquire().await?).await?;
    for migration in migrations {
        let Migration { version, name, .. } = *migration;
        match applied.get(&version) {
            Some(checksum) if *checksum == migration.checksum() => {}
            Some(_) => return Err(MigrateError::Changed { version, name }),
            None => return Err(MigrateError::Pending { version, name }),
        }
    }
    Ok(())
}

/// `<service> migrate`: waits for the database at `url` however long it takes to come, applies what is not applied yet, and returns. A migration
/// that is wrong ends it at once; so does SIGTERM, which process 1 of a container has to hear for itself.
pub async fn migrate_and_end(url: &str, migrations: &[Migration]) -> Result<(), MigrateError> {
    let pool = open(url, 1)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(MigrateError::Stopped)?;
    let patient = async {
        let mut backoff = FIRST_BACKOFF;
        loop {
            match migrate(&pool, migrations).await {
                Err(error) if is_passing(&error) => {
                    wait_after(&error, &mut backoff).await;
                }
                outcome => return outcome,
            }
        }
    };
    tokio::select! {
        outcome = patient => outcome,
        _ = terminate.recv() => Err(MigrateError::Stopped(std::io::ErrorKind::Interrupted.into())),
    }
}

/// Whether the same may go well in a while. An account may still be on its way, so also a login that is refused.
fn is_passing(error: &MigrateError) -> bool {
    match error {
        MigrateError::Failed { source, .. } => is_unavailable(source),
        MigrateError::Database(_) | MigrateError::Busy | MigrateError::Pending { .. } => true,
        MigrateError::Changed { .. } | MigrateError::Stopped(_) => false,
    }
}

async fn wait_after(error: &MigrateError, backoff: &mut Duration) {
    tracing::warn!(
        error = crate::problem::chain(error),
        "the tables are not up to date yet"
    );
    tokio::time::sleep(*backoff).await;
    *backoff = (*backoff * 2).min(LONGEST_BACKOFF);
}

async fn applied(connection: &mut MySqlConnection) -> Result<HashMap<u32, Vec<u8>>, sqlx::Error> {
    let rows: Vec<(u32, Vec<u8>)> = sqlx::query_as("SELECT version, checksum FROM migration")
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().collect())
}

async fn apply(
    connection: &mut MySqlConnection,
    migrations: &[Migration],
) -> Result<(), MigrateError> {
    // An ALTER of a large table takes its time, but one that waits for a lock holds up everyone behind it. The lock of a
    // machine that is lost ends after a minute.
    sqlx::raw_sql("SET SESSION max_statement_time = 0, SESSION lock_wait_timeout = 20, SESSION wait_timeout = 60")
        .execute(&mut *connection)
        .await?;
    let lock: Option<i64> =
        sqlx::query_scalar("SELECT GET_LOCK(CONCAT(DATABASE(), '.migration'), ?)")
            .bind(LOCK_SECONDS)
            .fetch_one(&mut *connection)
            .await?;
    if lock != Some(1) {
        return Err(MigrateError::Busy);
    }
    sqlx::raw_sql(TABLE).execute(&mut *connection).await?;
    let applied = applied(connection).await?;
    let mut migrations = migrations.to_vec();
    migrations.sort_by_key(|migration| migration.version);
    for migration in migrations {
        let Migration { version, name, sql } = migration;
        match applied.get(&version) {
            Some(checksum) if *checksum == migration.checksum() => continue,
            Some(_) => return Err(MigrateError::Changed { version, name }),
            None => {}
        }
        sqlx::raw_sql(sql)
            .execute(&mut *connection)
            .await
            .map_err(|source| MigrateError::Failed {
                version,
                name,
                source,
            })?;
        sqlx::query("INSERT INTO migration (version, name, checksum) VALUES (?, ?, ?)")
            .bind(version)
            .bind(name)
            .bind(&migration.checksum()[..])
            .execute(&mut *connection)
            .await?;
        tracing::info!(version, name, "migration applied");
    }
    Ok(())
}

/// Closes the service to traffic at once; opens it when the tables are up to date, however long the database takes to come.
pub fn migrate_when_there(
    pool: MySqlPool,
    migrations: &'static [Migration],
    mode: Mode,
    health: Health,
) -> impl Future<Output = ()> + Send {
    health.set_ready(false);
    async move {
        let mut backoff = FIRST_BACKOFF;
        loop {
            let outcome = match mode {
                Mode::Apply => migrate(&pool, migrations).await,
                Mode::Await => check(&pool, migrations).await,
            };
            match outcome {
                Ok(()) => break,
                Err(error) => wait_after(&error, &mut backoff).await,
            }
        }
        health.set_ready(true);
    }
}
