//! The rows of `GET stats`, and what they have in common with its totals.

use crate::statistics::{BOUNDS_MS, Counter, Counts, NameTable};
use serde::Serialize;

/// Requests by where their responses came from.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct RowCounts {
    /// Fresh responses from the cache.
    pub hits: u64,
    /// Stale responses from the cache.
    pub stale: u64,
    /// Responses from the cache that the origin had just confirmed.
    pub revalidated: u64,
    /// Responses of the origin after a look-up.
    pub misses: u64,
    /// Responses of the origin without a look-up.
    pub bypass: u64,
    /// Responses with a 5xx.
    pub errors: u64,
    /// All of these.
    pub total_requests: u64,
    /// Hits, stale and revalidated responses, as a share of these and the misses.
    pub hit_rate: f64,
}

/// Responses by the tier that they came from.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct ByTier {
    /// The memory of the isolate.
    pub memory: u64,
    /// The edge cache of the data center.
    pub edge: u64,
    /// Workers KV.
    pub kv: u64,
}

/// How long responses took, as histograms.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Latency {
    /// The upper bound of each bucket, in milliseconds. There is one more bucket for what took longer.
    pub bounds_ms: Vec<u64>,
    /// How many hits and stale responses are in each bucket.
    pub cached: Vec<u64>,
    /// How many other responses are in each bucket.
    pub uncached: Vec<u64>,
}

/// The numbers of a type, an operation, a path or a reason.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Row {
    /// Its name. `(other)`: all that are not listed.
    pub name: String,
    /// The requests.
    #[serde(flatten)]
    pub counts: RowCounts,
    /// The bytes of all bodies, as far as they are known.
    pub bytes: u64,
    /// The average time of hits and stale responses, in milliseconds.
    pub avg_cached_ms: f64,
    /// The average time of all other responses, in milliseconds.
    pub avg_uncached_ms: f64,
    /// How many milliseconds the origin had taken for the responses that came from the cache.
    pub origin_ms_saved: u64,
    /// Hits and stale responses by tier.
    pub by_tier: ByTier,
    /// How long responses took.
    pub latency: Latency,
}

/// What rows are sorted by, the highest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RowSort {
    /// The requests.
    #[default]
    Traffic,
    /// The misses.
    Misses,
    /// How long the responses took that did not come from the cache, summed up.
    Time,
    /// The bytes of all bodies.
    Bytes,
}

impl RowSort {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Traffic, Self::Misses, Self::Time, Self::Bytes];

    /// The word in `?sort=`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Traffic => "traffic",
            Self::Misses => "misses",
            Self::Time => "time",
            Self::Bytes => "bytes",
        }
    }

    /// What a word means.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sort| sort.as_str() == word)
    }

    fn of(self, counts: &Counts) -> u64 {
        match self {
            Self::Traffic => counts.requests(),
            Self::Misses => counts.of(Counter::Misses),
            Self::Time => counts.of(Counter::UncachedMillis),
            Self::Bytes => bytes(counts),
        }
    }
}

impl Row {
    /// At most `most` rows of a table.
    pub fn list(table: &NameTable, most: usize, sort: RowSort) -> Vec<Self> {
        let row = |(name, counts): (String, Counts)| Self {
            name,
            counts: RowCounts::of(&counts),
            bytes: bytes(&counts),
            avg_cached_ms: counts.average_cached_millis(),
            avg_uncached_ms: counts.average_uncached_millis(),
            origin_ms_saved: counts.of(Counter::SavedMillis),
            by_tier: ByTier::of(&counts),
            latency: Latency::of(&counts),
        };
        table.rows_by(most, |counts| sort.of(counts)).into_iter().map(row).collect()
    }
}

impl RowCounts {
    /// Those of these counts.
    pub fn of(counts: &Counts) -> Self {
        Self {
            hits: counts.of(Counter::Hits),
            stale: counts.of(Counter::Stale),
            revalidated: counts.of(Counter::Revalidated),
            misses: counts.of(Counter::Misses),
            bypass: counts.of(Counter::Bypass),
            errors: counts.of(Counter::Errors),
            total_requests: counts.requests(),
            hit_rate: counts.hit_rate(),
        }
    }
}

impl ByTier {
    /// Those of these counts.
    pub fn of(counts: &Counts) -> Self {
        Self {
            memory: counts.of(Counter::Memory),
            edge: counts.of(Counter::Edge),
            kv: counts.of(Counter::Kv),
        }
    }
}

impl Latency {
    /// Those of these counts.
    pub fn of(counts: &Counts) -> Self {
        Self {
            bounds_ms: BOUNDS_MS.to_vec(),
            cached: counts.cached_times().to_vec(),
            uncached: counts.uncached_times().to_vec(),
        }
    }
}

fn bytes(counts: &Counts) -> u64 {
    counts.of(Counter::BytesCached).saturating_add(counts.of(Counter::BytesUncached))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_puts_those_with_the_most_of_it_first_before_the_list_is_cut() {
        let mut table = NameTable::default();
        for (name, counter, most) in [
            ("traffic", Counter::Hits, 1_000),
            ("misses", Counter::Misses, 100),
            ("time", Counter::UncachedMillis, 100),
            ("bytes", Counter::BytesCached, 100),
        ] {
            table.count(name, 10, |counts| counts.add_to(counter, most));
        }
        for sort in RowSort::ALL {
            let rows = Row::list(&table, 2, sort);
            let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
            assert_eq!(names, [sort.as_str(), "(other)"]);
            assert_eq!(RowSort::parse(sort.as_str()), Some(sort));
        }
    }
}
