//! Strings the five steps together, for each store, whenever something about it changes.

mod backoff;
mod keep_databases;
mod keep_secrets;

use crate::api::v1alpha1::{AmazoffStore, AmazoffStoreStatus};
use crate::apply::{self, Applied, Failure, MANAGER, Memory, Target};
use crate::chain::chain;
use crate::desired::{Kind, desired};
use crate::observe::{Caches, ObserveError, observe};
use crate::report::{reject, tell, write_status};
use crate::secrets::Random;
use crate::status::Outcome;
use crate::telemetry::{self, Telemetry};
use crate::validate::{Defaults, secret_names, validate};
use futures::{Stream, StreamExt};
use jiff::Timestamp;
use keep_databases::Keepers;
use keep_secrets::{change_credentials, drop_credentials, make_secrets};
use kube::api::Api;
use kube::core::DeserializeGuard;
use kube::runtime::controller::{self, Action, Controller};
use kube::runtime::events::{Recorder, Reporter};
use kube::runtime::reflector::{self, Store};
use kube::runtime::{Predicate, PredicateConfig, WatchStreamExt, predicates, watcher};
use kube::{Client, Resource, ResourceExt};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tracing::{error, info, warn};

/// How long until a store is looked at again when nothing happens: Secrets are not watched.
const RESYNC: Duration = Duration::from_mins(5);
/// How long until something that is not there yet is looked for again.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// A store, or why it cannot be understood.
pub(crate) type Guarded = DeserializeGuard<AmazoffStore>;

/// What every reconcile needs.
pub struct Context {
    pub(crate) client: Client,
    pub(crate) defaults: Defaults,
    pub(crate) telemetry: Telemetry,
    pub(crate) recorder: Recorder,
    pub(crate) caches: Caches,
    pub(crate) memory: Memory,
    pub(crate) statuses: Mutex<HashMap<String, (Option<String>, AmazoffStoreStatus)>>,
    pub(crate) attempts: Mutex<HashMap<String, u32>>,
    pub(crate) keepers: Keepers,
    pub(crate) leads: Arc<AtomicBool>,
    pub(crate) synced: watch::Receiver<bool>,
    pub(crate) now: fn() -> Timestamp,
    pub(crate) random: Random,
}

/// What the operator is started with.
#[derive(Clone)]
pub struct Setup {
    /// The API server.
    pub client: Client,
    /// The namespace to look after, or all of them.
    pub namespace: Option<String>,
    /// What to use where a store says nothing.
    pub defaults: Defaults,
    /// What counts.
    pub telemetry: Telemetry,
    /// What this replica calls itself.
    pub identity: String,
    /// Whether to look after databases too, which has to be done from inside the cluster.
    pub keeps_databases: bool,
    /// The clock.
    pub now: fn() -> Timestamp,
    /// Where keys and passwords come from.
    pub random: Random,
}

