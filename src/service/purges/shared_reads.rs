//! Which read of the log a request waits for: the requests of an isolate share reads.
//!
//! One read is under way at a time, and the log is called at most once in 200 ms. A request that needs a
//! read which begins after the request arrived waits for the next one.
//!
//! In scope: the state and the decision. Not in scope: what is read (`sync.rs`).

use crate::time::Timestamp;
use std::cell::Cell;

/// The time between the beginnings of two reads of the log.
pub(super) const PAUSE_MILLIS: u64 = 200;
/// After so long the runtime has ended a read: looking in the edge cache and three calls to the log take
/// less.
const LONGEST_MILLIS: u64 = 5_000;

/// How far a read goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// It learns what neighbors have left in the edge cache.
    Neighbors,
    /// It calls the log.
    Log,
    /// It learns from neighbors, and calls the log if it is this isolate's turn.
    NeighborsThenLogIfDue,
}

/// What a request does that needs a read.
#[derive(Debug, PartialEq)]
pub(super) enum Next {
    /// It waits for the signal of the read that is under way.
    Wait(u32),
    /// It waits for so many milliseconds, since the log was called just now.
    Pause(u64),
    /// It begins a read.
    Begin,
}

/// The reads of an isolate.
#[derive(Debug, Default)]
pub(super) struct SharedReads {
    /// The signal that the read under way is over, and when it began.
    under_way: Cell<Option<(u32, Timestamp)>>,
    log_called_at: Cell<Option<Timestamp>>,
}

impl SharedReads {
    /// The signal of the read that is under way.
    ///
    /// A read belongs to the request that began it. The runtime may end it, so it is forgotten after a
    /// while.
    pub fn under_way(&self, now: Timestamp) -> Option<u32> {
        let (signal, since) = self.under_way.get()?;
        now.is_within(LONGEST_MILLIS, since).then_some(signal)
    }

    /// What a request does that needs a read of this reach.
    pub fn next(&self, reach: Reach, now: Timestamp) -> Next {
        if let Some(signal) = self.under_way(now) {
            return Next::Wait(signal);
        }
        let called_at = self.log_called_at.get().filter(|at| now.is_within(PAUSE_MILLIS, *at));
        match called_at {
            Some(at) if reach == Reach::Log => Next::Pause(PAUSE_MILLIS - now.millis_since(at)),
            _ => Next::Begin,
        }
    }

    /// A read begins.
    pub fn begin(&self, signal: u32, now: Timestamp) {
        self.under_way.set(Some((signal, now)));
    }

    /// The log is about to be called.
    pub fn log_is_called(&self, now: Timestamp) {
        self.log_called_at.set(Some(now));
    }

    /// A read is over.
    pub fn end(&self, signal: u32) {
        if self.under_way.get().is_some_and(|(under_way, _)| under_way == signal) {
            self.under_way.set(None);
        }
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
        assert_eq!(reads.next(Reach::Log, at(0)), Next::Begin);
        reads.begin(1, at(0));
        reads.log_is_called(at(10));
        assert_eq!(reads.next(Reach::Neighbors, at(50)), Next::Wait(1));
        reads.end(1);
        assert_eq!(reads.next(Reach::Log, at(50)), Next::Pause(160));
        assert_eq!(reads.next(Reach::Neighbors, at(50)), Next::Begin);
        assert_eq!(reads.next(Reach::Log, at(210)), Next::Begin);
        assert_eq!(reads.next(Reach::Log, at(5)), Next::Begin, "a clock was set back");
    }

    #[test]
    fn a_read_that_the_runtime_has_cut_off_is_forgotten() {
        let reads = SharedReads::default();
        reads.begin(1, at(0));
        assert_eq!(reads.next(Reach::Log, at(LONGEST_MILLIS - 1)), Next::Wait(1));
        assert_eq!(reads.next(Reach::Log, at(LONGEST_MILLIS)), Next::Begin);
        reads.begin(2, at(LONGEST_MILLIS));
        reads.end(1);
        assert_eq!(reads.under_way(at(LONGEST_MILLIS)), Some(2), "it ends its own");
    }
}
