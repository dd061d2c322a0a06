//! Recording purges in the log.
//!
//! In scope: how long a write waits for that, and what is done while the log takes nothing. Not in
//! scope: which purges share a record (`everything`), and where those wait that the log did not
//! take (`outbox`).
//!
//! A write tries twice. If both tries fail, and the log has taken nothing else meanwhile, the breaker
//! opens: from then on a purge is kept at once, and nobody waits. One probe at a time tries to record
//! what is kept, in the background and ever more seldom, until the log takes it. That closes the
//! breaker.

use super::backoff::Backoff;
use super::handle::Service;
use super::outbox::Pending;
use super::runtime::{AppendReply, Fault, Runtime};
use super::sync::READ_MILLIS;
use crate::purge::{Mark, NewRecord};
use crate::time::Timestamp;
use std::cell::Cell;

/// How long a try may hold up the answer to a write.
pub(super) const WRITE_MILLIS: u64 = 3_000;
/// The source of purges that an administrator asks for.
pub(super) const ADMIN: &str = "admin";
/// How many waiting purges one request records on its way.
const DRAINED_AT_ONCE: usize = 8;
/// The longest pause before a probe.
const LONGEST_PAUSE_MILLIS: u64 = 10_000;
/// For how long one request goes on with probes: the runtime ends what takes 30 s. A later one that has
/// something to record takes its place.
const PROBES_MILLIS: u64 = 25_000;
const HANDED_OVER_MILLIS: u64 = 5_000;
/// Why a purge was kept without a try.
const TAKES_NOTHING: &str = "the purge log takes nothing";

/// Whether the log takes purges, as far as an isolate knows.
#[derive(Debug, Default)]
pub(super) struct WriteBreaker {
    /// How many it has taken.
    taken: Cell<u64>,
    is_open: Cell<bool>,
    /// When there may be a probe.
    pub probes: Backoff<LONGEST_PAUSE_MILLIS>,
    /// Since when the request makes probes that does.
    probing_since: Cell<Option<Timestamp>>,
}

impl WriteBreaker {
    /// Whether purges are kept without a try.
    pub fn is_open(&self) -> bool {
        self.is_open.get()
    }

    fn has_taken(&self) {
        self.taken.set(self.taken.get().saturating_add(1));
        self.is_open.set(false);
        self.probes.succeeded();
    }

    /// Whether a probe may begin. Another may not until this one is over, or was ended.
    fn begins_probe(&self, now: Timestamp) -> bool {
        let begins = self.probes.allows(now);
        if begins {
            self.probes.is_asked(now, READ_MILLIS);
        }
        begins
    }

    /// Whether a request is to make probes from here on.
    fn begins_probing(&self, now: Timestamp) -> bool {
        let probes = self.probing_since.get();
        let begins = !probes.is_some_and(|since| now.is_within(HANDED_OVER_MILLIS, since));
        if begins {
            self.probing_since.set(Some(now));
        }
        begins
    }
}

impl<W: Runtime> Service<W> {
    /// Records a purge. Where the log does not take it, this isolate keeps it, obeys it, and records
    /// it with the next request that can; if it ends before, others do.
    pub(super) async fn record(
        &self,
        new: impl Into<NewRecord>,
        source: &'static str,
    ) -> Result<Mark, Fault> {
        let new = new.into();
        self.count_purge_of_everything(&new.record, source);
        let is_everything = new.record.is_everything() && new.record.schema.is_none();
        // What an administrator asks for waits for nothing: nobody else can ask for it. A schema that
        // is put in force does not wait with what is kept. So both are tried whatever is known.
        let recorded = if source == ADMIN || new.record.schema.is_some() {
            self.try_or_keep(&new).await
        } else if is_everything {
            self.append_everything(&new).await
        } else {
            self.append_or_keep(&new).await
        };
        if let Ok(record) = &recorded {
            self.isolate.stats.borrow_mut().purged(self.runtime.now());
            self.report_purge(record.seq, &new.record, source);
        }
        recorded
    }

    /// Appends a record, and keeps it where the log does not take it. While the log is known to take
    /// nothing it is kept at once.
    pub(super) async fn append_or_keep(&self, new: &NewRecord) -> Result<Mark, Fault> {
        let is_known = !self.isolate.log.pending.borrow().is_empty();
        if self.isolate.log.writes.is_open() && is_known {
            self.keep_pending(new.clone());
            self.probe_in_background();
            return Err(TAKES_NOTHING.to_owned());
        }
        self.try_or_keep(new).await
    }

