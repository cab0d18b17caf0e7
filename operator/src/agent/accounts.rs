//! A database and a user for each service, as the store wants them.
//!
//! A password is changed by wanting a user of another name: the old one lives on until it is no longer wanted, and then until nobody is logged in
//! as it, so that nobody is ever locked out. Who stays for too long is: a password is changed because somebody else may know it.

use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde::Deserialize;
use sqlx::{
    AssertSqlSafe, Executor as _, MySqlConnection, MySqlPool, Row as _,
    mysql::{MySqlConnectOptions, MySqlPoolOptions},
};
use tracing::{info, warn};

use super::server::socket;
use crate::chain::chain;

/// How long until the accounts are looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// How long those who are logged in as a user that is no longer wanted may stay: well above what a pod takes to end.
const LEAVE_WITHIN: Duration = Duration::from_mins(2);
/// The agent's own user, which can log in through the socket only.
pub(super) const AGENT: &str = "amazoff_agent";

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
    /// What the user may do in the database.
    #[serde(default)]
    may: May,
}

/// What a user may do in its database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum May {
    /// Change tables too.
    #[default]
    Everything,
    /// Read and change rows.
    Data,
}

impl May {
    fn privileges(self) -> &'static str {
        match self {
            Self::Everything => "ALL PRIVILEGES",
            Self::Data => "SELECT, INSERT, UPDATE, DELETE",
        }
    }
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
            may,
        } = self;
        let privileges = may.privileges();
        [
            format!("CREATE DATABASE IF NOT EXISTS {database} CHARACTER SET utf8mb4;"),
            format!("CREATE USER IF NOT EXISTS {user}@'%' IDENTIFIED BY '{password}';"),
            // Only in its own database, nothing outside, and never all connections.
            format!(
                "ALTER USER {user}@'%' IDENTIFIED BY '{password}' WITH MAX_USER_CONNECTIONS 200;"
            ),
            format!("GRANT {privileges} ON {database}.* TO {user}@'%';"),
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
    let mut unwanted = Unwanted::default();
    loop {
        if done.as_ref() != Some(&wanted) {
            match bring_in_line(&pool, &wanted, &mut unwanted).await {
                Ok(true) => done = Some(wanted.clone()),
                Ok(false) => {}
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

/// Since when users are not wanted.
pub(super) type Unwanted = HashMap<String, Instant>;

/// Makes the wanted accounts, and drops those that are wanted no longer. Says whether nothing is left to do.
pub(super) async fn bring_in_line(
    pool: &MySqlPool,
    wanted: &[Account],
    unwanted: &mut Unwanted,
) -> Result<bool, sqlx::Error> {
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
    unwanted.retain(|user, _| !names.contains(user.as_str()));
    let mut is_done = true;
    for row in connection
        .fetch_all("SELECT user FROM amazoff.account")
        .await?
    {
        let user: String = row.try_get(0)?;
        if !names.contains(user.as_str()) {
            let since = *unwanted.entry(user.clone()).or_insert_with(Instant::now);
            is_done &= drop_user(&mut connection, &user, since.elapsed()).await?;
        }
    }
    Ok(is_done)
}

/// Drops a user as soon as nobody is logged in as it, and in the end in any case. Says whether it is gone.
async fn drop_user(
    connection: &mut MySqlConnection,
    user: &str,
    unwanted_for: Duration,
) -> Result<bool, sqlx::Error> {
    let sessions: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM information_schema.processlist WHERE user = ?")
            .bind(user)
            .fetch_one(&mut *connection)
            .await?;
    if sessions > 0 && unwanted_for < LEAVE_WITHIN {
        return Ok(false);
    }
    info!(user, sessions, "dropping a user that is no longer wanted");
    for statement in [
        format!("DROP USER IF EXISTS {user}@'%'"),
        // What is logged in stays so without this.
        format!("KILL USER {user}"),
        format!("DELETE FROM amazoff.account WHERE user = '{user}'"),
    ] {
        connection.execute(AssertSqlSafe(statement)).await?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(user: &str, password: &str) -> Account {
        Account {
            database: "orders".to_owned(),
            user: user.to_owned(),
            password: password.to_owned(),
            may: May::Data,
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
        assert!(
            statements.contains("GRANT SELECT, INSERT, UPDATE, DELETE ON orders.* TO orders_1@'%'")
        );
        assert!(!statements.contains("ON *.*"));
    }
}
