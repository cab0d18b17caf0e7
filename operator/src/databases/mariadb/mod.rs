//! The store's `MariaDB`: one primary, and replicas of which at least one holds everything that was acknowledged.

pub mod ask;
pub mod keep;
pub mod plan;
pub mod record;
pub mod seen;
