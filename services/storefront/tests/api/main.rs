//! The storefront through its router, over a catalog that answers what the contract says and fails when it is told to; and as a program.

mod html;
mod world;

mod assets;
mod contract;
mod failures;
mod listings;
mod pages;
mod process;
mod sitemaps;