    /// Appends a record, trying twice unless the log is known to take nothing, and keeps it where the
    /// log does not take it.
    async fn try_or_keep(&self, new: &NewRecord) -> Result<Mark, Fault> {
        let writes = &self.isolate.log.writes;
        let taken = writes.taken.get();
        let mut appended = self.append(new, WRITE_MILLIS).await;
        if appended.is_err() && !writes.is_open() {
            appended = self.append(new, WRITE_MILLIS).await;
        }
        match &appended {
            Ok(_) => self.look_in_outbox(),
            Err(fault) => {
                let now = self.runtime.now();
                // It may be slow for one and have taken another meanwhile.
                if writes.taken.get() == taken && !writes.is_open() {
                    writes.is_open.set(true);
                    writes.probes.failed(now);
                }
                self.isolate.log.failed(now, fault);
                self.report_failure("purge-log-write", fault);
                self.keep_pending(new.clone());
                self.probe_in_background();
            }
        }
        appended
    }

    /// Purges everything, since nobody knows what a write did whose handling broke, nor, unless the
    /// origin has answered it, whether it is over. What the log does not take is kept pending, and
    /// goes to the outbox.
    pub async fn purge_after_failure(&self, is_over: bool) {
        let new = NewRecord::everything();
        // With Wasm nobody is left who could tell the log more: what it does later counts too.
        let new = if is_over { new } else { NewRecord::intent(new.record).with_unknown_outcome() };
        let _ = self.record(new, "worker").await;
    }

    async fn append(&self, new: &NewRecord, millis: u64) -> Result<Mark, Fault> {
        let asked_at = self.runtime.now();
        let question = self.isolate.log.next_question();
        let mark = self.isolate.replica.borrow().mark();
        let appending = self.runtime.log_append(mark, new);
        let AppendReply { seq, delta } = self.within(millis, appending).await?;
        self.isolate.log.writes.has_taken();
        let record = Mark { epoch: delta.epoch(), seq };
        self.learn(delta, asked_at, question);
        Ok(record)
    }

    /// Records what waits, unless the log took nothing and it is too early to try again.
    pub(super) async fn drain_pending(&self) -> Result<(), Fault> {
        let waits = !self.isolate.log.pending.borrow().is_empty();
        if waits && !self.isolate.log.writes.begins_probe(self.runtime.now()) {
            return Ok(());
        }
        self.record_pending().await
    }

    /// Records what waits, in order. What waits is obeyed until it is recorded.
    pub(super) async fn record_pending(&self) -> Result<(), Fault> {
        for _ in 0..DRAINED_AT_ONCE {
            let next = self.isolate.log.pending.borrow().first().map(Pending::to_record);
            let Some((key, new)) = next else { break };
            if let Err(fault) = self.append_waiting(&new).await {
                self.isolate.log.writes.probes.failed(self.runtime.now());
                return Err(fault);
            }
            self.is_recorded(&key);
        }
        self.look_in_outbox();
        Ok(())
    }

    /// Sees that the outbox has what the log did not take.
    pub(super) fn keep_in_outbox(&self, outcome: Result<(), Fault>) {
        if let Err(fault) = outcome {
            self.report_failure("purge-log-write", &fault);
            self.fill_outbox();
        }
    }

    /// Records a purge that has waited.
    pub(super) async fn append_waiting(&self, new: &NewRecord) -> Result<(), Fault> {
        let recorded = self.append(new, READ_MILLIS).await?;
        self.report_purge(recorded.seq, &new.record, "outbox");
        Ok(())
    }

    /// Looks in the background whether the log takes purges again, unless another request has just begun
    /// to.
    pub(super) fn probe_in_background(&self) {
        let began = self.runtime.now();
        if !self.isolate.log.writes.begins_probing(began) {
            return;
        }
        let service = self.clone();
        self.runtime.spawn(async move {
            let log = &service.isolate.log;
            let makes_probes = || log.writes.probing_since.get() == Some(began);
            while makes_probes()
                && !log.pending.borrow().is_empty()
                && service.runtime.now().is_within(PROBES_MILLIS, began)
            {
                let pause = log.writes.probes.wait(service.runtime.now());
                service.runtime.sleep(pause.max(1)).await;
                let outcome = service.drain_pending().await;
                service.keep_in_outbox(outcome);
            }
            if makes_probes() {
                log.writes.probing_since.set(None);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn one_probe_at_a_time_and_ever_more_seldom() {
        let writes = WriteBreaker::default();
        assert!(!writes.is_open() && writes.begins_probing(at(0)));
        assert!(!writes.begins_probing(at(HANDED_OVER_MILLIS - 1)), "another request does");
        assert!(writes.begins_probing(at(HANDED_OVER_MILLIS)), "and hands it over");
        writes.is_open.set(true);
        writes.probes.failed(at(0));
        let first = writes.probes.wait(at(0));
        assert!((250..=500).contains(&first), "{first}");
        assert!(!writes.begins_probe(at(first - 1)));
        assert!(writes.begins_probe(at(first)) && !writes.begins_probe(at(first + 1)));
        assert!(writes.begins_probe(at(first + READ_MILLIS)), "the one before was ended");
        writes.probes.failed(at(2_000));
        assert!((500..=1_000).contains(&writes.probes.wait(at(2_000))));
        writes.has_taken();
        assert!(!writes.is_open() && writes.begins_probe(at(2_001)));
    }
}
