//! A set of real servers, and who looks after it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use amazoff_operator::control::caller::Caller;
use amazoff_operator::control::certificates::{Identity, make};
use amazoff_operator::databases::mariadb::ask::Members;
use amazoff_operator::databases::mariadb::plan::{Say, plan};
use amazoff_operator::databases::mariadb::record::{Member, Record};
use amazoff_operator::databases::mariadb::seen::Seen;
use serde_json::json;
use sqlx::mysql::MySqlConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, MySqlConnection, Row as _};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use super::writers::{connect, lock};
use crate::cluster::now;

pub(super) const PASSWORD: &str = "0123456789abcdef0123456789abcdef";
/// The longest pause between two looks. An operator is woken by whoever has news besides.
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

pub(super) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("bound").port()
}

/// A set, the record that stands in its store's status, and whoever looks after it.
pub(super) struct Set {
    folder: TempDir,
    pub(super) ports: Vec<u16>,
    controls: Vec<u16>,
    agents: Vec<Child>,
    pub(super) record: Arc<Mutex<Record>>,
    says: Arc<Mutex<Say>>,
    pub(super) switch_to: Arc<Mutex<Option<Member>>>,
    operator: JoinHandle<()>,
}

impl Drop for Set {
    fn drop(&mut self) {
        self.operator.abort();
    }
}

impl Set {
    /// Three members that have never been anything.
    pub(super) async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("replication"), PASSWORD).expect("written");
        let accounts = json!([{"database": "orders", "user": "writer", "password": PASSWORD, "may": "everything"}]);
        std::fs::write(folder.path().join("accounts.json"), accounts.to_string()).expect("written");
        let ports: Vec<u16> = (0..3).map(|_| free_port()).collect();
        let controls: Vec<u16> = (0..3).map(|_| free_port()).collect();
        let operator = make_identities(folder.path());
        let agents = (0..3)
            .map(|member| start_agent(folder.path(), member, &ports, &controls))
            .collect();
        let record = Arc::new(Mutex::new(Record::new(3, now())));
        let says = Arc::new(Mutex::new(Say::Safe));
        let addresses = (0..).zip(controls.clone());
        let addresses =
            addresses.map(|(member, port)| (member, format!("https://127.0.0.1:{port}")));
        let caller = Caller::new(&operator).expect("a client");
        let members = Members::new(addresses.collect(), caller);
        let switch_to = Arc::new(Mutex::new(None));
        let operator = tokio::spawn(look_after(
            members,
            Arc::clone(&record),
            Arc::clone(&says),
            Arc::clone(&switch_to),
        ));
        let set = Self {
            folder,
            ports,
            controls,
            agents,
            record,
            says,
            switch_to,
            operator,
        };
        set.until("safe", |set| set.says() == Say::Safe).await;
        set
    }

    pub(super) fn record(&self) -> Record {
        lock(&self.record).clone()
    }

    pub(super) fn says(&self) -> Say {
        lock(&self.says).clone()
    }

    pub(super) async fn until(&self, what: &str, is: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + Duration::from_mins(1);
        while !is(self) {
            assert!(
                Instant::now() < deadline,
                "never {what}: it says {:?}, {:#?}\n{}",
                self.says(),
                self.record(),
                self.logs()
            );
            // Between two looks at the condition.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(super) fn logs(&self) -> String {
        let log = |member: usize| {
            let text = std::fs::read_to_string(self.folder.path().join(format!("{member}/log")));
            let text = text.unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            let last = lines.len().saturating_sub(15);
            format!("member {member}:\n{}\n", lines[last..].join("\n"))
        };
        (0..3).map(log).collect()
    }

    pub(super) fn port(&self, member: Member) -> u16 {
        self.ports[usize::try_from(member).expect("small")]
    }

    /// The process of a member's server.
    pub(super) fn server_of(&self, member: Member) -> rustix::process::Pid {
        let file = self.folder.path().join(format!("{member}/run/pid"));
        let pid = std::fs::read_to_string(file).expect("it runs");
        let pid: i32 = pid.trim().parse().expect("a number");
        rustix::process::Pid::from_raw(pid).expect("a process")
    }

    pub(super) fn signal(&self, member: Member, signal: rustix::process::Signal) {
        rustix::process::kill_process(self.server_of(member), signal).expect("sent");
    }
}

/// Writes the members' certificate, and returns the operator's.
pub(super) fn make_identities(folder: &Path) -> Identity {
    let (member, operator) = make(&["127.0.0.1".to_owned()], now()).expect("certificates");
    let own = folder.join("identity");
    std::fs::create_dir(&own).expect("a folder");
    for (name, text) in [
        ("ca.crt", &member.authority),
        ("tls.crt", &member.certificate),
        ("tls.key", &member.key),
    ] {
        std::fs::write(own.join(name), text).expect("written");
    }
    operator
}

