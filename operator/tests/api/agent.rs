//! The agent beside a real `MariaDB` server.

use std::{
    net::TcpListener,
    os::unix::process::ExitStatusExt as _,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::json;
use sqlx::{Connection as _, MySqlConnection};
use tempfile::TempDir;
use tokio::process::{Child, Command};

const PASSWORD: &str = "0123456789abcdef0123456789abcdef";

/// A container, more or less: a volume that stays, an agent that comes and goes.
struct Member {
    folder: TempDir,
    port: u16,
    admin: u16,
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("bound").port()
}

impl Member {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["volume", "run"] {
            std::fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        let member = Self {
            folder,
            port: free_port(),
            admin: free_port(),
        };
        member.want(&["orders_1"]);
        member
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Says which users the store wants; the number at the end of a name is part of the password.
    fn want(&self, users: &[&str]) {
        let accounts: Vec<_> = users
            .iter()
            .map(|user| {
                let may = if user.ends_with("data") {
                    "data"
                } else {
                    "everything"
                };
                let password = format!("{PASSWORD}{user}").replace('_', "");
                json!({"database": "orders", "user": user, "password": password, "may": may})
            })
            .collect();
        let (file, new) = (self.path("accounts.json"), self.path("accounts.new"));
        std::fs::write(&new, json!(accounts).to_string()).expect("written");
        std::fs::rename(new, file).expect("renamed");
    }

    fn start(&self) -> Child {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.path("log"))
            .expect("a log");
        Command::new("setpriv")
            .args(["--pdeathsig", "TERM", "--"])
            .arg(env!("CARGO_BIN_EXE_amazoff-operator"))
            .args(["agent", "mariadb", "--volume", &self.path("volume")])
            .args(["--run-folder", &self.path("run")])
            .args(["--accounts-file", &self.path("accounts.json")])
            .args(["--admin-addr", &format!("127.0.0.1:{}", self.admin)])
            .args(["--", &format!("--port={}", self.port)])
            .args([
                "--innodb-buffer-pool-size=32M",
                "--innodb-log-file-size=16M",
            ])
            .stdout(Stdio::from(log.try_clone().expect("a second handle")))
            .stderr(Stdio::from(log))
            .spawn()
            .expect("setpriv is there")
    }

    async fn ready(&self) {
        let asks = async || {
            let request = "GET /health/ready HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
            ask(self.admin, request)
                .await
                .is_some_and(|answer| answer.starts_with("HTTP/1.1 204"))
        };
        self.eventually("ready", asks).await;
    }

    async fn eventually(&self, what: &str, mut is_so: impl AsyncFnMut() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !is_so().await {
            let log = || std::fs::read_to_string(self.path("log")).unwrap_or_default();
            assert!(Instant::now() < deadline, "not {what}:\n{}", log());
            // Between two looks at the condition.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn login(&self, user: &str) -> Result<MySqlConnection, sqlx::Error> {
        let password = format!("{PASSWORD}{user}").replace('_', "");
        let url = format!("mysql://{user}:{password}@127.0.0.1:{}/orders", self.port);
        MySqlConnection::connect(&url).await
    }
}

async fn ask(port: u16, request: &str) -> Option<String> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port))
        .await
        .ok()?;
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    Some(answer)
}

async fn run(connection: &mut MySqlConnection, statement: &'static str) -> Result<(), sqlx::Error> {
    sqlx::query(statement).execute(connection).await.map(|_| ())
}

fn terminate(child: &Child) {
    let pid = child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .expect("it runs");
    let pid = rustix::process::Pid::from_raw(pid).expect("a process");
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("sent");
}

#[tokio::test]
async fn a_service_may_do_everything_in_its_database_and_nothing_outside() {
    let member = Member::new();
    let mut agent = member.start();
    member.ready().await;
    let mut orders = member.login("orders_1").await.expect("an account");
    run(&mut orders, "CREATE TABLE t (a INT PRIMARY KEY)")
        .await
        .expect("its own");
    for statement in [
        "SELECT * FROM mysql.global_priv",
        "CREATE DATABASE other",
        "SELECT * FROM amazoff.account",
        "SET GLOBAL max_connections = 1",
        "CREATE USER other@'%'",
    ] {
        assert!(run(&mut orders, statement).await.is_err(), "{statement}");
    }
    terminate(&agent);
    agent.wait().await.expect("it ends");
}

