//! Entries sorted by time. Browsers write an entry when it ends, or when they like, so neighbors may be in
//! the wrong order.

use crate::offline::Recorded;
use crate::time::Timestamp;
use std::collections::BTreeMap;

/// How many entries, and how many bytes of bodies, wait for an earlier one.
const ENTRIES: usize = 256;
const BYTES: usize = 32 << 20;

/// A window over the entries, in which they are sorted.
#[derive(Default)]
pub(crate) struct InOrder {
    waiting: BTreeMap<(Timestamp, u64), Recorded>,
    bytes: usize,
    count: u64,
}

impl InOrder {
    /// Takes an entry, and returns those that wait no longer.
    pub fn push(&mut self, recorded: Recorded) -> Vec<Recorded> {
        self.count += 1;
        self.bytes += bytes(&recorded);
        self.waiting.insert((recorded.at, self.count), recorded);
        let mut ready = Vec::new();
        while self.waiting.len() > ENTRIES || (self.bytes > BYTES && self.waiting.len() > 1) {
            ready.extend(self.pop());
        }
        ready
    }

    /// The first of those that still wait.
    pub fn pop(&mut self) -> Option<Recorded> {
        let (_, recorded) = self.waiting.pop_first()?;
        self.bytes = self.bytes.saturating_sub(bytes(&recorded));
        Some(recorded)
    }
}

fn bytes(recorded: &Recorded) -> usize {
    recorded.body.len() + recorded.response.body.as_ref().map_or(0, |body| body.len())
}
