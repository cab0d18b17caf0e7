//! What is kept in databases, on real ones.

mod mariadb;
