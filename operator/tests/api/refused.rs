//! Each wrong value, and the sentence that it is refused with: `tests/rejected/<case>.yaml`, whose first line says by whom (a
//! rule of the resource, its schema, or the operator) and with which words.

use crate::cluster::{Cluster, MINIMAL, defaults};
use amazoff_operator::render::render;
use kube::api::{Patch, PatchParams, PostParams, ValidationDirective};
use serde_json::{Value, json};
use std::path::Path;

struct Case {
    name: String,
    by: String,
    sentence: String,
    store: String,
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rejected");
    let mut cases = Vec::new();
    for file in std::fs::read_dir(folder).expect("there are cases") {
        let path = file.expect("the case can be read").path();
        let store = std::fs::read_to_string(&path).expect("the case can be read");
        let first = store
            .lines()
            .next()
            .and_then(|line| line.strip_prefix("# "))
            .expect("a first line");
        let (by, sentence) = first.split_once(": ").expect("who: what");
        cases.push(Case {
            name: path
                .file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned(),
            by: by.to_owned(),
            sentence: sentence.to_owned(),
            store: store.clone(),
        });
    }
    assert!(cases.len() > 20, "only {} cases", cases.len());
    cases
}

#[test]
fn render_refuses_wrong_values_with_the_same_sentences() {
    for case in cases().iter().filter(|case| case.by != "schema") {
        let error = render(&case.store, &defaults())
            .expect_err(&case.name)
            .to_string();
        assert!(error.contains(&case.sentence), "{}: {error}", case.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_server_refuses_wrong_values_with_a_sentence() {
    let cluster = Cluster::new("refused").await;
    let api = cluster.untyped_stores();
    for case in cases() {
        let store: Value = serde_yaml_ng::from_str(&case.store).expect("the case is YAML");
        let name = store["metadata"]["name"]
            .as_str()
            .expect("the case has a name")
            .to_owned();
        let params = PatchParams::apply("somebody")
            .dry_run()
            .validation(ValidationDirective::Strict);
        let result = api.patch(&name, &params, &Patch::Apply(&store)).await;
        match (case.by.as_str(), result) {
            ("operator", result) => {
                result.expect(&case.name);
            }
            (_, Ok(_)) => panic!("{} is accepted", case.name),
            (_, Err(error)) => {
                let error = error.to_string();
                assert!(error.contains(&case.sentence), "{}: {error}", case.name);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_prefix_cannot_change() {
    let cluster = Cluster::new("prefix").await;
    cluster.apply(MINIMAL).await.expect("the store is sound");
    let change = json!({"spec": {"mongodb": {"external": {"databasePrefix": "other_"}}}});
    let error = cluster
        .stores()
        .patch("corner", &PatchParams::default(), &Patch::Merge(&change))
        .await
        .expect_err("the prefix is part of where the data is");
    assert!(
        error.to_string().contains("databasePrefix cannot change"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_is_born_unready() {
    let cluster = Cluster::new("born").await;
    let store = serde_yaml_ng::from_str(MINIMAL).expect("the store is YAML");
    let store = cluster
        .stores()
        .create(&PostParams::default(), &store)
        .await
        .expect("the store is sound");
    let condition = &store
        .status
        .expect("the definition has a default")
        .conditions[0];
    assert_eq!(
        (condition.type_.as_str(), condition.status.as_str()),
        ("Ready", "Unknown")
    );
    assert_eq!(condition.message, "Waiting for controller");
}
