//! What is kept in databases, on real ones.

mod idempotency;
mod inbox;
mod mariadb;
mod outbox;
mod seal;
