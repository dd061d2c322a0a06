//! The counters of one thing: of a service, of a cache type, of an operation.

use crate::alerts::Numbers;
use crate::record::{Read, Reader};
use serde::Serialize;

/// The upper bounds of a response time's bucket, in milliseconds. A response that took exactly as long is in
/// the bucket. A last bucket has what took longer.
pub const BOUNDS_MS: [u64; 12] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000];

/// How many buckets a histogram has.
const BUCKETS: usize = BOUNDS_MS.len() + 1;

/// A counter. The numbers are part of what is stored: a new counter goes to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counter {
    /// Fresh responses from the cache.
    Hits,
    /// Stale responses from the cache.
    Stale,
    /// Responses from the cache that the origin has just confirmed with a 304.
    Revalidated,
    /// Responses of the origin after a look-up.
    Misses,
    /// Responses of the origin without a look-up.
    Bypass,
    /// Responses with a 5xx.
    Errors,
    /// Hits and stale responses from this isolate's memory.
    Memory,
    /// Hits and stale responses from the edge cache.
    Edge,
    /// Hits and stale responses from Workers KV.
    Kv,
    /// The bytes of bodies from the cache.
    BytesCached,
    /// The bytes of bodies from the origin, as far as they are known.
    BytesUncached,
    /// The milliseconds that hits and stale responses took.
    CachedMillis,
    /// The milliseconds that all other responses took.
    UncachedMillis,
    /// The milliseconds that the origin had taken for the responses that came from the cache.
    SavedMillis,
}

/// How many counters there are.
const COUNTERS: usize = Counter::SavedMillis as usize + 1;
/// All numbers: the counters, and two histograms.
const NUMBERS: usize = COUNTERS + 2 * BUCKETS;

/// Counts of one thing. As JSON they are a list of pairs, the place of a number and the number, without the
/// zeros. Unknown places are ignored.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(into = "Vec<u64>")]
pub struct Counts([u64; NUMBERS]);

impl Default for Counts {
    fn default() -> Self {
        Self([0; NUMBERS])
    }
}

impl std::fmt::Debug for Counts {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(Vec::from(*self)).finish()
    }
}

impl Counts {
    /// The value of a counter.
    pub fn of(&self, counter: Counter) -> u64 {
        self.0.get(counter as usize).copied().unwrap_or(0)
    }

    /// Adds to a counter.
    pub fn add_to(&mut self, counter: Counter, amount: u64) {
        self.add_at(counter as usize, amount);
    }

    /// Counts a response time, of a response from the cache or of another one.
    pub fn add_time(&mut self, is_cached: bool, millis: u64) {
        let (sum, first) = match is_cached {
            true => (Counter::CachedMillis, COUNTERS),
            false => (Counter::UncachedMillis, COUNTERS + BUCKETS),
        };
        self.add_to(sum, millis);
        let bucket = BOUNDS_MS.iter().position(|bound| millis <= *bound);
        self.add_at(first + bucket.unwrap_or(BOUNDS_MS.len()), 1);
    }

    /// Adds other counts.
    pub fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(sum, count)| *sum = sum.saturating_add(*count));
    }

    /// The histogram of responses from the cache: hits and stale ones.
    pub fn cached_times(&self) -> &[u64] {
        self.0.get(COUNTERS..COUNTERS + BUCKETS).unwrap_or_default()
    }

    /// The histogram of all other responses.
    pub fn uncached_times(&self) -> &[u64] {
        self.0.get(COUNTERS + BUCKETS..).unwrap_or_default()
    }

    /// All requests.
    pub fn requests(&self) -> u64 {
        self.0.iter().take(Counter::Errors as usize + 1).fold(0, |sum, n| sum.saturating_add(*n))
    }

    /// The requests that were answered with something stored.
    pub fn from_cache(&self) -> u64 {
        self.of(Counter::Hits) + self.of(Counter::Stale) + self.of(Counter::Revalidated)
    }

    /// What alerts are measured by, if this was counted in so many seconds.
    pub fn numbers(&self, seconds: u64) -> Numbers {
        let hits = self.from_cache();
        let lookups = hits + self.of(Counter::Misses);
        Numbers { seconds, lookups, hits, errors: self.of(Counter::Errors) }
    }

    /// The share of looked-up requests that were answered with something stored.
    pub fn hit_rate(&self) -> f64 {
        ratio(self.from_cache(), self.from_cache() + self.of(Counter::Misses))
    }

    /// The average time of hits and stale responses, in milliseconds.
    pub fn average_cached_millis(&self) -> f64 {
        let count = self.of(Counter::Hits) + self.of(Counter::Stale);
        ratio(self.of(Counter::CachedMillis), count)
    }

    /// The average time of all other responses, in milliseconds.
    pub fn average_uncached_millis(&self) -> f64 {
        let cached = self.of(Counter::Hits) + self.of(Counter::Stale);
        ratio(self.of(Counter::UncachedMillis), self.requests().saturating_sub(cached))
    }

    fn add_at(&mut self, place: usize, amount: u64) {
        if let Some(number) = self.0.get_mut(place) {
            *number = number.saturating_add(amount);
        }
    }
}

impl Read for Counts {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let mut counts = Self::default();
        for pair in Vec::<u64>::read(from)?.chunks_exact(2) {
            if let [place, number] = pair
                && let Ok(place) = usize::try_from(*place)
            {
                counts.add_at(place, *number);
            }
        }
        Some(counts)
    }
}

impl From<Counts> for Vec<u64> {
    fn from(counts: Counts) -> Self {
        let numbers = (0_u64..).zip(counts.0).filter(|(_, number)| *number > 0);
        numbers.flat_map(|(place, number)| [place, number]).collect()
    }
}

/// `part / whole` with four decimals; 0 if `whole` is 0.
pub fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { (part as f64 / whole as f64 * 10_000.0).round() / 10_000.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_time_is_in_the_first_bucket_that_it_does_not_exceed() {
        let mut counts = Counts::default();
        for millis in [0, 1, 2, 3, 5_000, 5_001] {
            counts.add_time(true, millis);
        }
        counts.add_time(false, 7);
        assert_eq!(counts.cached_times(), [2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
        assert_eq!(counts.uncached_times().iter().sum::<u64>(), 1);
        assert_eq!(counts.of(Counter::CachedMillis), 10_007 - 1 + 1);
    }

    #[test]
    fn what_the_origin_confirmed_counts_as_answered_from_the_cache() {
        let mut counts = Counts::default();
        counts.add_to(Counter::Hits, 1);
        counts.add_to(Counter::Revalidated, 1);
        counts.add_to(Counter::Misses, 2);
        counts.add_to(Counter::Bypass, 9);
        assert_eq!((counts.hit_rate(), counts.requests()), (0.5, 13));
    }

    proptest! {
        #[test]
        fn json_keeps_all_numbers(numbers in prop::collection::vec(prop_oneof![Just(0), any::<u64>()], NUMBERS)) {
            let counts = Counts(numbers.try_into().unwrap());
            let text = serde_json::to_string(&counts).unwrap();
            prop_assert_eq!(crate::record::read::<Counts>(&text).unwrap(), counts);
        }
    }

    #[test]
    fn unknown_places_are_ignored() {
        let counts: Counts = crate::record::read("[0,5,40000,7,3]").unwrap();
        assert_eq!((counts.of(Counter::Hits), counts.requests()), (5, 5));
    }
}
