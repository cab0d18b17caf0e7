//! The command line. Installed under the name `kubectl-amazoff`, it is also `kubectl amazoff`.

use crate::agent::{self, AgentCommand, AgentError};
use crate::api::v1alpha1::crd_yaml;
use crate::controller::{self, Setup};
use crate::leader::{Elector, Settings};
use crate::render::{RenderError, render};
use crate::secrets::Random;
use crate::telemetry::{self, CountCalls, Telemetry};
use crate::token::{TokenArgs, TokenError, token};
use crate::validate::Defaults;
use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;
use kube::client::ClientBuilder;
use kube::{Client, Config};
use std::io::{IsTerminal, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing_subscriber::EnvFilter;

/// Turns an `AmazoffStore` resource into a running shop and keeps it so.
#[derive(Debug, Parser)]
#[command(name = "amazoff-operator", version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Look after the stores of a cluster, until told to stop.
    Run(RunArgs),
    /// Print what would be applied for a store, without a cluster.
    Render(RenderArgs),
    /// Print the definition of the `AmazoffStore` resource.
    Crd,
    /// Print a token that the store's services accept.
    Token(TokenArgs),
    /// Run beside a database server, in its container. Not for people.
    #[command(subcommand)]
    Agent(AgentCommand),
}

/// What is used where a store says nothing.
#[derive(Debug, Args)]
struct DefaultArgs {
    /// What stands before the name of each service's image: a registry, a path, or both.
    #[arg(long, env, default_value = "amazoff")]
    image_repository: String,
    /// The tag of the images.
    #[arg(long, env, default_value = env!("CARGO_PKG_VERSION"))]
    image_tag: String,
    /// The image of the Redis beside a shop.
    #[arg(long, env, default_value = "redis:7")]
    redis_image: String,
    /// The image of the `MariaDB` beside a shop.
    #[arg(long, env, default_value = "mariadb:11.4")]
    mariadb_image: String,
    /// The operator's own image, which brings the agent to databases.
    #[arg(long, env, default_value = concat!("amazoff/amazoff-operator:", env!("CARGO_PKG_VERSION")))]
    operator_image: String,
}

impl From<DefaultArgs> for Defaults {
    fn from(args: DefaultArgs) -> Self {
        let DefaultArgs {
            image_repository,
            image_tag,
            redis_image,
            mariadb_image,
            operator_image,
        } = args;
        Self {
            image_repository,
            version: image_tag,
            redis_image,
            mariadb_image,
            operator_image,
        }
    }
}

#[derive(Debug, Args)]
struct RenderArgs {
    /// The file with the store; - reads standard input.
    #[arg(long, short)]
    filename: PathBuf,
    #[command(flatten)]
    defaults: DefaultArgs,
}

#[derive(Debug, Args)]
struct RunArgs {
    #[command(flatten)]
    defaults: DefaultArgs,
    /// The namespaces to look after, separated by commas. All of them when empty.
    #[arg(long, env, value_delimiter = ',')]
    watch_namespaces: Vec<String>,
    /// Where metrics and health are served.
    #[arg(long, env, default_value = "0.0.0.0:9090")]
    admin_addr: SocketAddr,
    /// How a line of the log looks.
    #[arg(long, env, value_enum, default_value_t = LogFormat::Json)]
    log_format: LogFormat,
    /// What is logged: a level, or directives such as info,kube=debug.
    #[arg(long, env, default_value = "info")]
    log_filter: String,
    /// What this replica calls itself. The pod's name.
    #[arg(long, env, default_value = "amazoff-operator")]
    pod_name: String,
    /// The namespace of the lease. The pod's.
    #[arg(long, env, default_value = "default")]
    pod_namespace: String,
    /// The lease that decides which replica acts.
    #[arg(long, env, default_value = "amazoff-operator")]
    lease_name: String,
    /// How long, in seconds, the others wait once nothing is heard of the replica that acts.
    #[arg(long, env, default_value_t = 10, value_parser = clap::value_parser!(u64).range(3..=600))]
    lease_seconds: u64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    /// For machines.
    Json,
    /// For people.
    Pretty,
}

