//! The page that shows a listing, for a category and for a search.

use crate::{
    assets, drawing,
    listing::{FACET_SHOWN, Listing},
    messages::Messages,
    shell::{Crumb, Link, Shell},
};
use askama::Template;

/// The page of a category or a search.
#[derive(Template)]
#[template(path = "listing.html", whitespace = "minimize")]
pub struct ListingPage {
    pub t: &'static Messages,
    pub shell: Shell,
    pub crumbs: Vec<Crumb>,
    pub heading: String,
    /// Categories to go down into.
    pub children: Vec<Link>,
    pub corrected: Option<Corrected>,
    pub listing: Listing,
    pub empty_title: String,
    /// What to search for instead, when nothing was found.
    pub suggestions: Vec<Link>,
}

/// The words that the catalog searched for instead.
pub struct Corrected {
    pub query: String,
    pub href: String,
    pub before: &'static str,
    pub after: String,
}
