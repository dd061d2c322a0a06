//! REST: derives keys and tags from a request's path and query.
//!
//! In scope: the URL that the origin is asked for, what tells two REST reads apart, how their
//! entries are tagged, and what a REST write purges. Not in scope: freshness (`policy`) and scopes
//! (`engine`).

mod read;
mod tags;

pub use read::{RestRead, add_headers};
pub use tags::{
    entry_body_tags, entry_path_tags, needs_body, path_tags, write_body_tags, write_path_tags,
};
