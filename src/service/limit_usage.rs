//! How close requests come to the configured limits, for `GET stats`.

use crate::limits::Amounts;
use std::cell::Cell;

/// The most that any request of this isolate has needed of each limit.
#[derive(Debug)]
pub(super) struct LimitUsage {
    highest: Cell<Amounts>,
}

impl Default for LimitUsage {
    fn default() -> Self {
        Self { highest: Cell::new(Amounts::ZERO) }
    }
}

impl LimitUsage {
    /// Takes what a request needed into account.
    pub fn note(&self, needed: &Amounts) {
        let mut highest = self.highest.get();
        highest.raise_all(needed);
        self.highest.set(highest);
    }

    /// The highest amounts so far.
    pub fn highest(&self) -> Amounts {
        self.highest.get()
    }
}
