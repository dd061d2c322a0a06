//! Times by the log's clock, and their conversion to an isolate's clock.
//!
//! The clocks of two machines differ. The log dates each reply by its own clock. An isolate that has
//! asked the log has compared the two clocks, so it can date the log's replies to its neighbors as
//! well, without their clocks.

use crate::time::Timestamp;

/// The clocks may differ in speed by one part in this many.
const SPEED_TOLERANCE: u64 = 1_000;
/// For how long a comparison of two clocks is valid.
const COMPARISON_MILLIS: u64 = 60_000;

/// A time by the log's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogTime {
    /// Identifies the clock. The log draws this number when its object starts, because it may then be
    /// on another machine.
    pub clock: u64,
    /// The time that the clock showed.
    pub at: Timestamp,
}

/// A comparison of an isolate's clock with the log's: when the log's clock showed `log_time`, the
/// isolate's showed `asked_at` or later, because the log was asked before it answered.
#[derive(Debug, Clone, Copy)]
pub struct ClockComparison {
    asked_at: Timestamp,
    log_time: LogTime,
}

impl ClockComparison {
    /// The comparison by a request that was sent at `asked_at` and answered at `log_time`.
    pub fn new(asked_at: Timestamp, log_time: LogTime) -> Self {
        Self { asked_at, log_time }
    }

    /// A pseudorandom number, different for each comparison.
    pub fn draw(&self) -> u64 {
        let own = self.asked_at.as_millis().to_le_bytes();
        xxhash_rust::xxh3::xxh3_64_with_seed(&own, self.log_time.at.as_millis())
    }

    /// Converts a time of the log to the isolate's clock. The result is never too late.
    ///
    /// `None` if the time is of another clock, before the comparison, or too long after it.
    pub fn to_isolate_time(&self, time: LogTime) -> Option<Timestamp> {
        let passed = time.at.as_millis().checked_sub(self.log_time.at.as_millis())?;
        if time.clock != self.log_time.clock || passed > COMPARISON_MILLIS {
            return None;
        }
        let at_least = passed.saturating_sub(passed.div_ceil(SPEED_TOLERANCE));
        Some(Timestamp::from_millis(self.asked_at.as_millis().saturating_add(at_least)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A clock that is ahead by so much, and so many millionths too fast.
    #[derive(Debug, Clone, Copy)]
    struct Clock {
        ahead: u64,
        fast: u64,
    }

    impl Clock {
        fn shows(self, at: u64) -> Timestamp {
            Timestamp::from_millis(1_000_000 + self.ahead + at + at * self.fast / 1_000_000)
        }
    }

    fn clock() -> impl Strategy<Value = Clock> {
        (0_u64..3_600_000, 0_u64..1_000).prop_map(|(ahead, fast)| Clock { ahead, fast })
    }

    proptest! {
        /// Whatever the clocks show, nothing counts as younger than it is, and as older by little more
        /// than the time that the request took.
        #[test]
        fn nothing_is_dated_later_than_it_was(
            (own, log) in (clock(), clock()),
            asked in 0_u64..100_000,
            way in 0_u64..500,
            later in 0_u64..60_000,
        ) {
            let log_time = |at| LogTime { clock: 1, at: log.shows(at) };
            let compared = ClockComparison::new(own.shows(asked), log_time(asked + way));
            let other = asked + way + later;
            if let Some(dated) = compared.to_isolate_time(log_time(other)) {
                prop_assert!(dated <= own.shows(other), "{dated:?} {:?}", own.shows(other));
                let older = own.shows(other).millis_since(dated);
                prop_assert!(older <= way + later / 400 + 5, "{older}");
            } else {
                prop_assert!(later + later / 1_000 + 2 >= COMPARISON_MILLIS);
            }
        }
    }

    #[test]
    fn what_cannot_be_compared_has_no_date() {
        let at = |clock, at| LogTime { clock, at: Timestamp::from_millis(at) };
        let compared = ClockComparison::new(Timestamp::from_millis(500), at(1, 100_000));
        assert_eq!(compared.to_isolate_time(at(1, 100_000)), Some(Timestamp::from_millis(500)));
        assert_eq!(compared.to_isolate_time(at(1, 101_000)), Some(Timestamp::from_millis(1_499)));
        assert_eq!(compared.to_isolate_time(at(2, 101_000)), None, "another clock");
        assert_eq!(compared.to_isolate_time(at(1, 99_999)), None, "before the comparison");
        assert_eq!(compared.to_isolate_time(at(1, 160_001)), None, "long after it");
    }
}
