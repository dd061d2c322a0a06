//! The circuit breaker for writes to the purge log.
//!
//! It opens when both attempts of a write fail and the log has taken nothing else meanwhile. While it is
//! open, a purge becomes pending at once, and no client waits. One probe at a time tries to record what
//! is pending, at growing intervals. The first success closes the breaker.

use super::timeouts::READ_MILLIS;
use crate::service::backoff::Backoff;
use crate::time::Timestamp;
use std::cell::Cell;

/// The longest pause before a probe.
const LONGEST_PAUSE_MILLIS: u64 = 10_000;
/// After so long another request takes over from the one that makes probes, which the runtime may have
/// ended.
const TAKEOVER_MILLIS: u64 = 5_000;

/// Whether the log takes purges, as far as an isolate knows.
#[derive(Debug, Default)]
pub(super) struct WriteBreaker {
    taken: Cell<u64>,
    is_open: Cell<bool>,
    probes: Backoff<LONGEST_PAUSE_MILLIS>,
    /// When the request began to make probes that does so now.
    probing_since: Cell<Option<Timestamp>>,
}

impl WriteBreaker {
    /// Whether purges become pending without an attempt.
    pub fn is_open(&self) -> bool {
        self.is_open.get()
    }

    /// How many purges the log has taken.
    pub fn taken(&self) -> u64 {
        self.taken.get()
    }

    /// The log took a purge.
    pub fn succeeded(&self) {
        self.taken.set(self.taken.get().saturating_add(1));
        self.is_open.set(false);
        self.probes.succeeded();
    }

    /// Both attempts of a write failed. The breaker opens, unless the log has taken more than
    /// `taken_before` purges: it may be slow for one write, and have taken another.
    pub fn failed(&self, now: Timestamp, taken_before: u64) {
        if self.taken.get() == taken_before && !self.is_open() {
            self.is_open.set(true);
            self.probes.failed(now);
        }
    }

    /// A probe failed.
    pub fn probe_failed(&self, now: Timestamp) {
        self.probes.failed(now);
    }

    /// Whether a probe may begin.
    pub fn may_probe(&self, now: Timestamp) -> bool {
        self.probes.allows(now)
    }

    /// For how many milliseconds no probe may begin.
    pub fn pause(&self, now: Timestamp) -> u64 {
        self.probes.wait(now)
    }

    /// Begins a probe, if one may begin. The next may not until this one is over, or was ended.
    pub fn begin_probe(&self, now: Timestamp) -> bool {
        let begins = self.may_probe(now);
        if begins {
            self.probes.is_asked(now, READ_MILLIS);
        }
        begins
    }

    /// Makes the calling request the one that probes, unless another began to within the last seconds.
    pub fn begin_probing(&self, now: Timestamp) -> bool {
        let since = self.probing_since.get();
        let begins = !since.is_some_and(|since| now.is_within(TAKEOVER_MILLIS, since));
        if begins {
            self.probing_since.set(Some(now));
        }
        begins
    }

    /// Whether the request that began to probe at `began` still is the one that does.
    pub fn is_probing(&self, began: Timestamp) -> bool {
        self.probing_since.get() == Some(began)
    }

    /// The request that began to probe at `began` ends.
    pub fn end_probing(&self, began: Timestamp) {
        if self.is_probing(began) {
            self.probing_since.set(None);
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
    fn one_probe_at_a_time_and_ever_more_seldom() {
        let breaker = WriteBreaker::default();
        assert!(!breaker.is_open() && breaker.begin_probing(at(0)));
        assert!(!breaker.begin_probing(at(TAKEOVER_MILLIS - 1)), "another request does");
        assert!(breaker.begin_probing(at(TAKEOVER_MILLIS)), "and hands it over");
        breaker.failed(at(0), 0);
        assert!(breaker.is_open());
        let first = breaker.pause(at(0));
        assert!((250..=500).contains(&first), "{first}");
        assert!(!breaker.begin_probe(at(first - 1)));
        assert!(breaker.begin_probe(at(first)) && !breaker.begin_probe(at(first + 1)));
        assert!(breaker.begin_probe(at(first + READ_MILLIS)), "the one before was ended");
        breaker.probe_failed(at(2_000));
        assert!((500..=1_000).contains(&breaker.pause(at(2_000))));
        breaker.succeeded();
        assert!(!breaker.is_open() && breaker.begin_probe(at(2_001)));
    }
}
