//! Purges of everything that writes cause share appends: an isolate begins at most one a second.
//!
//! In scope: which purges share an append. A purge joins only an append that begins after the purge was
//! asked for, and so after the origin has answered its write: an append that was already under way may
//! have been recorded before the origin was done. All that share an append get its mark. Not in scope:
//! how a record is appended (`delivery.rs`), and purges that administrators ask for, which do not wait.

use super::delivery::Delivery;
use super::timeouts::WRITE_MILLIS;
use crate::purge::{IntentId, Mark, NewRecord};
use crate::service::runtime::{Fault, Runtime};
use crate::service::timeout::within;
use crate::time::Timestamp;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// The time between the beginnings of two appends.
const PAUSE_MILLIS: u64 = 1_000;
/// How long a purge waits for another request's append: two attempts, and a little.
const WAIT_MILLIS: u64 = 2 * WRITE_MILLIS + 500;

/// The appends of purges of everything.
#[derive(Debug)]
pub(super) struct SharedAppends {
    delivery: Rc<Delivery>,
    state: Appends,
}

/// Which appends were begun, and what became of them.
#[derive(Debug, Default)]
struct Appends {
    /// The number of the append that was begun last.
    last: Cell<u64>,
    last_began_at: Cell<Option<Timestamp>>,
    /// The append that is under way, and the signal that it is over.
    under_way: Cell<Option<(u64, u32)>>,
    /// The latest append that is over, and its outcome.
    over: RefCell<Option<(u64, Result<Mark, Fault>)>>,
    /// After how many seconds the next append is to be repeated.
    repeat_after: RefCell<Vec<u32>>,
    /// The intents that the next append closes.
    closes: RefCell<Vec<IntentId>>,
}

impl Appends {
    /// The next append is to do this too.
    fn add(&self, new: &NewRecord) {
        self.repeat_after.borrow_mut().extend(&new.repeat_after);
        self.closes.borrow_mut().extend(&new.closes);
    }

    /// Begins an append. Returns its number, and what it appends.
    fn begin(&self, now: Timestamp, signal: u32) -> (u64, NewRecord) {
        let number = self.last.get().saturating_add(1);
        self.last.set(number);
        self.last_began_at.set(Some(now));
        self.under_way.set(Some((number, signal)));
        let mut new = NewRecord::everything();
        new.repeat_also(&self.repeat_after.take());
        new.closes = self.closes.take();
        (number, new)
    }

    fn end(&self, number: u64, outcome: Result<Mark, Fault>) {
        let is_latest = self.over.borrow().as_ref().is_none_or(|(over, _)| *over < number);
        if is_latest {
            self.over.replace(Some((number, outcome)));
        }
        if self.under_way.get().is_some_and(|(begun, _)| begun == number) {
            self.under_way.set(None);
        }
    }

    /// The outcome of an append that began after that one.
    fn outcome_after(&self, number: u64) -> Option<Result<Mark, Fault>> {
        let over = self.over.borrow();
        over.as_ref().filter(|(over, _)| *over > number).map(|(_, outcome)| outcome.clone())
    }

    /// The signal of the append that is under way, if it began after that one.
    fn signal_after(&self, number: u64) -> Option<u32> {
        self.under_way.get().filter(|(begun, _)| *begun > number).map(|(_, signal)| signal)
    }

    /// For how many milliseconds no append may begin.
    fn pause(&self, now: Timestamp) -> u64 {
        let began_at = self.last_began_at.get().filter(|at| now.is_within(PAUSE_MILLIS, *at));
        began_at.map_or(0, |at| PAUSE_MILLIS - now.millis_since(at))
    }
}

impl SharedAppends {
    pub fn new(delivery: Rc<Delivery>) -> Self {
        Self { delivery, state: Appends::default() }
    }

    /// Appends a purge of everything, or joins an append that begins from now on. Each request waits by
    /// its own timer, and the first whose timer ends appends for all: if a request ends early, no other
    /// waits for it.
    pub async fn append<R: Runtime>(&self, runtime: &R, wanted: &NewRecord) -> Result<Mark, Fault> {
        let before = self.state.last.get();
        self.state.add(wanted);
        loop {
            if let Some(outcome) = self.state.outcome_after(before) {
                return outcome;
            }
            if let Some(signal) = self.state.signal_after(before) {
                let waiting = async {
                    runtime.wait_for_signal(signal).await;
                    Ok::<(), Fault>(())
                };
                // Whether it was given in time shows in the state.
                let _ = within(runtime, WAIT_MILLIS, waiting).await;
                return match self.state.outcome_after(before) {
                    Some(outcome) => outcome,
                    // The request that appended has ended.
                    None => self.begin(runtime, &wanted.repeat_after).await,
                };
            }
            match self.state.pause(runtime.now()) {
                0 => return self.begin(runtime, &[]).await,
                millis => runtime.sleep(millis).await,
            }
        }
    }

    async fn begin<R: Runtime>(&self, runtime: &R, repeat_after: &[u32]) -> Result<Mark, Fault> {
        let signal = runtime.create_signal();
        let (number, mut new) = self.state.begin(runtime.now(), signal);
        new.repeat_also(repeat_after);
        let outcome = self.delivery.append_or_keep(runtime, &new).await;
        self.state.end(number, outcome.clone());
        runtime.resolve_signal(signal);
        outcome
    }
}

#[cfg(test)]
mod tests;
