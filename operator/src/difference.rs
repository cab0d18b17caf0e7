//! Whether an object in the cluster is as it should be. Pure.
//!
//! Fields that others set are none of our business: they are what the API server defaults, what autoscalers and meshes add.
//! So what is wanted has to be *within* what is there. A list whose elements have a key, as server-side apply sees it, may
//! hold foreign elements too; any other list belongs to whoever sets it, and has to be equal.

use crate::quantity;
use serde_json::{Map, Value};

/// The path of the first field of `desired` that `live` does not have.
pub fn difference(desired: &Value, live: &Value) -> Option<String> {
    let mut path = Vec::new();
    within(desired, live, &mut path)
        .then_some(())
        .map_or_else(|| Some(path.join(".")), |()| None)
}

/// Leaves in `path` where the first difference is.
fn within(desired: &Value, live: &Value, path: &mut Vec<String>) -> bool {
    match (desired, live) {
        (Value::Object(desired), Value::Object(live)) => desired.iter().all(|(key, wanted)| {
            path.push(key.clone());
            let same = match live.get(key) {
                Some(found) => within(wanted, found, path),
                // The API server does not keep an empty string apart from none.
                None => wanted.is_null() || wanted.as_str() == Some(""),
            };
            if same {
                path.pop();
            }
            same
        }),
        (Value::Array(desired), Value::Array(live)) => match path
            .last()
            .and_then(|field| keys(field))
        {
            Some(keys) if desired.iter().all(Value::is_object) => desired.iter().all(|wanted| {
                let name = keys
                    .iter()
                    .filter_map(|key| wanted.get(*key))
                    .map(short)
                    .collect::<Vec<_>>()
                    .join("/");
                path.push(name);
                let same = live
                    .iter()
                    .find(|found| keys.iter().all(|key| found.get(*key) == wanted.get(*key)))
                    .is_some_and(|found| within(wanted, found, path));
                if same {
                    path.pop();
                }
                same
            }),
            _ => desired == live,
        },
        (Value::String(a), Value::String(b)) if a != b => {
            let under = path.iter().rev().nth(1).map(String::as_str);
            let quantity = matches!(under, Some("requests" | "limits"))
                || path.last().is_some_and(|f| f == "sizeLimit");
            quantity && quantity::nanos(a).is_some_and(|a| quantity::nanos(b) == Some(a))
        }
        (a, b) => a == b,
    }
}

/// What server-side apply tells the elements of a list apart by.
fn keys(field: &str) -> Option<&'static [&'static str]> {
    Some(match field {
        "containers" | "env" | "imagePullSecrets" | "initContainers" | "ports" | "volumes" => {
            &["name"]
        }
        "volumeMounts" => &["mountPath"],
        "topologySpreadConstraints" => &["topologyKey", "whenUnsatisfiable"],
        "ownerReferences" => &["uid"],
        _ => return None,
    })
}

fn short(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// An object without what changes by itself: enough to see whether someone touched it.
pub fn essence(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
        if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
            forget(metadata);
        }
    }
    object
}

fn forget(metadata: &mut Map<String, Value>) {
    for field in ["managedFields", "resourceVersion", "generation"] {
        metadata.remove(field);
    }
}

#[cfg(test)]
mod tests {
    use super::difference;
    use serde_json::json;

    #[test]
    fn what_others_add_is_no_difference() {
        let desired = json!({"spec": {"containers": [{"name": "a", "image": "x"}]}});
        let live = json!({"spec": {"containers": [{"name": "mesh"}, {"name": "a", "image": "x", "stdin": false}], "x": 1}});
        assert_eq!(difference(&desired, &live), None);
    }

    #[test]
    fn names_the_field_that_differs() {
        let desired = json!({"spec": {"containers": [{"name": "a", "image": "x"}]}});
        let live = json!({"spec": {"containers": [{"name": "a", "image": "y"}]}});
        assert_eq!(
            difference(&desired, &live).as_deref(),
            Some("spec.containers.a.image")
        );
        assert_eq!(
            difference(&desired, &json!({"spec": {}})).as_deref(),
            Some("spec.containers")
        );
    }

    #[test]
    fn a_list_without_keys_has_to_be_equal() {
        let desired = json!({"spec": {"ingress": [{"from": [{"podSelector": {}}]}]}});
        let wider = json!({"spec": {"ingress": [{"from": [{"podSelector": {}}, {"namespaceSelector": {}}]}]}});
        assert_eq!(
            difference(&desired, &wider).as_deref(),
            Some("spec.ingress")
        );
    }

    #[test]
    fn network_policy_ports_have_no_names_but_have_to_be_equal() {
        let desired = json!({"egress": [{"ports": [{"port": 53, "protocol": "UDP"}]}]});
        let live = json!({"egress": [{"ports": [{"port": 54, "protocol": "UDP"}]}]});
        assert!(difference(&desired, &live).is_some());
    }

    #[test]
    fn quantities_are_compared_by_value() {
        let desired = json!({"resources": {"requests": {"cpu": "0.5", "memory": "1024Mi"}}});
        let live = json!({"resources": {"requests": {"cpu": "500m", "memory": "1Gi"}}});
        assert_eq!(difference(&desired, &live), None);
    }

    #[test]
    fn an_empty_string_is_as_good_as_none() {
        assert_eq!(
            difference(
                &json!({"env": [{"name": "A", "value": ""}]}),
                &json!({"env": [{"name": "A"}]})
            ),
            None
        );
    }
}
