//! `amazoff-operator agent`: runs beside a database server, as process 1 of its container.
//!
//! It makes the data folder on the first start, starts the server, keeps its accounts as the store wants them, says whether it
//! really takes writes, and ends with it. It needs nothing of the image but the server's own programs.

mod accounts;
mod data;
mod health;
pub mod member;
mod server;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, Subcommand};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{error, info};

use crate::control::caller::Caller;
use crate::control::certificates::{CertificateError, Identity};
use crate::control::listener::TlsListener;
use accounts::AccountsError;
use data::DataError;
use member::{MemberAgent, Settings, peers::Peers};
use server::{Place, Server};

/// What the agent is to do.
#[derive(Debug, Subcommand)]
pub enum AgentCommand {
    /// Copy this program to where a container with another image can run it.
    Install(InstallArgs),
    /// Run a `MariaDB` server by itself.
    Mariadb(MariadbArgs),
    /// Run one of a set of `MariaDB` servers, as the operator says.
    Member(MemberArgs),
}

/// Where to copy this program.
#[derive(Debug, Args)]
pub struct InstallArgs {
    /// The copy.
    #[arg(long)]
    to: PathBuf,
}

/// How to run a `MariaDB` server.
#[derive(Clone, Debug, Args)]
pub struct MariadbArgs {
    /// The volume. The data is in its folder `data`.
    #[arg(long, env = "VOLUME", default_value = "/var/lib/amazoff")]
    volume: PathBuf,
    /// A folder in memory, for the socket and for what no disk should hold.
    #[arg(long, env = "RUN_FOLDER", default_value = "/run/amazoff")]
    run_folder: PathBuf,
    /// The accounts that the store wants: a JSON array of {database, user, password, may}. Looked at again every two seconds.
    #[arg(
        long,
        env = "ACCOUNTS_FILE",
        default_value = "/etc/amazoff/mariadb/accounts.json"
    )]
    accounts_file: PathBuf,
    /// Where health and metrics are served.
    #[arg(long, env = "ADMIN_ADDR", default_value = "0.0.0.0:9090")]
    admin_addr: SocketAddr,
    /// How long, in seconds, the server may take to stop.
    #[arg(long, env = "STOP_SECONDS", default_value_t = 50)]
    stop_seconds: u64,
    /// Further arguments for the server.
    #[arg(last = true)]
    server: Vec<String>,
}

/// How to run one of a set of `MariaDB` servers.
#[derive(Clone, Debug, Args)]
pub struct MemberArgs {
    /// Which one, counted from 0.
    #[arg(long, env = "MEMBER")]
    member: u32,
    /// Where the servers of all are: `host:port`, separated by commas, in their order.
    #[arg(long, env = "PEERS")]
    peers: Peers,
    /// Where the agents of all listen, likewise.
    #[arg(long, env = "AGENTS")]
    agents: Peers,
    /// The volume. The data is in its folder `data`.
    #[arg(long, env = "VOLUME", default_value = "/var/lib/amazoff")]
    volume: PathBuf,
    /// A folder in memory, for the socket and for what no disk should hold.
    #[arg(long, env = "RUN_FOLDER", default_value = "/run/amazoff")]
    run_folder: PathBuf,
    /// What the members log in to each other with.
    #[arg(
        long,
        env = "REPLICATION_PASSWORD_FILE",
        default_value = "/etc/amazoff/identity/replication"
    )]
    replication_password_file: PathBuf,
    /// This member's certificate, its key, and the set's authority: `tls.crt`, `tls.key`, `ca.crt`.
    #[arg(long, env = "IDENTITY_FOLDER", default_value = "/etc/amazoff/identity")]
    identity_folder: PathBuf,
    /// The accounts that the store wants: a JSON array of {database, user, password, may}. Looked at again every two seconds.
    #[arg(
        long,
        env = "ACCOUNTS_FILE",
        default_value = "/etc/amazoff/mariadb/accounts.json"
    )]
    accounts_file: PathBuf,
    /// Where the operator and other members are listened to, if they show a certificate of the set's authority.
    #[arg(long, env = "CONTROL_ADDR", default_value = "0.0.0.0:9091")]
    control_addr: SocketAddr,
    /// Where health and metrics are served.
    #[arg(long, env = "ADMIN_ADDR", default_value = "0.0.0.0:9090")]
    admin_addr: SocketAddr,
    /// Further arguments for the server.
    #[arg(last = true)]
    server: Vec<String>,
}