/// What comes from outside: the clock and randomness.
#[derive(Clone, Copy)]
pub struct Outside {
    /// The clock.
    pub now: fn() -> Timestamp,
    /// Randomness fit for keys.
    pub random: Random,
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The store cannot be rendered.
    #[error("nothing can be rendered")]
    Render(#[from] RenderError),
    /// The agent of a database server ended.
    #[error("the agent ended")]
    Agent(#[from] AgentError),
    /// There is no token.
    #[error("there is no token")]
    Token(#[from] TokenError),
    /// The definition cannot be printed.
    #[error("the definition cannot be printed")]
    Crd(#[from] serde_yaml_ng::Error),
    /// A file cannot be read.
    #[error("{} cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Standard output is closed, or signals cannot be heard.
    #[error("the operating system refused")]
    Io(#[from] std::io::Error),
    /// There is no cluster to be found.
    #[error("no cluster is configured")]
    Config(#[from] kube::config::InferConfigError),
    /// The client cannot be made.
    #[error("the API server cannot be reached")]
    Client(#[from] kube::Error),
    /// The log filter makes no sense.
    #[error("the log filter makes no sense")]
    LogFilter(#[from] tracing_subscriber::filter::ParseError),
    /// Metrics and health cannot be served.
    #[error("metrics and health cannot be served on {address}")]
    Admin {
        /// Where.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Another replica acts now: this one has to start anew.
    #[error("the lease is lost")]
    LeaseLost,
}

/// Does what the command line says.
pub async fn execute(cli: Cli, outside: Outside) -> Result<(), CliError> {
    let print = |text: &str| std::io::stdout().write_all(text.as_bytes());
    match cli.command {
        Command::Run(args) => run(args, outside).await,
        Command::Render(args) => Ok(print(&render(
            &read(&args.filename)?,
            &args.defaults.into(),
        )?)?),
        Command::Crd => Ok(print(&crd_yaml()?)?),
        Command::Agent(command) => {
            log(LogFormat::Json, "info")?;
            Ok(Box::pin(agent::agent(command, outside.random)).await?)
        }
        Command::Token(args) => {
            let client = Client::try_from(Config::infer().await?)?;
            Ok(print(&format!(
                "{}\n",
                token(client, &args, (outside.now)()).await?
            ))?)
        }
    }
}

fn read(path: &Path) -> Result<String, CliError> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(path)
    };
    read.map_err(|source| CliError::Read {
        path: path.to_owned(),
        source,
    })
}

async fn run(args: RunArgs, outside: Outside) -> Result<(), CliError> {
    log(args.log_format, &args.log_filter)?;
    let telemetry = Telemetry::default();
    let config = Config::infer().await?;
    let client = ClientBuilder::try_from(config)?
        .with_layer(&CountCalls(telemetry.clone()))
        .build();
    let setup = Setup {
        client: client.clone(),
        namespace: None,
        defaults: args.defaults.into(),
        telemetry: telemetry.clone(),
        identity: args.pod_name.clone(),
        keeps_databases: true,
        now: outside.now,
        random: outside.random,
    };
    let (stop_sender, stop) = watch::channel(false);
    let (lead_sender, leads) = watch::channel(false);
    let namespaces: Vec<_> = args
        .watch_namespaces
        .into_iter()
        .filter(|name| !name.is_empty())
        .map(Some)
        .collect();
    let scopes = if namespaces.is_empty() {
        vec![None]
    } else {
        namespaces
    };
    let controllers = scopes.into_iter().map(|namespace| {
        let stopped = stopped(stop.clone());
        controller::run(
            Setup {
                namespace,
                ..setup.clone()
            },
            leads.clone(),
            stopped,
        )
    });
    let controllers = futures::future::join_all(controllers);

    let duration = Duration::from_secs(args.lease_seconds);
    let settings = Settings {
        namespace: args.pod_namespace,
        name: args.lease_name,
        identity: args.pod_name,
        duration,
        deadline: duration / 10 * 7,
        period: duration / 5,
    };
    let mut elector = Elector::new(client, settings, outside.now);
    let admin = telemetry::serve(args.admin_addr, telemetry.clone());
    let (mut terminated, mut interrupted) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );

    let mut controllers = std::pin::pin!(controllers);
    let result = {
        let lead = async {
            let since = elector.acquire().await;
            telemetry.set_leader(true);
            let _ = lead_sender.send(true);
            elector.hold(since).await;
        };
        tokio::select! {
            _ = &mut controllers => Ok(()),
            () = lead => Err(CliError::LeaseLost),
            result = admin => result.map_err(|source| CliError::Admin { address: args.admin_addr, source }),
            _ = terminated.recv() => Ok(()),
            _ = interrupted.recv() => Ok(()),
        }
    };
    if result.is_ok() {
        // What is under way is finished before another replica may begin.
        let _ = stop_sender.send(true);
        let _ = tokio::time::timeout(Duration::from_secs(10), controllers).await;
        elector.release().await?;
    }
    result
}

async fn stopped(mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

fn log(format: LogFormat, filter: &str) -> Result<(), CliError> {
    let filter = EnvFilter::try_new(filter)?;
    let log = tracing_subscriber::fmt().with_env_filter(filter);
    match format {
        LogFormat::Json => log
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .init(),
        LogFormat::Pretty => log.with_ansi(std::io::stdout().is_terminal()).init(),
    }
    Ok(())
}
