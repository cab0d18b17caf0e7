//! The data folder, made whole or not at all.

use std::{
    io,
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::{io::AsyncWriteExt as _, process::Command};
use tracing::info;

/// Where the packages of `MariaDB` and of distributions keep the server's own SQL.
const SHARES: [&str; 2] = ["/usr/share/mariadb", "/usr/share/mysql"];
/// What makes the system tables, in order, as `mariadb-install-db` does; that is a shell script, and images need no shell. Since 11.0 the
/// files are called `mariadb_…`, before `mysql_…`.
const SYSTEM_TABLES: [&str; 5] = [
    "{}_system_tables.sql",
    "{}_performance_tables.sql",
    "{}_system_tables_data.sql",
    "maria_add_gis_sp_bootstrap.sql",
    "{}_sys_schema.sql",
];

/// Why there is no data folder.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A file or folder can't be read or written.
    #[error("{} can't be used", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The image lacks what it is for.
    #[error("{0} is in none of {SHARES:?}: is this an image with MariaDB's server?")]
    NoServer(&'static str),
    /// The server can't be started.
    #[error("mariadbd can't be started")]
    Start(#[source] io::Error),
    /// It could not make the system tables.
    #[error("mariadbd could not make the system tables: {0}")]
    Bootstrap(String),
}

/// Where the data is.
pub(super) fn folder(volume: &Path) -> PathBuf {
    volume.join("data")
}

/// Makes the data folder on the first start. It is made under another name, so that what a crash left is never taken for whole.
pub(super) async fn make_if_missing(volume: &Path, run_folder: &Path) -> Result<(), DataError> {
    let (data, unfinished) = (folder(volume), volume.join("data.unfinished"));
    if data.exists() {
        return Ok(());
    }
    if unfinished.exists() {
        std::fs::remove_dir_all(&unfinished).map_err(at(&unfinished))?;
    }
    std::fs::create_dir(&unfinished).map_err(at(&unfinished))?;
    info!(folder = %data.display(), "making the data folder");
    bootstrap(volume, run_folder, &unfinished).await?;
    std::fs::rename(&unfinished, &data).map_err(at(&data))
}

async fn bootstrap(volume: &Path, run_folder: &Path, data: &Path) -> Result<(), DataError> {
    // Root may log in only as the system's root: there is no such user in the container.
    let mut sql =
        "CREATE DATABASE IF NOT EXISTS mysql;\nUSE mysql;\nSET @auth_root_socket='root';\n"
            .to_owned();
    for name in SYSTEM_TABLES {
        let path = find(name).ok_or(DataError::NoServer(name))?;
        sql.push_str(&std::fs::read_to_string(&path).map_err(at(&path))?);
    }
    let mut server = Command::new("mariadbd")
        .args(["--no-defaults", "--bootstrap", "--silent-startup"])
        .args([
            "--log-warnings=0",
            "--max-allowed-packet=8M",
            "--net-buffer-length=16K",
        ])
        .arg("--enforce-storage-engine=")
        .arg(format!("--datadir={}", data.display()))
        // The rest of the file system is read-only.
        .arg(format!("--tmpdir={}", run_folder.display()))
        .args(super::server::as_root(volume))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(DataError::Start)?;
    if let Some(mut input) = server.stdin.take() {
        // One that ends before it has read everything says why.
        let _said_below = input.write_all(sql.as_bytes()).await;
    }
    let ended = server.wait_with_output().await.map_err(DataError::Start)?;
    if ended.status.success() {
        Ok(())
    } else {
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        Err(DataError::Bootstrap(said))
    }
}

fn find(name: &str) -> Option<PathBuf> {
    let names = ["mariadb", "mysql"].map(|prefix| name.replace("{}", prefix));
    SHARES
        .iter()
        .flat_map(|share| names.iter().map(move |name| Path::new(share).join(name)))
        .find(|path| path.exists())
}

fn at(path: &Path) -> impl Fn(io::Error) -> DataError {
    let path = path.to_owned();
    move |source| DataError::File {
        path: path.clone(),
        source,
    }
}
