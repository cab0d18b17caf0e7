//! Whole stores and all objects made of them, as folders: `tests/render/<case>/{store,expected}.yaml`.

use crate::cluster::defaults;
use amazoff_operator::desired::needs::SERVICES;
use amazoff_operator::render::render;
use serde::Deserialize;
use serde_json::Value;
use std::path::Path;

#[test]
fn generated_renders_are_as_committed() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/render");
    let mut different = Vec::new();
    for case in std::fs::read_dir(cases).expect("there are cases") {
        let case = case.expect("the case can be read").path();
        let store = std::fs::read_to_string(case.join("store.yaml")).expect("a case has a store");
        let found = render(&store, &defaults()).expect("the store is sound");
        let path = case.join("expected.yaml");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &found).expect("the file can be written");
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        if found != expected {
            different.push((case, first_difference(&expected, &found)));
        }
    }
    assert!(
        different.is_empty(),
        "run `make generate` and look at the difference: {different:#?}"
    );
}

/// The first line that differs.
fn first_difference(expected: &str, found: &str) -> String {
    let lines = expected.lines().zip(found.lines()).enumerate();
    let mut different = lines.filter(|(_, (old, new))| old != new);
    let first = different.next();
    first.map_or_else(
        || "one is longer".to_owned(),
        |(number, (old, new))| format!("line {}: {old:?} became {new:?}", number + 1),
    )
}

#[test]
fn the_same_store_renders_the_same() {
    let store = include_str!("../render/everything/store.yaml");
    let first = render(store, &defaults()).expect("the store is sound");
    assert_eq!(
        first,
        render(store, &defaults()).expect("the store is sound")
    );
}

#[test]
fn a_new_pod_is_asked_every_second_whether_it_is_ready_and_nothing_comes_before() {
    let rendered = render(include_str!("../render/minimal/store.yaml"), &defaults());
    let rendered = rendered.expect("the store is sound");
    let mut asked = 0;
    for document in serde_yaml_ng::Deserializer::from_str(&rendered) {
        let object = Value::deserialize(document).expect("what is rendered is YAML");
        let Some(container) = object.pointer("/spec/template/spec/containers/0") else {
            continue;
        };
        if object["kind"] == "Job" {
            continue;
        }
        if object["kind"] == "Deployment" {
            // The kubelet would take a second more to see that it has ended.
            assert_eq!(
                object["spec"]["template"]["spec"]["initContainers"],
                Value::Null
            );
        }
        assert_eq!(container["readinessProbe"]["periodSeconds"], 1);
        assert_eq!(
            container["readinessProbe"]["initialDelaySeconds"],
            Value::Null
        );
        assert_eq!(container["startupProbe"], Value::Null);
        // A slow start is no reason to end a process.
        assert_eq!(container["livenessProbe"]["initialDelaySeconds"], 30);
        asked += 1;
    }
    assert_eq!(asked, SERVICES.len() + 2, "and MariaDB and Redis");
}
