//! Recording purges, whatever asks for them.

use super::delivery::Delivery;
use super::shared_appends::SharedAppends;
use crate::purge::{Mark, NewRecord};
use crate::service::report::report_purge;
use crate::service::runtime::{Fault, Runtime};
use crate::service::stats::Stats;
use std::rc::Rc;

/// The source of purges that an administrator asks for.
pub const ADMIN: &str = "admin";
/// The source of purges after the Worker itself failed.
const WORKER: &str = "worker";

/// Records purges in the log.
#[derive(Debug)]
pub struct Recorder {
    delivery: Rc<Delivery>,
    shared: SharedAppends,
    stats: Rc<Stats>,
}

impl Recorder {
    pub(super) fn new(delivery: Rc<Delivery>, stats: Rc<Stats>) -> Self {
        Self { shared: SharedAppends::new(delivery.clone()), delivery, stats }
    }

    /// Records a purge and returns the mark of its record. `source` is the word for its cause in log
    /// lines and statistics.
    ///
    /// If the log does not take the purge, this isolate obeys it all the same, and it is recorded later,
    /// by this isolate or by another. So an error need not be handled.
    pub async fn record<R: Runtime>(
        &self,
        runtime: &R,
        new: impl Into<NewRecord>,
        source: &'static str,
    ) -> Result<Mark, Fault> {
        let new = new.into();
        self.stats.purge_requested(runtime.now(), &new.record, source);
        let has_schema = new.record.schema.is_some();
        // An administrator's purge is attempted even while the breaker is open: a human waits for the
        // outcome. A schema that is put in force is never pending.
        let recorded = if source == ADMIN || has_schema {
            self.delivery.try_or_keep(runtime, &new).await
        } else if new.record.is_everything() {
            self.shared.append(runtime, &new).await
        } else {
            self.delivery.append_or_keep(runtime, &new).await
        };
        if let Ok(record) = &recorded {
            self.stats.purged(runtime.now());
            report_purge(runtime, record.seq, &new.record, source);
        }
        recorded
    }

    /// Purges everything for a write whose handling broke: what it changed is unknown. `is_over` says
    /// whether the origin has answered it.
    pub async fn purge_after_failure<R: Runtime>(&self, runtime: &R, is_over: bool) {
        let new = NewRecord::everything();
        // This instance of Wasm does not live on to tell the log more. So what the origin does later is
        // purged by an intent that nothing closes.
        let new = if is_over { new } else { NewRecord::intent(new.record).with_unknown_outcome() };
        let _ = self.record(runtime, new, WORKER).await;
    }

    /// Records everything that is pending, here or in the outbox. For a cron trigger.
    pub async fn record_everything_pending<R: Runtime>(&self, runtime: &R) {
        self.delivery.record_everything_pending(runtime).await;
    }
}
