//! Recording purges, whatever asks for them.

use super::delivery::Delivery;
use super::shared_appends::SharedAppends;
use crate::purge::{Mark, NewRecord, Pause, Record};
use crate::service::report::{report_pause, report_purge};
use crate::service::runtime::{Fault, Runtime};
use crate::service::stats::Stats;
use std::rc::Rc;

/// The source of purges that an administrator asks for.
pub const ADMIN: &str = "admin";
/// The source of purges after the Worker itself failed.
const WORKER: &str = "worker";

/// What causes a purge.
#[derive(Debug, Clone)]
pub struct PurgeSource {
    /// The word in log lines and statistics.
    pub word: &'static str,
    /// The mutation field, the path or the name of the token, if it is known.
    pub cause: Option<Rc<str>>,
}

impl From<&'static str> for PurgeSource {
    fn from(word: &'static str) -> Self {
        Self { word, cause: None }
    }
}

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

    /// Records a purge and returns the mark of its record.
    ///
    /// If the log does not take the purge, this isolate obeys it all the same, and it is recorded later,
    /// by this isolate or by another. So an error need not be handled.
    pub async fn record<R: Runtime>(
        &self,
        runtime: &R,
        new: impl Into<NewRecord>,
        source: impl Into<PurgeSource>,
    ) -> Result<Mark, Fault> {
        let (new, PurgeSource { word: source, cause }) = (new.into(), source.into());
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
            let (stats, now) = (&self.stats, runtime.now());
            stats.purged(now, &new.record, record.seq, source, cause.as_deref());
            report_purge(runtime, record.seq, &new.record, source);
        }
        recorded
    }

    /// Records what is worth nothing later: one attempt, and nothing is kept if the log does not take it.
    pub async fn record_now<R: Runtime>(
        &self,
        runtime: &R,
        record: Record,
        source: &'static str,
    ) -> Result<Mark, Fault> {
        let new = NewRecord::from(record);
        let recorded = self.delivery.try_once(runtime, &new).await?;
        self.stats.purge_requested(runtime.now(), &new.record, source);
        self.stats.purged(runtime.now(), &new.record, recorded.seq, source, None);
        report_purge(runtime, recorded.seq, &new.record, source);
        Ok(recorded)
    }

    /// Pauses the cache for all isolates, or ends the pause. One attempt: a pause that is recorded later,
    /// when nobody expects it any more, would be a surprise.
    pub async fn record_pause<R: Runtime>(&self, runtime: &R, pause: Pause) -> Result<Mark, Fault> {
        let new = NewRecord::from(Record::of_pause(pause));
        let recorded = self.delivery.try_once(runtime, &new).await?;
        report_pause(runtime, recorded.seq, pause);
        Ok(recorded)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::purges::fixture::{Writing, purge_of};
    use crate::service::testing::{Call, TestRuntime};
    use serde_json::Value;

    fn recorder() -> (Recorder, Writing) {
        let writing = Writing::new();
        (Recorder::new(writing.delivery.clone(), writing.stats.clone()), writing)
    }

    #[test]
    fn a_purge_is_logged_and_counted() {
        let (runtime, (recorder, writing)) = (TestRuntime::new(), recorder());
        let mark = runtime.run(recorder.record(&runtime, purge_of(1), "mutation"));
        assert_eq!(mark.map(|mark| mark.seq), Ok(1));
        let everything = NewRecord::everything();
        assert!(runtime.run(recorder.record(&runtime, everything, "rest")).is_ok());
        let purges = writing.stats.totals().purges;
        assert_eq!((purges.recorded, purges.of_everything), (2, 1));
        let sources: Vec<Value> =
            runtime.lines().iter().map(|line| line["source"].clone()).collect();
        assert_eq!(sources, ["mutation", "rest"]);
    }

    #[test]
    fn an_administrators_purge_is_tried_though_the_breaker_is_open() {
        let (runtime, (recorder, writing)) = (TestRuntime::new(), recorder());
        runtime.fails(Call::LogAppend, "down");
        assert!(runtime.run(recorder.record(&runtime, purge_of(1), "mutation")).is_err());
        let tried = runtime.calls(Call::LogAppend);
        assert!(runtime.run(recorder.record(&runtime, purge_of(2), "mutation")).is_err());
        assert_eq!(runtime.calls(Call::LogAppend), tried);
        runtime.works(Call::LogAppend);
        assert!(runtime.run(recorder.record(&runtime, purge_of(3), ADMIN)).is_ok());
        assert!(!writing.writer.breaker.is_open());
    }

    #[test]
    fn purges_of_everything_share_appends_and_others_do_not() {
        let (runtime, (recorder, _)) = (TestRuntime::new(), recorder());
        let started = runtime.at();
        let record = |new| runtime.run(recorder.record(&runtime, new, "mutation")).unwrap().seq;
        assert_eq!([record(NewRecord::everything()), record(purge_of(1))], [1, 2]);
        assert_eq!(runtime.at(), started);
        assert_eq!(record(NewRecord::everything()), 3);
        assert_eq!(runtime.at().millis_since(started), 1_000, "at most one a second");
    }

    #[test]
    fn after_a_failure_everything_is_purged() {
        let (runtime, (recorder, writing)) = (TestRuntime::new(), recorder());
        for (times, is_over) in [(1, true), (2, false)] {
            runtime.run(recorder.purge_after_failure(&runtime, is_over));
            let purges = writing.stats.totals().purges;
            assert_eq!(purges.of_everything_by_source["worker"], times);
        }
        assert_eq!(runtime.log_head(), 2);
    }
}
