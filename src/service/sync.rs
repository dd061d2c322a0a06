//! Keeping the replica close to the log. Recording purges in it is `record`'s.

use super::backoff::Backoff;
use super::everything::Everything;
use super::handle::{Context, Service};
use super::intent::Intents;
use super::outbox::Pending;
use super::own_write::OwnWrite;
use super::record::WriteBreaker;
use super::runtime::{Fault, Runtime};
use super::shared_read::{ReadStep, SharedReads};
use crate::config::{Config, Unreadable};
use crate::purge::{Delta, Lag, Mark, ReadReply, Subject, Verdict};
use crate::time::Timestamp;
use futures_util::future::{Either, select};
use std::cell::{Cell, RefCell};
use std::pin::pin;

/// How long the log may take to answer a read.
pub(super) const READ_MILLIS: u64 = 1_000;
/// The longest wait after reads that failed.
const LONGEST_WAIT_MILLIS: u64 = 4_000;
/// How often in `max_lag` an isolate looks for what others have read, at most.
const LOOKS: u64 = 16;

/// What an isolate knows of the log beside its replica.
#[derive(Debug, Default)]
pub(super) struct LogState {
    /// The reads of the log, which requests share.
    pub reads: SharedReads,
    /// Since when, and for how many milliseconds, nothing is begun in the background.
    rests: Cell<Option<(Timestamp, u64)>>,
    /// The last record of which a client has shown the token since the log was read.
    shown: Cell<Option<Mark>>,
    reason: RefCell<Option<String>>,
    /// When the log may be read again after failures.
    pub backoff: Backoff<LONGEST_WAIT_MILLIS>,
    /// How many questions were put to the log.
    questions: Cell<u64>,
    /// The last of them whose answer the replica knows.
    answered: Cell<u64>,
    /// Purges that the log has not taken yet. What they touch is gone here meanwhile.
    pub pending: RefCell<Vec<Pending>>,
    /// The purges of everything that this isolate appends.
    pub everything: Everything,
    /// Whether the log takes purges.
    pub writes: WriteBreaker,
    /// The intents that it was told.
    pub intents: Intents,
}

impl LogState {
    /// Why the log failed last, unless it has answered since, this isolate or a neighbour.
    pub fn reason(&self) -> Option<String> {
        self.reason.borrow().clone()
    }

    /// Whether the log failed last.
    pub fn is_failing(&self) -> bool {
        self.reason.borrow().is_some()
    }

    /// How many questions were put to the log. Clocks are set back; this is not.
    pub fn questions(&self) -> u64 {
        self.questions.get()
    }

    /// The number of a question that is about to be put.
    pub fn next_question(&self) -> u64 {
        self.questions.set(self.questions.get().saturating_add(1));
        self.questions.get()
    }

    /// Whether the replica knows the answer to a question that was put after that one.
    pub fn has_answered_after(&self, question: u64) -> bool {
        self.answered.get() > question
    }

    /// A client has shown that this record is the purge of its own write.
    pub fn note_shown(&self, record: Mark) {
        self.shown.set(self.shown.get().max(Some(record)));
    }

    pub fn failed(&self, now: Timestamp, reason: &str) {
        self.backoff.failed(now);
        self.reason.replace(Some(reason.to_owned()));
    }

    /// A neighbour has read the log.
    pub fn is_known_to_work(&self) {
        self.reason.replace(None);
    }

    fn succeeded(&self, question: u64) {
        self.answered.set(self.answered.get().max(question));
        self.backoff.succeeded();
        self.reason.replace(None);
    }
}

impl<W: Runtime> Service<W> {
    /// How close the replica is to the log. For a client whose own write it may not know it is too
    /// old.
    pub(super) fn lag(&self, config: &Config, wanted: Option<OwnWrite>) -> Lag {
        match self.knows_own_write(wanted) {
            true => {
                let max_millis = config.purge.max_lag * 1_000;
                self.isolate.replica.borrow().lag(self.runtime.now(), max_millis)
            }
            false => Lag::TooOld,
        }
    }

    /// Catches up beside what is being done, unless that is under way or was done just now: by what
    /// neighbours have read, and by the log itself where it is this isolate's turn.
    pub(super) fn sync_in_background(&self) {
        let now = self.runtime.now();
        let log = &self.isolate.log;
        let rests = log.rests.get().is_some_and(|(since, millis)| now.is_within(millis, since));
        if !rests && log.reads.under_way(now).is_none() {
            self.begin_read(ReadStep::NearbyThenLogIfDue);
        }
    }

    /// Reads as far as a step says. Returns whether the log was asked.
    pub(super) async fn read_step(&self, step: ReadStep) -> bool {
        if step != ReadStep::Log {
            self.learn_nearby().await;
        }
        let asks = match step {
            ReadStep::Nearby => false,
            ReadStep::Log => true,
            ReadStep::NearbyThenLogIfDue => self.is_due(),
        };
        if asks {
            self.read_log().await;
        }
        let pause = self.max_millis() / LOOKS;
        self.isolate.log.rests.set(Some((self.runtime.now(), pause)));
        asks
    }

