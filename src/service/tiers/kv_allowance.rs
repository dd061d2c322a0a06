//! An isolate's part of the day's writes to KV (`kv.writes_per_day`).
//!
//! The log counts for all isolates, and grants each some writes at a time (`purge::KvUse`). An isolate
//! that has none left claims some when it wants to write: one at first, then twice as many each time. So
//! an isolate that ends early takes little with it. While the log cannot be asked, nothing is granted, and
//! the value is not written: that costs a miss somewhere else.

use crate::purge::KvClaim;
use crate::service::report::report_failure;
use crate::service::runtime::Runtime;
use crate::service::timeout::within;
use crate::time::Timestamp;
use std::cell::Cell;

/// How long the log may take.
const CLAIM_MILLIS: u64 = 1_000;
/// After a claim that failed, the log is not asked again for so long.
const RETRY_MILLIS: u64 = 60_000;

/// The writes to KV that an isolate may make.
#[derive(Debug, Default)]
pub struct KvAllowance {
    /// `kv.writes_per_day`; `None`: any number.
    per_day: Option<u64>,
    /// How many of the granted writes are left, until the day ends.
    left: Cell<u64>,
    day_ends_at: Cell<Timestamp>,
    /// How many writes the last grant had.
    last_grant: Cell<u64>,
    /// Until when the log is not asked: a claim is under way or has failed, or the day has no writes left.
    asks_at: Cell<Timestamp>,
    /// How many values were written without asking since the log was told.
    unasked: Cell<u64>,
}

impl KvAllowance {
    /// An isolate that has not asked the log yet.
    pub fn new(per_day: Option<u64>) -> Self {
        Self { per_day, ..Self::default() }
    }

    /// Whether there is nothing left, and it is too early to ask for more.
    pub fn is_used_up(&self, now: Timestamp) -> bool {
        self.per_day.is_some() && !self.has_left(now) && now < self.asks_at.get()
    }

    /// Takes one write for a value that can be made again, and asks the log if there is none left.
    /// `false`: the value must not be written now.
    pub async fn take<R: Runtime>(&self, runtime: &R) -> bool {
        let Some(per_day) = self.per_day else { return true };
        let now = runtime.now();
        if !self.has_left(now) && now >= self.asks_at.get() {
            self.claim(runtime, per_day).await;
        }
        let may_write = self.has_left(runtime.now());
        if may_write {
            self.left.set(self.left.get() - 1);
        }
        may_write
    }

    /// Counts a write that is made in any case.
    pub fn count_unasked(&self) {
        self.unasked.set(self.unasked.get().saturating_add(1));
    }

    fn has_left(&self, now: Timestamp) -> bool {
        self.left.get() > 0 && now < self.day_ends_at.get()
    }

