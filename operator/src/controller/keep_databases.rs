//! For each store that has databases of its own, somebody who looks after them.

use super::Guarded;
use crate::api::v1alpha1::AmazoffStore;
use crate::databases::mariadb::keep::{Standing, Wanted, keep};
use crate::databases::mariadb::record::Member;
use crate::validate::{Mariadb, ValidStore};
use futures::{Stream, stream};
use jiff::Timestamp;
use kube::runtime::reflector::ObjectRef;
use kube::{Client, ResourceExt};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// Names the member that is to become primary.
pub(super) const SWITCH_TO: &str = "amazoff.io/switch-to";
/// Names the member that is to become primary although the last transactions may be lost.
pub(super) const PROMOTE: &str = "amazoff.io/promote";

/// Those who look after databases.
pub(crate) struct Keepers {
    client: Client,
    enabled: bool,
    now: fn() -> Timestamp,
    running: Mutex<HashMap<(String, String), Keeper>>,
    news: mpsc::UnboundedSender<ObjectRef<Guarded>>,
}

struct Keeper {
    wanted: watch::Sender<Wanted>,
    standing: watch::Receiver<Option<Standing>>,
    tasks: [JoinHandle<()>; 2],
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Keepers {
    /// Nobody yet; and which stores there are news of.
    pub(super) fn new(
        client: Client,
        enabled: bool,
        now: fn() -> Timestamp,
    ) -> (Self, impl Stream<Item = ObjectRef<Guarded>> + Send) {
        let (news, heard) = mpsc::unbounded_channel();
        let keepers = Self {
            client,
            enabled,
            now,
            running: Mutex::default(),
            news,
        };
        let heard = stream::unfold(heard, |mut heard| async {
            heard.recv().await.map(|store| (store, heard))
        });
        (keepers, heard)
    }

    /// How the `MariaDB` of a store stands, once somebody has looked.
    pub(super) fn standing(&self, namespace: &str, store: &str) -> Option<Standing> {
        let running = self.running();
        let keeper = running.get(&(namespace.to_owned(), store.to_owned()))?;
        keeper.standing.borrow().clone()
    }

    /// Has somebody look after what the store wants, and nobody after what it no longer wants.
    pub(super) fn want(&self, store: &AmazoffStore, valid: &ValidStore) {
        let slot = (valid.namespace.clone(), valid.name.clone());
        let Mariadb::InCluster(mariadb) = &valid.mariadb else {
            self.running().remove(&slot);
            return;
        };
        // Whoever pauses a store wants to do by hand what is done here.
        if store.spec.paused || !self.enabled {
            self.running().remove(&slot);
            return;
        }
        let named = |annotation: &str| -> Option<Member> {
            store.annotations().get(annotation)?.trim().parse().ok()
        };
        let wanted = Wanted {
            namespace: valid.namespace.clone(),
            store: valid.name.clone(),
            members: mariadb.replicas.unsigned_abs(),
            switch_to: named(SWITCH_TO),
            force: named(PROMOTE),
        };
        let mut running = self.running();
        match running.get(&slot) {
            Some(keeper) => {
                keeper.wanted.send_if_modified(|before| {
                    let is_news = *before != wanted;
                    *before = wanted;
                    is_news
                });
            }
            None => {
                running.insert(slot, self.start(wanted));
            }
        }
    }

    pub(super) fn forget(&self, namespace: &str, store: &str) {
        self.running()
            .remove(&(namespace.to_owned(), store.to_owned()));
    }

    fn start(&self, wanted: Wanted) -> Keeper {
        let name = ObjectRef::new(&wanted.store).within(&wanted.namespace);
        let (wanted, asked) = watch::channel(wanted);
        let (told, standing) = watch::channel(None);
        let keeping = tokio::spawn(keep(self.client.clone(), asked, told, self.now));
        let (news, mut heard) = (self.news.clone(), standing.clone());
        let telling = tokio::spawn(async move {
            // Whoever reconciles asks how it stands; here it is only said that there is something new.
            while heard.changed().await.is_ok() && news.send(name.clone()).is_ok() {}
        });
        Keeper {
            wanted,
            standing,
            tasks: [keeping, telling],
        }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<(String, String), Keeper>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