    /// Whether it is this isolate's turn to ask the log. Those that have learned the same become
    /// too old at the same moment; so that not all of them ask, each waits for another part of a
    /// quarter of `max_lag`, in which it looks whether one of the others has asked. Nobody else
    /// can record what waits here.
    fn is_due(&self) -> bool {
        let log = &self.isolate.log;
        let now = self.runtime.now();
        if !log.backoff.allows(now) {
            return false;
        }
        if log.is_failing() || (!log.pending.borrow().is_empty() && log.writes.probes.allows(now)) {
            return true;
        }
        let max_millis = self.max_millis();
        let waits = max_millis.div_ceil(2) + max_millis / 4 * self.nearby_turn() / 1_000;
        let synced_at = self.isolate.replica.borrow().synced_at();
        synced_at.is_none_or(|at| !now.is_within(waits, at))
    }

    fn max_millis(&self) -> u64 {
        self.isolate.config.as_ref().map_or(0, |config| config.purge.max_lag * 1_000)
    }

    async fn read_log(&self) {
        let asked_at = self.runtime.now();
        self.isolate.log.reads.log_is_asked(asked_at);
        if let Err(fault) = self.learn_from_log(asked_at).await {
            self.isolate.log.failed(self.runtime.now(), &fault);
            self.report_failure("purge-log-read", &fault);
        }
    }

    async fn learn_from_log(&self, asked_at: Timestamp) -> Result<(), Fault> {
        let question = self.isolate.log.next_question();
        let shown = self.isolate.log.shown.get();
        let own = self.isolate.replica.borrow().mark();
        match own {
            Some(own) => self.learn_since(own, asked_at, question).await?,
            None => self.learn_from_nothing(question).await?,
        }
        // That the log lacks a record of which a client has shown the token, it finds out only
        // when it is asked from there.
        let known = self.isolate.replica.borrow().mark();
        if let Some(shown) = shown.filter(|shown| known < Some(*shown)) {
            let said = self.ask_log(Some(shown), asked_at).await?;
            self.learn_or_fail(said.delta, asked_at, question)?;
        }
        if self.isolate.log.shown.get() == shown {
            self.isolate.log.shown.set(None);
        }
        Ok(())
    }

    async fn learn_since(
        &self,
        own: Mark,
        asked_at: Timestamp,
        question: u64,
    ) -> Result<(), Fault> {
        let mut said = self.ask_log(self.nearby_mark(), asked_at).await?;
        // It was asked from where others stand. That it lacks records it finds out only when it is
        // asked from where this isolate stands.
        if own > said.mark() {
            said = self.ask_log(Some(own), asked_at).await?;
        }
        self.tell_nearby(&said);
        if self.learn(said.delta, asked_at, question) {
            return Ok(());
        }
        // The replica is of another log, or does not join what the log still has.
        let all = self.ask_log(None, asked_at).await?;
        self.learn_or_fail(all.delta, asked_at, question)
    }

    pub(super) async fn ask_log(
        &self,
        mark: Option<Mark>,
        asked_at: Timestamp,
    ) -> Result<ReadReply, Fault> {
        let said = self.within(READ_MILLIS, self.runtime.log_since(mark)).await?;
        self.compare_clocks(asked_at, &said);
        self.leave_snapshot(&said.delta);
        Ok(said)
    }

    pub(super) fn learn_or_fail(
        &self,
        delta: Delta,
        asked_at: Timestamp,
        question: u64,
    ) -> Result<(), Fault> {
        match self.learn(delta, asked_at, question) {
            true => Ok(()),
            false => Err("the purge log's answer does not follow what is known".to_owned()),
        }
    }

    /// Learns what the log answered. False where the replica cannot join it.
    pub(super) fn learn(&self, delta: Delta, asked_at: Timestamp, question: u64) -> bool {
        let learned = self.isolate.replica.borrow_mut().learn(delta, asked_at);
        if learned {
            self.isolate.log.succeeded(question);
        }
        learned
    }

    /// Whether the replica is close enough for a request: its last good read began less than
    /// `max_lag` ago, and it knows the client's own write.
    pub(super) fn is_close_enough(&self, config: &Config, context: &Context) -> bool {
        self.lag(config, context.wanted) != Lag::TooOld
    }

    /// Whether entries may be judged: the replica is close enough, or the configuration prefers
    /// answers to certainty. What a client has written itself it has to know in any case.
    pub(super) fn may_judge(&self, config: &Config, context: &Context) -> bool {
        let knows_log = self.isolate.replica.borrow().mark().is_some();
        let serves = config.purge.unreadable == Unreadable::Serve;
        self.is_close_enough(config, context)
            || (serves && knows_log && self.knows_own_write(context.wanted))
    }

    /// What the log and the purges that it has not taken yet say of an entry.
    pub(super) fn verdict(&self, subject: &Subject<'_>) -> Verdict {
        let pending = self.isolate.log.pending.borrow();
        let is_purged = pending.iter().any(|Pending { new, .. }| new.record.purges(subject));
        if is_purged { Verdict::Purged } else { self.isolate.replica.borrow().verdict(subject) }
    }

    /// The future's outcome, or a fault where it takes longer.
    pub(super) async fn within<T>(
        &self,
        millis: u64,
        work: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        match select(pin!(work), pin!(self.runtime.sleep(millis))).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(_) => Err(format!("no answer within {millis} ms")),
        }
    }
}
