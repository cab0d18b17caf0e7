//! What the services call and share. Nothing here names a shop's domain, and nothing here calls a service back except [`serve`].
//!
//! Reading order: [`config`], [`telemetry`], [`health`] and [`serve`] make a process; [`problem`], [`extract`], [`page`] and
//! [`etag`] make an API; [`auth`] and [`client`] connect it to others; [`clock`] and [`money`] are the values all of them share.
//!
//! With the feature `mariadb`: [`mariadb`] is the database, [`outbox`] and [`inbox`] carry what happened from service to service, [`idempotency`]
//! makes a repeated request have its effect once, [`seal`] keeps personal data unreadable, [`audit`] remembers who did what. With the
//! feature `mongodb`: [`mongodb`](mod@mongodb) is the database, with [`inbox`] and [`seal`] over it. A service without either compiles no driver.

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
#[cfg(feature = "mongodb")]
pub mod mongodb;

#[cfg(feature = "mariadb")]
pub mod audit;
#[cfg(feature = "mariadb")]
pub mod idempotency;
pub mod inbox;
#[cfg(feature = "mariadb")]
pub mod outbox;
#[cfg(any(feature = "mariadb", feature = "mongodb"))]
pub mod seal;

#[cfg(feature = "testing")]
pub mod testing;

pub use config::Config;
pub use failure::Failure;
pub use health::Health;
pub use problem::Problem;
pub use serve::{ServeError, serve, serve_handler};
