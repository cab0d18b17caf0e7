//! The resources this operator serves, one module a version.

pub mod v1alpha1;
