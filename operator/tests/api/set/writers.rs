//! Those who write to a set.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::{Connection as _, Executor as _, MySqlConnection};
use tokio::task::JoinHandle;

use super::servers::{PASSWORD, Set};

/// Those who write without a pause, wherever the record says that writes are taken, and what was acknowledged to them.
pub(super) struct Writers {
    pub(super) acknowledged: Arc<Mutex<Vec<(i64, Instant)>>>,
    stop: tokio::sync::watch::Sender<bool>,
    running: Vec<JoinHandle<()>>,
}

impl Writers {
    pub(super) async fn start(set: &Set, count: i64) -> Self {
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
                        // Between two tries.
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

    pub(super) fn count(&self) -> usize {
        lock(&self.acknowledged).len()
    }

    /// How long after `since` a write was acknowledged that was begun where writes were taken then.
    pub(super) async fn again_after(&self, since: Instant) -> Duration {
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
            // Between two looks at the condition.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(super) async fn stop(self) -> BTreeSet<i64> {
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

/// The longest time in which nothing was acknowledged.
pub(super) fn longest_gap(acknowledged: &[(i64, Instant)]) -> Duration {
    let gaps = acknowledged
        .windows(2)
        .map(|pair| pair[1].1.duration_since(pair[0].1));
    gaps.max().unwrap_or_default()
}

/// A connection as a service has it.
pub(super) async fn connect(port: u16) -> Result<MySqlConnection, sqlx::Error> {
    MySqlConnection::connect(&format!(
        "mysql://writer:{PASSWORD}@127.0.0.1:{port}/orders"
    ))
    .await
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
