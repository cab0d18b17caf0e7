//! Names, labels and ownership: the one place that decides them.

use crate::validate::ValidStore;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta, OwnerReference};
use kube::Resource;
use std::collections::BTreeMap;

/// The value of `app.kubernetes.io/managed-by` on everything the operator makes; its watches select by it.
pub const MANAGED_BY: &str = "amazoff-operator";
/// A change of this annotation replaces the pods.
pub(super) const CONFIG_HASH: &str = "amazoff.io/config-hash";
/// Where it is in a Deployment.
pub const CONFIG_HASH_POINTER: &str = "/spec/template/metadata/annotations/amazoff.io~1config-hash";
/// The label that holds the store's name.
pub const INSTANCE: &str = "app.kubernetes.io/instance";

/// A part of a shop: a service, or something that services use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Component<'a> {
    /// Its name, which is the part after the store's in the names of its objects.
    pub name: &'a str,
    /// Its version, where the shop decides it.
    pub version: Option<&'a str>,
}

/// `shop-catalog`.
pub fn name(store: &ValidStore, component: &str) -> String {
    format!("{}-{component}", store.name)
}

/// The same of a store that has only a name.
pub fn name_of(store: &str, component: &str) -> String {
    format!("{store}-{component}")
}

/// The Secret that holds the keys tokens are signed and verified with.
pub fn identity_secret(store: &str) -> String {
    format!("{store}-identity")
}

/// The Secret that holds what a service signs and seals with.
pub fn keys_secret(store: &str, service: &str) -> String {
    format!("{store}-{service}-keys")
}

/// The Secret that holds the accounts of the `MariaDB` beside the shop.
pub fn mariadb_secret(store: &str) -> String {
    format!("{store}-mariadb")
}

/// The Secret with which the members of the `MariaDB` know each other and the operator.
pub fn members_secret(store: &str) -> String {
    format!("{store}-mariadb-members")
}

/// The Secret that holds the password of the Redis beside the shop.
pub fn redis_secret(store: &str) -> String {
    format!("{store}-redis")
}

/// What never changes of a component's labels, so that selectors may use it.
pub(super) fn selector_labels(store: &ValidStore, component: &str) -> BTreeMap<String, String> {
    BTreeMap::from([
        ("app.kubernetes.io/name".to_owned(), component.to_owned()),
        (INSTANCE.to_owned(), store.name.clone()),
        ("app.kubernetes.io/part-of".to_owned(), "amazoff".to_owned()),
    ])
}

/// What all pods of a store have in common.
pub(super) fn store_selector(store: &ValidStore) -> LabelSelector {
    LabelSelector {
        match_labels: Some(BTreeMap::from([
            (INSTANCE.to_owned(), store.name.clone()),
            ("app.kubernetes.io/part-of".to_owned(), "amazoff".to_owned()),
        ])),
        ..LabelSelector::default()
    }
}

/// Selects the pods of a component.
pub(super) fn selector(store: &ValidStore, component: &str) -> LabelSelector {
    LabelSelector {
        match_labels: Some(selector_labels(store, component)),
        ..LabelSelector::default()
    }
}

/// All labels of a component's objects.
pub(super) fn labels(store: &ValidStore, component: Component<'_>) -> BTreeMap<String, String> {
    let mut labels = selector_labels(store, component.name);
    labels.insert(
        "app.kubernetes.io/component".to_owned(),
        component.name.to_owned(),
    );
    labels.insert(
        "app.kubernetes.io/managed-by".to_owned(),
        MANAGED_BY.to_owned(),
    );
    if let Some(version) = component.version {
        labels.insert("app.kubernetes.io/version".to_owned(), version.to_owned());
    }
    labels
}

/// Metadata of an object that belongs to a component and is called as it is.
pub(super) fn object_meta(store: &ValidStore, component: Component<'_>) -> ObjectMeta {
    named(store, component, name(store, component.name))
}

/// Metadata of an object that belongs to the store as a whole.
pub(super) fn store_meta(store: &ValidStore) -> ObjectMeta {
    named(
        store,
        Component {
            name: "store",
            version: None,
        },
        store.name.clone(),
    )
}

fn named(store: &ValidStore, component: Component<'_>, name: String) -> ObjectMeta {
    ObjectMeta {
        name: Some(name),
        namespace: Some(store.namespace.clone()),
        labels: Some(labels(store, component)),
        owner_references: Some(vec![owner(&store.name, &store.uid)]),
        ..ObjectMeta::default()
    }
}

/// Has the garbage collector take an object away with its store.
pub fn owner(store: &str, uid: &str) -> OwnerReference {
    OwnerReference {
        api_version: crate::api::v1alpha1::AmazoffStore::api_version(&()).into_owned(),
        kind: crate::api::v1alpha1::AmazoffStore::kind(&()).into_owned(),
        name: store.to_owned(),
        uid: uid.to_owned(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }
}
