//! Keeping the replica close to the log, and recording purges in it.

use super::everything::Everything;
use super::handle::{Asked, Service};
use super::outbox::Pending;
use super::own_write::OwnWrite;
use super::world::{Appended, Fault, World};
use crate::config::{Config, Unreadable};
use crate::purge::{Delta, Lag, Mark, NewRecord, Said, Subject, Verdict};
use crate::time::Timestamp;
use futures_util::future::{Either, select};
use std::cell::{Cell, RefCell};
use std::pin::pin;

/// How long a read of the log may hold up a request.
const READ_MILLIS: u64 = 1_000;
/// How long a write of the log may hold up the answer to a write.
pub(super) const WRITE_MILLIS: u64 = 3_000;
/// How long after a failed read the log is not asked again.
const RETRY_MILLIS: u64 = 1_000;
/// How often in `max_lag` an isolate looks for what others have read, at most.
const LOOKS: u64 = 16;

/// What an isolate knows of the log beside its replica.
#[derive(Debug, Default)]
pub(super) struct LogState {
    /// Since when, and for how many milliseconds, nothing is begun in the background.
    rests: Cell<Option<(Timestamp, u64)>>,
    /// The last record of which a client has shown the token since the log was read.
    shown: Cell<Option<Mark>>,
    failed_at: Cell<Option<Timestamp>>,
    reason: RefCell<Option<String>>,
    /// How many questions were put to the log.
    questions: Cell<u64>,
    /// The last of them whose answer the replica knows.
    answered: Cell<u64>,
    /// Purges that the log has not taken yet. What they touch is gone here meanwhile.
    pub pending: RefCell<Vec<Pending>>,
    /// The purges of everything that this isolate appends.
    pub everything: Everything,
}

impl LogState {
    /// Why the log failed last, unless it has answered since.
    pub fn reason(&self) -> Option<String> {
        self.reason.borrow().clone()
    }

    /// How many questions were put to the log. Clocks are set back; this is not.
    pub fn questions(&self) -> u64 {
        self.questions.get()
    }

    /// The number of a question that is about to be put.
    fn next_question(&self) -> u64 {
        self.questions.set(self.questions.get().saturating_add(1));
        self.questions.get()
    }

    fn knows_answer(&self, question: u64) {
        self.answered.set(self.answered.get().max(question));
    }

    /// The last question whose answer the replica knows.
    pub fn answered(&self) -> u64 {
        self.answered.get()
    }

    /// A client has shown that this record is the purge of its own write.
    pub fn note_shown(&self, record: Mark) {
        self.shown.set(self.shown.get().max(Some(record)));
    }

    fn failed(&self, now: Timestamp, reason: &str) {
        self.failed_at.set(Some(now));
        self.reason.replace(Some(reason.to_owned()));
    }

    fn succeeded(&self) {
        self.failed_at.set(None);
        self.reason.replace(None);
    }
}

/// The source of purges that an administrator asks for.
pub(super) const ADMIN: &str = "admin";

/// How many waiting purges one request records on its way.
const DRAINED_AT_ONCE: usize = 8;

impl<W: World> Service<W> {
    /// How close the replica is to the log. For a client whose own write it may not know it is too
    /// old.
    pub(super) fn lag(&self, config: &Config, wanted: Option<OwnWrite>) -> Lag {
        match self.knows_own_write(wanted) {
            true => {
                let max_millis = config.purge.max_lag * 1_000;
                self.isolate.replica.borrow().lag(self.world.now(), max_millis)
            }
            false => Lag::TooOld,
        }
    }

    /// Catches up in the background, unless that is under way or was done just now: by what
    /// others have read, and by the log itself where it is this isolate's turn.
    pub(super) fn sync_in_background(&self) {
        let now = self.world.now();
        let rests = self.isolate.log.rests.get();
        if rests.is_some_and(|(since, millis)| now.is_within(millis, since)) {
            return;
        }
        self.isolate.log.rests.set(Some((now, READ_MILLIS)));
        let service = self.clone();
        self.world.spawn(async move {
            service.learn_nearby().await;
            if service.is_due() {
                service.sync_now().await;
            }
            let pause = service.max_millis() / LOOKS;
            service.isolate.log.rests.set(Some((service.world.now(), pause)));
        });
    }

