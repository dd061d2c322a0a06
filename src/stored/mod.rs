//! What is stored of an answer: the answer itself, how long it lives, and what it depends on.
//!
//! In scope: the entry and its envelope. Not in scope: whether it may be stored (`policy`) and
//! whether it is still valid (`purge`).

mod envelope;

pub use envelope::{Damage, decode, encode};

use crate::http::Headers;
use crate::purge::Mark;
use crate::tag::Tagging;
use crate::time::{Timestamp, Ttl};
use serde::{Deserialize, Serialize};
use std::rc::Rc;

/// A stored answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// All but the body.
    pub meta: Meta,
    /// The body, as the client gets it.
    pub body: Rc<[u8]>,
}

/// What is known of a stored answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Meta {
    /// The key it is stored under; an entry that comes back under another is not used.
    pub key: String,
    /// The purge log as it stood before the origin was asked.
    pub mark: Mark,
    /// When the answer was complete.
    pub stored_at: Timestamp,
    /// How old it already was, in seconds, by the origin's `Age`.
    pub initial_age: u64,
    /// How long it is fresh, from when it was generated.
    pub ttl: Ttl,
    /// How much longer it may be served while it is fetched anew.
    pub swr: Ttl,
    /// How much longer it may be served while the origin fails.
    pub sie: Ttl,
    /// The status code.
    pub status: u16,
    /// The headers that the client gets.
    pub headers: Headers,
    /// Its tags, as text.
    pub tags: Vec<String>,
    /// By which rules it has them.
    pub tagging: Tagging,
    /// The names of the request headers it depends on, in lower case and sorted.
    pub vary: Vec<String>,
    /// Those headers' values in the request, as a digest.
    pub variant: String,
    /// The cache type's name, for statistics.
    pub type_name: String,
    /// Whether it may never be used stale, whoever asks.
    pub must_revalidate: bool,
    /// How much longer than it may be served it is kept, to be validated.
    pub kept: Ttl,
    /// Whether its entity tag is Evergraph's own, which the origin does not know.
    pub etag_is_ours: bool,
    /// Whether the origin says that it may be shared with requests that have `Authorization`.
    pub shares_authorized: bool,
}

impl Meta {
    /// The answer's age in whole seconds (RFC 9111 §4.2.3).
    pub fn age(&self, now: Timestamp) -> u64 {
        self.initial_age.saturating_add(now.seconds_since(self.stored_at))
    }

    /// How long a store has to keep the entry, in seconds from when it was stored.
    pub fn lifetime(&self) -> Ttl {
        let served = self.ttl.as_seconds() + self.swr.max(self.sie).as_seconds();
        let longest = served.saturating_sub(self.initial_age) + self.kept.as_seconds();
        Ttl::from_seconds(longest)
    }
}
