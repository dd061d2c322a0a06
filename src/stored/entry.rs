//! The entry: a stored response with its metadata.

use crate::http::Headers;
use crate::purge::Mark;
use crate::record::{members, required_members};
use crate::tag::Tagging;
use crate::time::{Timestamp, Ttl};
use serde::Serialize;
use std::rc::Rc;

/// A stored response.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Everything but the body.
    pub meta: Meta,
    /// The body, as the client gets it.
    pub body: Rc<[u8]>,
}

/// The metadata of a stored response.
///
/// It is read by `record`: serde's reader of it is one function of 11 KB, which each new isolate compiles twice,
/// the second time for 18 ms (docs/decisions/0057-what-a-new-isolate-costs.md).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Meta {
    /// The key under which it is stored. An entry that is found under another key is not used.
    pub key: String,
    /// The mark of the purge log before the origin was asked.
    pub mark: Mark,
    /// When the response was complete.
    pub stored_at: Timestamp,
    /// Its age at that time in seconds, according to the origin's `Age`.
    pub initial_age: u64,
    /// Its freshness lifetime, from when it was generated.
    pub ttl: Ttl,
    /// How much longer it may be served stale while it is refreshed.
    pub swr: Ttl,
    /// How much longer it may be served stale while the origin fails.
    pub sie: Ttl,
    /// The status code.
    pub status: u16,
    /// The headers that the client gets.
    pub headers: Headers,
    /// Its tags, as text.
    pub tags: Vec<String>,
    /// The fingerprint of the rules by which the tags were made.
    pub tagging: Tagging,
    /// The names of the request headers it depends on, in lower case and sorted.
    pub vary: Vec<String>,
    /// A digest of the values of those headers in the request.
    pub variant: String,
    /// The cache type's name, for statistics.
    pub type_name: String,
    /// Whether it must never be served stale.
    pub must_revalidate: bool,
    /// How much longer it is kept after it may no longer be served, so that it can be validated.
    pub kept: Ttl,
    /// Whether its entity tag was made by Evergraph, so that the origin does not know it.
    pub etag_is_ours: bool,
    /// Whether the origin allows to share it with requests that have `Authorization`.
    pub shares_authorized: bool,
    /// What set its lifetime.
    pub lifetime_source: LifetimeSource,
    /// How many milliseconds the origin took for it. 0: unknown.
    pub origin_ms: u32,
}

required_members!(Meta {
    key, mark, stored_at, initial_age, ttl, swr, sie, status, headers, tags, tagging, vary, variant, type_name,
    must_revalidate, kept, etag_is_ours, shares_authorized;
    lifetime_source, origin_ms
});

/// What set the lifetime of a stored response. Another configuration may shorten it later.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct LifetimeSource {
    /// The names of the cache types that limit the lifetime of a GraphQL response, `default`
    /// included.
    pub types: Vec<String>,
    /// Whether something in a GraphQL response has an unknown type, so that any type may limit it.
    pub types_unknown: bool,
    /// Whether the configuration set it, whatever the origin's headers say.
    pub configured: bool,
    /// Whether the origin's headers forbid storing the response, which `override` permits.
    pub overridden: bool,
    /// Whether the origin states none, so that it was estimated from `Last-Modified`.
    pub heuristic: bool,
}

members!(LifetimeSource { types, types_unknown, configured, overridden, heuristic });

impl Meta {
    /// The response's age in whole seconds (RFC 9111 §4.2.3).
    pub fn age(&self, now: Timestamp) -> u64 {
        self.initial_age.saturating_add(now.seconds_since(self.stored_at))
    }

    /// Whether it may not be served any more, however young it is.
    pub fn has_ended(&self) -> bool {
        [self.ttl, self.swr, self.sie].iter().all(|window| window.is_zero())
    }

    /// How long a store has to keep the entry, from when it was stored.
    pub fn lifetime(&self) -> Ttl {
        let served = self.ttl.as_seconds() + self.swr.max(self.sie).as_seconds();
        let longest = served.saturating_sub(self.initial_age) + self.kept.as_seconds();
        Ttl::from_seconds(longest)
    }
}
