//! A least-recently-used cache with a budget of bytes: the one behind the memory tier, the analyzed
//! documents and the documents known by their hashes.
//!
//! The `lru` crate limits how many entries there are. An isolate has 128 MB for everything, and
//! entries differ in size by a factor of thousands, so here bytes are limited instead. What a value
//! weighs is the caller's estimate, made once, when the value is put in.

use lru::LruCache;
use std::borrow::Borrow;
use std::hash::Hash;

/// Values by key. Their weights never sum up to more than the budget: the entries that were used
/// least recently make room for new ones.
#[derive(Debug)]
pub(super) struct ByteLru<K: Hash + Eq, V> {
    entries: LruCache<K, Weighed<V>>,
    bytes: usize,
    budget: usize,
    largest: usize,
}

#[derive(Debug)]
struct Weighed<V> {
    value: V,
    bytes: usize,
}

impl<K: Hash + Eq, V> ByteLru<K, V> {
    /// An empty cache of at most `budget` bytes. A value of more than `largest` bytes is not kept,
    /// so that it does not push out many others.
    pub fn new(budget: usize, largest: usize) -> Self {
        let largest = largest.min(budget);
        Self { entries: LruCache::unbounded(), bytes: 0, budget, largest }
    }

    /// The value of a key, which becomes the most recently used.
    pub fn get<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.entries.get(key).map(|weighed| &weighed.value)
    }

    /// The value of a key, which stays where it is in the order of use.
    pub fn peek<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.entries.peek(key).map(|weighed| &weighed.value)
    }

    /// All values, in no particular order of use.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.entries.iter().map(|(_, weighed)| &weighed.value)
    }

    /// Puts a value of about `bytes` bytes under a key. If it is too large to be kept, the key has
    /// no value afterwards: the earlier one is outdated.
    pub fn put(&mut self, key: K, value: V, bytes: usize) {
        self.remove(&key);
        if bytes > self.largest {
            return;
        }
        self.bytes += bytes;
        self.entries.put(key, Weighed { value, bytes });
        while self.bytes > self.budget {
            let Some((_, oldest)) = self.entries.pop_lru() else { break };
            self.bytes = self.bytes.saturating_sub(oldest.bytes);
        }
    }

    /// Removes the value of a key.
    pub fn remove<Q: Hash + Eq + ?Sized>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
    {
        if let Some(removed) = self.entries.pop(key) {
            self.bytes = self.bytes.saturating_sub(removed.bytes);
        }
    }
}

#[cfg(test)]
mod tests;
