//! What the services call and share. Nothing here names a shop's domain, and nothing here calls a service back except [`serve`].
//!
//! Reading order: [`config`], [`telemetry`], [`health`] and [`serve`] make a process; [`problem`], [`extract`], [`page`] and
//! [`etag`] make an API; [`auth`] and [`client`] connect it to others; [`clock`] and [`money`] are the values all of them share.

pub mod config;
mod failure;
pub mod telemetry;

pub mod health;
pub mod metrics;
pub mod serve;

pub mod etag;
pub mod extract;
pub mod page;
pub mod problem;

pub mod auth;
pub mod breaker;
pub mod client;
pub mod context;

pub mod clock;
pub mod money;

#[cfg(feature = "mariadb")]
pub mod mariadb;

#[cfg(feature = "testing")]
pub mod testing;

pub use config::Config;
pub use failure::Failure;
pub use health::Health;
pub use problem::Problem;
pub use serve::{ServeError, serve, serve_handler};
