//! Which replica acts: the one that holds a Lease.
//!
//! A Lease is changed by compare-and-swap on its resource version, so two can never both believe that they took it. Nobody's
//! clock is compared with anybody else's: a replica takes a Lease over when it has itself seen it unchanged for as long as
//! the holder promised to renew it.

use crate::chain::chain;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{Api, ObjectMeta, PostParams};
use kube::{Client, ResourceExt};
use std::time::{Duration, Instant};
use tracing::{debug, info, warn};

/// How the lease is taken and kept.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The lease's namespace.
    pub namespace: String,
    /// The lease's name.
    pub name: String,
    /// What this replica calls itself.
    pub identity: String,
    /// For how long others keep away once nothing is heard of the holder.
    pub duration: Duration,
    /// When a holder that cannot renew gives up: well before the others stop keeping away.
    pub deadline: Duration,
    /// How often it is renewed or looked at.
    pub period: Duration,
}

/// A replica that wants to lead, or leads.
pub struct Elector {
    api: Api<Lease>,
    settings: Settings,
    now: fn() -> Timestamp,
    /// The version of the lease that was last seen, and since when.
    seen: Option<(Option<String>, Instant)>,
    /// The lease as this replica last wrote it.
    written: Option<Lease>,
}

/// What a look at the lease came to.
#[derive(Debug, PartialEq, Eq)]
enum Turn {
    Mine,
    Theirs(String),
    /// Somebody wrote to the lease in between: look again.
    Raced,
}

impl Elector {
    /// A replica that does not lead yet. `now` is only what the lease shows to people.
    pub fn new(client: Client, settings: Settings, now: fn() -> Timestamp) -> Self {
        Self {
            api: Api::namespaced(client, &settings.namespace),
            settings,
            now,
            seen: None,
            written: None,
        }
    }

    /// Returns once this replica leads, with the instant from which that holds.
    pub async fn acquire(&mut self) -> Instant {
        let mut holder = String::new();
        loop {
            let asked = Instant::now();
            match self.turn().await {
                Ok(Turn::Mine) => {
                    info!(lease = %self.settings.name, identity = %self.settings.identity, "leading");
                    return asked;
                }
                Ok(Turn::Theirs(other)) if other != holder => {
                    info!(lease = %self.settings.name, holder = %other, "following");
                    holder = other;
                }
                Ok(Turn::Theirs(_) | Turn::Raced) => {}
                Err(error) => warn!(error = chain(&error), "the lease cannot be read or taken"),
            }
            tokio::time::sleep(self.settings.period).await;
        }
    }

    /// Renews, and returns once this replica no longer leads.
    pub async fn hold(&mut self, since: Instant) {
        let mut renewed = since;
        loop {
            tokio::time::sleep(self.settings.period).await;
            let asked = Instant::now();
            let left = self.settings.deadline.saturating_sub(renewed.elapsed());
            match tokio::time::timeout(left, self.turn()).await {
                Ok(Ok(Turn::Mine)) => renewed = asked,
                Ok(Ok(Turn::Theirs(holder))) => {
                    warn!(%holder, "another replica took the lease");
                    return;
                }
                Ok(Ok(Turn::Raced)) => debug!("the lease was written to by somebody else"),
                Ok(Err(error)) => warn!(error = chain(&error), "the lease cannot be renewed"),
                Err(_) => debug!("renewing the lease took too long"),
            }
            if renewed.elapsed() >= self.settings.deadline {
                warn!("the lease could not be renewed in time");
                return;
            }
        }
    }

    /// Lets the next one lead at once.
    pub async fn release(&mut self) -> Result<(), kube::Error> {
        let Some(mut lease) = self.api.get_opt(&self.settings.name).await? else {
            return Ok(());
        };
        let spec = lease.spec.get_or_insert_default();
        if spec.holder_identity.as_deref() != Some(self.settings.identity.as_str()) {
            return Ok(());
        }
        spec.holder_identity = None;
        self.api
            .replace(&self.settings.name, &PostParams::default(), &lease)
            .await?;
        info!(lease = %self.settings.name, "released");
        Ok(())
    }

    async fn turn(&mut self) -> Result<Turn, kube::Error> {
        // Whoever holds it knows its version, and need not read it again.
        if let Some(lease) = self.written.take() {
            let last = lease.spec.clone().unwrap_or_default();
            return self.write(lease.metadata, self.spec(&last, false)).await;
        }
        let Some(lease) = self.api.get_opt(&self.settings.name).await? else {
            let metadata = ObjectMeta {
                name: Some(self.settings.name.clone()),
                ..ObjectMeta::default()
            };
            return self
                .write(metadata, self.spec(&LeaseSpec::default(), true))
                .await;
        };
        let spec = lease.spec.clone().unwrap_or_default();
        let holder = spec.holder_identity.clone().unwrap_or_default();
        if holder != self.settings.identity && !holder.is_empty() {
            let promised = spec
                .lease_duration_seconds
                .and_then(|seconds| u64::try_from(seconds).ok())
                .map(Duration::from_secs);
            if !self.unchanged_for(&lease, promised.unwrap_or(self.settings.duration)) {
                return Ok(Turn::Theirs(holder));
            }
        }
        let changes_hands = holder != self.settings.identity;
        self.write(lease.metadata, self.spec(&spec, changes_hands))
            .await
    }

    /// Creates or replaces the lease, unless somebody else wrote to it in between.
    async fn write(&mut self, metadata: ObjectMeta, spec: LeaseSpec) -> Result<Turn, kube::Error> {
        let is_new = metadata.resource_version.is_none();
        let lease = Lease {
            metadata,
            spec: Some(spec),
        };
        let params = PostParams::default();
        let result = if is_new {
            self.api.create(&params, &lease).await
        } else {
            self.api.replace(&self.settings.name, &params, &lease).await
        };
        match result {
            Ok(lease) => {
                self.written = Some(lease);
                Ok(Turn::Mine)
            }
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(Turn::Raced),
            Err(error) => Err(error),
        }
    }

    fn unchanged_for(&mut self, lease: &Lease, promised: Duration) -> bool {
        let version = lease.resource_version();
        match &self.seen {
            Some((seen, since)) if *seen == version => since.elapsed() >= promised,
            _ => {
                self.seen = Some((version, Instant::now()));
                false
            }
        }
    }

    fn spec(&self, last: &LeaseSpec, changes_hands: bool) -> LeaseSpec {
        let now = MicroTime((self.now)());
        let transitions = last.lease_transitions.unwrap_or_default();
        LeaseSpec {
            holder_identity: Some(self.settings.identity.clone()),
            lease_duration_seconds: i32::try_from(self.settings.duration.as_secs()).ok(),
            acquire_time: if changes_hands {
                Some(now.clone())
            } else {
                last.acquire_time.clone()
            },
            renew_time: Some(now),
            lease_transitions: Some(transitions.saturating_add(i32::from(changes_hands))),
            ..LeaseSpec::default()
        }
    }
}
