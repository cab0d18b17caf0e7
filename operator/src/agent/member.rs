//! A member of a set of servers: one server, and what the operator may have done to it.
//!
//! Nothing is decided here. The operator asks how the server is and sends orders; an order that follows from an older record than one that was
//! heard already is refused. The server is started only when it is told as what, and takes writes only when it is told to.

mod arguments;
pub mod control;
mod copy;
mod copying;
mod keep_accounts;
mod leave;
mod look;
mod obey;
pub mod peers;
mod run;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::{Connection as _, MySqlConnection, MySqlPool};
use tokio::sync::{mpsc, watch};
use tracing::{info, warn};

use self::arguments::Role;
use self::copy::CopyError;
use self::look::{Leading, look};
use self::peers::Peers;
use super::data;
use super::server::Place;
use crate::chain::chain;
use crate::control::caller::Caller;
use crate::databases::mariadb::plan::{OPENS_WITHIN, Order, Task};
use crate::databases::mariadb::record::{Member, Run};
use crate::databases::mariadb::seen::{Report, Server};

/// How long a server may take to answer before it counts as hung.
const ANSWERS_WITHIN: Duration = Duration::from_millis(800);
/// How long an order may take. Whoever gave it looks again, and gives it anew.
const OBEYS_WITHIN: Duration = Duration::from_secs(5);

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
    /// When the operator last asked how it is.
    asked: Mutex<Instant>,
    started: Instant,
    /// Its pod is to go.
    leaves: AtomicBool,
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
            asked: Mutex::new(Instant::now()),
            started: Instant::now(),
            leaves: AtomicBool::new(false),
            version: AtomicU64::new(0),
            opened: tokio::sync::Notify::default(),
            turn: tokio::sync::Mutex::default(),
            caller,
            copies: AtomicBool::new(false),
            overtaken: watch::Sender::default(),
        }))
    }

    /// How the server is. Asked for again and again, it is also what a primary lives on: see [`Self::guard_against_isolation`].
    pub async fn report(&self) -> Report {
        *lock(&self.0.asked) = Instant::now();
        self.report_unasked().await
    }

    /// How the server is, for who is not the operator.
    pub async fn report_unasked(&self) -> Report {
        let at = self.age();
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
        Report {
            version,
            at,
            leaving: self.0.leaves.load(Ordering::SeqCst),
            server,
        }
    }

    /// Connections to the server, when it runs.
    pub(super) fn pool(&self) -> Option<MySqlPool> {
        match &*self.process() {
            Process::Up(up) => Some(up.pool.clone()),
            _ => None,
        }
    }

    /// Milliseconds since it was started.
    fn age(&self) -> u64 {
        u64::try_from(self.0.started.elapsed().as_millis()).unwrap_or(u64::MAX)
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
                    required: *required,
                    ackers: ackers.clone(),
                };
                self.remember(up.run, leading);
            }
            Task::Open { seen_at }
                if self.age().saturating_sub(*seen_at)
                    > u64::try_from(OPENS_WITHIN.as_millis()).unwrap_or(0) =>
            {
                return Err(ObeyError::NotYet);
            }
            Task::Open { .. } => {
                obey::open(connection).await?;
                self.0.opened.notify_one();
            }
            Task::Close => obey::close(connection).await?,
            Task::CureWedge { held } => obey::cure_wedge(connection, *held).await?,
            Task::StartAsReplica | Task::StartAsPrimary | Task::Kill | Task::Copy { .. } => {}
        }
        Ok(())
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
