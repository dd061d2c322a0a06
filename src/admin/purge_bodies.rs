//! The bodies of `POST purge`.
//!
//! Not in scope: reading the request's body (`purge.rs`), which says where it is wrong.

#[cfg(not(target_arch = "wasm32"))]
use super::purge::LISTS;
use serde::Serialize;
#[cfg(not(target_arch = "wasm32"))]
use serde_json::{Value, json};

/// What was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct PurgeRecorded {
    /// How many patterns the body named.
    pub patterns: usize,
    /// The record's sequence number in the purge log.
    pub seq: u64,
    /// How many tags the body named, those of types, operations, paths and keys included.
    pub tags: usize,
}

/// What is to be purged. All members together are one record.
#[cfg(not(target_arch = "wasm32"))]
#[derive(schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = names_something)]
#[allow(dead_code, reason = "it describes the body; `read_purge` reads it")]
pub struct PurgeBody {
    /// Tags: `Product`, `Product:42`, `list:Product`, `scope:user:alice`.
    #[serde(default)]
    #[schemars(length(max = 10_000), inner(length(min = 1)))]
    tags: Vec<String>,
    /// Names of cache types.
    #[serde(default)]
    #[schemars(length(max = 10_000), inner(length(min = 1)))]
    types: Vec<String>,
    /// Names of GraphQL operations.
    #[serde(default)]
    #[schemars(length(max = 10_000), inner(length(min = 1)))]
    operations: Vec<String>,
    /// Paths, without patterns.
    #[serde(default)]
    #[schemars(length(max = 10_000), inner(regex(pattern = r"^/[^*]*$")))]
    paths: Vec<String>,
    /// Keys, or the digests at their ends.
    #[serde(default)]
    #[schemars(length(max = 10_000), inner(regex(pattern = KEY)))]
    keys: Vec<String>,
    /// Patterns over keys: `gql/product/**`.
    #[serde(default)]
    #[schemars(length(max = 10_000), inner(length(min = 1, max = 512)))]
    patterns: Vec<String>,
    /// Everything of the service.
    #[serde(default)]
    all: bool,
    /// Entries become stale instead of being gone.
    #[serde(default)]
    soft: bool,
    /// Nothing is purged: the response says what would be.
    #[serde(default)]
    preview: bool,
}

/// The forms of a key. Which service it is of, a schema cannot say.
#[cfg(not(target_arch = "wasm32"))]
const KEY: &str = r"^([^/]+/[0-9]+/(gql|rest)/([^/]*/){3})?[0-9a-f]{64}(\.[0-9a-f]{16}|~part)?$";

/// Of the lists one is not empty, or `all` is true.
#[cfg(not(target_arch = "wasm32"))]
fn names_something(schema: &mut schemars::Schema) {
    let with =
        |name: &str, rule: Value| json!({ "required": [name], "properties": { name: rule } });
    let lists = LISTS.into_iter().map(|list| with(list, json!({ "minItems": 1 })));
    let named: Vec<Value> = lists.chain([with("all", json!({ "const": true }))]).collect();
    schema.insert("anyOf".to_owned(), named.into());
}
