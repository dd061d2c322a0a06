//! Entries sorted by time. Browsers write an entry when it ends, or when they like, so neighbors may be in
//! the wrong order.

use crate::offline::Recorded;
use crate::time::Timestamp;
use std::collections::BTreeMap;

/// How many entries, and how many bytes of them, wait for an earlier one.
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
        self.bytes += recorded.memory_bytes();
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
        self.bytes = self.bytes.saturating_sub(recorded.memory_bytes());
        Some(recorded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Headers, Method, Request, Url};
    use crate::offline::RecordedResponse;

    /// Entries without bodies are as large as their URLs and headers.
    #[test]
    fn urls_and_headers_count() {
        let long = "x".repeat(BYTES / 40);
        let recorded = |number| Recorded {
            at: Timestamp::from_millis(number),
            millis: 0,
            request: Request {
                method: Method::Get,
                url: Url::parse(&format!("https://h/{long}")).unwrap(),
                headers: [("a", long.as_str())].into_iter().collect(),
            },
            body: [].into(),
            response: RecordedResponse {
                status: 200,
                headers: [("b", long.as_str())].into_iter().collect::<Headers>(),
                body: None,
            },
        };
        let mut in_order = InOrder::default();
        for number in 0..20 {
            let ready = in_order.push(recorded(number));
            assert!(in_order.waiting.len() <= 13, "{}", in_order.waiting.len());
            assert_eq!(ready.len(), usize::from(number >= 13), "{number}");
        }
    }
}