#[tokio::test]
async fn a_new_user_comes_before_the_old_one_goes_and_nobody_is_locked_out() {
    let member = Member::new();
    let mut agent = member.start();
    member.ready().await;
    member.want(&["orders_1", "orders_2"]);
    member
        .eventually("the new user", async || {
            member.login("orders_2").await.is_ok()
        })
        .await;
    assert!(member.login("orders_1").await.is_ok(), "both are wanted");
    member.want(&["orders_2"]);
    member
        .eventually("the old user gone", async || {
            member.login("orders_1").await.is_err()
        })
        .await;
    assert!(member.login("orders_2").await.is_ok());
    terminate(&agent);
    agent.wait().await.expect("it ends");
}

#[tokio::test]
async fn who_serves_changes_rows_and_no_tables() {
    let member = Member::new();
    member.want(&["orders_1_data", "orders_1_schema"]);
    let mut agent = member.start();
    member.ready().await;
    let mut schema = member.login("orders_1_schema").await.expect("an account");
    for statement in [
        "CREATE TABLE t (a INT PRIMARY KEY)",
        "ALTER TABLE t ADD COLUMN b INT NULL",
    ] {
        run(&mut schema, statement).await.expect(statement);
    }
    let mut serving = member.login("orders_1_data").await.expect("an account");
    for statement in [
        "INSERT INTO t (a) VALUES (1)",
        "UPDATE t SET b = 2",
        "SELECT a FROM t FOR UPDATE",
        "DELETE FROM t",
    ] {
        run(&mut serving, statement).await.expect(statement);
    }
    for statement in [
        "CREATE TABLE u (a INT)",
        "ALTER TABLE t ADD COLUMN c INT",
        "DROP TABLE t",
        "TRUNCATE TABLE t",
        "CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW SET NEW.b = 1",
    ] {
        assert!(run(&mut serving, statement).await.is_err(), "{statement}");
    }
    terminate(&agent);
    agent.wait().await.expect("it ends");
}

#[tokio::test]
async fn a_user_that_goes_is_dropped_once_nobody_is_logged_in_as_it() {
    let member = Member::new();
    let mut agent = member.start();
    member.ready().await;
    let mut serving = member.login("orders_1").await.expect("an account");
    member.want(&["orders_2"]);
    member
        .eventually("the new user", async || {
            member.login("orders_2").await.is_ok()
        })
        .await;
    run(&mut serving, "SELECT 1")
        .await
        .expect("it still serves");
    member
        .login("orders_1")
        .await
        .expect("and connects again, as a pool does");
    serving.close().await.expect("closed");
    member
        .eventually("the old password refused", async || {
            member.login("orders_1").await.is_err()
        })
        .await;
    terminate(&agent);
    agent.wait().await.expect("it ends");
}

#[tokio::test]
async fn what_was_committed_survives_the_server_being_killed() {
    let member = Member::new();
    let mut agent = member.start();
    member.ready().await;
    let mut orders = member.login("orders_1").await.expect("an account");
    run(&mut orders, "CREATE TABLE t (a INT PRIMARY KEY)")
        .await
        .expect("its own");
    run(&mut orders, "INSERT INTO t VALUES (1)")
        .await
        .expect("its own");
    let pid = std::fs::read_to_string(member.path("run/pid")).expect("a pid");
    let pid = pid
        .trim()
        .parse()
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    rustix::process::kill_process(pid.expect("a process"), rustix::process::Signal::KILL)
        .expect("sent");
    let ended = agent.wait().await.expect("it ends");
    assert_eq!(ended.code(), Some(1), "the kubelet must start it anew");
    let mut agent = member.start();
    member.ready().await;
    let mut orders = member.login("orders_1").await.expect("the same account");
    let (count,): (i64,) = sqlx::query_as("SELECT COUNT(*) FROM t")
        .fetch_one(&mut orders)
        .await
        .expect("a count");
    assert_eq!(count, 1);
    terminate(&agent);
    agent.wait().await.expect("it ends");
}

#[tokio::test]
async fn it_stops_cleanly_when_asked() {
    let member = Member::new();
    let mut agent = member.start();
    member.ready().await;
    terminate(&agent);
    let ended = agent.wait().await.expect("it ends");
    assert_eq!((ended.code(), ended.signal()), (Some(0), None));
    let log = std::fs::read_to_string(member.path("log")).expect("a log");
    assert!(log.contains("Shutdown complete"), "{log}");
}

#[tokio::test]
async fn a_data_folder_that_a_crash_left_unfinished_is_made_anew() {
    let member = Member::new();
    let unfinished = member.path("volume/data.unfinished");
    std::fs::create_dir(&unfinished).expect("a folder");
    std::fs::write(Path::new(&unfinished).join("ibdata1"), "half").expect("written");
    let mut agent = member.start();
    member.ready().await;
    assert!(!Path::new(&unfinished).exists());
    terminate(&agent);
    agent.wait().await.expect("it ends");
}
