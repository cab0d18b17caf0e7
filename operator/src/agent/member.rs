//! A member of a set of servers: one server, and what the operator may have done to it.
//!
//! Nothing is decided here. The operator asks how the server is and sends orders; an order that follows from an older record than one that was
//! heard already is refused. The server is started only when it is told as what, and takes writes only when it is told to.

mod arguments;
pub mod control;
mod copy;
mod copying;
mod keep_accounts;
mod look;
mod obey;
pub mod peers;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::{Connection as _, MySqlConnection, MySqlPool};
use tokio::sync::{mpsc, watch};
use tracing::{info, warn};

use self::arguments::{Role, arguments};
use self::copy::CopyError;
use self::look::{Leading, look};
use self::peers::Peers;
use super::server::{self, Place};
use super::{accounts, data};
use crate::chain::chain;
use crate::control::caller::Caller;
use crate::databases::mariadb::plan::{Order, Task};
use crate::databases::mariadb::record::{Member, Run};
use crate::databases::mariadb::seen::{Report, Server};

/// How long a server may take to answer before it counts as hung.
const ANSWERS_WITHIN: Duration = Duration::from_millis(800);
/// How long a server may take to start. Recovery after a crash reads what was written since the last checkpoint.
const STARTS_WITHIN: Duration = Duration::from_mins(10);
/// How long an order may take. Whoever gave it looks again, and gives it anew.
const OBEYS_WITHIN: Duration = Duration::from_secs(5);
/// The pause between two looks whether a server that starts answers.
const KNOCK_EVERY: Duration = Duration::from_millis(20);

/// What a member is told once and for all.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which one it is.
    pub member: Member,
    /// All of them.
    pub peers: Peers,
    /// Where their agents listen.
    pub agents: Peers,
    /// Where its files are.
    pub place: Place,
    /// What members log in to each other with.
    pub replication_password: String,
    /// The accounts that the store wants.
    pub accounts_file: PathBuf,
    /// Further arguments for the server.
    pub arguments: Vec<String>,
}

/// A member. Clones are the same.
#[derive(Clone)]
pub struct MemberAgent(Arc<Shared>);

struct Shared {
    settings: Settings,
    random: crate::secrets::Random,
    process: Mutex<Process>,
    answered: Mutex<Instant>,
    /// The newest record that an order followed from.
    version: AtomicU64,
    /// Rung when it takes writes from now on.
    opened: tokio::sync::Notify,
    /// Orders are carried out one after the other.
    turn: tokio::sync::Mutex<()>,
    /// Asks other members for copies.
    caller: Caller,
    /// A copy is on its way.
    copies: AtomicBool,
    /// Counts the orders after which a copy that is on its way is no longer wanted.
    overtaken: watch::Sender<u64>,
}

#[derive(Clone)]
enum Process {
    Down,
    /// Its data folder is being made.
    Preparing,
    /// It runs and does not answer yet.
    Starting(mpsc::Sender<()>),
    Up(Up),
}

#[derive(Clone)]
struct Up {
    run: Run,
    pool: MySqlPool,
    leading: Leading,
    /// Of the agent's own user.
    password: String,
    end: mpsc::Sender<()>,
}

