//! The operator that turns an `AmazoffStore` into a running shop and keeps it so.
//!
//! A reconcile is five steps, the middle ones pure: `observe` reads everything into a `World`; `validate` makes a
//! `ValidStore` of the resource; `desired` makes all objects of it; `apply` sends what differs and prunes what is no longer
//! wanted; `status` says how it went. `controller` strings them together.

pub mod api;
pub mod controller;

pub mod observe;
pub mod world;

pub mod quantity;
pub mod validate;

pub mod desired;

pub mod databases;

pub mod apply;
pub mod credentials;
pub mod difference;
pub mod secrets;

pub mod status;

mod report;

pub mod leader;
pub mod telemetry;

pub mod agent;

pub mod chain;
pub mod control;

pub mod cli;
pub mod render;
pub mod token;
