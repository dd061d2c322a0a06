//! Keeping the replica close to the log.

use super::everything::Everything;
use super::handle::{Asked, Service};
use super::intent::Intents;
use super::outbox::Pending;
use super::record::WriteBreaker;
use super::world::{Fault, World};
use crate::config::{Config, Unreadable};
use crate::purge::{Delta, Lag, Mark, Said, Seq, Subject, Verdict};
use crate::time::Timestamp;
use futures_util::future::{Either, select};
use std::cell::{Cell, RefCell};
use std::pin::pin;

/// How long a read of the log may hold up a request.
pub(super) const READ_MILLIS: u64 = 1_000;
/// How long after a failed read the log is not asked again.
const RETRY_MILLIS: u64 = 1_000;
/// How often in `max_lag` an isolate looks for what others have read, at most.
const LOOKS: u64 = 16;

/// What an isolate knows of the log beside its replica.
#[derive(Debug, Default)]
pub(super) struct LogState {
    /// Since when, and for how many milliseconds, nothing is begun in the background.
    rests: Cell<Option<(Timestamp, u64)>>,
    /// The highest number that a client has shown since the log was read.
    shown: Cell<Option<Seq>>,
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
    /// Whether the log takes purges.
    pub writes: WriteBreaker,
    /// The intents that it was told.
    pub intents: Intents,
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
    pub fn next_question(&self) -> u64 {
        self.questions.set(self.questions.get().saturating_add(1));
        self.questions.get()
    }

    fn knows_answer(&self, question: u64) {
        self.answered.set(self.answered.get().max(question));
    }

    /// A client has shown the number of its own write.
    pub fn note_shown(&self, seq: Option<Seq>) {
        self.shown.set(self.shown.get().max(seq));
    }

    pub fn failed(&self, now: Timestamp, reason: &str) {
        self.failed_at.set(Some(now));
        self.reason.replace(Some(reason.to_owned()));
    }

    fn succeeded(&self) {
        self.failed_at.set(None);
        self.reason.replace(None);
    }
}

impl<W: World> Service<W> {
    /// How close the replica is to the log. A client that shows the number of its own write wants
    /// at least that.
    pub(super) fn lag(&self, config: &Config, wanted: Option<Seq>) -> Lag {
        let max_millis = config.purge.max_lag * 1_000;
        self.isolate.replica.borrow().lag(self.world.now(), max_millis, wanted)
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
    pub(super) async fn sync(&self) {
        let log = &self.isolate.log;
        if log.failed_at.get().is_none() && self.learn_nearby().await {
            let (now, replica) = (self.world.now(), self.isolate.replica.borrow());
            if replica.lag(now, self.max_millis(), log.shown.get()) != Lag::TooOld {
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
        let own = self.isolate.replica.borrow().mark();
        let mark = self.nearby_mark();
        let mut said = self.ask_log(mark, asked_at).await?;
        // It was asked from where others stand. That it lacks records it finds out only when it is
        // asked from where this isolate stands.
        if own.is_some_and(|own| own.epoch == said.epoch() && own.seq > said.head()) {
            said = self.ask_log(own, asked_at).await?;
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
    pub(super) fn learn(&self, delta: Delta, asked_at: Timestamp, question: u64) -> bool {
        let learned = self.isolate.replica.borrow_mut().learn(delta, asked_at);
        if learned {
            self.isolate.log.knows_answer(question);
        }
        learned
    }

    /// Whether entries may be judged: the replica is close enough, or the configuration prefers
    /// answers to certainty. For a client that shows the number of its own write, the replica has
    /// that number, or has asked since the client did: then there is no such number.
    pub(super) fn may_judge(&self, config: &Config, asked: &Asked) -> bool {
        let wanted = asked.wanted;
        if self.lag(config, wanted) != Lag::TooOld {
            return true;
        }
        let replica = self.isolate.replica.borrow();
        let Some(mark) = replica.mark() else { return false };
        let has_it = wanted.is_none_or(|seq| seq <= mark.seq)
            || self.isolate.log.answered.get() > asked.questions;
        has_it
            && (self.lag(config, None) != Lag::TooOld
                || config.purge.unreadable == Unreadable::Serve)
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
