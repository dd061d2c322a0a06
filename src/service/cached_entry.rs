//! An entry as an isolate holds it, and as stores hold it.

use crate::http::OriginalFields;
use crate::service::runtime::EdgeBytes;
use crate::stored::{Entry, decode, encode, encode_head};
use crate::tag::hash_of;
use std::cell::{Cell, OnceCell, RefCell};
use std::rc::{Rc, Weak};

/// An entry with what is derived from it once.
#[derive(Debug)]
pub struct CachedEntry {
    /// The entry.
    pub entry: Entry,
    /// The hashes of its tags, which the purge log knows tags by.
    pub tags: Vec<u64>,
    /// The names of the far tiers that it was written to, or came from.
    stored_in: RefCell<Vec<&'static str>>,
    /// Whether it came from a store. Another isolate may have written it to any tier.
    pub is_from_store: bool,
    /// Whether another entry, or its own end, has taken its place. Its copies share this.
    is_superseded: Rc<Cell<bool>>,
    /// The entry that has taken its place, as long as somebody has it.
    successor: RefCell<Weak<CachedEntry>>,
}

impl CachedEntry {
    /// Derives what is needed of an entry.
    pub fn new(entry: Entry) -> Rc<Self> {
        Self::derive(entry, false)
    }

    fn derive(entry: Entry, is_from_store: bool) -> Rc<Self> {
        let tags = entry.meta.tags.iter().map(|tag| hash_of(tag)).collect();
        let (stored_in, is_superseded, successor) = Default::default();
        Rc::new(Self { entry, tags, stored_in, is_from_store, is_superseded, successor })
    }

    /// The same entry with other metadata, as it was read from the same store.
    pub fn replaced(&self, entry: Entry) -> Rc<Self> {
        let tags = entry.meta.tags.iter().map(|tag| hash_of(tag)).collect();
        let Self { stored_in, is_from_store, is_superseded, .. } = self;
        let (stored_in, is_superseded) = (stored_in.clone(), is_superseded.clone());
        let (is_from_store, successor) = (*is_from_store, RefCell::default());
        Rc::new(Self { entry, tags, stored_in, is_from_store, is_superseded, successor })
    }

    /// Decodes what a store has under `key`. Header values that are not text are in `fields`, if the
    /// store keeps such next to the value.
    ///
    /// Fails with a word for the log if the value is damaged, is of another key, or lacks bytes of
    /// its headers.
    pub fn decode(
        bytes: &[u8],
        fields: Option<&Rc<dyn OriginalFields>>,
        key: &str,
    ) -> Result<Rc<Self>, &'static str> {
        let mut entry = decode(bytes).map_err(|damage| damage.as_str())?;
        if entry.meta.key != key {
            return Err("another key's entry");
        }
        let headers = &mut entry.meta.headers;
        let names = headers.unreadable_names();
        let original = fields.filter(|_| !names.is_empty()).map(|all| all.only(&names));
        original.into_iter().for_each(|original| headers.attach_original(original));
        if !headers.has_all_bytes() {
            return Err("header-bytes");
        }
        Ok(Self::derive(entry, true))
    }

    /// `true` if a far tier has the entry, as far as this isolate knows.
    pub fn is_stored_in(&self, tier: &str) -> bool {
        self.stored_in.borrow().contains(&tier)
    }

    /// Notes whether a far tier has the entry.
    pub fn set_stored_in(&self, tier: &'static str, is_stored: bool) {
        let mut tiers = self.stored_in.borrow_mut();
        tiers.retain(|name| *name != tier);
        if is_stored {
            tiers.push(tier);
        }
    }

    /// Another entry, or its own end, takes its place.
    pub fn supersede(&self, successor: &Rc<Self>) {
        self.is_superseded.set(true);
        self.successor.replace(Rc::downgrade(successor));
    }

    /// The entry that has taken its place, if somebody still has it.
    pub fn successor(&self) -> Option<Rc<Self>> {
        self.successor.borrow().upgrade()
    }

    /// Whether another entry, or its own end, has taken its place.
    pub fn is_superseded(&self) -> bool {
        self.is_superseded.get()
    }

    /// About how many bytes it takes in memory.
    pub fn bytes(&self) -> usize {
        let meta = &self.entry.meta;
        let headers: usize = meta.headers.iter().map(|(n, v)| n.len() + v.len() + 48).sum();
        let original = meta.headers.original().map_or(0, |_| meta.headers.bytes());
        let tags: usize = meta.tags.iter().map(|tag| tag.len() + 32).sum();
        self.entry.body.len() + headers + original + tags + meta.key.len() * 2 + 512
    }

    /// `true` if it is a part of a response, not a whole one.
    pub fn is_part(&self) -> bool {
        self.entry.meta.status == 206
    }
}

/// An entry on its way to stores, encoded once in each form however many take it.
#[derive(Debug)]
pub struct EncodedEntry {
    /// The entry.
    pub cached: Rc<CachedEntry>,
    head: OnceCell<Vec<u8>>,
    deflated: OnceCell<Vec<u8>>,
}

impl EncodedEntry {
    /// The entry, not encoded yet.
    pub fn new(cached: Rc<CachedEntry>) -> Self {
        Self { cached, head: OnceCell::new(), deflated: OnceCell::new() }
    }

    /// The envelope with the body as it is: its head, and the body. For a store that costs nothing, and is
    /// read by isolates that have the entry to decode.
    pub fn plain(&self) -> EdgeBytes<'_> {
        let entry = &self.cached.entry;
        EdgeBytes { head: self.head.get_or_init(|| encode_head(entry)), body: &entry.body }
    }

    /// The envelope with its body deflated.
    pub fn deflated(&self) -> &[u8] {
        self.deflated.get_or_init(|| encode(&self.cached.entry))
    }
}
