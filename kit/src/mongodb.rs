//! `MongoDB`: how it is reached, and which of its errors is an answer.

use std::time::{Duration, Instant};

use ::mongodb::{
    Client, Database,
    bson::doc,
    error::{Error, ErrorKind, WriteFailure},
    options::{ClientOptions, ServerAddress},
};
use tokio::{net::TcpStream, time};

/// A request gives up on a database that can't be reached after this time.
const SELECTION_TIMEOUT: Duration = Duration::from_secs(2);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a start waits for the first server, and how often it knocks.
const FIRST_WAIT: Duration = Duration::from_millis(1500);
const KNOCK_EVERY: Duration = Duration::from_millis(20);
const KNOCK_TIMEOUT: Duration = Duration::from_millis(200);

/// What a server says of a document whose `_id` exists.
pub const DUPLICATE_KEY: i32 = 11000;

/// Prepares to connect to `database` at `uri` (`mongodb://user:password@host:27017/…`) as `app`; the first question connects.
///
/// Waits a moment for a server to accept connections, and goes on without. A pod is often refused for its first tenths of a second, until
/// the network's policy knows its address, and the driver, once refused, looks again only after half a second
/// (`minHeartbeatFrequencyMS` of the specification of server monitoring, which can't be configured).
pub async fn open(app: &str, uri: &str, database: &str) -> Result<Database, Error> {
    let mut options = ClientOptions::parse(uri).await?;
    options.app_name = Some(app.to_owned());
    options
        .server_selection_timeout
        .get_or_insert(SELECTION_TIMEOUT);
    options.connect_timeout.get_or_insert(CONNECT_TIMEOUT);
    wait_for_any(&options.hosts).await;
    Ok(Client::with_options(options)?.database(database))
}

async fn wait_for_any(hosts: &[ServerAddress]) {
    let started = Instant::now();
    while started.elapsed() < FIRST_WAIT {
        for host in hosts {
            // A socket of this machine needs no waiting for.
            let ServerAddress::Tcp { host, port } = host else {
                return;
            };
            let address = (host.as_str(), port.unwrap_or(27017));
            if let Ok(Ok(_)) = time::timeout(KNOCK_TIMEOUT, TcpStream::connect(address)).await {
                return;
            }
        }
        time::sleep(KNOCK_EVERY).await;
    }
}

/// Whether the database answers: for a health check.
pub async fn ping(database: &Database) -> Result<(), String> {
    match database.run_command(doc! {"ping": 1}).await {
        Ok(_) => Ok(()),
        Err(error) => Err(crate::problem::chain(&error)),
    }
}

/// Whether an insert failed because the `_id` exists.
pub fn is_duplicate(error: &Error) -> bool {
    match &*error.kind {
        ErrorKind::Write(WriteFailure::WriteError(write)) => write.code == DUPLICATE_KEY,
        _ => false,
    }
}
