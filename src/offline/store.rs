//! A store in memory: the edge cache, or KV.

use crate::service::EdgeValue;
use crate::time::Timestamp;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

/// How many bytes of memory a store takes unless another number is given. Beyond that the oldest values are
/// dropped, so that a replay of any length fits in memory.
pub const STORE_BYTES: usize = 128 << 20;
/// What a value takes besides its bytes and its keys: its places in the two maps.
const PLACES_BYTES: usize = 256;

struct Stored {
    value: EdgeValue,
    until: Option<Timestamp>,
    number: u64,
}

/// A store, and how often it was used.
pub(super) struct Store {
    capacity: usize,
    values: RefCell<BTreeMap<String, Stored>>,
    /// The keys in the order in which they were written.
    order: RefCell<BTreeMap<u64, String>>,
    bytes: Cell<usize>,
    last_number: Cell<u64>,
    /// Reads so far.
    pub reads: Cell<u64>,
    /// Writes so far.
    pub writes: Cell<u64>,
    /// Values that were dropped for lack of room.
    pub dropped: Cell<u64>,
}

impl Store {
    /// An empty store that takes at most so many bytes.
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            values: RefCell::default(),
            order: RefCell::default(),
            bytes: Cell::new(0),
            last_number: Cell::new(0),
            reads: Cell::new(0),
            writes: Cell::new(0),
            dropped: Cell::new(0),
        }
    }

    /// Reads a value that has not expired.
    pub fn get(&self, key: &str, now: Timestamp) -> Option<EdgeValue> {
        self.reads.set(self.reads.get() + 1);
        let is_expired = {
            let values = self.values.borrow();
            let found = values.get(key)?;
            if found.until.is_none_or(|until| now < until) {
                return Some(found.value.clone());
            }
            true
        };
        if is_expired {
            self.remove(key);
        }
        None
    }

    /// Stores a value, for ever without `until`.
    pub fn put(&self, key: &str, value: EdgeValue, until: Option<Timestamp>) {
        self.writes.set(self.writes.get() + 1);
        self.remove(key);
        self.last_number.set(self.last_number.get() + 1);
        let number = self.last_number.get();
        self.bytes.set(self.bytes.get() + size(key, &value));
        self.order.borrow_mut().insert(number, key.to_owned());
        self.values.borrow_mut().insert(key.to_owned(), Stored { value, until, number });
        while self.bytes.get() > self.capacity {
            let oldest = self.order.borrow_mut().pop_first();
            let Some((_, oldest)) = oldest else { break };
            self.remove(&oldest);
            self.dropped.set(self.dropped.get() + 1);
        }
    }

    /// Deletes a value.
    pub fn remove(&self, key: &str) {
        if let Some(Stored { value, number, .. }) = self.values.borrow_mut().remove(key) {
            self.order.borrow_mut().remove(&number);
            self.bytes.set(self.bytes.get().saturating_sub(size(key, &value)));
        }
    }

    /// The first `limit` keys with a prefix.
    pub fn keys(&self, prefix: &str, limit: usize) -> Vec<String> {
        let values = self.values.borrow();
        let keys = values.range(prefix.to_owned()..).map(|(key, _)| key);
        keys.take_while(|key| key.starts_with(prefix)).take(limit).cloned().collect()
    }

    /// How many values there are, also expired ones.
    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.values.borrow().len()
    }
}

/// What a value takes. Its key is in both maps.
fn size(key: &str, value: &EdgeValue) -> usize {
    PLACES_BYTES + 2 * key.len() + value.bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(bytes: usize) -> EdgeValue {
        EdgeValue { bytes: vec![0; bytes], fields: None }
    }

    #[test]
    fn a_value_ends_at_its_time() {
        let (store, at) = (Store::new(STORE_BYTES), Timestamp::from_millis);
        store.put("a", value(1), Some(at(10)));
        store.put("b", value(1), None);
        assert!(store.get("a", at(9)).is_some() && store.get("a", at(10)).is_none());
        assert!(store.get("b", at(u64::MAX)).is_some());
        assert_eq!(store.keys("", 9), ["b"]);
    }

    #[test]
    fn the_oldest_values_make_room() {
        let (store, now) = (Store::new(2 * size("a", &value(9))), Timestamp::default());
        for key in ["a", "b", "a", "c"] {
            store.put(key, value(9), None);
        }
        let kept = ["a", "b", "c"].map(|key| store.get(key, now).is_some());
        assert_eq!((kept, store.dropped.get()), ([true, false, true], 1));
    }

    #[test]
    fn values_without_bytes_take_room_too() {
        let store = Store::new(PLACES_BYTES * 10);
        for number in 0..100 {
            store.put(&number.to_string(), value(0), None);
        }
        assert_eq!((store.count(), store.dropped.get()), (9, 91));
        store.put(&"long".repeat(400), value(0), None);
        assert_eq!(store.count(), 0);
    }
}
