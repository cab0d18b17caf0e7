//! A database and a user for each service, as the store wants them.
//!
//! A password is changed by wanting a user of another name: the old one lives on until it is no longer wanted, so that nobody is
//! ever locked out.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;
use sqlx::{
    AssertSqlSafe, Executor as _, MySqlPool, Row as _,
    mysql::{MySqlConnectOptions, MySqlPoolOptions},
};
use tracing::{info, warn};

use super::server::socket;
use crate::chain::chain;

/// How long until the accounts are looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// The agent's own user, which can log in through the socket only.
const AGENT: &str = "amazoff_agent";

/// Why the accounts can't be used.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    /// The file can't be read.
    #[error("{} can't be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is not what was agreed.
    #[error("{} is not a list of accounts", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// A name or password that could be mistaken for SQL.
    #[error(
        "account {0:?}: names are lower-case letters, digits and _, passwords letters and digits"
    )]
    Unsafe(String),
}

/// What one service logs in with.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Account {
    /// Its database.
    database: String,
    /// Its user.
    user: String,
    /// The user's password.
    password: String,
}

/// Reads what is wanted.
pub(super) fn read(path: &Path) -> Result<Vec<Account>, AccountsError> {
    let text = std::fs::read(path).map_err(|source| AccountsError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    let accounts: Vec<Account> =
        serde_json::from_slice(&text).map_err(|source| AccountsError::Malformed {
            path: path.to_owned(),
            source,
        })?;
    match accounts.iter().find(|account| !account.is_safe()) {
        Some(account) => Err(AccountsError::Unsafe(account.user.clone())),
        None => Ok(accounts),
    }
}

impl Account {
    /// Names and passwords become part of statements that take no parameters.
    fn is_safe(&self) -> bool {
        let is_name = |name: &str| {
            (1..=48).contains(&name.len())
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        };
        let is_password = (16..=128).contains(&self.password.len())
            && self
                .password
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric());
        is_name(&self.database) && is_name(&self.user) && is_password
    }

    fn statements(&self) -> [String; 4] {
        let Self {
            database,
            user,
            password,
        } = self;
        [
            format!("CREATE DATABASE IF NOT EXISTS {database} CHARACTER SET utf8mb4;"),
            format!("CREATE USER IF NOT EXISTS {user}@'%' IDENTIFIED BY '{password}';"),
            // Everything in its own database, nothing outside, and never all connections.
            format!(
                "ALTER USER {user}@'%' IDENTIFIED BY '{password}' WITH MAX_USER_CONNECTIONS 200;"
            ),
            format!("GRANT ALL PRIVILEGES ON {database}.* TO {user}@'%';"),
        ]
    }
}

/// What the server does before it lets anybody in, one statement a line: the agent's own user, then the store's accounts.
pub(super) fn at_start(wanted: &[Account], password: &str) -> Vec<String> {
    let mut statements = vec![
        format!("CREATE USER IF NOT EXISTS {AGENT}@localhost;"),
        format!("ALTER USER {AGENT}@localhost IDENTIFIED BY '{password}';"),
        format!("GRANT ALL PRIVILEGES ON *.* TO {AGENT}@localhost WITH GRANT OPTION;"),
        "CREATE DATABASE IF NOT EXISTS amazoff;".to_owned(),
        "CREATE TABLE IF NOT EXISTS amazoff.account (user VARCHAR(48) PRIMARY KEY);".to_owned(),
        "CREATE TABLE IF NOT EXISTS amazoff.heartbeat (id INT PRIMARY KEY, at DATETIME(6));"
            .to_owned(),
    ];
    for account in wanted {
        statements.extend(account.statements());
        statements.push(noted(&account.user));
    }
    statements
}

fn noted(user: &str) -> String {
    format!("INSERT IGNORE INTO amazoff.account VALUES ('{user}');")
}

/// Connections of the agent's own user.
pub(super) fn connect(run_folder: &Path, password: &str) -> MySqlPool {
    let options = MySqlConnectOptions::new()
        .socket(socket(run_folder))
        .username(AGENT)
        .password(password);
    MySqlPoolOptions::new()
        .max_connections(2)
        .acquire_timeout(Duration::from_secs(2))
        .connect_lazy_with(options)
}

/// Brings the accounts in line whenever what is wanted changes; never returns.
pub(super) async fn keep(pool: MySqlPool, file: &Path, at_start: Vec<Account>) {
    // Those wanted at the start exist already. Those that are wanted no longer may still be there.
    let mut done: Option<Vec<Account>> = None;
    let mut wanted = at_start;
    loop {
        if done.as_ref() != Some(&wanted) {
            match bring_in_line(&pool, &wanted).await {
                Ok(()) => done = Some(wanted.clone()),
                Err(error) => warn!(error = chain(&error), "the accounts are not in line yet"),
            }
        }
        tokio::time::sleep(LOOK_AGAIN).await;
        match read(file) {
            Ok(accounts) => wanted = accounts,
            Err(error) => warn!(
                error = chain(&error),
                "the accounts can't be understood; the old ones stay"
            ),
        }
    }
}

async fn bring_in_line(pool: &MySqlPool, wanted: &[Account]) -> Result<(), sqlx::Error> {
    let mut connection = pool.acquire().await?;
    for account in wanted {
        for statement in account.statements() {
            connection.execute(AssertSqlSafe(statement)).await?;
        }
        connection
            .execute(AssertSqlSafe(noted(&account.user)))
            .await?;
    }
    let names: BTreeSet<&str> = wanted.iter().map(|account| account.user.as_str()).collect();
    for row in connection
        .fetch_all("SELECT user FROM amazoff.account")
        .await?
    {
        let user: String = row.try_get(0)?;
        if !names.contains(user.as_str()) {
            info!(user, "dropping a user that is no longer wanted");
            connection
                .execute(AssertSqlSafe(format!("DROP USER IF EXISTS {user}@'%'")))
                .await?;
            connection
                .execute(AssertSqlSafe(format!(
                    "DELETE FROM amazoff.account WHERE user = '{user}'"
                )))
                .await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(user: &str, password: &str) -> Account {
        Account {
            database: "orders".to_owned(),
            user: user.to_owned(),
            password: password.to_owned(),
        }
    }

    #[test]
    fn what_could_be_mistaken_for_sql_is_refused() {
        let good = "0123456789abcdef";
        for (user, password, is_safe) in [
            ("orders_1", good, true),
            ("orders'@'%", good, false),
            ("Orders", good, false),
            ("", good, false),
            ("orders_1", "short", false),
            ("orders_1", "0123456789abcde'", false),
        ] {
            assert_eq!(
                account(user, password).is_safe(),
                is_safe,
                "{user} {password}"
            );
        }
    }

    #[test]
    fn a_service_gets_its_own_database_and_nothing_outside() {
        let statements = account("orders_1", "0123456789abcdef")
            .statements()
            .join("\n");
        assert!(statements.contains("GRANT ALL PRIVILEGES ON orders.* TO orders_1@'%'"));
        assert!(!statements.contains("ON *.*"));
    }
}
