//! The server as a child process.

use std::{
    fs::Permissions,
    io,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process::ExitStatus,
};

use tokio::process::{Child, Command};
use tracing::info;

use super::data;

/// What holds for every server, whatever the store says. Each commit is on the disk before it is acknowledged.
const ARGUMENTS: [&str; 9] = [
    "--no-defaults",
    "--bind-address=*",
    "--port=3306",
    "--skip-name-resolve",
    "--character-set-server=utf8mb4",
    "--innodb-flush-log-at-trx-commit=1",
    "--innodb-doublewrite=ON",
    "--default-time-zone=+00:00",
    "--local-infile=OFF",
];

/// Where a server's files are.
#[derive(Clone, Debug)]
pub struct Place {
    /// The volume. The data is in its folder `data`.
    pub volume: PathBuf,
    /// A folder in memory, for the socket and for what no disk should hold.
    pub run_folder: PathBuf,
}

/// A running server.
pub(super) struct Server {
    child: Child,
}

impl Server {
    /// Starts the server, which carries out `statements` before it lets anybody in.
    pub(super) fn start(
        place: &Place,
        arguments: &[String],
        statements: &[String],
    ) -> io::Result<Self> {
        let Place { volume, run_folder } = place;
        let init = run_folder.join("init.sql");
        // Passwords: for nobody else's eyes.
        write_secret(&init, &statements.join("\n"))?;
        info!("starting mariadbd");
        let child = Command::new("mariadbd")
            .args(ARGUMENTS)
            .arg(format!("--datadir={}", data::folder(volume).display()))
            .arg(format!("--socket={}", socket(run_folder).display()))
            .arg(format!("--pid-file={}", run_folder.join("pid").display()))
            .arg(format!("--tmpdir={}", run_folder.display()))
            .arg(format!("--init-file={}", init.display()))
            .args(as_root(volume))
            .args(arguments)
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self { child })
    }

    /// Waits until it ends.
    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Asks it to stop, and waits until it has.
    pub(super) async fn stop(&mut self) -> io::Result<ExitStatus> {
        let pid = self.child.id().and_then(|id| i32::try_from(id).ok());
        if let Some(pid) = pid.and_then(rustix::process::Pid::from_raw) {
            rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        }
        self.child.wait().await
    }

    /// Ends it at once.
    pub(super) async fn kill(&mut self) -> io::Result<()> {
        self.child.kill().await
    }
}

/// Where the server listens for this container.
pub(super) fn socket(run_folder: &Path) -> PathBuf {
    run_folder.join("mariadb.sock")
}

/// The server refuses to run as root unless told to; in a cluster nobody is root.
pub(super) fn as_root(volume: &Path) -> Option<String> {
    let is_root = std::fs::metadata(volume).is_ok_and(|metadata| metadata.uid() == 0)
        && std::fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0);
    is_root.then(|| "--user=root".to_owned())
}

pub(super) fn write_secret(path: &Path, text: &str) -> io::Result<()> {
    std::fs::write(path, "")?;
    std::fs::set_permissions(path, Permissions::from_mode(0o600))?;
    std::fs::write(path, text)
}