/// A reconcile that has to be tried again.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// Something could not be read.
    #[error("the cluster could not be read")]
    Observe(#[from] ObserveError),
    /// A Secret could not be made or changed.
    #[error("a secret could not be written")]
    Secret(#[source] kube::Error),
    /// Something could not be applied; the first of it.
    #[error("not everything could be applied")]
    Apply(#[source] Failure),
    /// The status could not be written.
    #[error("the status could not be written")]
    Status(#[source] kube::Error),
}

/// Looks after the stores of one namespace, or of all, until `stop` resolves. Follows with warm caches while `leads` is false, and
/// looks at every store when it turns true.
pub async fn run(
    setup: Setup,
    leads: watch::Receiver<bool>,
    stop: impl Future<Output = ()> + Send + Sync + 'static,
) {
    let Setup {
        client,
        namespace,
        defaults,
        telemetry,
        identity,
        keeps_databases,
        now,
        random,
    } = setup;
    let stores: Api<Guarded> = match &namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
    let (reader, writer) = reflector::store();
    let changed = Predicate::<Guarded>::combine(predicates::generation, predicates::annotations);
    let main = watcher(stores, watcher::Config::default().page_size(100))
        .default_backoff()
        .modify(|store| store.meta_mut().managed_fields = None)
        .reflect(writer)
        .applied_objects()
        .predicate_filter(changed, PredicateConfig::default());

    let mut caches = Caches::default();
    let mut controller = Controller::for_stream(main, reader.clone());
    for kind in Kind::ALL {
        let objects = caches.watch(client.clone(), namespace.as_deref(), kind);
        controller = controller.owns_stream_with(objects, kind.resource());
    }
    let flag = Arc::new(AtomicBool::new(*leads.borrow()));
    let reporter = Reporter {
        controller: MANAGER.to_owned(),
        instance: Some(identity),
    };
    let synced = watch::Sender::new(false);
    let (keepers, news) = Keepers::new(client.clone(), keeps_databases, now);
    let context = Arc::new(Context {
        recorder: Recorder::new(client.clone(), reporter),
        client,
        defaults,
        telemetry: telemetry.clone(),
        caches,
        memory: Memory::default(),
        statuses: Mutex::default(),
        attempts: Mutex::default(),
        keepers,
        leads: Arc::clone(&flag),
        synced: synced.subscribe(),
        now,
        random,
    });
    telemetry.count_stores(count(reader));

    let leading = async_stream(move || {
        let flag = Arc::clone(&flag);
        let mut leads = leads.clone();
        async move {
            // The first change to true is the only one: losing the lease ends the process.
            let _ = leads.wait_for(|leads| *leads).await;
            flag.store(true, Ordering::Release);
        }
    });
    let caches = Arc::clone(&context);
    let ready = async move {
        if caches.caches.ready().await.is_ok() {
            synced.send_replace(true);
            caches.telemetry.set_synced();
        }
    };
    let reconciles = controller
        .with_config(
            controller::Config::default()
                .debounce(Duration::from_millis(50))
                .concurrency(4),
        )
        .reconcile_all_on(leading)
        .reconcile_on(news)
        .graceful_shutdown_on(stop)
        .run(reconcile, error_policy, Arc::clone(&context))
        .for_each(|result| {
            if let Err(controller::Error::ObjectNotFound(object)) = &result {
                context.forget(
                    object.namespace.as_deref().unwrap_or_default(),
                    &object.name,
                );
            } else if let Err(controller::Error::QueueError(error)) = &result {
                warn!(error = chain(error), "a watch failed; it is taken up again");
            }
            std::future::ready(())
        });
    tokio::join!(reconciles, ready);
}

fn async_stream<F: Future<Output = ()> + Send + 'static>(
    once: impl FnOnce() -> F + Send + 'static,
) -> impl Stream<Item = ()> + Send + 'static {
    futures::stream::once(once())
}

fn count(reader: Store<Guarded>) -> impl Fn() -> Vec<Arc<AmazoffStore>> + Send + 'static {
    move || {
        reader
            .state()
            .iter()
            .filter_map(|store| store.0.as_ref().ok().cloned().map(Arc::new))
            .collect()
    }
}

async fn reconcile(guard: Arc<Guarded>, context: Arc<Context>) -> Result<Action, ReconcileError> {
    if !context.leads.load(Ordering::Acquire) {
        return Ok(Action::await_change());
    }
    let mut synced = context.synced.clone();
    if synced.wait_for(|synced| *synced).await.is_err() {
        return Err(ObserveError::Closed.into());
    }
    let started = Instant::now();
    context.telemetry.started();
    let result = match &guard.0 {
        Ok(store) => reconcile_store(&guard, store, &context).await,
        Err(invalid) => {
            let message = format!("This cannot be understood: {}.", invalid.error);
            reject(&context, &guard, None, &message)
                .await
                .map(|()| Action::await_change())
        }
    };
    let outcome = match &result {
        Ok(action) if *action == Action::await_change() => telemetry::Outcome::Rejected,
        Ok(_) => telemetry::Outcome::Ok,
        Err(_) => telemetry::Outcome::Failed,
    };
    context
        .telemetry
        .finished(outcome, started.elapsed().as_secs_f64());
    if result.is_ok() {
        context
            .attempts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&slot(&guard));
    }
    result
}

