//! Exponential backoff with jitter: when a part that failed may be tried again.
//!
//! The pause doubles with each failure in a row, up to a limit. It differs between isolates, so that they
//! do not all try at the same moment.

use crate::time::Timestamp;
use std::cell::Cell;

/// The longest pause after the first failure; each further failure doubles it.
const FIRST_MILLIS: u64 = 500;

/// The failures of one part. No pause is longer than `LONGEST_MILLIS`.
#[derive(Debug, Default)]
pub(super) struct Backoff<const LONGEST_MILLIS: u64> {
    in_a_row: Cell<u32>,
    failures: Cell<u64>,
    /// When the current pause began, and how many milliseconds it lasts.
    waits: Cell<Option<(Timestamp, u64)>>,
}

impl<const LONGEST_MILLIS: u64> Backoff<LONGEST_MILLIS> {
    /// The part failed.
    pub fn failed(&self, now: Timestamp) {
        let longest = FIRST_MILLIS << self.in_a_row.get().min(8);
        let longest = longest.min(LONGEST_MILLIS);
        self.in_a_row.set(self.in_a_row.get().saturating_add(1));
        self.failures.set(self.failures.get().saturating_add(1));
        self.waits.set(Some((now, longest / 2 + longest / 2 * self.draw(now) / 1_000)));
    }

    /// The part worked.
    pub fn succeeded(&self) {
        self.in_a_row.set(0);
        self.waits.set(None);
    }

    /// The part is being tried, for at most so long: nothing else may try it meanwhile.
    pub fn is_asked(&self, now: Timestamp, millis: u64) {
        self.waits.set(Some((now, millis)));
    }

    /// How many milliseconds are left until the part may be tried.
    pub fn wait(&self, now: Timestamp) -> u64 {
        let waits = self.waits.get().filter(|(since, millis)| now.is_within(*millis, *since));
        waits.map_or(0, |(since, millis)| millis.saturating_sub(now.millis_since(since)))
    }

    /// Whether the part may be tried now.
    pub fn allows(&self, now: Timestamp) -> bool {
        self.wait(now) == 0
    }

    /// How many times the part has failed.
    pub fn failures(&self) -> u64 {
        self.failures.get()
    }

    /// A number from 0 to 999 that differs between isolates: each failed at another millisecond.
    fn draw(&self, now: Timestamp) -> u64 {
        let now = now.as_millis().to_le_bytes();
        xxhash_rust::xxh3::xxh3_64_with_seed(&now, self.failures.get()) % 1_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LONGEST_MILLIS: u64 = 10_000;
    type Backoff = super::Backoff<LONGEST_MILLIS>;

    #[test]
    fn a_clock_that_was_set_back_proves_nothing() {
        let backoff = Backoff::default();
        backoff.failed(Timestamp::from_millis(9));
        assert!(backoff.wait(Timestamp::from_millis(9)) >= FIRST_MILLIS / 2);
        assert_eq!(backoff.wait(Timestamp::from_millis(8)), 0);
    }

    proptest! {
        /// Each wait is between a half and all of its longest, which doubles up to a bound.
        #[test]
        fn waits_grow_to_a_bound(start in 0_u64..10_000_000, failures in 1_u32..40) {
            let backoff = Backoff::default();
            let mut now = start;
            for n in 0..failures {
                backoff.failed(Timestamp::from_millis(now));
                let longest = (FIRST_MILLIS << n.min(8)).min(LONGEST_MILLIS);
                let allows = |millis| backoff.allows(Timestamp::from_millis(now + millis));
                prop_assert!(!allows(0) && !allows(longest / 2 - 1) && allows(longest));
                now += longest;
            }
            backoff.succeeded();
            prop_assert!(backoff.allows(Timestamp::from_millis(now)));
            prop_assert_eq!(backoff.failures(), u64::from(failures));
        }
    }

    #[test]
    fn failures_of_other_moments_have_other_waits() {
        let waits: std::collections::BTreeSet<u64> = (0..100)
            .map(|millis| {
                let backoff = Backoff::default();
                backoff.failed(Timestamp::from_millis(millis));
                backoff.waits.get().map_or(0, |(_, wait)| wait)
            })
            .collect();
        assert!(waits.len() > 60, "{} of 100", waits.len());
    }
}
