//! The operator from outside: what it renders, what is refused, and what it does on a real API server.

mod agent;
mod cluster;
mod generated;
mod golden;
mod leading;
mod ownership;
mod reconciling;
mod refused;
mod rolling;
mod scaling;
mod set;
mod telling;
