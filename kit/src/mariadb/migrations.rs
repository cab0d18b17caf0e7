//! Changes to the tables, applied in order, once, whatever number of replicas starts at the same time.
//!
//! `MariaDB` can't take back part of a migration, so each statement of one must bear being run again (`IF NOT EXISTS`, `IF EXISTS`): one that was
//! cut in the middle is run again from its beginning. Programs of the release before still run meanwhile, so a change first
//! adds (expand) and takes away only in a later release (contract).

use std::{collections::HashMap, future::Future, time::Duration};

use sha2::{Digest as _, Sha256};
use sqlx::{Connection as _, MySqlConnection, MySqlPool};

use crate::Health;

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
    let applied: Vec<(u32, Vec<u8>)> = sqlx::query_as("SELECT version, checksum FROM migration")
        .fetch_all(&mut *connection)
        .await?;
    let applied: HashMap<u32, Vec<u8>> = applied.into_iter().collect();
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
    health: Health,
) -> impl Future<Output = ()> + Send {
    health.set_ready(false);
    async move {
        let mut backoff = FIRST_BACKOFF;
        while let Err(error) = migrate(&pool, migrations).await {
            tracing::warn!(
                error = crate::problem::chain(&error),
                "the tables are not up to date yet"
            );
            tokio::time::sleep(backoff).await;
            backoff = (backoff * 2).min(LONGEST_BACKOFF);
        }
        health.set_ready(true);
    }
}