/// Why an order was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum ObeyError {
    /// It follows from an older record than what was heard already.
    #[error("the order is of record {0}, and a newer one was heard")]
    Stale(u64),
    /// The server does not run, or is on its way up or down.
    #[error("the server does not run")]
    NotRunning,
    /// It does, although it must not for this.
    #[error("this can't be done yet")]
    NotYet,
    /// The server refused.
    #[error("the server refused")]
    Refused(#[from] sqlx::Error),
    /// The server did not answer in time.
    #[error("the server did not answer in time")]
    Late,
    /// The data folder can't be used.
    #[error("the data folder can't be used")]
    Data(#[from] data::DataError),
    /// The server can't be started.
    #[error("mariadbd can't be run")]
    Start(#[source] std::io::Error),
    /// A copy can't be given.
    #[error("mariadb-backup can't be run")]
    Copy(#[source] std::io::Error),
    /// What was copied can't be used.
    #[error("what was copied can't be used")]
    Copied(#[from] CopyError),
}

impl MemberAgent {
    /// A member whose server does not run yet.
    pub fn new(settings: Settings, caller: Caller, random: crate::secrets::Random) -> Self {
        Self(Arc::new(Shared {
            settings,
            random,
            process: Mutex::new(Process::Down),
            answered: Mutex::new(Instant::now()),
            version: AtomicU64::new(0),
            opened: tokio::sync::Notify::default(),
            turn: tokio::sync::Mutex::default(),
            caller,
            copies: AtomicBool::new(false),
            overtaken: watch::Sender::default(),
        }))
    }

    /// How the server is.
    pub async fn report(&self) -> Report {
        // Before the look: what is seen is at least as new as what was heard by then.
        let version = self.0.version.load(Ordering::SeqCst);
        let up = match &*self.process() {
            Process::Down => Err(Server::Down),
            Process::Preparing | Process::Starting(_) => Err(Server::Changing),
            Process::Up(up) => Ok(up.clone()),
        };
        let server = match up {
            Err(server) => server,
            Ok(up) => self.look(&up).await,
        };
        Report { version, server }
    }

    async fn look(&self, up: &Up) -> Server {
        let asked = async {
            let mut connection = up.pool.acquire().await?;
            look(&mut connection, up.run, &up.leading, &self.0.settings.peers).await
        };
        match tokio::time::timeout(ANSWERS_WITHIN, asked).await {
            Ok(Ok(state)) => {
                *lock(&self.0.answered) = Instant::now();
                Server::Up(state)
            }
            Ok(Err(error)) => {
                warn!(error = chain(&error), "the server does not say how it is");
                Server::Hung(lock(&self.0.answered).elapsed())
            }
            Err(_late) => Server::Hung(lock(&self.0.answered).elapsed()),
        }
    }

    /// Carries out an order.
    pub async fn obey(&self, order: &Order) -> Result<(), ObeyError> {
        if self.0.version.fetch_max(order.version, Ordering::SeqCst) > order.version {
            return Err(ObeyError::Stale(order.version));
        }
        if !matches!(order.task, Task::Copy { .. } | Task::Follow { .. }) {
            self.0.overtaken.send_modify(|orders| *orders += 1);
        }
        if order.task == Task::Kill {
            // Waits for nobody.
            info!(why = %order.why, "ending the server at once");
            self.kill().await;
            return Ok(());
        }
        let _turn = self.0.turn.lock().await;
        if self.0.version.load(Ordering::SeqCst) > order.version {
            return Err(ObeyError::Stale(order.version));
        }
        info!(task = ?order.task, why = %order.why, epoch = order.epoch, "ordered");
        match &order.task {
            Task::StartAsReplica => self.start(Role::Replica).await,
            Task::StartAsPrimary => self.start(Role::Primary).await,
            Task::Kill => Ok(()),
            Task::Copy { from } => {
                self.begin_copy(*from);
                Ok(())
            }
            task => tokio::time::timeout(OBEYS_WITHIN, self.tell(task))
                .await
                .map_err(|_late| ObeyError::Late)?,
        }
    }

    /// Tells the running server.
    async fn tell(&self, task: &Task) -> Result<(), ObeyError> {
        let up = match &*self.process() {
            Process::Up(up) => up.clone(),
            _ => return Err(ObeyError::NotRunning),
        };
        // Out of the pool: what is set for the session goes with it.
        let mut connection = up.pool.acquire().await?.detach();
        let told = self.tell_over(&mut connection, &up, task).await;
        let _gone_either_way = connection.close().await;
        told
    }

    async fn tell_over(
        &self,
        connection: &mut MySqlConnection,
        up: &Up,
        task: &Task,
    ) -> Result<(), ObeyError> {
        let Settings {
            member,
            peers,
            replication_password: password,
            ..
        } = &self.0.settings;
        match task {
            Task::StopReceiving => obey::stop_receiving(connection).await?,
            Task::Follow { source } => {
                let state = look(connection, up.run, &up.leading, peers).await?;
                obey::follow(connection, *member, *source, peers, password, state.follows).await?;
                self.remember(up.run, Leading::default());
            }
            Task::Lead { ackers, required } => {
                obey::lead(connection, *member, peers, password, ackers, *required).await?;
                let leading = Leading {
                    leads: true,
                    ackers: ackers.clone(),
                };
                self.remember(up.run, leading);
            }
            Task::Open => {
                obey::open(connection).await?;
                self.0.opened.notify_one();
            }
            Task::Close => obey::close(connection).await?,
            Task::CureWedge { held } => obey::cure_wedge(connection, *held).await?,
            Task::StartAsReplica | Task::StartAsPrimary | Task::Kill | Task::Copy { .. } => {}
        }
        Ok(())
    }

    /// In a task of its own: recovery may take longer than whoever ordered it waits, and a start must not be left half way.
    async fn start(&self, role: Role) -> Result<(), ObeyError> {
        let starting = tokio::spawn(self.clone().start_now(role));
        starting.await.map_err(|_cut_off| ObeyError::NotRunning)?
    }

    async fn start_now(self, role: Role) -> Result<(), ObeyError> {
        {
            let mut process = self.process();
            if !matches!(*process, Process::Down) {
                return Ok(());
            }
            *process = Process::Preparing;
        }
        let started = self.start_up(role).await;
        if started.is_err() {
            self.kill().await;
        }
        let mut process = self.process();
        match started {
            // One that ended meanwhile has said so.
            Ok(up) if matches!(*process, Process::Starting(_)) => *process = Process::Up(up),
            Ok(_) => {}
            Err(error) => {
                *process = Process::Down;
                return Err(error);
            }
        }
        Ok(())
    }

    async fn start_up(&self, role: Role) -> Result<Up, ObeyError> {
        let Settings {
            member,
            place,
            arguments: more,
            ..
        } = &self.0.settings;
        data::make_if_missing(&place.volume, &place.run_folder).await?;
        let password = crate::secrets::hex(&(self.0.random)());
        let mut arguments = arguments(*member, role);
        arguments.extend(more.iter().cloned());
        // Each server makes its own accounts: in the binary log they would be transactions that no other server has.
        let mut statements = vec!["SET SESSION sql_log_bin = 0;".to_owned()];
        statements.extend(accounts::at_start(&[], &password));
        let server =
            server::Server::start(place, &arguments, &statements).map_err(ObeyError::Start)?;
        let (end, ending) = mpsc::channel(1);
        *self.process() = Process::Starting(end.clone());
        tokio::spawn(self.clone().guard(server, ending));
        let pool = accounts::connect(&place.run_folder, &password);
        let answers = async {
            while sqlx::query("SELECT 1").execute(&pool).await.is_err() {
                if matches!(*self.process(), Process::Down) {
                    return Err(ObeyError::NotRunning);
                }
                tokio::time::sleep(KNOCK_EVERY).await;
            }
            Ok(())
        };
        tokio::time::timeout(STARTS_WITHIN, answers)
            .await
            .map_err(|_late| ObeyError::Late)??;
        copy::go_on(&pool, &place.volume).await?;
        *lock(&self.0.answered) = Instant::now();
        Ok(Up {
            run: u64::from_be_bytes(first_eight(&(self.0.random)())) >> 1,
            pool,
            leading: Leading::default(),
            password,
            end,
        })
    }

    /// Waits for the server to end, or ends it.
    async fn guard(self, mut server: server::Server, mut ending: mpsc::Receiver<()>) {
        let ended = tokio::select! {
            ended = server.wait() => ended,
            _ = ending.recv() => server.kill().await.map(|()| std::process::ExitStatus::default()),
        };
        match ended {
            Ok(status) => warn!(%status, "mariadbd has ended"),
            Err(error) => warn!(error = chain(&error), "mariadbd can't be waited for"),
        }
        *self.process() = Process::Down;
    }

    /// Ends the server at once, as if its machine were lost.
    pub(super) async fn kill(&self) {
        let end = match &*self.process() {
            Process::Up(Up { end, .. }) | Process::Starting(end) => end.clone(),
            Process::Down | Process::Preparing => return,
        };
        // Full: it is being ended already.
        let _full_or_gone = end.try_send(());
        // Until its guard is gone, which has said then that it is down.
        end.closed().await;
    }

    fn remember(&self, run: Run, leading: Leading) {
        if let Process::Up(up) = &mut *self.process()
            && up.run == run
        {
            up.leading = leading;
        }
    }

    fn process(&self) -> MutexGuard<'_, Process> {
        lock(&self.0.process)
    }
}

fn first_eight(bytes: &[u8; 32]) -> [u8; 8] {
    let mut first = [0; 8];
    first.copy_from_slice(&bytes[..8]);
    first
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