    async fn claim<R: Runtime>(&self, runtime: &R, per_day: u64) {
        let asked_at = runtime.now();
        let later = |millis| Timestamp::from_millis(asked_at.as_millis().saturating_add(millis));
        let unasked = self.unasked.get();
        let wanted = self.last_grant.get().saturating_mul(2).max(1);
        // The others do not wait, and none asks again if the runtime ends this request.
        self.asks_at.set(later(RETRY_MILLIS));
        let claim = KvClaim { per_day, wanted, unasked };
        match within(runtime, CLAIM_MILLIS, runtime.log_claim_kv_writes(&claim)).await {
            Ok(grant) => {
                self.unasked.set(self.unasked.get().saturating_sub(unasked));
                let day_ends_at = later(grant.millis_left);
                self.left.set(grant.writes);
                self.day_ends_at.set(day_ends_at);
                self.last_grant.set(grant.writes);
                self.asks_at.set(if grant.writes > 0 { asked_at } else { day_ends_at });
            }
            Err(fault) => report_failure(runtime, "kv-allowance", &fault),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::testing::{Call, TestRuntime};
    use futures_util::future::join;

    /// How many of `wanted` writes an isolate may make.
    fn taken(runtime: &TestRuntime, isolate: &KvAllowance, wanted: usize) -> usize {
        (0..wanted).filter(|_| runtime.run(isolate.take(runtime))).count()
    }

    fn isolates(per_day: u64, count: usize) -> Vec<KvAllowance> {
        (0..count).map(|_| KvAllowance::new(Some(per_day))).collect()
    }

    #[test]
    fn without_a_limit_the_log_is_not_asked() {
        let (runtime, isolate) = (TestRuntime::new(), KvAllowance::default());
        assert_eq!(
            (taken(&runtime, &isolate, 100), isolate.is_used_up(runtime.at())),
            (100, false)
        );
        assert_eq!(runtime.calls(Call::LogClaim), 0);
    }

    #[test]
    fn isolates_share_the_days_writes_and_leave_a_quarter() {
        let (runtime, isolates) = (TestRuntime::new(), isolates(1_000, 5));
        let all: Vec<usize> = isolates.iter().map(|one| taken(&runtime, one, 400)).collect();
        // The first one has five left of its last grant.
        assert_eq!(all, [400, 345, 0, 0, 0]);
        assert!(runtime.calls(Call::LogClaim) < 90, "{}", runtime.calls(Call::LogClaim));
        assert!(
            isolates.iter().all(|one| one.is_used_up(runtime.at()) || one.last_grant.get() > 0)
        );
        let calls = runtime.calls(Call::LogClaim);
        assert_eq!(taken(&runtime, &isolates[4], 100), 0);
        assert_eq!(runtime.calls(Call::LogClaim), calls, "it knows that there are none");
        runtime.advance(24 * 3_600_000);
        assert_eq!(taken(&runtime, &isolates[4], 100), 100, "the next day");
    }

    #[test]
    fn an_isolate_that_writes_little_takes_little() {
        let (runtime, isolates) = (TestRuntime::new(), isolates(1_000, 400));
        let all: usize = isolates.iter().map(|one| taken(&runtime, one, 1)).sum();
        assert_eq!(all, 400);
    }

    #[test]
    fn what_was_written_without_asking_is_reported_once() {
        let (runtime, isolate) = (TestRuntime::new(), KvAllowance::new(Some(8)));
        // The reserve has two, so three of the six for entries are used.
        (0..5).for_each(|_| isolate.count_unasked());
        runtime.fails(Call::LogClaim, "down");
        assert_eq!(taken(&runtime, &isolate, 1), 0);
        runtime.works(Call::LogClaim);
        runtime.advance(RETRY_MILLIS);
        assert_eq!(taken(&runtime, &isolate, 10), 3);
    }

    #[test]
    fn while_the_log_cannot_be_asked_nothing_is_written() {
        let (runtime, isolate) = (TestRuntime::new(), KvAllowance::new(Some(1_000)));
        runtime.takes(Call::LogClaim, CLAIM_MILLIS + 1);
        assert_eq!(taken(&runtime, &isolate, 10), 0);
        assert!(runtime.has_reported("kv-allowance"));
        assert_eq!(runtime.calls(Call::LogClaim), 1, "it is left alone for a while");
        assert!(isolate.is_used_up(runtime.at()));
        runtime.works(Call::LogClaim);
        runtime.advance(RETRY_MILLIS);
        assert_eq!(taken(&runtime, &isolate, 10), 10);
    }

    #[test]
    fn one_asks_and_the_others_do_not_wait() {
        let (runtime, isolate) = (TestRuntime::new(), KvAllowance::new(Some(1_000)));
        runtime.takes(Call::LogClaim, 100);
        let both = join(isolate.take(&runtime), isolate.take(&runtime));
        assert_eq!(runtime.run(both), (true, false));
        assert_eq!(runtime.calls(Call::LogClaim), 1);
    }

    #[test]
    fn what_is_left_of_a_day_is_not_used_on_the_next() {
        let (runtime, isolate) = (TestRuntime::new(), KvAllowance::new(Some(1_000)));
        taken(&runtime, &isolate, 2);
        assert_eq!(isolate.left.get(), 1);
        runtime.advance(24 * 3_600_000);
        let calls = runtime.calls(Call::LogClaim);
        assert_eq!((taken(&runtime, &isolate, 1), runtime.calls(Call::LogClaim)), (1, calls + 1));
    }
}
