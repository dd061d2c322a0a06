//! The writes to KV that a log has granted, and those that its isolates have made.

use crate::purge::{KvClaim, KvGrant, KvUse};
use crate::stored::decode;
use crate::time::Timestamp;
use std::cell::Cell;

/// Counts writes to KV.
#[derive(Default)]
pub struct KvWrites {
    granted: Cell<KvUse>,
    /// How often the log has lost the count.
    lost: Cell<u64>,
    /// How many entries and documents isolates have written, or tried to.
    made: Cell<u64>,
}

impl KvWrites {
    pub fn grant(&self, claim: KvClaim, now: Timestamp) -> KvGrant {
        let mut granted = self.granted.get();
        let grant = granted.grant(claim, now);
        self.granted.set(granted);
        grant
    }

    /// The storage with the count is lost, or an older one.
    pub fn forget(&self) {
        self.granted.set(KvUse::default());
        self.lost.set(self.lost.get() + 1);
    }

    /// An isolate writes a value under this key.
    pub fn note(&self, key: &str, value: &[u8]) {
        // What is written whether or not there are writes left. An entry that has ended replaces one.
        let is_necessary =
            ["outbox", "/schema/", "/manifest"].iter().any(|part| key.contains(part))
                || decode(value).is_ok_and(|entry| entry.meta.has_ended());
        if !is_necessary {
            self.made.set(self.made.get() + 1);
        }
    }

    /// Checks the law: entries and documents take at most three quarters of a day's writes, and that
    /// again each time that the log has lost the count. No run crosses a day.
    pub fn broken(&self, per_day: u64) -> Option<String> {
        let allowed = per_day * 3 / 4 * (1 + self.lost.get());
        let made = self.made.get();
        (made > allowed).then(|| format!("{made} values were written to KV, and {allowed} may be"))
    }

    /// How many entries and documents isolates have written, or tried to.
    #[cfg(test)]
    pub fn made(&self) -> u64 {
        self.made.get()
    }
}
