//! REST: a request's path and query to its key and tags.
//!
//! In scope: for which URL the origin is asked, what tells two REST reads apart, how their entries
//! are tagged, and what a REST write purges. Not in scope: freshness (`policy`) and who is asking
//! (`engine`).

mod read;
mod tags;

pub use read::{RestRead, add_headers};
pub use tags::{
    entry_body_tags, entry_path_tags, needs_body, path_tags, write_body_tags, write_path_tags,
};
