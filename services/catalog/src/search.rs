//! The read model: everything that listings, facets and search need, in memory, without asking the database.
//!
//! [`shelf`] holds what is shown and filtered by, [`text_index`] (tantivy) finds products by words. A [`Snapshot`] is one consistent
//! pair of both; readers take the current one and never wait for the writer.

pub mod words;

pub mod shelf;
pub mod text_index;

pub mod question;
pub mod select;
pub mod suggest;

mod index;
mod slots;

pub use index::{Change, SearchIndex, Snapshot};
