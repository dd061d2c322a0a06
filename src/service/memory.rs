//! The memory tier: entries that this isolate has at hand, least recently used out first.

use super::byte_lru::ByteLru;
use crate::limits;
use crate::stored::Entry;
use crate::tag::hash_of;
use std::cell::Cell;
use std::rc::Rc;

/// An entry with what is worked out of it once.
#[derive(Debug)]
pub struct Cached {
    /// The entry.
    pub entry: Entry,
    /// The hashes of its tags.
    pub tags: Vec<u64>,
    /// Whether it was written to KV, or came from there.
    pub in_kv: Cell<bool>,
}

impl Cached {
    /// Works out what is needed of an entry.
    pub fn new(entry: Entry, in_kv: bool) -> Rc<Self> {
        let tags = entry.meta.tags.iter().map(|tag| hash_of(tag)).collect();
        Rc::new(Self { entry, tags, in_kv: Cell::new(in_kv) })
    }

    /// About how many bytes it takes.
    fn bytes(&self) -> usize {
        let meta = &self.entry.meta;
        let headers: usize = meta.headers.iter().map(|(n, v)| n.len() + v.len() + 48).sum();
        let original = meta.headers.original().map_or(0, |_| meta.headers.bytes());
        let tags: usize = meta.tags.iter().map(|tag| tag.len() + 32).sum();
        self.entry.body.len() + headers + original + tags + meta.key.len() * 2 + 512
    }
}

/// Entries by key, within a budget of bytes.
#[derive(Debug)]
pub(super) struct Memory {
    entries: ByteLru<String, Rc<Cached>>,
}

impl Memory {
    pub fn new() -> Self {
        Self { entries: ByteLru::new(limits::MEMORY_BYTES, limits::MEMORY_ENTRY_BYTES) }
    }

    pub fn get(&mut self, key: &str) -> Option<Rc<Cached>> {
        self.entries.get(key).cloned()
    }

    pub fn put(&mut self, key: &str, cached: Rc<Cached>) {
        let bytes = cached.bytes();
        self.entries.put(key.to_owned(), cached, bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Headers;
    use crate::purge::Mark;
    use crate::stored::Meta;
    use crate::time::{Timestamp, Ttl};

    fn cached(bytes: usize) -> Rc<Cached> {
        let meta = Meta {
            key: String::new(),
            mark: Mark { epoch: 0, seq: 0 },
            stored_at: Timestamp::from_millis(0),
            initial_age: 0,
            ttl: Ttl::ZERO,
            swr: Ttl::ZERO,
            sie: Ttl::ZERO,
            status: 200,
            headers: Headers::new(),
            tags: vec![],
            tagging: crate::tag::Tagging::UNKNOWN,
            vary: vec![],
            variant: String::new(),
            type_name: String::new(),
            must_revalidate: false,
            kept: Ttl::ZERO,
            etag_is_ours: false,
            shares_authorized: false,
        };
        Cached::new(Entry { meta, body: vec![0; bytes].into() }, false)
    }

    #[test]
    fn the_least_used_entries_make_room() {
        let mut memory = Memory::new();
        let size = limits::MEMORY_ENTRY_BYTES / 2;
        let count = limits::MEMORY_BYTES / size;
        for n in 0..count * 2 {
            memory.put(&n.to_string(), cached(size));
            assert!(memory.get("0").is_some(), "the first is used all the time");
        }
        assert!(memory.get("1").is_none());
        let kept = (0..count * 2).filter(|n| memory.get(&n.to_string()).is_some()).count();
        assert!(kept * size <= limits::MEMORY_BYTES && kept >= count / 2, "{kept} of {count}");
    }

    #[test]
    fn an_entry_that_is_too_large_takes_its_predecessor_with_it() {
        let mut memory = Memory::new();
        memory.put("a", cached(1));
        memory.put("a", cached(limits::MEMORY_ENTRY_BYTES));
        assert!(memory.get("a").is_none());
    }
}