    /// Whether it is this isolate's turn to ask the log. Those that have learned the same become
    /// too old at the same moment; so that not all of them ask, each waits for another part of a
    /// quarter of `max_lag`, in which it looks whether one of the others has asked. Nobody else
    /// can find out whether the log is back for what waits here.
    fn is_due(&self) -> bool {
        let log = &self.isolate.log;
        if log.failed_at.get().is_some() || !log.pending.borrow().is_empty() {
            return true;
        }
        let max_millis = self.max_millis();
        let waits = max_millis.div_ceil(2) + max_millis / 4 * self.nearby_turn() / 1_000;
        let synced_at = self.isolate.replica.borrow().synced_at();
        synced_at.is_none_or(|at| !self.world.now().is_within(waits, at))
    }

    fn max_millis(&self) -> u64 {
        self.isolate.config.as_ref().map_or(0, |config| config.purge.max_lag * 1_000)
    }

    /// Catches up: by what others have read, or by the log. Each request asks for itself, since
    /// requests cannot share what they read. While the log fails nobody waits for it; now and
    /// then a request looks whether it is back.
    pub(super) async fn sync(&self, wanted: Option<OwnWrite>) {
        let log = &self.isolate.log;
        if log.failed_at.get().is_none() && self.learn_nearby().await {
            let (now, replica) = (self.world.now(), self.isolate.replica.borrow());
            let is_current = replica.lag(now, self.max_millis()) != Lag::TooOld;
            drop(replica);
            if is_current && self.knows_own_write(wanted) {
                return;
            }
        }
        match log.failed_at.get() {
            None => self.sync_now().await,
            Some(at) if self.world.now().is_within(RETRY_MILLIS, at) => {}
            Some(_) => self.sync_in_background(),
        }
    }

    /// Catches up by the log itself, whatever happened before.
    pub(super) async fn sync_now(&self) {
        let asked_at = self.world.now();
        match self.catch_up(asked_at).await {
            Ok(()) => self.isolate.log.succeeded(),
            Err(fault) => {
                self.isolate.log.failed(self.world.now(), &fault);
                self.report_failure("purge-log-read", &fault);
            }
        }
    }

    async fn catch_up(&self, asked_at: Timestamp) -> Result<(), Fault> {
        // A log that takes nothing can still be read.
        if let Err(fault) = self.drain_pending().await {
            self.report_failure("purge-log-write", &fault);
            self.fill_outbox();
        }
        let question = self.isolate.log.next_question();
        let shown = self.isolate.log.shown.get();
        // What was recorded by now, as this isolate knows it or a client has shown.
        let known = self.isolate.replica.borrow().mark().max(shown);
        let mark = self.nearby_mark();
        let mut said = self.ask_log(mark, asked_at).await?;
        // It was asked from where others stand. That it lacks records it finds out only when it is
        // asked from beyond them.
        if known.is_some_and(|known| known > said.mark()) {
            said = self.ask_log(known, asked_at).await?;
        }
        if mark.is_some() {
            self.tell_nearby(&said);
        }
        if !self.learn(said.delta, asked_at, question) {
            // The replica is of another log, or does not join what the log still has.
            let all = self.ask_log(None, asked_at).await?;
            self.learn(all.delta, asked_at, question);
        }
        if self.isolate.log.shown.get() == shown {
            self.isolate.log.shown.set(None);
        }
        Ok(())
    }

    async fn ask_log(&self, mark: Option<Mark>, asked_at: Timestamp) -> Result<Said, Fault> {
        let said = self.within(READ_MILLIS, self.world.log_since(mark)).await?;
        self.compare_clocks(asked_at, &said);
        Ok(said)
    }

    /// Learns what the log answered. False where the replica cannot join it.
    fn learn(&self, delta: Delta, asked_at: Timestamp, question: u64) -> bool {
        let learned = self.isolate.replica.borrow_mut().learn(delta, asked_at);
        if learned {
            self.isolate.log.knows_answer(question);
        }
        learned
    }

