//! What `/health`, `/health/live` and `/health/ready` answer.
//!
//! Live means that the process answers; it depends on nothing else, so that a database that is down never makes Kubernetes
//! restart what waits for it. Ready means that requests can be served: started, not leaving, and every critical check passed, or did lately: a
//! busy database that is late once would else take every replica out at the same time, and turn slowness into an outage.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use serde::Serialize;

/// How often each check runs.
const CHECK_INTERVAL: Duration = Duration::from_secs(2);
/// How long a check may take before it counts as failed.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);
/// So many failures in a row of a critical check make a service unready that was ready.
const MOST_FAILURES: u32 = 3;

type Probe =
    Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

/// The health of this process. Clones share it.
#[derive(Clone)]
pub struct Health(Arc<Shared>);

struct Shared {
    started: Instant,
    ready: AtomicBool,
    leaving: AtomicBool,
    checks: RwLock<Vec<Arc<Check>>>,
}

struct Check {
    name: &'static str,
    critical: bool,
    probe: Probe,
    outcome: RwLock<Outcome>,
    /// In a row. At first as many as it takes to be unready.
    failures: AtomicU32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    Unknown,
    Passed,
    Failed(String),
}

impl Default for Health {
    fn default() -> Self {
        Self::new()
    }
}

impl Health {
    /// Ready as soon as all critical checks pass. A service that must prepare something first says `set_ready(false)`.
    pub fn new() -> Self {
        Self(Arc::new(Shared {
            started: Instant::now(),
            ready: AtomicBool::new(true),
            leaving: AtomicBool::new(false),
            checks: RwLock::default(),
        }))
    }

    /// Adds something to look at every two seconds. A critical check that fails three times in a row makes the service unready; a single failure,
    /// and one of another check, shows in `/health` only.
    #[must_use]
    pub fn check<F>(
        self,
        name: &'static str,
        critical: bool,
        probe: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        let check = Check {
            name,
            critical,
            probe: Box::new(move || Box::pin(probe())),
            outcome: RwLock::new(Outcome::Unknown),
            failures: AtomicU32::new(MOST_FAILURES),
        };
        self.0
            .checks
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Arc::new(check));
        self
    }

    /// Opens or closes the service to traffic, for instance once an index is built.
    pub fn set_ready(&self, ready: bool) {
        self.0.ready.store(ready, Ordering::SeqCst);
    }

    /// Whether requests should be sent here.
    pub fn is_ready(&self) -> bool {
        let open = self.0.ready.load(Ordering::SeqCst) && !self.0.leaving.load(Ordering::SeqCst);
        open && self
            .checks()
            .iter()
            .all(|check| !check.critical || check.is_borne())
    }

    /// The answer of `/health`.
    pub fn report(&self, service: &'static str) -> Report {
        let checks: Vec<CheckReport> = self
            .checks()
            .iter()
            .map(|check| {
                let (status, detail) = match check.outcome() {
                    Outcome::Unknown => ("unknown", None),
                    Outcome::Passed => ("ok", None),
                    Outcome::Failed(detail) => ("failed", Some(detail)),
                };
                CheckReport {
                    name: check.name,
                    critical: check.critical,
                    status,
                    detail,
                }
            })
            .collect();
        let status = if self.0.leaving.load(Ordering::SeqCst) {
            "leaving"
        } else if !self.is_ready() {
            "unready"
        } else if checks.iter().any(|check| check.status != "ok") {
            "degraded"
        } else {
            "ok"
        };
        Report {
            service,
            version: env!("CARGO_PKG_VERSION"),
            status,
            uptime_seconds: self.0.started.elapsed().as_secs(),
            checks,
        }
    }

    /// Says that the process is leaving: unready from now on.
    pub(crate) fn leave(&self) {
        self.0.leaving.store(true, Ordering::SeqCst);
    }

    /// Runs every check once, at the same time, then every two seconds.
    pub(crate) async fn watch(self) {
        loop {
            self.check_all().await;
            tokio::time::sleep(CHECK_INTERVAL).await;
        }
    }

    pub(crate) async fn check_all(&self) {
        let mut running = tokio::task::JoinSet::new();
        for check in self.checks() {
            running.spawn(async move { check.run().await });
        }
        running.join_all().await;
    }

    fn checks(&self) -> Vec<Arc<Check>> {
        self.0
            .checks
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Check {
    fn is_borne(&self) -> bool {
        self.failures.load(Ordering::SeqCst) < MOST_FAILURES
    }

    fn outcome(&self) -> Outcome {
        self.outcome
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    async fn run(&self) {
        let outcome = match tokio::time::timeout(CHECK_TIMEOUT, (self.probe)()).await {
            Ok(Ok(())) => Outcome::Passed,
            Ok(Err(detail)) => Outcome::Failed(detail),
            Err(_) => Outcome::Failed(format!("no answer within {} s", CHECK_TIMEOUT.as_secs())),
        };
        let failures = match outcome {
            Outcome::Passed => 0,
            _ => (self.failures.load(Ordering::SeqCst) + 1).min(MOST_FAILURES),
        };
        self.failures.store(failures, Ordering::SeqCst);
        let mut kept = self.outcome.write().unwrap_or_else(PoisonError::into_inner);
        // Said once when it changes, not at every look.
        match (&*kept, &outcome) {
            (Outcome::Failed(_), Outcome::Passed) => tracing::info!(check = self.name, "is back"),
            (Outcome::Unknown | Outcome::Passed, Outcome::Failed(detail)) => {
                tracing::warn!(
                    check = self.name,
                    critical = self.critical,
                    detail,
                    "check failed"
                );
            }
            _ => {}
        }
        *kept = outcome;
    }
}

/// The answer of `/health`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    service: &'static str,
    version: &'static str,
    status: &'static str,
    uptime_seconds: u64,
    checks: Vec<CheckReport>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct CheckReport {
    name: &'static str,
    critical: bool,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_critical_checks_close_the_service() {
        let health = Health::new()
            .check("cache", false, || async { Err("gone".to_owned()) })
            .check("database", true, || async { Ok(()) });
        assert!(!health.is_ready(), "not before the first look");
        health.check_all().await;
        assert!(health.is_ready());
        assert_eq!(health.report("test").status, "degraded");

        let health = health.check("queue", true, || async { Err("gone".to_owned()) });
        health.check_all().await;
        assert!(!health.is_ready());
    }

    #[tokio::test]
    async fn one_late_answer_closes_nothing_and_three_in_a_row_do() {
        let answers = Arc::new(AtomicBool::new(true));
        let asked = answers.clone();
        let health = Health::new().check("database", true, move || {
            let answers = asked.load(Ordering::SeqCst);
            async move { answers.then_some(()).ok_or_else(|| "late".to_owned()) }
        });
        health.check_all().await;
        answers.store(false, Ordering::SeqCst);
        for _ in 0..2 {
            health.check_all().await;
            assert!(health.is_ready(), "it was well a moment ago");
            assert_eq!(health.report("test").status, "degraded");
        }
        health.check_all().await;
        assert!(!health.is_ready());
        answers.store(true, Ordering::SeqCst);
        health.check_all().await;
        assert!(health.is_ready(), "once is enough to come back");
    }

    #[tokio::test]
    async fn is_unready_while_starting_and_while_leaving() {
        let health = Health::new();
        health.set_ready(false);
        assert!(!health.is_ready());
        health.set_ready(true);
        assert!(health.is_ready());
        health.leave();
        assert!(!health.is_ready());
    }
}
