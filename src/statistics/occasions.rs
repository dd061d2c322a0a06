//! When an isolate asks the statistics object whether the cache is to be warmed.
//!
//! It asks once for each occasion that it notices, not for each request. Purges of everything often come in
//! bursts, so it waits until there was none for a while.

use super::leases::PurgeOfEverything;
use crate::time::Timestamp;

/// For how long there has to be no further purge of everything.
const QUIET_MILLIS: u64 = 10_000;
/// The longest wait for that.
const BURST_MILLIS: u64 = 60_000;

/// The occasions that an isolate has noticed.
#[derive(Debug, Clone, Default)]
pub struct Occasions {
    has_seen_version: bool,
    everything: Option<PurgeOfEverything>,
    /// Whether there is one that the object was not told of.
    is_pending: bool,
    /// When the first purge was noticed that the object was not told of.
    burst: Option<Timestamp>,
    /// When the object is asked next.
    ask_at: Option<Timestamp>,
}

impl Occasions {
    /// Notices what the isolate knows now. `is_deploy`: its version is an occasion. `draw` differs between
    /// isolates, so that they do not all ask at the same moment.
    pub fn see(
        &mut self,
        is_deploy: bool,
        everything: Option<PurgeOfEverything>,
        draw: u64,
        now: Timestamp,
    ) {
        if is_deploy && !self.has_seen_version {
            (self.has_seen_version, self.is_pending) = (true, true);
            self.ask_not_before(after(now, draw));
        }
        if everything > self.everything {
            // A log that is new has purged nothing.
            let is_purge = self.everything.is_some() || everything.is_some_and(|(_, seq)| seq > 0);
            self.everything = everything;
            if is_purge {
                self.is_pending = true;
                let first = *self.burst.get_or_insert(now);
                let at = after(now, QUIET_MILLIS).min(after(first, BURST_MILLIS));
                self.ask_not_before(after(at, draw));
            }
        }
    }

    /// Whether the object is to be asked.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.ask_at.is_some_and(|at| now >= at)
    }

    /// Whether there is an occasion that the object does not know of.
    pub fn has_pending(&self) -> bool {
        self.is_pending
    }

    /// The object was asked, and so knows of everything that was noticed.
    pub fn note_asked(&mut self) {
        (self.is_pending, self.burst, self.ask_at) = (false, None, None);
    }

    /// The object did not answer.
    pub fn note_unanswered(&mut self) {
        self.is_pending = true;
    }

    /// The object is asked again in so many milliseconds.
    pub fn wait(&mut self, millis: u64, now: Timestamp) {
        self.ask_not_before(after(now, millis));
    }

    fn ask_not_before(&mut self, at: Timestamp) {
        self.ask_at = self.ask_at.max(Some(at));
    }
}

fn after(at: Timestamp, millis: u64) -> Timestamp {
    Timestamp::from_millis(at.as_millis().saturating_add(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAW: u64 = 700;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(1_000_000 + millis)
    }

    #[test]
    fn a_version_and_each_purge_of_everything_are_noticed_once() {
        let mut occasions = Occasions::default();
        for millis in 0..DRAW {
            occasions.see(true, Some((1, 0)), DRAW, at(millis));
            assert!(!occasions.is_due(at(millis)));
        }
        assert!(occasions.is_due(at(DRAW)));
        assert!(occasions.has_pending());
        occasions.note_asked();
        occasions.see(true, Some((1, 0)), DRAW, at(90_000));
        assert!(!occasions.has_pending());
        assert!(!occasions.is_due(at(u64::MAX / 2)), "nothing was purged");
        occasions.see(true, Some((1, 7)), DRAW, at(100_000));
        assert!(!occasions.is_due(at(109_999)));
        assert!(occasions.is_due(at(110_000 + DRAW)));
        occasions.note_asked();
        occasions.see(true, Some((1, 7)), DRAW, at(200_000));
        assert!(!occasions.is_due(at(u64::MAX / 2)));
        occasions.see(true, Some((2, 0)), DRAW, at(300_000));
        assert!(occasions.is_due(at(310_000 + DRAW)), "the log has lost its storage");
    }

    #[test]
    fn a_burst_is_waited_for_but_not_for_ever() {
        let mut occasions = Occasions::default();
        for seq in 1..=20 {
            occasions.see(false, Some((1, seq)), DRAW, at(seq * 5_000));
            let is_over = seq * 5_000 >= 5_000 + BURST_MILLIS + DRAW;
            assert_eq!(occasions.is_due(at(seq * 5_000)), is_over, "{seq}");
        }
    }

    #[test]
    fn a_purge_does_not_shorten_a_wait() {
        let mut occasions = Occasions::default();
        occasions.wait(300_000, at(0));
        occasions.see(false, Some((1, 7)), DRAW, at(1_000));
        assert!(!occasions.is_due(at(299_999)) && occasions.is_due(at(300_000)));
    }
}
