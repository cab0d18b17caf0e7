//! What is generated and committed is what the code says. `make generate` writes it again.

use amazoff_operator::api::v1alpha1::{crd, crd_yaml};
use amazoff_operator::desired::needs::SERVICES;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray,
};
use std::path::PathBuf;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn crd_is_up_to_date_where_it_is_generated() {
    let wanted = crd_yaml().expect("the definition can be printed");
    for path in [
        "crds/amazoff.io_amazoffstores.yaml",
        "charts/amazoff-operator/files/crd.yaml",
    ] {
        let path = root().join(path);
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &wanted).expect("the file can be written");
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            found == wanted,
            "{} is out of date: run `make generate`",
            path.display()
        );
    }
}

#[test]
fn crd_describes_every_field() {
    let crd = crd();
    let schema = crd.spec.versions[0]
        .schema
        .as_ref()
        .and_then(|schema| schema.open_api_v3_schema.as_ref());
    let properties = schema
        .and_then(|schema| schema.properties.as_ref())
        .expect("the schema has properties");
    let mut bare = Vec::new();
    for part in ["spec", "status"] {
        undescribed(part, &properties[part], &mut bare);
    }
    assert!(bare.is_empty(), "no description: {bare:#?}");
}

fn undescribed(path: &str, schema: &JSONSchemaProps, bare: &mut Vec<String>) {
    for (name, property) in schema.properties.iter().flatten() {
        let path = format!("{path}.{name}");
        if property
            .description
            .as_deref()
            .unwrap_or_default()
            .is_empty()
        {
            bare.push(path.clone());
        }
        undescribed(&path, property, bare);
        if let Some(JSONSchemaPropsOrArray::Schema(item)) = &property.items {
            undescribed(&format!("{path}[]"), item, bare);
        }
    }
}

/// A shop without an operator makes its keys with a script, and what each service may do stands in it.
#[test]
fn a_shop_without_an_operator_allows_each_service_the_same() {
    let script = std::fs::read_to_string(root().join("dev/keys")).expect("a script");
    for needs in &SERVICES {
        let may = needs.keys.may.unwrap_or_default();
        let may: Vec<_> = may.iter().map(|may| format!("{may:?}")).collect();
        let entry = format!("[{}]='{}'", needs.name, may.join(", "));
        assert!(script.contains(&entry), "dev/keys lacks {entry}");
    }
    let (_, table) = script.split_once("declare -A MAY=(").expect("a table");
    let (table, _) = table.split_once("\n)").expect("its end");
    assert_eq!(table.matches("]='").count(), SERVICES.len(), "{table}");
}
