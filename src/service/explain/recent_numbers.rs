//! The numbers of the last day, for warnings. Reading them changes nothing that is counted.

use crate::service::runtime::Runtime;
use crate::service::stats_reports::{StatsReports, WindowNumbers};
use crate::statistics::{Ask, Tally};
use crate::time::Timestamp;
use std::cell::RefCell;
use std::rc::Rc;

/// Which seconds the numbers are of.
const WINDOW_SECONDS: u64 = 24 * 60 * 60;
/// How long numbers are used again, so that not each explanation waits for the statistics object.
const REUSED_MILLIS: u64 = 60_000;

/// The numbers of the last day, at most a minute old.
pub struct RecentNumbers {
    reports: Rc<StatsReports>,
    last: RefCell<Option<(Timestamp, Rc<Tally>)>>,
}

impl RecentNumbers {
    /// Numbers that have not been asked for yet.
    pub fn new(reports: Rc<StatsReports>) -> Self {
        Self { reports, last: RefCell::default() }
    }

    /// The sums of the service, or else of this isolate.
    pub async fn sums<R: Runtime>(&self, runtime: &R) -> Rc<Tally> {
        let now = runtime.now();
        let last = self.last.borrow().clone();
        if let Some((_, sums)) = last.filter(|(at, _)| now.is_within(REUSED_MILLIS, *at)) {
            return sums;
        }
        let ask = Ask { window: Some(WINDOW_SECONDS), by: None };
        let (WindowNumbers::Service(window) | WindowNumbers::Isolate(window, _)) =
            self.reports.numbers_without_report(runtime, ask).await;
        let sums = Rc::new(window.sum);
        self.last.replace(Some((now, sums.clone())));
        sums
    }
}
