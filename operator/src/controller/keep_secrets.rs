//! The Secrets that the operator makes for a store, and the change from one generation of passwords to the next.

use super::{Context, ReconcileError};
use crate::api::v1alpha1::AmazoffStore;
use crate::apply::{self, Applied};
use crate::credentials::{self, Step};
use crate::desired::Object;
use crate::desired::meta::mariadb_secret;
use crate::report::publish;
use crate::secrets;
use crate::validate::{Mariadb, ValidStore};
use crate::world::World;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use kube::api::Api;
use kube::runtime::events::EventType;

/// Makes the Secrets that are missing, and says whether any were.
pub(super) async fn make_secrets(
    store: &AmazoffStore,
    context: &Context,
    namespace: &str,
    world: &World,
) -> Result<bool, ReconcileError> {
    let (uid, generation) = (store.uid().unwrap_or_default(), generation(store));
    let name = store.name_any();
    let missing = secrets::missing(
        &name,
        namespace,
        &uid,
        world,
        generation,
        (context.now)(),
        context.random,
    );
    let mut made = Vec::new();
    for secret in &missing {
        if apply::create_secret(&context.client, namespace, secret)
            .await
            .map_err(ReconcileError::Secret)?
        {
            made.push(format!("Secret {}", secret.name_any()));
        }
    }
    if !made.is_empty() {
        let note = format!(
            "Created {}; what they hold is not made again while they exist.",
            made.join(", ")
        );
        tell(context, store, "SecretCreated", note).await;
    }
    Ok(!missing.is_empty())
}

/// Has a new generation of passwords join when the store wants one, and says whether it did.
pub(super) async fn change_credentials(
    store: &AmazoffStore,
    context: &Context,
    namespace: &str,
    world: &World,
) -> Result<bool, ReconcileError> {
    let secret = mariadb_secret(&store.name_any());
    let Some(Some(facts)) = world.secrets.get(&secret) else {
        return Ok(false);
    };
    let joins =
        store.spec.mariadb.external.is_none() && credentials::joins(generation(store), facts);
    if joins {
        change(store, context, namespace, Step::Join).await?;
        let note = "Made new users and passwords at MariaDB. Pods are replaced one by one; the old ones hold until then.";
        tell(context, store, "CredentialsChanging", note.to_owned()).await;
    }
    Ok(joins)
}

/// Has the generations before leave once nobody uses them.
pub(super) async fn drop_credentials(
    store: &AmazoffStore,
    context: &Context,
    valid: &ValidStore,
    desired: &[Object],
    applied: &Applied,
) -> Result<(), ReconcileError> {
    let Mariadb::InCluster(mariadb) = &valid.mariadb else {
        return Ok(());
    };
    if mariadb.retiring.is_empty() || !credentials::nobody_is_left(&valid.name, desired, applied) {
        return Ok(());
    }
    change(store, context, &valid.namespace, Step::Leave).await?;
    let users = mariadb.retiring.join(", ");
    let note = format!("Every pod uses the new passwords at MariaDB: {users} are dropped.");
    tell(context, store, "CredentialsChanged", note).await;
    Ok(())
}

async fn change(
    store: &AmazoffStore,
    context: &Context,
    namespace: &str,
    step: Step,
) -> Result<(), ReconcileError> {
    let api: Api<Secret> = Api::namespaced(context.client.clone(), namespace);
    let name = store.name_any();
    let secret = api
        .get(&mariadb_secret(&name))
        .await
        .map_err(ReconcileError::Secret)?;
    let data = credentials::after(step, &name, generation(store), &secret, context.random);
    apply::change_secret(&api, &secret, &data)
        .await
        .map_err(ReconcileError::Secret)
}

fn generation(store: &AmazoffStore) -> i32 {
    let own = store.spec.mariadb.in_cluster.clone();
    own.unwrap_or_default().credentials
}

async fn tell(context: &Context, store: &AmazoffStore, reason: &str, note: String) {
    publish(&context.recorder, store, EventType::Normal, reason, note).await;
}