/// The five steps.
async fn reconcile_store(
    guard: &Guarded,
    store: &AmazoffStore,
    context: &Context,
) -> Result<Action, ReconcileError> {
    let (namespace, name) = (store.namespace().unwrap_or_default(), store.name_any());
    if store.metadata.deletion_timestamp.is_some() {
        return Ok(Action::await_change());
    }
    let Context {
        client,
        caches,
        memory,
        telemetry,
        ..
    } = context;

    let names = secret_names(&name, &store.spec);
    let mut world = observe(client, caches, memory, &namespace, &name, names.clone()).await?;
    world.mariadb = context.keepers.standing(&namespace, &name);
    if !store.spec.paused
        && (make_secrets(store, context, &namespace, &world).await?
            || change_credentials(store, context, &namespace, &world).await?)
    {
        world = observe(client, caches, memory, &namespace, &name, names).await?;
        world.mariadb = context.keepers.standing(&namespace, &name);
    }
    let valid = match validate(store, &world, &context.defaults) {
        Ok(valid) => valid,
        Err(rejections) => {
            let message = rejections
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("; ");
            reject(
                context,
                guard,
                store.status.as_ref(),
                &format!("{message}."),
            )
            .await?;
            return Ok(Action::await_change());
        }
    };
    let mut applied = if store.spec.paused {
        Applied::nothing(&world)
    } else {
        let uid = store.uid().unwrap_or_default();
        let target = Target {
            client,
            memory,
            telemetry,
            namespace: &namespace,
            store: &name,
            uid: &uid,
        };
        let desired = desired(&valid);
        let applied = apply::apply(&target, &desired, &world).await;
        drop_credentials(store, context, &valid, &desired, &applied).await?;
        applied
    };
    context.keepers.want(store, &valid);
    tell(&context.recorder, store, &applied).await;
    let outcome = if store.spec.paused {
        Outcome::Paused(&valid, &applied)
    } else {
        Outcome::Reconciled(&valid, &applied)
    };
    write_status(context, guard, store.status.as_ref(), &outcome).await?;

    if !applied.failures.is_empty() {
        return Err(ReconcileError::Apply(applied.failures.swap_remove(0)));
    }
    let waits = !valid.missing.is_empty() || !applied.unknown.is_empty();
    Ok(Action::requeue(if waits {
        LOOK_AGAIN
    } else {
        backoff::spread(RESYNC, &store.uid().unwrap_or_default())
    }))
}

#[expect(clippy::needless_pass_by_value, reason = "the controller passes it so")]
fn error_policy(store: Arc<Guarded>, failure: &ReconcileError, context: Arc<Context>) -> Action {
    let attempt = {
        let mut attempts = context
            .attempts
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let attempt = attempts.entry(slot(&store)).or_default();
        *attempt = attempt.saturating_add(1);
        *attempt
    };
    let pause = backoff::pause(attempt);
    error!(
        store.namespace = store.namespace(),
        store.name = store.name_any(),
        attempt,
        again_s = pause.as_secs(),
        error = chain(failure),
        "reconcile failed"
    );
    Action::requeue(pause)
}

impl Context {
    fn forget(&self, namespace: &str, name: &str) {
        info!(
            store.namespace = namespace,
            store.name = name,
            "gone; the garbage collector takes what it owned"
        );
        self.memory.forget(namespace, name);
        self.keepers.forget(namespace, name);
        let slot = format!("{namespace}/{name}");
        self.statuses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&slot);
        self.attempts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&slot);
    }
}

/// What is remembered of a store is kept under this.
pub(crate) fn slot(store: &Guarded) -> String {
    format!(
        "{}/{}",
        store.namespace().unwrap_or_default(),
        store.name_any()
    )
}
