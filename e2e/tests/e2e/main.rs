//! What holds for a shop on a live cluster. `make e2e` runs it against the demo; all but `failures` against any shop.

mod account;
mod buying;
mod failures;
mod forgery;
mod journeys;
mod pages;
mod purchase;
mod second_factor;
