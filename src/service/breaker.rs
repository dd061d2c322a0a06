//! A circuit breaker: after several failures in a row a part is left alone for a while.

use crate::time::Timestamp;
use std::cell::{Cell, RefCell};

/// Failures in a row that open the breaker.
const FAILURES: u32 = 5;
/// How long it stays open before one request may try again.
const OPEN_MILLIS: u64 = 5_000;

/// The breaker of one part.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: Cell<u32>,
    retry_at: Cell<Timestamp>,
    reason: RefCell<Option<String>>,
}

impl Breaker {
    /// Whether the part may be tried now. While the breaker is open, one try in a while.
    pub fn allows(&self, now: Timestamp) -> bool {
        if self.failures.get() < FAILURES {
            return true;
        }
        if now < self.retry_at.get() {
            return false;
        }
        self.rest(now);
        true
    }

    /// Whether the part is left alone.
    pub fn is_open(&self) -> bool {
        self.failures.get() >= FAILURES
    }

    /// The part answered.
    pub fn succeeded(&self) {
        self.failures.set(0);
        self.reason.replace(None);
    }

    /// The part failed.
    pub fn failed(&self, now: Timestamp, reason: &str) {
        self.failures.set(self.failures.get().saturating_add(1));
        self.reason.replace(Some(reason.to_owned()));
        self.rest(now);
    }

    /// Why the part failed last, unless it has answered since.
    pub fn reason(&self) -> Option<String> {
        self.reason.borrow().clone()
    }

    fn rest(&self, now: Timestamp) {
        self.retry_at.set(Timestamp::from_millis(now.as_millis() + OPEN_MILLIS));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_after_failures_in_a_row_and_lets_one_try() {
        let at = Timestamp::from_millis;
        let breaker = Breaker::default();
        for _ in 0..FAILURES {
            assert!(breaker.allows(at(0)));
            breaker.failed(at(0), "slow");
        }
        assert!(breaker.is_open() && !breaker.allows(at(OPEN_MILLIS - 1)));
        assert!(breaker.allows(at(OPEN_MILLIS)));
        assert!(!breaker.allows(at(OPEN_MILLIS + 1)));
        assert_eq!(breaker.reason().as_deref(), Some("slow"));
        breaker.succeeded();
        assert!(breaker.allows(at(OPEN_MILLIS + 1)) && !breaker.is_open());
        assert_eq!(breaker.reason(), None);
    }
}
