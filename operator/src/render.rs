//! `amazoff-operator render`: what would be applied, without a cluster.

use crate::api::v1alpha1::AmazoffStore;
use crate::desired::{Object, desired};
use crate::validate::{Defaults, Rejection, validate};
use crate::world::World;
use std::fmt::Write;

/// Why there is nothing to print.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The file is not a store.
    #[error("this is not an AmazoffStore")]
    Parse(#[source] serde_yaml_ng::Error),
    /// The API server would refuse it.
    #[error("the API server would refuse this store: {0}")]
    Refused(String),
    /// The operator would refuse it.
    #[error("the operator would refuse this store: {}", list(.0))]
    Rejected(Vec<Rejection>),
    /// An object cannot be printed.
    #[error("an object cannot be printed")]
    Print(#[source] serde_yaml_ng::Error),
}

fn list(rejections: &[Rejection]) -> String {
    rejections
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}

/// The objects that `store` consists of, as one YAML stream in the order in which they are applied.
pub fn render(store: &str, defaults: &Defaults) -> Result<String, RenderError> {
    let objects = objects(store, defaults)?;
    let mut out = String::new();
    for object in &objects {
        let yaml = serde_yaml_ng::to_string(&object.value).map_err(RenderError::Print)?;
        // Writing to a String cannot fail.
        let _ = write!(out, "---\n{yaml}");
    }
    Ok(out)
}

fn objects(store: &str, defaults: &Defaults) -> Result<Vec<Object>, RenderError> {
    let mut store: AmazoffStore = serde_yaml_ng::from_str(store).map_err(RenderError::Parse)?;
    store
        .metadata
        .namespace
        .get_or_insert_with(|| "default".to_owned());
    // The API server gives it; nothing but ownership depends on it.
    store
        .metadata
        .uid
        .get_or_insert_with(|| "00000000-0000-0000-0000-000000000000".to_owned());
    store
        .validate_cel()
        .map_err(|error| RenderError::Refused(error.to_string()))?;
    let valid = validate(&store, &World::default(), defaults).map_err(RenderError::Rejected)?;
    Ok(desired(&valid))
}