    /// Whether entries may be judged: the replica is close enough, or the configuration prefers
    /// answers to certainty. What a client has written itself it has to know in any case.
    pub(super) fn may_judge(&self, config: &Config, asked: &Asked) -> bool {
        let knows_log = self.isolate.replica.borrow().mark().is_some();
        self.lag(config, asked.wanted) != Lag::TooOld
            || knows_log
                && self.knows_own_write(asked.wanted)
                && config.purge.unreadable == Unreadable::Serve
    }

    /// What the log and the purges that it has not taken yet say of an entry.
    pub(super) fn verdict(&self, subject: &Subject<'_>) -> Verdict {
        let pending = self.isolate.log.pending.borrow();
        let touched = pending.iter().any(|Pending { new, .. }| {
            let record = &new.record;
            record.all
                || record.tags.iter().any(|tag| subject.tags.contains(tag))
                || record.patterns.iter().any(|pattern| pattern.matches(subject.key_from_kind))
        });
        if touched { Verdict::Gone } else { self.isolate.replica.borrow().verdict(subject) }
    }

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
        // What an administrator asks for waits for nothing: nobody else can ask for it.
        let recorded = match is_everything && source != ADMIN {
            true => self.append_everything(&new.repeat_after).await,
            false => self.append_or_keep(&new).await,
        };
        if let Ok(record) = &recorded {
            self.isolate.stats.borrow_mut().purged(self.world.now());
            self.report_purge(record.seq, &new.record, source);
        }
        recorded
    }

    /// Appends a record, trying twice, and keeps it where the log does not take it.
    pub(super) async fn append_or_keep(&self, new: &NewRecord) -> Result<Mark, Fault> {
        let mut appended = self.append(new, WRITE_MILLIS).await;
        if appended.is_err() {
            appended = self.append(new, WRITE_MILLIS).await;
        }
        match &appended {
            Ok(_) => self.look_in_outbox(),
            Err(fault) => {
                self.isolate.log.failed(self.world.now(), fault);
                self.report_failure("purge-log-write", fault);
                self.keep_pending(new.clone());
            }
        }
        appended
    }

    /// Purges everything, since nobody knows what a write did whose handling broke, nor, unless the
    /// origin has answered it, whether it is over. What the log does not take is kept pending, and
    /// goes to the outbox.
    pub async fn purge_after_failure(&self, is_over: bool) {
        let new = NewRecord::everything();
        let new = if is_over { new } else { new.with_unknown_outcome() };
        let _ = self.record(new, "worker").await;
    }

    async fn append(&self, new: &NewRecord, millis: u64) -> Result<Mark, Fault> {
        let asked_at = self.world.now();
        let question = self.isolate.log.next_question();
        let mark = self.isolate.replica.borrow().mark();
        let appending = self.world.log_append(mark, new);
        let Appended { seq, delta } = self.within(millis, appending).await?;
        let record = Mark { epoch: delta.epoch(), seq };
        self.learn(delta, asked_at, question);
        Ok(record)
    }

    /// Records what waits, in order. What waits is obeyed until it is recorded.
    pub(super) async fn drain_pending(&self) -> Result<(), Fault> {
        for _ in 0..DRAINED_AT_ONCE {
            let next = self.isolate.log.pending.borrow().first().map(Pending::to_record);
            let Some((key, new)) = next else { break };
            self.append_waiting(&new).await?;
            self.is_recorded(&key);
        }
        self.look_in_outbox();
        Ok(())
    }

    /// Records a purge that has waited.
    pub(super) async fn append_waiting(&self, new: &NewRecord) -> Result<(), Fault> {
        let recorded = self.append(new, READ_MILLIS).await?;
        self.report_purge(recorded.seq, &new.record, "outbox");
        Ok(())
    }

    /// The future's outcome, or a fault where it takes longer.
    pub(super) async fn within<T>(
        &self,
        millis: u64,
        work: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        match select(pin!(work), pin!(self.world.sleep(millis))).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(_) => Err(format!("no answer within {millis} ms")),
        }
    }
}
