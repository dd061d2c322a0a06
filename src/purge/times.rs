//! When a log gave its numbers, so that it knows which of them no entry can need any more.
//!
//! Not each number's time, but a few dozen periods of at most a part of the retention: what is
//! forgotten a little late costs nothing.

use super::Seq;
use crate::time::{Timestamp, Ttl};
use std::collections::VecDeque;

/// Into how many periods the retention is divided.
const PERIODS: u64 = 32;

/// A period in which numbers were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Period {
    /// When it began.
    pub began: Timestamp,
    /// The last number that was given in it.
    pub seq: Seq,
    /// When that was given.
    pub at: Timestamp,
}

/// The periods of a log, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Times(VecDeque<Period>);

impl Times {
    pub fn from_periods(periods: impl Iterator<Item = Period>) -> Self {
        Self(periods.collect())
    }

    pub fn periods(&self) -> impl ExactSizeIterator<Item = &Period> {
        self.0.iter()
    }

    /// The number was given at that time.
    pub fn note(&mut self, seq: Seq, at: Timestamp, retention: Ttl) {
        let longest = retention.as_seconds() * 1_000 / PERIODS;
        // A clock that was set back does not make a number older than the one before it.
        let at = self.0.back().map_or(at, |last| last.at.max(at));
        match self.0.back_mut().filter(|last| at.millis_since(last.began) < longest) {
            Some(last) => (last.seq, last.at) = (seq, at),
            None => self.0.push_back(Period { began: at, seq, at }),
        }
    }

    /// The last number that was given longer ago than the retention, if there is one that was not
    /// returned before.
    pub fn expire(&mut self, now: Timestamp, retention: Ttl) -> Option<Seq> {
        let is_old = |period: &Period| now.seconds_since(period.at) > retention.as_seconds();
        let mut expired = None;
        while let Some(period) = self.0.pop_front_if(|period| is_old(period)) {
            expired = Some(period.seq);
        }
        expired
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    proptest! {
        /// No number counts as older than it is, none for longer than a period, and there are
        /// never more periods than fit into the retention.
        #[test]
        fn numbers_expire_within_a_period_of_their_retention(
            steps in prop::collection::vec(0_u64..200, 1..300),
            retention in 1_u64..5_000,
        ) {
            let ttl = Ttl::from_seconds(retention);
            let (mut times, mut given, mut now, mut floor) = (Times::default(), vec![], 0, 0);
            for (step, seq) in steps.iter().zip(1..) {
                now += step;
                floor = times.expire(at(now), ttl).unwrap_or(floor);
                times.note(seq, at(now), ttl);
                given.push((seq, now));
                prop_assert!(times.periods().len() as u64 <= PERIODS * 2 + 2);
                for (seq, given_at) in &given {
                    let age = now - given_at;
                    prop_assert!(*seq > floor || age > retention);
                    prop_assert!(*seq <= floor || age <= retention + retention.div_ceil(PERIODS) + 1);
                }
            }
        }
    }

    #[test]
    fn a_clock_that_is_set_back_makes_nothing_older() {
        let (mut times, ttl) = (Times::default(), Ttl::from_seconds(100));
        times.note(1, at(1_000), ttl);
        times.note(2, at(10), ttl);
        assert_eq!(times.expire(at(1_100), ttl), None);
        assert_eq!(times.expire(at(1_101), ttl), Some(2));
        assert_eq!(times.expire(at(9_000), ttl), None);
    }
}
