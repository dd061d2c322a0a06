//! Tags: the names by which entries are purged.
//!
//! In scope: tags and sets of them, their 64-bit hashes, the tags in an origin's headers, the tags
//! of scopes, templates that a path and a body fill, what else a purged tag reaches, and the
//! fingerprint of the rules that make tags. Not in scope: which tags a response has (`graphql`,
//! `rest`).

mod cache_tag;
mod json_path;
mod reach;
mod set;
mod tagging;
mod template;

pub use cache_tag::{BY_SCHEMA, Tag, UNTYPED, hash_of};
pub use reach::{Aliases, graphql_type_of, is_prefix, reach};
pub use set::{TagSet, gather_tags, origin_tags};
pub use tagging::{TAGGING_VERSION, Tagging};
pub use template::{FilledTags, TagTemplate};
