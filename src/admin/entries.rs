//! The bodies of `GET entries`, and of a preview of a purge.

use serde::Serialize;

/// A page of the entries that KV has.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct EntryList {
    /// The entries, by key. A page may be empty although more follow.
    pub entries: Vec<ListedEntry>,
    /// Where the next page begins: the parameter `cursor`. Null: there are no more entries.
    pub cursor: Option<String>,
}

/// An entry in a list. An earlier version of Evergraph stored no metadata: then members are null, and `tags`
/// is empty.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct ListedEntry {
    /// The key.
    pub key: String,
    /// `gql` or `rest`.
    pub kind: String,
    /// The cache type's name.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The operation's name, or the path with `~` for slashes.
    pub name: String,
    /// `public`, or the names of the scopes with hashes of their values.
    pub scope: String,
    /// When the response was stored, in milliseconds since 1970.
    pub stored_at: Option<u64>,
    /// Its age in seconds.
    pub age: Option<u64>,
    /// Its freshness lifetime in seconds.
    pub ttl: Option<u64>,
    /// The length of its body.
    pub bytes: Option<usize>,
    /// Its tags, as far as metadata in KV has room for them.
    pub tags: Vec<String>,
    /// Whether these are all of them.
    pub tags_complete: bool,
    /// What the purge log says. Null if that is not known.
    pub verdict: Option<EntryVerdict>,
}

/// What the purge log says about an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum EntryVerdict {
    /// It was not purged.
    Valid,
    /// It was purged softly.
    Stale,
    /// It was purged. Nothing deletes it: it is not used, and expires.
    Purged,
}

/// One entry, with all that is stored of it but its body and its headers.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct EntryDetail {
    /// What a list shows of it, with all tags.
    #[serde(flatten)]
    pub listed: ListedEntry,
    /// Where it was found: `memory`, that of the isolate that answers, or `kv`.
    pub tier: String,
    /// The status code of the response.
    pub status: u16,
    /// Its `Content-Type`, if it has one.
    pub content_type: Option<String>,
    /// How many seconds longer it may be served stale while it is refreshed.
    pub swr: u64,
    /// How many seconds longer it may be served stale while the origin fails.
    pub sie: u64,
    /// The sequence number of the purge log before the origin was asked: later purges count.
    pub seq: u64,
    /// The names of the request headers that it depends on.
    pub vary: Vec<String>,
}

/// What a purge would purge.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct PurgePreview {
    /// Always true: nothing was purged.
    pub preview: bool,
    /// How many tags the body named, those of types, operations, paths and keys included.
    pub tags: usize,
    /// How many patterns the body named.
    pub patterns: usize,
    /// The entries that it would purge.
    pub entries: PreviewedEntries,
}

/// The entries that a purge would purge, of those in KV and in the memory of the isolate that answers.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct PreviewedEntries {
    /// How many there are.
    pub count: usize,
    /// How many more it may purge: their metadata lacks some tags.
    pub maybe: usize,
    /// The first of the keys.
    pub keys: Vec<String>,
    /// Whether `count` is exact: all entries in KV were looked at, and `maybe` is 0.
    pub is_complete: bool,
}
