//! Sets of real `MariaDB` servers, each beside an agent, and the planner that tells them what to be.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use amazoff_operator::databases::mariadb::ask::Members;
use amazoff_operator::databases::mariadb::plan::{Say, plan};
use amazoff_operator::databases::mariadb::record::{Member, Record};
use amazoff_operator::databases::mariadb::seen::Seen;
use serde_json::json;
use sqlx::{Connection as _, Executor as _, MySqlConnection};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use crate::cluster::now;

const PASSWORD: &str = "0123456789abcdef0123456789abcdef";
/// The longest pause between two looks. An operator is woken by whoever has news besides.
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("bound").port()
}

/// A set, the record that stands in its store's status, and whoever looks after it.
struct Set {
    folder: TempDir,
    ports: Vec<u16>,
    _agents: Vec<Child>,
    record: Arc<Mutex<Record>>,
    says: Arc<Mutex<Say>>,
    switch_to: Arc<Mutex<Option<Member>>>,
    operator: JoinHandle<()>,
}

impl Drop for Set {
    fn drop(&mut self) {
        self.operator.abort();
    }
}

impl Set {
    /// Three members that have never been anything.
    async fn start() -> Self {
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

    fn record(&self) -> Record {
        lock(&self.record).clone()
    }

    fn says(&self) -> Say {
        lock(&self.says).clone()
    }

    async fn until(&self, what: &str, is: impl Fn(&Self) -> bool) {
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

    fn logs(&self) -> String {
        let log = |member: usize| {
            let text = std::fs::read_to_string(self.folder.path().join(format!("{member}/log")));
            let text = text.unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            let last = lines.len().saturating_sub(15);
            format!("member {member}:\n{}\n", lines[last..].join("\n"))
        };
        (0..3).map(log).collect()
    }

    fn port(&self, member: Member) -> u16 {
        self.ports[usize::try_from(member).expect("small")]
    }

    /// The process of a member's server.
    fn server_of(&self, member: Member) -> rustix::process::Pid {
        let file = self.folder.path().join(format!("{member}/run/pid"));
        let pid = std::fs::read_to_string(file).expect("it runs");
        let pid: i32 = pid.trim().parse().expect("a number");
        rustix::process::Pid::from_raw(pid).expect("a process")
    }

    fn signal(&self, member: Member, signal: rustix::process::Signal) {
        rustix::process::kill_process(self.server_of(member), signal).expect("sent");
    }
}

fn start_agent(folder: &Path, member: usize, ports: &[u16], controls: &[u16]) -> Child {
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
        tokio::time::sleep(pause.min(LONGEST_PAUSE)).await;
    }
}

async fn connect(port: u16) -> Result<MySqlConnection, sqlx::Error> {
    MySqlConnection::connect(&format!(
        "mysql://writer:{PASSWORD}@127.0.0.1:{port}/orders"
    ))
    .await
}

/// Those who write without a pause, wherever the record says that writes are taken, and what was acknowledged to them.
struct Writers {
    acknowledged: Arc<Mutex<Vec<(i64, Instant)>>>,
    stop: tokio::sync::watch::Sender<bool>,
    running: Vec<JoinHandle<()>>,
}

impl Writers {
    async fn start(set: &Set, count: i64) -> Self {
        let mut connection = set.writer().await;
        connection
            .execute("CREATE TABLE entry (id BIGINT PRIMARY KEY, at DATETIME(6) DEFAULT NOW(6))")
            .await
            .expect("a table");
        let acknowledged = Arc::new(Mutex::new(Vec::new()));
        let stop = tokio::sync::watch::Sender::new(false);
        let running = (0..count).map(|writer| {
            let (acknowledged, mut stopped) = (Arc::clone(&acknowledged), stop.subscribe());
            let (record, ports) = (Arc::clone(&set.record), set.ports.clone());
            tokio::spawn(async move {
                let mut next = writer;
                let mut connection = None;
                while !*stopped.borrow_and_update() {
                    let primary = lock(&record).primary;
                    let port = ports[usize::try_from(primary).expect("small")];
                    // A commit that nobody acknowledges never returns, as for a shopper's service, which gives up and asks again.
                    let write = tokio::time::timeout(
                        Duration::from_secs(2),
                        write(&mut connection, port, next),
                    );
                    if matches!(write.await, Ok(Ok(()))) {
                        lock(&acknowledged).push((next, Instant::now()));
                        next += count;
                    } else {
                        connection = None;
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                }
            })
        });
        Self {
            running: running.collect(),
            acknowledged,
            stop,
        }
    }

    fn count(&self) -> usize {
        lock(&self.acknowledged).len()
    }

    /// How long after `since` a write was acknowledged that was begun where writes were taken then.
    async fn again_after(&self, since: Instant) -> Duration {
        let deadline = since + Duration::from_mins(1);
        // Whatever was on its way is acknowledged within this.
        let under_way = since + Duration::from_millis(100);
        loop {
            let first = lock(&self.acknowledged)
                .iter()
                .map(|(_, at)| *at)
                .find(|at| *at > under_way);
            if let Some(at) = first {
                return at.duration_since(since);
            }
            assert!(
                Instant::now() < deadline,
                "nothing is acknowledged any more"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn stop(self) -> BTreeSet<i64> {
        self.stop.send_replace(true);
        for writer in self.running {
            writer.await.expect("no writer panics");
        }
        lock(&self.acknowledged).iter().map(|(id, _)| *id).collect()
    }
}

/// One row, whether or not an earlier try that was not answered has written it.
async fn write(kept: &mut Option<MySqlConnection>, port: u16, id: i64) -> Result<(), sqlx::Error> {
    let mut connection = match kept.take() {
        Some(connection) => connection,
        None => connect(port).await?,
    };
    sqlx::query("INSERT INTO entry (id) VALUES (?) ON DUPLICATE KEY UPDATE at = NOW(6)")
        .bind(id)
        .execute(&mut connection)
        .await?;
    *kept = Some(connection);
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Set {
    /// A connection to whoever takes writes.
    async fn writer(&self) -> MySqlConnection {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            match connect(self.port(self.record().primary)).await {
                Ok(connection) => return connection,
                Err(error) => assert!(Instant::now() < deadline, "{error}\n{}", self.logs()),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Every member holds every row that was acknowledged, and all hold the same.
    async fn holds_everywhere(&self, acknowledged: &BTreeSet<i64>) {
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

/// The longest time in which nothing was acknowledged.
fn longest_gap(acknowledged: &[(i64, Instant)]) -> Duration {
    let gaps = acknowledged
        .windows(2)
        .map(|pair| pair[1].1.duration_since(pair[0].1));
    gaps.max().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_primary_is_replaced_and_nothing_acknowledged_is_missing() {
    let set = Set::start().await;
    let writers = Writers::start(&set, 8).await;
    for _ in 0..3 {
        let (before, epoch) = (writers.count(), set.record().epoch);
        set.until("writing", |_| writers.count() > before + 200)
            .await;
        set.signal(set.record().primary, rustix::process::Signal::KILL);
        let took = writers.again_after(Instant::now()).await;
        println!(
            "figure: primary killed, acknowledged again: {} ms",
            took.as_millis()
        );
        set.until("safe in another epoch", |set| {
            set.record().epoch > epoch && set.says() == Say::Safe
        })
        .await;
    }
    let acknowledged = writers.stop().await;
    set.holds_everywhere(&acknowledged).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_primary_is_replaced_and_comes_back_as_a_replica() {
    let set = Set::start().await;
    let writers = Writers::start(&set, 8).await;
    set.until("writing", |_| writers.count() > 200).await;
    let (frozen, epoch) = (set.record().primary, set.record().epoch);
    set.signal(frozen, rustix::process::Signal::STOP);
    let took = writers.again_after(Instant::now()).await;
    println!(
        "figure: primary frozen, acknowledged again: {} ms",
        took.as_millis()
    );
    set.until("safe in another epoch", |set| {
        set.record().epoch > epoch && set.says() == Say::Safe
    })
    .await;
    assert_ne!(set.record().primary, frozen);
    let acknowledged = writers.stop().await;
    set.holds_everywhere(&acknowledged).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_killed_at_once_come_back_with_everything_acknowledged() {
    let set = Set::start().await;
    let writers = Writers::start(&set, 8).await;
    for _ in 0..3 {
        let before = writers.count();
        set.until("writing", |_| writers.count() > before + 200)
            .await;
        let epoch = set.record().epoch;
        for member in 0..3 {
            set.signal(member, rustix::process::Signal::KILL);
        }
        let took = writers.again_after(Instant::now()).await;
        println!(
            "figure: all killed, acknowledged again: {} ms",
            took.as_millis()
        );
        set.until("safe", |set| set.says() == Say::Safe).await;
        assert_eq!(
            set.record().epoch,
            epoch,
            "who held everything is still the primary"
        );
    }
    let acknowledged = writers.stop().await;
    set.holds_everywhere(&acknowledged).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_replica_stops_nobody_and_catches_up() {
    let set = Set::start().await;
    let writers = Writers::start(&set, 8).await;
    for turn in 0..4 {
        let before = writers.count();
        set.until("writing", |_| writers.count() > before + 200)
            .await;
        let others: Vec<Member> = (0..3)
            .filter(|member| *member != set.record().primary)
            .collect();
        set.signal(others[turn % 2], rustix::process::Signal::KILL);
        let now = writers.count();
        set.until("writing on", |_| writers.count() > now + 200)
            .await;
        set.until("safe", |set| set.says() == Say::Safe).await;
    }
    let gap = longest_gap(&lock(&writers.acknowledged));
    println!(
        "figure: replicas killed, longest gap: {} ms",
        gap.as_millis()
    );
    assert_eq!(set.record().epoch, 1);
    let acknowledged = writers.stop().await;
    set.holds_everywhere(&acknowledged).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_hands_over_when_it_is_asked_to() {
    let set = Set::start().await;
    let writers = Writers::start(&set, 8).await;
    for _ in 0..4 {
        let before = writers.count();
        set.until("writing", |_| writers.count() > before + 200)
            .await;
        let from = lock(&writers.acknowledged).len();
        let next = (set.record().primary + 1) % 3;
        *lock(&set.switch_to) = Some(next);
        set.until("handed over", |set| {
            set.record().primary == next && set.says() == Say::Safe
        })
        .await;
        let now = writers.count();
        set.until("writing on", |_| writers.count() > now + 50)
            .await;
        let gap = longest_gap(&lock(&writers.acknowledged)[from..]);
        println!("figure: handed over, longest gap: {} ms", gap.as_millis());
    }
    let acknowledged = writers.stop().await;
    set.holds_everywhere(&acknowledged).await;
}
