//! Tags: the names by which entries are purged.
//!
//! In scope: validated tags, sets of them, their 64-bit hashes, the tags an origin sends, those of
//! scopes, templates that a path and a body fill, what else a purged tag reaches, and the fingerprint of
//! the rules by which tags are made. Not in scope: which tags an answer has (`graphql`, `rest`).

mod cache_tag;
mod json_path;
mod reach;
mod set;
mod tagging;
mod template;

pub use cache_tag::{BY_SCHEMA, Tag, UNTYPED, hash_of};
pub use reach::{Aliases, graphql_type_of, reach};
pub use set::{TagSet, gather_tags, origin_tags};
pub use tagging::{TAGGING_VERSION, Tagging};
pub use template::{FilledTags, TagTemplate};
