//! The memory tier: the entries that this isolate has at hand, within a budget of bytes. The least
//! recently used make room.

use super::tier::{Occasion, Tier};
use crate::limits;
use crate::service::answers::Stamps;
use crate::service::byte_lru::ByteLru;
use crate::service::cached_entry::{CachedEntry, EncodedEntry};
use crate::service::context::Context;
use crate::service::runtime::Runtime;
use std::cell::RefCell;
use std::rc::Rc;

/// The memory tier. Reads and writes are immediate, so it has methods that are not `async` as well.
#[derive(Debug)]
pub struct MemoryTier {
    entries: RefCell<ByteLru<String, Rc<CachedEntry>>>,
    /// What JavaScript knows of entries.
    stamps: Rc<Stamps>,
}

impl Default for MemoryTier {
    fn default() -> Self {
        let entries = ByteLru::new(limits::MEMORY_BYTES, limits::MEMORY_ENTRY_BYTES);
        Self { entries: RefCell::new(entries), stamps: Rc::default() }
    }
}

impl MemoryTier {
    /// An empty memory, whose changes these stamps show.
    pub fn new(stamps: Rc<Stamps>) -> Self {
        Self { stamps, ..Self::default() }
    }

    /// The entry under `key`.
    pub fn find(&self, key: &str) -> Option<Rc<CachedEntry>> {
        self.entries.borrow_mut().get(key).cloned()
    }

    /// The same without counting as a use.
    pub fn peek(&self, key: &str) -> Option<Rc<CachedEntry>> {
        self.entries.borrow().peek(key).cloned()
    }

    /// All entries.
    pub fn all(&self) -> Vec<Rc<CachedEntry>> {
        self.entries.borrow().values().cloned().collect()
    }

    /// Stores an entry under its own key. One that is too large only removes its predecessor.
    pub fn insert(&self, cached: &Rc<CachedEntry>) {
        let key = cached.entry.meta.key.clone();
        self.stamps.entry_changed(&key);
        self.entries.borrow_mut().put(key, cached.clone(), cached.bytes());
    }
}

impl Tier for MemoryTier {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn is_available<R: Runtime>(&self, _runtime: &R) -> bool {
        true
    }

    async fn get<R: Runtime>(&self, _context: &Context<R>, key: &str) -> Option<Rc<CachedEntry>> {
        self.find(key)
    }

    fn takes(&self, _entry: &CachedEntry, _on: Occasion) -> bool {
        true
    }

    async fn put<R: Runtime>(&self, _runtime: &R, entry: &EncodedEntry) -> bool {
        self.insert(&entry.cached);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Headers;
    use crate::purge::Mark;
    use crate::stored::{Entry, Meta};
    use crate::time::{Timestamp, Ttl};

    fn cached(key: &str, bytes: usize) -> Rc<CachedEntry> {
        let meta = Meta {
            key: key.to_owned(),
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
            lifetime_source: crate::stored::LifetimeSource::default(),
            origin_ms: 0,
        };
        CachedEntry::new(Entry { meta, body: vec![0; bytes].into() })
    }

    #[test]
    fn what_is_too_large_takes_its_predecessor_with_it() {
        let memory = MemoryTier::default();
        memory.insert(&cached("a", 1));
        assert!(memory.find("a").is_some());
        memory.insert(&cached("a", limits::MEMORY_ENTRY_BYTES));
        assert!(memory.find("a").is_none());
    }
}
