//! The invariants of `docs/architecture.md` that no compiler checks, each a test that says what to do about it.
//!
//! `cargo nextest run -p amazoff-tidy` runs them; they read the files that git tracks and nothing else.

#![cfg(test)]

mod hygiene;
mod rooms;
mod tree;
