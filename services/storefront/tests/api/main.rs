//! The storefront through its router, over a catalog that answers what the contract says and fails when it is told to; and as a program.

mod browser;
mod html;
mod neighbors;
mod trade;
mod world;

mod accounts;
mod assets;
mod contract;
mod factors;
mod failures;
mod journeys;
mod listings;
mod own_pages;
mod pages;
mod process;
mod refusals;
mod sitemaps;
