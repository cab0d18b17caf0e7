//! The gateway between real sockets: real clients before it, real upstreams and a real Redis behind it.

mod world;

mod bodies;
mod caching;
mod failures;
mod identity;
mod limits;
mod process;
mod routing;
mod smuggling;
mod sockets;
