//! When an isolate reports to the statistics object.
//!
//! All reports of a day together must not use more than a share of the plan's requests to Durable Objects.
//! So the object gives each isolate a slot of its own for its next report, and the slots of all isolates are
//! a fixed time apart: a day has as many as the share allows. An isolate reports at its slot or later.
//!
//! The first report of an isolate has no slot, so it uses up two. Questions use up none and are never refused:
//! otherwise whoever asks often would delay the reports.

use crate::time::Timestamp;

const DAY_MILLIS: u64 = 86_400_000;
/// The least time between two reports of an isolate.
pub const LEAST_MILLIS: u64 = 60_000;
/// How old an isolate is at its first report. Many do not live that long.
pub const FIRST_REPORT_MILLIS: u64 = 60_000;
/// The longest wait after failures.
const LONGEST_WAIT_MILLIS: u64 = 3_600_000;

/// The slots that the object has given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Schedule {
    /// The last slot, in milliseconds since 1970.
    pub last_slot: u64,
}

impl Schedule {
    /// Notes `requests` requests to the object, and returns in how many milliseconds the isolate may report
    /// again. The last of the requests gets its slot.
    pub fn reserve(&mut self, now: Timestamp, requests: u64, per_day: u64) -> u64 {
        let now = now.as_millis();
        let apart = DAY_MILLIS.div_ceil(per_day.max(1));
        // A clock that was wrong must not end the reports for long.
        let last = self.last_slot.clamp(now, now + DAY_MILLIS);
        self.last_slot = last + apart * requests;
        self.wait(Timestamp::from_millis(now))
    }

    /// In how many milliseconds the last slot is. About as long do all isolates wait.
    pub fn wait(&self, now: Timestamp) -> u64 {
        self.last_slot.saturating_sub(now.as_millis()).clamp(LEAST_MILLIS, DAY_MILLIS)
    }
}

/// After how many milliseconds a report is tried again that has failed so many times in a row.
pub fn wait_after_failures(failures: u32) -> u64 {
    (LEAST_MILLIS << failures.saturating_sub(1).min(6)).min(LONGEST_WAIT_MILLIS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// One day of so many isolates, each with requests all the time. How many reports there were.
    fn reports_of_a_day(isolates: &[u64], per_day: u64) -> u64 {
        let mut schedule = Schedule::default();
        // When each isolate reports next, and whether it has reported before.
        let mut next: Vec<(u64, bool)> = isolates
            .iter()
            .map(|start| (DAY_MILLIS + start % DAY_MILLIS + FIRST_REPORT_MILLIS, false))
            .collect();
        let mut reports = 0;
        loop {
            let Some(isolate) = next.iter_mut().min() else { return reports };
            let (now, has_reported) = *isolate;
            if now >= 2 * DAY_MILLIS {
                return reports;
            }
            reports += 1;
            let requests = if has_reported { 1 } else { 2 };
            let wait = schedule.reserve(Timestamp::from_millis(now), requests, per_day);
            *isolate = (now + wait, true);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        /// A day's reports stay within the share, but for one of each isolate that starts, and one that each
        /// had been given before.
        #[test]
        fn a_day_stays_within_the_share(
            isolates in prop::collection::vec(any::<u64>(), 1..200),
            per_day in 1u64..5_000,
        ) {
            let slack = 2 * isolates.len() as u64;
            prop_assert!(reports_of_a_day(&isolates, per_day) <= per_day + slack);
        }
    }

    #[test]
    fn one_isolate_reports_each_minute_and_many_use_the_share() {
        assert_eq!(reports_of_a_day(&[0], 10_000), 1_439);
        let many: Vec<u64> = (0..100).collect();
        assert!((9_000..=10_200).contains(&reports_of_a_day(&many, 10_000)));
    }

    #[test]
    fn waits_grow_to_an_hour() {
        let waits: Vec<u64> = [0, 1, 2, 3, 7, 40].map(|n| wait_after_failures(n) / 60_000).into();
        assert_eq!(waits, [1, 1, 2, 4, 60, 60]);
    }
}
