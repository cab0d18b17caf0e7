use std::{
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use sqlx::{Connection as _, MySqlConnection, MySqlPool};

use super::servers::{Server, cache, find};
use crate::mariadb::{self, Migration};

/// As in a cluster, one user may do everything in its database and nothing outside, and another only what a service that serves needs.
const SETUP: &str = "CREATE DATABASE IF NOT EXISTS test CHARACTER SET utf8mb4;
CREATE USER IF NOT EXISTS service@'127.0.0.1';
GRANT ALL ON test.* TO service@'127.0.0.1';
CREATE USER IF NOT EXISTS serving@'127.0.0.1';
GRANT SELECT, INSERT, UPDATE, DELETE ON test.* TO serving@'127.0.0.1';
";

/// Its own log is small, so that a copy is quick; each commit reaches the disk, as in production.
const ARGUMENTS: [&str; 13] = [
    "--no-defaults",
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--skip-log-bin",
    "--performance-schema=OFF",
    "--innodb-buffer-pool-size=48M",
    "--innodb-log-file-size=16M",
    "--innodb-flush-log-at-trx-commit=1",
    "--innodb-buffer-pool-load-at-startup=OFF",
    "--innodb-buffer-pool-dump-at-shutdown=OFF",
    "--key-buffer-size=1M",
    "--aria-pagecache-buffer-size=1M",
    "--max-connections=300",
];

/// A `MariaDB` of the test's own.
pub struct MariaDb(Server);

impl MariaDb {
    /// Starts one with an empty database `test`.
    #[expect(
        clippy::expect_used,
        reason = "a test without its server fails here, with the reason"
    )]
    pub async fn start() -> Self {
        let mut server = Server::new("mariadbd", |port, folder| {
            let folder = folder.display();
            ARGUMENTS
                .into_iter()
                .map(str::to_owned)
                .chain([
                    format!("--port={port}"),
                    format!("--datadir={folder}/data"),
                    format!("--socket={folder}/socket"),
                    format!("--pid-file={folder}/pid"),
                    // A server that starts clears its folder for temporary tables, also of those that others are using.
                    format!("--tmpdir={folder}"),
                    format!("--init-file={folder}/setup.sql"),
                ])
                .chain(as_root(&folder.to_string()))
                .collect()
        });
        let folder = server.folder.path();
        copy(
            &template().expect("a data folder to copy"),
            &folder.join("data"),
        )
        .expect("a copy of the data folder");
        std::fs::write(folder.join("setup.sql"), SETUP).expect("written");
        server.start().await;
        Self(server)
    }

    /// Its `mysql://` address, as a service gets it: for a user that may do everything in its one database.
    pub fn url(&self) -> String {
        format!("mysql://service@127.0.0.1:{}/test", self.0.port)
    }

    /// The same for a user that may change rows and no tables.
    pub fn serving_url(&self) -> String {
        format!("mysql://serving@127.0.0.1:{}/test", self.0.port)
    }

    /// Brings the tables up to date, and gives a pool for the user that may change no tables.
    #[expect(
        clippy::expect_used,
        reason = "a test without its tables fails here, with the reason"
    )]
    pub async fn pool(&self, migrations: &[Migration]) -> MySqlPool {
        // As patient as in a cluster: on a machine that is busy with other tests a server may take its time.
        mariadb::migrate_and_end(&self.url(), migrations)
            .await
            .expect("migrated");
        mariadb::open(&self.serving_url(), 20).expect("an address")
    }

    /// A connection of the server's administrator, who may also make it read-only.
    #[expect(
        clippy::expect_used,
        reason = "a test without its server fails here, with the reason"
    )]
    pub async fn administrator(&self) -> MySqlConnection {
        let url = format!("mysql://root@127.0.0.1:{}/test", self.0.port);
        MySqlConnection::connect(&url).await.expect("connected")
    }

    /// Ends it at once, as a crash would; its data stays.
    pub async fn kill(&mut self) {
        self.0.kill().await;
    }

    /// Starts it again on the same port with the same data.
    pub async fn restart(&mut self) {
        self.0.start().await;
    }
}

/// The server refuses to run as root unless told to.
fn as_root(folder: &str) -> Option<String> {
    let is_root = std::fs::metadata(folder).is_ok_and(|metadata| metadata.uid() == 0);
    is_root.then(|| "--user=root".to_owned())
}

/// A data folder as the server's installer makes it, which takes seconds; so it is made once and copied from then on.
fn template() -> io::Result<PathBuf> {
    let state = cache().map_or_else(std::env::temp_dir, |cache| cache.join("state"));
    // Another server, another template.
    let server = std::fs::metadata(find("mariadbd"))
        .map(|metadata| metadata.mtime())
        .unwrap_or_default();
    let template = state.join(format!("mariadb-template-{server}"));
    if template.exists() {
        return Ok(template);
    }
    std::fs::create_dir_all(&state)?;
    let made = tempfile::tempdir_in(&state)?;
    let data = made.path().join("data");
    let output = Command::new("mariadb-install-db")
        .args(["--no-defaults", "--skip-test-db", "--skip-name-resolve"])
        .args(["--auth-root-authentication-method=normal", "--innodb-log-file-size=16M"])
        .arg(format!("--datadir={}", data.display()))
        .arg(format!("--tmpdir={}", made.path().display()))
        .args(as_root(&made.path().display().to_string()))
        .output()
        .map_err(|error| {
            io::Error::other(format!(
                "mariadb-install-db can't be started: {error}; `dev/tools/install databases` installs it"
            ))
        })?;
    if !output.status.success() {
        let (said, complained) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        return Err(io::Error::other(format!(
            "mariadb-install-db failed:\n{said}{complained}"
        )));
    }
    // Views for people: a third of the files.
    std::fs::remove_dir_all(data.join("sys"))?;
    match std::fs::rename(&data, &template) {
        // Another test made it meanwhile.
        Err(_) if template.exists() => Ok(template),
        renamed => renamed.map(|()| template),
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::create_dir(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            std::fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}
