//! When a part that failed may be asked again: later after each failure in a row, and not when
//! all others ask.

use crate::time::Timestamp;
use std::cell::Cell;

/// The longest wait after one failure; each further one doubles it.
const FIRST_MILLIS: u64 = 500;
/// The longest wait of all.
const LONGEST_MILLIS: u64 = 4_000;

/// The failures of one part.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    in_a_row: Cell<u32>,
    failures: Cell<u64>,
    /// Since when, and for how many milliseconds, the part is left alone.
    waits: Cell<Option<(Timestamp, u64)>>,
}

impl Backoff {
    /// The part failed.
    pub fn failed(&self, now: Timestamp) {
        let longest = FIRST_MILLIS << self.in_a_row.get().min(8);
        let longest = longest.min(LONGEST_MILLIS);
        self.in_a_row.set(self.in_a_row.get().saturating_add(1));
        self.failures.set(self.failures.get().saturating_add(1));
        self.waits.set(Some((now, longest / 2 + longest / 2 * self.draw(now) / 1_000)));
    }

    /// The part answered.
    pub fn succeeded(&self) {
        self.in_a_row.set(0);
        self.waits.set(None);
    }

    /// Whether the part may be asked.
    pub fn allows(&self, now: Timestamp) -> bool {
        !self.waits.get().is_some_and(|(since, millis)| now.is_within(millis, since))
    }

    /// How often it failed.
    pub fn failures(&self) -> u64 {
        self.failures.get()
    }

    /// A draw, from 0 to 999: a failure is at another millisecond in each isolate.
    fn draw(&self, now: Timestamp) -> u64 {
        let now = now.as_millis().to_le_bytes();
        xxhash_rust::xxh3::xxh3_64_with_seed(&now, self.failures.get()) % 1_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Each wait is between a half and all of its longest, which doubles up to a bound.
        #[test]
        fn waits_grow_to_a_bound(start in 0_u64..10_000_000, failures in 1_u32..12) {
            let backoff = Backoff::default();
            let mut now = start;
            for n in 0..failures {
                backoff.failed(Timestamp::from_millis(now));
                let longest = (FIRST_MILLIS << n).min(LONGEST_MILLIS);
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
