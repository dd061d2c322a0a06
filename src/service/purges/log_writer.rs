//! One append to the purge log.

use super::log_view::LogView;
use super::timeouts::READ_MILLIS;
use super::write_breaker::WriteBreaker;
use crate::purge::{IntentId, Mark, NewRecord};
use crate::service::report::report_purge;
use crate::service::runtime::{AppendReply, Fault, Runtime};
use crate::service::stats::Stats;
use crate::service::timeout::within;
use std::rc::Rc;

/// The source of purges that were pending, in log lines and statistics.
pub(super) const OUTBOX: &str = "outbox";

/// Appends records to the purge log. What the log replies, the replica learns.
#[derive(Debug)]
pub(super) struct LogWriter {
    view: Rc<LogView>,
    stats: Rc<Stats>,
    /// Whether the log takes purges.
    pub breaker: WriteBreaker,
}

impl LogWriter {
    pub fn new(view: Rc<LogView>, stats: Rc<Stats>) -> Self {
        Self { view, stats, breaker: WriteBreaker::default() }
    }

    /// Appends a record within `millis`, and returns its mark.
    pub async fn append<R: Runtime>(
        &self,
        runtime: &R,
        new: &NewRecord,
        millis: u64,
    ) -> Result<Mark, Fault> {
        let asked_at = runtime.now();
        let call = self.view.begin_call();
        let appending = runtime.log_append(self.view.mark(), new);
        let AppendReply { seq, version, delta } = within(runtime, millis, appending).await?;
        self.breaker.succeeded();
        let record = Mark { epoch: delta.epoch(), seq };
        self.view.learn(delta, version, asked_at, call);
        Ok(record)
    }

    /// Appends a purge that was pending, and counts it.
    pub async fn append_pending<R: Runtime>(
        &self,
        runtime: &R,
        new: &NewRecord,
    ) -> Result<(), Fault> {
        let recorded = self.append(runtime, new, READ_MILLIS).await?;
        self.stats.purged(runtime.now(), &new.record, recorded.seq, OUTBOX, None);
        report_purge(runtime, recorded.seq, &new.record, OUTBOX);
        Ok(())
    }

    /// Announces an intent to the log within `millis`.
    pub async fn announce<R: Runtime>(
        &self,
        runtime: &R,
        intent: &NewRecord,
        millis: u64,
    ) -> Result<IntentId, Fault> {
        within(runtime, millis, runtime.log_intend(intent)).await
    }

    /// Closes an intent within `millis`, with a record that purges nothing.
    pub async fn close_intent<R: Runtime>(
        &self,
        runtime: &R,
        id: IntentId,
        millis: u64,
    ) -> Result<(), Fault> {
        let nothing = NewRecord { closes: vec![id], ..NewRecord::default() };
        let closing = runtime.log_append(self.view.mark(), &nothing);
        within(runtime, millis, closing).await.map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use crate::purge::{IntentId, Pause, Record, Verdict, Version};
    use crate::service::purges::fixture::{Writing, entry_of, purge_of};
    use crate::service::testing::{Call, TestRuntime};

    #[test]
    fn the_replica_learns_what_was_appended() {
        let (runtime, writing) = (TestRuntime::new(), Writing::new());
        let stored_at = runtime.records(&purge_of(9).record);
        let mark = runtime.run(writing.writer.append(&runtime, &purge_of(1), 1_000)).unwrap();
        assert_eq!((mark.seq, writing.view.mark()), (2, Some(mark)));
        assert_eq!(writing.view.verdict(&entry_of(stored_at, &[1])), Verdict::Purged);
        assert_eq!(writing.writer.breaker.taken(), 1);
    }

    #[test]
    fn an_append_does_not_stand_in_for_what_was_read_in_an_earlier_version() {
        let (runtime, writing) = (TestRuntime::new(), Writing::new());
        let append = || runtime.run(writing.writer.append(&runtime, &purge_of(1), 1_000)).unwrap();
        let is_recent = || writing.view.is_recent(runtime.at(), None);
        runtime.log_replies_in(Version::PREVIOUS);
        let stored_at = append();
        runtime.records(&Record::of_pause(Pause::UNTIL_RESUMED));
        append();
        assert!(is_recent(), "it cannot know better");
        runtime.log_replies_in(Version::CURRENT);
        append();
        assert!(!is_recent() && !writing.view.is_paused(runtime.at()));
        assert_eq!(writing.view.verdict(&entry_of(stored_at, &[1])), Verdict::Purged);
    }

    #[test]
    fn an_append_that_takes_too_long_has_failed() {
        let (runtime, writing) = (TestRuntime::new(), Writing::new());
        runtime.takes(Call::LogAppend, 1_001);
        let appended = runtime.run(writing.writer.append(&runtime, &purge_of(1), 1_000));
        assert_eq!(appended, Err("no answer within 1000 ms".to_owned()));
        assert_eq!((writing.view.mark(), writing.writer.breaker.taken()), (None, 0));
    }

    #[test]
    fn a_purge_that_was_pending_is_counted_once_it_is_recorded() {
        let (runtime, writing) = (TestRuntime::new(), Writing::new());
        runtime.fails(Call::LogAppend, "down");
        assert!(runtime.run(writing.delivery.append_or_keep(&runtime, &purge_of(1))).is_err());
        assert_eq!(writing.stats.totals().purges.recorded, 0);
        runtime.works(Call::LogAppend);
        runtime.run(writing.delivery.record_everything_pending(&runtime));
        let counted = writing.stats.totals();
        assert_eq!((counted.purges.recorded, counted.purges.by_source["outbox"]), (1, 1));
        let recent = &counted.recent_purges.list()[0];
        assert_eq!((recent.seq, recent.source.as_str()), (1, "outbox"));
    }

    #[test]
    fn closing_an_intent_records_nothing() {
        let (runtime, writing) = (TestRuntime::new(), Writing::new());
        let intent = runtime.run(writing.writer.announce(&runtime, &purge_of(1), 1_000));
        assert_eq!(intent, Ok(IntentId::of(1)));
        let closed = runtime.run(writing.writer.close_intent(&runtime, IntentId::of(1), 1_000));
        assert_eq!((closed, runtime.log_head()), (Ok(()), 0));
    }
}
