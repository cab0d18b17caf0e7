//! The databases that the operator runs: for each one what is seen, what was decided, and a pure plan from both.

pub mod mariadb;
