//! A response, as it is counted.

use crate::statistics::{Counter, Counts};

/// Where a response came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// From the cache.
    Hit,
    /// From the cache, though stale.
    Stale,
    /// From the cache, after the origin has confirmed it.
    Revalidated,
    /// From the origin, after a look-up.
    Miss,
    /// From the origin, without a look-up.
    Bypass,
    /// A 5xx of the origin, or no response at all.
    Error,
}

impl Answered {
    /// Whether it was served without asking the origin.
    pub fn is_from_cache(self) -> bool {
        matches!(self, Self::Hit | Self::Stale)
    }
}

/// A response, as it is counted.
#[derive(Debug, Clone, Copy)]
pub struct Response<'a> {
    /// Where it came from.
    pub how: Answered,
    /// The name of the tier that it came from.
    pub tier: Option<&'static str>,
    /// How long the client's request took.
    pub millis: u64,
    /// The bytes of its body, as far as they are known.
    pub bytes: usize,
    /// How long the origin had taken for it, if it comes from the cache.
    pub saved_millis: u64,
    /// Its cache type.
    pub type_name: Option<&'a str>,
    /// The name of the GraphQL operation.
    pub operation: Option<&'a str>,
    /// The path of the request.
    pub path: &'a str,
    /// Why it was not looked up, or why it is not stored.
    pub reason: Option<&'a str>,
    /// Every cache type that is known to match before the response is.
    pub matched: &'a [String],
}

impl Response<'_> {
    /// Adds the response to counts.
    pub fn count(&self, counts: &mut Counts) {
        let (how, bytes) = match self.how {
            Answered::Hit => (Counter::Hits, Counter::BytesCached),
            Answered::Stale => (Counter::Stale, Counter::BytesCached),
            Answered::Revalidated => (Counter::Revalidated, Counter::BytesCached),
            Answered::Miss => (Counter::Misses, Counter::BytesUncached),
            Answered::Bypass => (Counter::Bypass, Counter::BytesUncached),
            Answered::Error => (Counter::Errors, Counter::BytesUncached),
        };
        counts.add_to(how, 1);
        counts.add_to(bytes, self.bytes as u64);
        counts.add_time(self.how.is_from_cache(), self.millis);
        if !self.how.is_from_cache() {
            return;
        }
        counts.add_to(Counter::SavedMillis, self.saved_millis);
        let tier = match self.tier {
            Some("memory") => Counter::Memory,
            Some("edge") => Counter::Edge,
            Some("kv") => Counter::Kv,
            _ => return,
        };
        counts.add_to(tier, 1);
    }
}
