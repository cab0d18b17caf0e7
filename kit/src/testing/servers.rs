use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    net::TcpStream,
    process::{Child, Command},
};

/// A port that was free a moment ago.
#[expect(
    clippy::expect_used,
    reason = "a machine without a free port can run no test"
)]
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("bound").port()
}

/// A real server process with a folder and a port of its own. It ends when dropped, and also when the test is killed.
pub(super) struct Server {
    program: &'static str,
    arguments: Vec<String>,
    pub(super) port: u16,
    pub(super) folder: tempfile::TempDir,
    child: Option<Child>,
}

impl Server {
    #[expect(
        clippy::expect_used,
        reason = "a test without its server fails here, with the reason"
    )]
    pub(super) fn new(
        program: &'static str,
        arguments: impl FnOnce(u16, &Path) -> Vec<String>,
    ) -> Self {
        let (port, folder) = (free_port(), tempfile::tempdir().expect("a folder"));
        Self {
            program,
            arguments: arguments(port, folder.path()),
            port,
            folder,
            child: None,
        }
    }

    #[expect(
        clippy::panic,
        reason = "a test without its server fails here, with the reason"
    )]
    pub(super) async fn start(&mut self) {
        let log = self.folder.path().join("log");
        let output = |log: &Path| {
            std::fs::File::options()
                .create(true)
                .append(true)
                .open(log)
                .map_or_else(|_| Stdio::null(), Stdio::from)
        };
        // setpriv has the kernel end the server with the thread that started it, whatever happens to the test.
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--"])
            .arg(find(self.program))
            .args(&self.arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(output(&log))
            .stderr(output(&log))
            .kill_on_drop(true)
            .spawn();
        match child {
            Ok(child) => self.child = Some(child),
            Err(error) => panic!(
                "{} can't be started: {error}; `dev/tools/install databases` installs it",
                self.program
            ),
        }
        let port = self.port;
        let accepts = async {
            while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        if tokio::time::timeout(Duration::from_secs(20), accepts)
            .await
            .is_err()
        {
            let log = std::fs::read_to_string(log).unwrap_or_default();
            panic!(
                "{} did not accept connections within 20 s:\n{log}",
                self.program
            );
        }
    }

    pub(super) async fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _already_gone = child.kill().await;
        }
    }
}

/// Where a program is: among the project's tools, where Debian puts servers, else on the PATH.
pub(super) fn find(program: &str) -> PathBuf {
    cache()
        .map(|cache| cache.join("bin"))
        .into_iter()
        .chain([PathBuf::from("/usr/sbin")])
        .map(|folder| folder.join(program))
        .find(|path| path.exists())
        .unwrap_or_else(|| PathBuf::from(program))
}

/// Where the project keeps what it installs and prepares.
pub(super) fn cache() -> Option<PathBuf> {
    std::env::var_os("AMAZOFF_CACHE")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache/amazoff")))
}

/// A `FerretDB` (`MongoDB`'s wire protocol over `SQLite`) of the test's own.
pub struct FerretDb(Server);

impl FerretDb {
    /// Starts one with no data.
    pub async fn start() -> Self {
        let mut server = Server::new("ferretdb", |port, folder| {
            vec![
                format!("--listen-addr=127.0.0.1:{port}"),
                format!("--sqlite-dir={}", folder.display()),
            ]
        });
        server.start().await;
        Self(server)
    }

    /// Its `mongodb://` address.
    pub fn uri(&self) -> String {
        format!("mongodb://127.0.0.1:{}/", self.0.port)
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

/// A Redis of the test's own.
pub struct Redis(Server);

impl Redis {
    /// Starts one with no data.
    pub async fn start() -> Self {
        let mut server = Server::new("redis-server", |port, folder| {
            [
                "--port",
                &port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
                "--dir",
                &folder.display().to_string(),
            ]
            .map(str::to_owned)
            .to_vec()
        });
        server.start().await;
        Self(server)
    }

    /// Its `redis://` address.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.0.port)
    }

    /// Ends it at once, as a crash would; its data is lost.
    pub async fn kill(&mut self) {
        self.0.kill().await;
    }

    /// Starts it again on the same port.
    pub async fn restart(&mut self) {
        self.0.start().await;
    }
}