/// Why the agent ended.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The copy could not be made.
    #[error("{} can't be written", path.display())]
    Install {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The data folder can't be used.
    #[error("the data folder can't be used")]
    Data(#[from] DataError),
    /// The accounts can't be understood.
    #[error("the accounts can't be understood")]
    Accounts(#[from] AccountsError),
    /// The password of replication can't be read.
    #[error("{} can't be read", path.display())]
    Password {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The password of replication could be mistaken for SQL.
    #[error("the password of replication is not of 16 letters and digits or more")]
    UnsafePassword,
    /// Its certificate can't be used.
    #[error("the certificate of this member can't be used")]
    Identity(#[from] CertificateError),
    /// The server can't be started or waited for.
    #[error("mariadbd can't be run")]
    Server(#[source] std::io::Error),
    /// The server ended by itself.
    #[error("mariadbd ended: {0}")]
    Ended(std::process::ExitStatus),
    /// The server did not stop in time and was killed; it recovers at the next start.
    #[error("mariadbd did not stop within {0} s and was killed")]
    Killed(u64),
    /// Health can't be served.
    #[error("health can't be served on {address}")]
    Admin {
        /// Where.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// Does what the command line says. `random` makes the password that only this process knows.
pub async fn agent(
    command: AgentCommand,
    random: crate::secrets::Random,
) -> Result<(), AgentError> {
    match command {
        AgentCommand::Install(InstallArgs { to }) => install(to),
        AgentCommand::Mariadb(args) => mariadb(args, random).await,
        AgentCommand::Member(args) => Box::pin(one_of_a_set(args, random)).await,
    }
}

fn install(to: PathBuf) -> Result<(), AgentError> {
    let copied = std::env::current_exe().and_then(|program| std::fs::copy(program, &to));
    copied
        .map(|_bytes| ())
        .map_err(|source| AgentError::Install { path: to, source })
}

async fn mariadb(args: MariadbArgs, random: crate::secrets::Random) -> Result<(), AgentError> {
    let mut terminated = signal(SignalKind::terminate()).map_err(AgentError::Server)?;
    let mut interrupted = signal(SignalKind::interrupt()).map_err(AgentError::Server)?;
    data::make_if_missing(&args.volume, &args.run_folder).await?;
    let wanted = accounts::read(&args.accounts_file)?;
    let password = crate::secrets::hex(&random());
    let place = Place {
        volume: args.volume,
        run_folder: args.run_folder,
    };
    let statements = accounts::at_start(&wanted, &password);
    let mut server =
        Server::start(&place, &args.server, &statements).map_err(AgentError::Server)?;
    let pool = accounts::connect(&place.run_folder, &password);
    let admin = health::serve(args.admin_addr, pool.clone());
    let keeping = accounts::keep(pool, &args.accounts_file, wanted);
    tokio::select! {
        ended = server.wait() => {
            // The kubelet starts the container anew, and the server recovers.
            Err(AgentError::Ended(ended.map_err(AgentError::Server)?))
        }
        health = admin => {
            health.map_err(|source| AgentError::Admin { address: args.admin_addr, source })
        }
        () = keeping => Ok(()),
        _ = terminated.recv() => stop(&mut server, args.stop_seconds).await,
        _ = interrupted.recv() => stop(&mut server, args.stop_seconds).await,
    }
}

async fn one_of_a_set(args: MemberArgs, random: crate::secrets::Random) -> Result<(), AgentError> {
    let mut terminated = signal(SignalKind::terminate()).map_err(AgentError::Server)?;
    let mut interrupted = signal(SignalKind::interrupt()).map_err(AgentError::Server)?;
    let path = args.replication_password_file;
    let password = std::fs::read_to_string(&path)
        .map_err(|source| AgentError::Password { path, source })?
        .trim()
        .to_owned();
    if password.len() < 16 || !password.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(AgentError::UnsafePassword);
    }
    let settings = Settings {
        member: args.member,
        peers: args.peers,
        agents: args.agents,
        place: Place {
            volume: args.volume,
            run_folder: args.run_folder,
        },
        replication_password: password,
        accounts_file: args.accounts_file,
        arguments: args.server,
    };
    let identity = Identity::read(&args.identity_folder)?;
    let member = MemberAgent::new(settings, Caller::new(&identity)?, random);
    // Of one that was killed while it copied.
    member.discard_copy();
    let address = args.control_addr;
    let at_address = |source| AgentError::Admin { address, source };
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .map_err(at_address)?;
    let listener = TlsListener::new(listener, &identity)?;
    tokio::select! {
        served = member::control::serve(listener, member.clone()) => served.map_err(at_address),
        () = member.clone().keep_accounts() => Ok(()),
        () = member.clone().guard_against_isolation() => Ok(()),
        admin = health::serve_member(args.admin_addr, member.clone()) => {
            admin.map_err(|source| AgentError::Admin { address: args.admin_addr, source })
        }
        () = ended(&member, &mut terminated, &mut interrupted) => Ok(()),
    }
}

/// Returns once the process is to end and its server has. The operator is listened to until then: a primary hands over first.
async fn ended(member: &MemberAgent, terminated: &mut Signal, interrupted: &mut Signal) {
    tokio::select! {
        _ = terminated.recv() => {}
        _ = interrupted.recv() => {}
    }
    member.leave().await;
}

async fn stop(server: &mut Server, seconds: u64) -> Result<(), AgentError> {
    info!(seconds, "stopping mariadbd");
    match tokio::time::timeout(Duration::from_secs(seconds), server.stop()).await {
        Ok(stopped) => {
            let status = stopped.map_err(AgentError::Server)?;
            info!(%status, "mariadbd has stopped");
            Ok(())
        }
        Err(_late) => {
            error!("mariadbd does not stop; killing it");
            server.kill().await.map_err(AgentError::Server)?;
            Err(AgentError::Killed(seconds))
        }
    }
}
