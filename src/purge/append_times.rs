//! When the records of a log were appended, to know which of them no entry can need any more.
//!
//! Not the time of each record, but a few dozen periods. A record is then forgotten a little late,
//! which does no harm.

use super::mark::Seq;
use crate::time::{Timestamp, Ttl};
use std::collections::VecDeque;

/// Into how many periods the retention is divided.
const PERIODS: u64 = 32;

/// A period in which records were appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AppendPeriod {
    /// When its first record was appended.
    pub began: Timestamp,
    /// Its last record.
    pub seq: Seq,
    /// When its last record was appended.
    pub at: Timestamp,
}

/// The periods of a log, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct AppendTimes(VecDeque<AppendPeriod>);

impl AppendTimes {
    pub fn from_periods(periods: impl Iterator<Item = AppendPeriod>) -> Self {
        Self(periods.collect())
    }

    pub fn periods(&self) -> impl ExactSizeIterator<Item = &AppendPeriod> {
        self.0.iter()
    }

    /// Adds a record that was appended at `at`.
    pub fn note(&mut self, seq: Seq, at: Timestamp, retention: Ttl) {
        let longest = retention.as_seconds() * 1_000 / PERIODS;
        // If the clock was set back, the record does not count as older than the one before it.
        let at = self.0.back().map_or(at, |last| last.at.max(at));
        match self.0.back_mut().filter(|last| at.millis_since(last.began) < longest) {
            Some(last) => (last.seq, last.at) = (seq, at),
            None => self.0.push_back(AppendPeriod { began: at, seq, at }),
        }
    }

    /// Drops the periods that ended longer ago than the retention. Returns the last record of those,
    /// if any.
    pub fn expire(&mut self, now: Timestamp, retention: Ttl) -> Option<Seq> {
        let is_old = |period: &AppendPeriod| now.seconds_since(period.at) > retention.as_seconds();
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
            let (mut times, mut given, mut now, mut floor) = (AppendTimes::default(), vec![], 0, 0);
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
        let (mut times, ttl) = (AppendTimes::default(), Ttl::from_seconds(100));
        times.note(1, at(1_000), ttl);
        times.note(2, at(10), ttl);
        assert_eq!(times.expire(at(1_100), ttl), None);
        assert_eq!(times.expire(at(1_101), ttl), Some(2));
        assert_eq!(times.expire(at(9_000), ttl), None);
    }
}
