//! Waiting for what has to come, with a deadline each time.

use super::{Cluster, now};
use amazoff_operator::api::v1alpha1::AmazoffStoreStatus;
use amazoff_operator::desired::Kind;
use k8s_openapi::api::events::v1::Event;
use kube::ResourceExt;
use kube::api::{Api, DynamicObject, ListParams};
use serde_json::json;
use std::time::{Duration, Instant};

impl Cluster {
    pub(crate) async fn get(&self, kind: Kind, name: &str) -> Option<DynamicObject> {
        self.api(kind)
            .get_opt(name)
            .await
            .expect("the API server answers")
    }

    /// The object, once there is one that is as it should be.
    pub(crate) async fn until(
        &self,
        kind: Kind,
        name: &str,
        what: &str,
        is: impl Fn(&DynamicObject) -> bool,
    ) -> DynamicObject {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let found = self.get(kind, name).await;
            match found {
                Some(object) if is(&object) => return object,
                found => assert!(
                    Instant::now() < deadline,
                    "{kind} {name} never: {what}; it is {found:#?}"
                ),
            }
            pause().await;
        }
    }

    pub(crate) async fn until_exists(&self, kind: Kind, name: &str) -> DynamicObject {
        self.until(kind, name, "exists", |_| true).await
    }

    pub(crate) async fn until_gone(&self, kind: Kind, name: &str) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.get(kind, name).await.is_some() {
            assert!(Instant::now() < deadline, "{kind} {name} never went");
            pause().await;
        }
    }

    /// The Job that brings the tables of a service up to date.
    pub(crate) async fn only_migration(&self, service: &str) -> DynamicObject {
        let jobs = self.api(Kind::Job).list(&ListParams::default()).await;
        let jobs = jobs.expect("Jobs can be listed").items.into_iter();
        let mut of_it =
            jobs.filter(|job| job.name_any().starts_with(&format!("{service}-migrate-")));
        let found = of_it.next().expect("it has a migration");
        assert!(of_it.next().is_none(), "{service} has two migrations");
        // The items of a list don't say what they are.
        self.until_exists(Kind::Job, &found.name_any()).await
    }

    /// Everything that carries the operator's labels, as `Kind name`.
    pub(crate) async fn owned(&self) -> Vec<String> {
        let mine = ListParams::default().labels("app.kubernetes.io/managed-by=amazoff-operator");
        let mut names = Vec::new();
        for kind in Kind::ALL.into_iter().filter(|kind| !kind.is_optional()) {
            let objects = self
                .api(kind)
                .list(&mine)
                .await
                .expect("the API server answers");
            names.extend(
                objects
                    .iter()
                    .map(|object| format!("{kind} {}", object.name_any())),
            );
        }
        names
    }

    pub(crate) async fn status(&self, store: &str) -> Option<AmazoffStoreStatus> {
        let store = self.stores().get(store).await;
        store.expect("the store is there").status
    }

    /// A condition of a store as `(status, reason, message)`.
    pub(crate) async fn condition(
        &self,
        store: &str,
        type_: &str,
    ) -> Option<(String, String, String)> {
        let condition = self
            .status(store)
            .await?
            .conditions
            .into_iter()
            .find(|condition| condition.type_ == type_)?;
        Some((condition.status, condition.reason, condition.message))
    }

    pub(crate) async fn until_condition(
        &self,
        store: &str,
        type_: &str,
        status: &str,
        reason: &str,
    ) -> String {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let found = self.condition(store, type_).await;
            match &found {
                Some((is, why, message)) if is == status && why == reason => {
                    return message.clone();
                }
                _ => assert!(
                    Instant::now() < deadline,
                    "{type_} never {status}/{reason}; it is {found:?}"
                ),
            }
            pause().await;
        }
    }

    pub(crate) async fn until_event(&self, reason: &str, contains: &str) {
        let api: Api<Event> = Api::namespaced(self.client.clone(), &self.namespace);
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let events = api
                .list(&ListParams::default())
                .await
                .expect("the API server answers");
            let told = |event: &Event| {
                event.reason.as_deref() == Some(reason)
                    && event
                        .note
                        .as_deref()
                        .is_some_and(|note| note.contains(contains))
            };
            if events.iter().any(told) {
                return;
            }
            let all: Vec<_> = events
                .iter()
                .map(|event| (event.reason.clone(), event.note.clone()))
                .collect();
            assert!(
                Instant::now() < deadline,
                "no event {reason} with {contains:?} in {all:?}"
            );
            pause().await;
        }
    }

    /// Has the operator look at a store, and returns once it has.
    pub(crate) async fn look_again(&self, store: &str) {
        let before = self.telemetry.reconciles();
        let nudge = json!({"metadata": {"annotations": {"nudge": now().to_string()}}});
        self.change(store, nudge).await;
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.telemetry.reconciles() == before {
            assert!(
                Instant::now() < deadline,
                "the operator never looked at {store} again"
            );
            pause().await;
        }
        self.settle().await;
    }

    /// Returns once the operator has made the last object of a store, and has nothing left to do.
    pub(crate) async fn until_made(&self, store: &str) {
        let last = format!("{store}-storefront");
        self.until_exists(Kind::PodDisruptionBudget, &last).await;
        self.settle().await;
    }

    /// Returns once the operator has had nothing to do for a moment.
    pub(crate) async fn settle(&self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        let mut seen = (self.telemetry.reconciles(), Instant::now());
        while seen.1.elapsed() < Duration::from_millis(700) {
            assert!(
                Instant::now() < deadline,
                "the operator never comes to rest"
            );
            pause().await;
            let now = self.telemetry.reconciles();
            if now != seen.0 {
                seen = (now, Instant::now());
            }
        }
    }
}

/// Between two looks at a condition.
pub(crate) async fn pause() {
    // Every loop around it has a deadline.
    tokio::time::sleep(Duration::from_millis(50)).await;
}
