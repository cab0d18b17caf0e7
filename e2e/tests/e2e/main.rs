//! What holds for a shop on a live cluster. `make e2e` runs it against the demo.

mod failures;
mod journeys;
mod pages;
