//! Reads of the log, which the requests of an isolate share.
//!
//! In scope: when a read begins, and who waits for which. One is under way at a time, and the log is
//! asked at most once in 200 ms. A request that needs a read which began after itself waits for the
//! next one. Requests wait for a signal, for a promise may cross requests, each with its own timer;
//! what was read they find in the replica. Not in scope: what is read (`sync`, `nearby`).
//!
//! The work of a read belongs to the request that began it and outlives its answer. The runtime may
//! end it all the same, so a read under way is forgotten by itself.

use super::handle::{Context, Service};
use super::runtime::{Fault, Runtime};
use crate::config::Config;
use crate::time::Timestamp;
use std::cell::Cell;

/// The time between the beginnings of two reads of the log.
const PAUSE_MILLIS: u64 = 200;
/// How long a request waits for reads.
const WAIT_MILLIS: u64 = 2_500;
/// After so long a read was cut off by the runtime: looks in the edge cache and three questions take
/// less.
const CUT_OFF_MILLIS: u64 = 5_000;

/// How far a read goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadStep {
    /// To what neighbours have left in the edge cache.
    Nearby,
    /// To the log.
    Log,
    /// To the edge cache, and to the log where it is this isolate's turn.
    NearbyThenLogIfDue,
}

/// The reads of an isolate.
#[derive(Debug, Default)]
pub(super) struct SharedReads {
    /// The signal that the read under way is over, and when it began.
    under_way: Cell<Option<(u32, Timestamp)>>,
    /// When the log was asked last.
    log_asked_at: Cell<Option<Timestamp>>,
}

/// What a request does that needs a read.
#[derive(Debug, PartialEq)]
enum Next {
    /// It waits for the signal of the one under way.
    Wait(u32),
    /// It waits for so many milliseconds, since the log was asked just now.
    Pause(u64),
    /// It begins one.
    Begin,
}

impl SharedReads {
    /// The signal of the read under way.
    pub fn under_way(&self, now: Timestamp) -> Option<u32> {
        let (signal, since) = self.under_way.get()?;
        now.is_within(CUT_OFF_MILLIS, since).then_some(signal)
    }

    /// The log is being asked.
    pub fn log_is_asked(&self, now: Timestamp) {
        self.log_asked_at.set(Some(now));
    }

    fn next(&self, step: ReadStep, now: Timestamp) -> Next {
        if let Some(signal) = self.under_way(now) {
            return Next::Wait(signal);
        }
        let asked_at = self.log_asked_at.get().filter(|at| now.is_within(PAUSE_MILLIS, *at));
        match asked_at {
            Some(at) if step == ReadStep::Log => Next::Pause(PAUSE_MILLIS - now.millis_since(at)),
            _ => Next::Begin,
        }
    }

    fn begins(&self, signal: u32, now: Timestamp) {
        self.under_way.set(Some((signal, now)));
    }

    fn ends(&self, signal: u32) {
        if self.under_way.get().is_some_and(|(under_way, _)| under_way == signal) {
            self.under_way.set(None);
        }
    }
}

impl<W: Runtime> Service<W> {
    /// Catches up as far as a request needs it: by what neighbours have read, or by the log. While
    /// the log fails nobody waits for it; now and then a request looks whether it is back.
    pub(super) async fn sync(&self, config: &Config, context: &Context) {
        if self.isolate.log.is_failing() {
            if !self.is_close_enough(config, context) {
                self.sync_in_background();
            }
            return;
        }
        self.read_until(|| self.is_close_enough(config, context), self.may_learn_nearby()).await;
    }

    /// Catches up by a read of the log that begins from here on, unless the log has failed just
    /// now.
    pub(super) async fn sync_now(&self) {
        let log = &self.isolate.log;
        if log.backoff.allows(self.runtime.now()) {
            let questions = log.questions();
            self.read_until(|| log.has_answered_after(questions), false).await;
        }
    }

    /// Reads, or waits for others' reads, until the replica is as it has to be, or a read fails.
    async fn read_until(&self, is_enough: impl Fn() -> bool, mut nearby: bool) {
        let log = &self.isolate.log;
        let failures = log.backoff.failures();
        let reading = async {
            while !is_enough() && log.backoff.failures() == failures {
                let step = if nearby { ReadStep::Nearby } else { ReadStep::Log };
                match log.reads.next(step, self.runtime.now()) {
                    Next::Begin => {
                        nearby = false;
                        self.begin_read(step);
                    }
                    Next::Pause(millis) => self.runtime.sleep(millis).await,
                    Next::Wait(signal) => {
                        nearby = false;
                        self.runtime.wait(signal).await;
                        // A signal that is lost is one that was given, and no time passes meanwhile.
                        if log.reads.under_way(self.runtime.now()) == Some(signal) {
                            self.runtime.sleep(PAUSE_MILLIS).await;
                        }
                    }
                }
            }
            Ok::<(), Fault>(())
        };
        // Whether it was in time shows in the replica.
        let _ = self.within(WAIT_MILLIS, reading).await;
    }

    /// Begins a read that outlives this request's answer.
    pub(super) fn begin_read(&self, step: ReadStep) {
        let signal = self.runtime.signal();
        self.isolate.log.reads.begins(signal, self.runtime.now());
        let service = self.clone();
        self.runtime.spawn(async move {
            let has_asked = service.read_step(step).await;
            service.isolate.log.reads.ends(signal);
            service.runtime.give(signal);
            if has_asked {
                // A log that can be read may take what waits.
                let outcome = service.drain_pending().await;
                service.keep_in_outbox(outcome);
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
    fn one_read_is_under_way_and_the_next_question_waits() {
        let reads = SharedReads::default();
        assert_eq!(reads.next(ReadStep::Log, at(0)), Next::Begin);
        reads.begins(1, at(0));
        reads.log_is_asked(at(10));
        assert_eq!(reads.next(ReadStep::Nearby, at(50)), Next::Wait(1));
        reads.ends(1);
        assert_eq!(reads.next(ReadStep::Log, at(50)), Next::Pause(160));
        assert_eq!(reads.next(ReadStep::Nearby, at(50)), Next::Begin);
        assert_eq!(reads.next(ReadStep::Log, at(210)), Next::Begin);
        assert_eq!(reads.next(ReadStep::Log, at(5)), Next::Begin, "a clock was set back");
    }

    #[test]
    fn a_read_that_the_runtime_has_cut_off_is_forgotten() {
        let reads = SharedReads::default();
        reads.begins(1, at(0));
        assert_eq!(reads.next(ReadStep::Log, at(CUT_OFF_MILLIS - 1)), Next::Wait(1));
        assert_eq!(reads.next(ReadStep::Log, at(CUT_OFF_MILLIS)), Next::Begin);
        reads.begins(2, at(CUT_OFF_MILLIS));
        reads.ends(1);
        assert_eq!(reads.under_way(at(CUT_OFF_MILLIS)), Some(2), "it ends its own");
    }
}