/// A member's agent, whose server does not run yet.
pub(super) fn start_agent(folder: &Path, member: usize, ports: &[u16], controls: &[u16]) -> Child {
    let own = folder.join(member.to_string());
    for name in ["volume", "run"] {
        std::fs::create_dir_all(own.join(name)).expect("a folder");
    }
    let log = std::fs::File::options()
        .create(true)
        .append(true)
        .open(own.join("log"))
        .expect("a log");
    let addresses = |ports: &[u16]| -> Vec<String> {
        let address = |port| format!("127.0.0.1:{port}");
        ports.iter().map(address).collect()
    };
    let (peers, agents) = (addresses(ports), addresses(controls));
    Command::new("setpriv")
        .args(["--pdeathsig", "TERM", "--"])
        .arg(env!("CARGO_BIN_EXE_amazoff-operator"))
        .args(["agent", "member", "--member", &member.to_string()])
        .args(["--peers", &peers.join(",")])
        .args(["--agents", &agents.join(",")])
        .args(["--volume", &own.join("volume").display().to_string()])
        .args(["--run-folder", &own.join("run").display().to_string()])
        .arg("--replication-password-file")
        .arg(folder.join("replication"))
        .arg("--identity-folder")
        .arg(folder.join("identity"))
        .arg("--accounts-file")
        .arg(folder.join("accounts.json"))
        .args(["--admin-addr", "127.0.0.1:0"])
        .args(["--control-addr", &format!("127.0.0.1:{}", controls[member])])
        .args(["--", &format!("--port={}", ports[member])])
        .args([
            "--innodb-buffer-pool-size=32M",
            "--innodb-log-file-size=16M",
        ])
        .stdout(Stdio::from(log.try_clone().expect("a second handle")))
        .stderr(Stdio::from(log))
        .spawn()
        .expect("setpriv is there")
}

/// What the operator does for a set, with the record in memory instead of in a status.
async fn look_after(
    mut members: Members,
    record: Arc<Mutex<Record>>,
    says: Arc<Mutex<Say>>,
    switch_to: Arc<Mutex<Option<Member>>>,
) {
    loop {
        let sights = members.look(3, &BTreeSet::new()).await;
        let seen = Seen {
            now: now(),
            members: sights,
            wanted: 3,
            switch_to: *lock(&switch_to),
            force: None,
        };
        let before = lock(&record).clone();
        let planned = plan(&before, &seen);
        *lock(&record) = planned.record;
        *lock(&says) = planned.say;
        members.send(&planned.orders).await;
        let pause = planned.again.unwrap_or(LONGEST_PAUSE);
        // As an operator does: until the plan wants another look.
        tokio::time::sleep(pause.min(LONGEST_PAUSE)).await;
    }
}

impl Set {
    /// A member's pod goes, its volume with it, and comes back with an empty one.
    pub(super) async fn lose_volume(&mut self, member: Member) {
        let index = usize::try_from(member).expect("small");
        self.agents[index].kill().await.expect("ended");
        let own = self.folder.path().join(member.to_string());
        // Its server outlives an agent that is killed; in a pod nothing does.
        self.signal(member, rustix::process::Signal::KILL);
        std::fs::remove_dir_all(own.join("volume")).expect("removed");
        self.agents[index] = start_agent(self.folder.path(), index, &self.ports, &self.controls);
    }

    /// Leaves a member only the newest of its binary logs.
    pub(super) async fn purge_binary_logs(&self, member: Member) {
        let mut connection = self.administrator(member).await;
        connection
            .execute("FLUSH BINARY LOGS")
            .await
            .expect("flushed");
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let logs = sqlx::raw_sql("SHOW BINARY LOGS").fetch_all(&mut connection);
            let logs = logs.await.expect("logs");
            let newest: String = logs[logs.len() - 1].try_get_unchecked(0).expect("a name");
            if logs.len() == 1 {
                return;
            }
            assert!(Instant::now() < deadline, "still read: {}", logs.len());
            // What a replica still reads stays.
            let purge = format!("PURGE BINARY LOGS TO '{newest}'");
            let purged = connection.execute(AssertSqlSafe(purge)).await;
            purged.expect("purged");
        }
    }

    /// A connection that may do anything on a member.
    pub(super) async fn administrator(&self, member: Member) -> MySqlConnection {
        let run = self.folder.path().join(format!("{member}/run"));
        let init = std::fs::read_to_string(run.join("init.sql")).expect("it was started");
        let (_, password) = init.split_once("@localhost IDENTIFIED BY '").expect("set");
        let (password, _) = password.split_once('\'').expect("its end");
        let options = MySqlConnectOptions::new()
            .socket(run.join("mariadb.sock"))
            .username("amazoff_agent")
            .password(password)
            .database("orders");
        MySqlConnection::connect_with(&options)
            .await
            .expect("connected")
    }

    /// A connection to whoever takes writes.
    pub(super) async fn writer(&self) -> MySqlConnection {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            match connect(self.port(self.record().primary)).await {
                Ok(connection) => return connection,
                Err(error) => assert!(Instant::now() < deadline, "{error}\n{}", self.logs()),
            }
            // Between two tries.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Every member holds every row that was acknowledged, and all hold the same.
    pub(super) async fn holds_everywhere(&self, acknowledged: &BTreeSet<i64>) {
        self.until("safe", |set| set.says() == Say::Safe).await;
        let mut contents: BTreeMap<Member, BTreeSet<i64>> = BTreeMap::new();
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            for member in 0..3 {
                let mut connection = connect(self.port(member)).await.expect("it answers");
                let ids: Vec<i64> = sqlx::query_scalar("SELECT id FROM entry")
                    .fetch_all(&mut connection)
                    .await
                    .expect("rows");
                contents.insert(member, ids.into_iter().collect());
            }
            // What a replica has received it may still have to apply.
            if contents.values().all(|ids| *ids == contents[&0]) {
                break;
            }
            assert!(Instant::now() < deadline, "they differ");
            // Between two looks at the condition.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let missing: Vec<_> = acknowledged.difference(&contents[&0]).collect();
        assert!(
            missing.is_empty(),
            "{} acknowledged rows are missing",
            missing.len()
        );
    }
}
