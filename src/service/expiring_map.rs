//! A map whose entries expire, for what the requests of an isolate have under way.
//!
//! The runtime may end a request before it removes its entry. So each entry expires by itself.

use crate::time::Timestamp;
use lru::LruCache;

/// Values by key, each for a limited time. The oldest make room.
#[derive(Debug)]
pub(super) struct ExpiringMap<T> {
    millis: u64,
    most: usize,
    entries: LruCache<String, (Timestamp, T)>,
}

impl<T: Copy> ExpiringMap<T> {
    /// An empty map for at most `most` entries, each of which lasts for `millis`.
    pub fn new(millis: u64, most: usize) -> Self {
        Self { millis, most, entries: LruCache::unbounded() }
    }

    /// The value under `key`; `None` if it has expired.
    pub fn get(&self, key: &str, now: Timestamp) -> Option<T> {
        let (since, value) = self.entries.peek(key)?;
        now.is_within(self.millis, *since).then_some(*value)
    }

    /// Sets the value under `key`, whose time begins again, and drops entries that have expired.
    pub fn put(&mut self, key: &str, value: T, now: Timestamp) {
        self.entries.put(key.to_owned(), (now, value));
        while let Some((_, (since, _))) = self.entries.peek_lru() {
            if now.is_within(self.millis, *since) && self.entries.len() <= self.most {
                break;
            }
            self.entries.pop_lru();
        }
    }

    /// Removes a key.
    pub fn remove(&mut self, key: &str) {
        self.entries.pop(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn an_entry_ends_by_itself_and_makes_room() {
        let mut table = ExpiringMap::new(10, 100);
        table.put("a", 1, at(0));
        table.put("b", 2, at(5));
        assert_eq!((table.get("a", at(9)), table.get("a", at(10))), (Some(1), None));
        table.put("c", 3, at(10));
        assert_eq!(table.entries.len(), 2, "what is over was dropped by the next touch");
        table.put("b", 4, at(14));
        assert_eq!(table.get("b", at(23)), Some(4), "setting it again starts over");
        table.remove("b");
        assert_eq!(table.get("b", at(14)), None);
        assert_eq!(table.get("c", at(9)), None, "a clock that was set back proves nothing");
    }

    #[test]
    fn the_oldest_make_room() {
        let mut table = ExpiringMap::new(10, 2);
        for (n, key) in ["a", "b", "c"].into_iter().enumerate() {
            table.put(key, n, at(0));
        }
        assert_eq!(["a", "b", "c"].map(|key| table.get(key, at(0))), [None, Some(1), Some(2)]);
    }

    proptest! {
        /// Whoever is cancelled: the table is bounded, and holds nothing that is over.
        #[test]
        fn nothing_stays(steps in prop::collection::vec((0u8..40, 0u64..8, any::<bool>()), 0..200)) {
            let mut table = ExpiringMap::new(20, 8);
            let mut now = 0;
            for (key, millis, is_taken_back) in steps {
                now += millis;
                table.put(&key.to_string(), key, at(now));
                if is_taken_back {
                    table.remove(&key.to_string());
                }
                prop_assert!(table.entries.len() <= 8);
                let young = |(_, (since, _)): (&String, &(Timestamp, u8))| at(now).is_within(20, *since);
                prop_assert!(table.entries.iter().all(young));
            }
        }
    }
}
