//! A set of real servers, and who looks after it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use amazoff_operator::databases::mariadb::ask::Members;
use amazoff_operator::databases::mariadb::plan::{Say, plan};
use amazoff_operator::databases::mariadb::record::{Member, Record};
use amazoff_operator::databases::mariadb::seen::Seen;
use serde_json::json;
use sqlx::MySqlConnection;
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
    _agents: Vec<Child>,
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
        let agents = (0..3)
            .map(|member| start_agent(folder.path(), member, &ports, &controls))
            .collect();
        let record = Arc::new(Mutex::new(Record::new(3, now())));
        let says = Arc::new(Mutex::new(Say::Safe));
        let addresses = (0..).zip(&controls);
        let addresses =
            addresses.map(|(member, port)| (member, format!("http://127.0.0.1:{port}")));
        let members = Members::new(addresses.collect()).expect("a client");
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
            _agents: agents,
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
    let peers: Vec<String> = ports
        .iter()
        .map(|port| format!("127.0.0.1:{port}"))
        .collect();
    Command::new("setpriv")
        .args(["--pdeathsig", "TERM", "--"])
        .arg(env!("CARGO_BIN_EXE_amazoff-operator"))
        .args(["agent", "member", "--member", &member.to_string()])
        .args(["--peers", &peers.join(",")])
        .args(["--volume", &own.join("volume").display().to_string()])
        .args(["--run-folder", &own.join("run").display().to_string()])
        .arg("--replication-password-file")
        .arg(folder.join("replication"))
        .arg("--accounts-file")
        .arg(folder.join("accounts.json"))
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
        let sights = members.look(&BTreeSet::new()).await;
        let seen = Seen {
            now: now(),
            members: sights,
            wanted: 3,
            switch_to: *lock(&switch_to),
            force: None,
            // Nobody keeps one here.
            lease_silent: Duration::ZERO,
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
