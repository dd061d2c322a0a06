//! What the log said, dated by the log's own clock, and when that was by an isolate's.
//!
//! No two machines' clocks show the same. An isolate that has asked the log itself has compared its
//! clock with the log's, and can date what the log has said to others without their clocks.

use super::{Delta, Mark, Seq};
use crate::time::Timestamp;

/// How much an isolate's clock and the log's may differ in speed: one part in so many.
const SPEED_DIFFERS: u64 = 1_000;
/// For how long a comparison of two clocks is used.
const COMPARABLE_MILLIS: u64 = 60_000;

/// A point in time by the log's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogTime {
    /// Which clock it is: the log draws a number whenever its object starts, since it may then be
    /// on another machine.
    pub clock: u64,
    /// What the clock showed.
    pub at: Timestamp,
}

/// What the log said, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadReply {
    /// Not before it was asked, and not after it looked at its records.
    pub time: LogTime,
    /// What it said.
    pub delta: Delta,
}

impl ReadReply {
    /// Which log said it.
    pub fn epoch(&self) -> u64 {
        self.delta.epoch()
    }

    /// The last record that it tells of.
    pub fn mark(&self) -> Mark {
        Mark { epoch: self.epoch(), seq: self.head() }
    }

    /// The number of the last record that it tells of.
    pub fn head(&self) -> Seq {
        self.delta.head()
    }
}

/// What an isolate knows of the log's clock: when that showed `said_at`, its own showed `asked_at`
/// or more, for the log was asked before it answered.
#[derive(Debug, Clone, Copy)]
pub struct Comparison {
    asked_at: Timestamp,
    said_at: LogTime,
}

impl Comparison {
    /// What a question at `asked_at` shows, which the log answered at `said_at`.
    pub fn new(asked_at: Timestamp, said_at: LogTime) -> Self {
        Self { asked_at, said_at }
    }

    /// A number that has nothing to do with that of another comparison.
    pub fn draw(&self) -> u64 {
        let own = self.asked_at.as_millis().to_le_bytes();
        xxhash_rust::xxh3::xxh3_64_with_seed(&own, self.said_at.at.as_millis())
    }

    /// When the log's clock showed that, by the isolate's own clock: then, or later. None of
    /// another clock of the log's, of a time before the comparison, and long after it.
    pub fn own_time(&self, time: LogTime) -> Option<Timestamp> {
        let passed = time.at.as_millis().checked_sub(self.said_at.at.as_millis())?;
        if time.clock != self.said_at.clock || passed > COMPARABLE_MILLIS {
            return None;
        }
        let at_least = passed.saturating_sub(passed.div_ceil(SPEED_DIFFERS));
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
        /// Whatever the clocks show, nothing counts as younger than it is, and hardly as older than
        /// the way to the log makes it.
        #[test]
        fn nothing_is_dated_later_than_it_was(
            (own, log) in (clock(), clock()),
            asked in 0_u64..100_000,
            way in 0_u64..500,
            later in 0_u64..60_000,
        ) {
            let said_at = |at| LogTime { clock: 1, at: log.shows(at) };
            let compared = Comparison::new(own.shows(asked), said_at(asked + way));
            let other = asked + way + later;
            if let Some(dated) = compared.own_time(said_at(other)) {
                prop_assert!(dated <= own.shows(other), "{dated:?} {:?}", own.shows(other));
                let older = own.shows(other).millis_since(dated);
                prop_assert!(older <= way + later / 400 + 5, "{older}");
            } else {
                prop_assert!(later + later / 1_000 + 2 >= COMPARABLE_MILLIS);
            }
        }
    }

    #[test]
    fn what_cannot_be_compared_has_no_date() {
        let at = |clock, at| LogTime { clock, at: Timestamp::from_millis(at) };
        let compared = Comparison::new(Timestamp::from_millis(500), at(1, 100_000));
        assert_eq!(compared.own_time(at(1, 100_000)), Some(Timestamp::from_millis(500)));
        assert_eq!(compared.own_time(at(1, 101_000)), Some(Timestamp::from_millis(1_499)));
        assert_eq!(compared.own_time(at(2, 101_000)), None, "another clock");
        assert_eq!(compared.own_time(at(1, 99_999)), None, "before the comparison");
        assert_eq!(compared.own_time(at(1, 160_001)), None, "long after it");
    }
}
