//! A circuit breaker: after several failures in a row, calls to a store are not made for a while.

use crate::time::Timestamp;
use std::cell::{Cell, RefCell};

/// Failures in a row that open the breaker.
const FAILURES: u32 = 5;
/// How long it stays open before one call is let through.
const OPEN_MILLIS: u64 = 5_000;

/// The circuit breaker of one store.
#[derive(Debug, Default)]
pub struct Breaker {
    failures: Cell<u32>,
    retry_at: Cell<Timestamp>,
    reason: RefCell<Option<String>>,
}

impl Breaker {
    /// `true` if a call may be made now. While the breaker is open, one call in five seconds is let
    /// through.
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

    /// `true` while the breaker is open.
    pub fn is_open(&self) -> bool {
        self.failures.get() >= FAILURES
    }

    /// A call succeeded, which closes the breaker.
    pub fn succeeded(&self) {
        self.failures.set(0);
        self.reason.replace(None);
    }

    /// A call failed.
    pub fn failed(&self, now: Timestamp, reason: &str) {
        self.failures.set(self.failures.get().saturating_add(1));
        self.reason.replace(Some(reason.to_owned()));
        self.rest(now);
    }

    /// Why the last call failed. `None` if it succeeded.
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
