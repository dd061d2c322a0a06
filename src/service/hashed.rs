//! Documents known by their hashes (automatic persisted queries): in this isolate, and in KV for
//! all others.
//!
//! A text is believed only where its SHA-256 is the hash: `graphql` checks it where a client sends
//! both, and here it is checked again of what KV has.

use super::byte_lru::ByteLru;
use super::handle::Service;
use super::runtime::Runtime;
use crate::config::{Config, KvWrites};
use crate::key::sha256_hex;
use crate::limits;
use std::rc::Rc;

/// How long KV keeps a document that nobody sends: 30 days.
const KV_SECONDS: u64 = 30 * 24 * 60 * 60;

/// The largest document that is kept. A larger one would be written to KV again and again.
const LARGEST_BYTES: usize = limits::HASHED_DOCUMENT_BYTES / 8;

/// About how many bytes an entry takes beside its text.
const ENTRY_BYTES: usize = 256;

/// Documents by hash, least recently used out first.
#[derive(Debug)]
pub(super) struct Hashed {
    documents: ByteLru<String, Known>,
}

#[derive(Debug, Clone)]
struct Known {
    document: Rc<str>,
    /// Whether it was written to KV, or came from there.
    in_kv: bool,
}

impl Hashed {
    pub fn new() -> Self {
        Self { documents: ByteLru::new(limits::HASHED_DOCUMENT_BYTES, LARGEST_BYTES + ENTRY_BYTES) }
    }

    fn get(&mut self, hash: &str) -> Option<Known> {
        self.documents.get(hash).cloned()
    }

    fn put(&mut self, hash: &str, known: Known) {
        let bytes = known.document.len() + ENTRY_BYTES;
        self.documents.put(hash.to_owned(), known, bytes);
    }
}

/// The key in KV. No entry has such a key, for there the version follows the service.
fn key_of(config: &Config, hash: &str) -> String {
    format!("{}/documents/{hash}", config.service)
}

impl<W: Runtime> Service<W> {
    /// Learns a document that a client sent with its hash.
    pub(super) fn learn_hashed(&self, config: &Config, hash: &str, document: &Rc<str>) {
        let known = self.isolate.hashed.borrow_mut().get(hash);
        let known = known.unwrap_or_else(|| Known { document: document.clone(), in_kv: false });
        self.keep_hashed(config, hash, known, config.kv.writes == KvWrites::Always);
    }

    /// The document of a hash; none where neither this isolate nor KV has it, or KV is not heard
    /// in time.
    pub(super) async fn hashed(&self, config: &Config, hash: &str) -> Option<Rc<str>> {
        let known = self.isolate.hashed.borrow_mut().get(hash);
        let known = match known {
            Some(known) => known,
            None => Known { document: self.hashed_in_kv(config, hash).await?, in_kv: true },
        };
        let document = known.document.clone();
        self.keep_hashed(config, hash, known, config.kv.writes != KvWrites::Never);
        Some(document)
    }

    /// Keeps a document here, and behind the answer in KV if it is to be written and is not there.
    fn keep_hashed(&self, config: &Config, hash: &str, known: Known, write: bool) {
        if known.document.len() > LARGEST_BYTES {
            return;
        }
        let write = write && !known.in_kv && self.runtime.kv_bound();
        let write = write && self.isolate.kv.allows(self.runtime.now());
        let document = known.document.clone();
        let in_kv = known.in_kv || write;
        self.isolate.hashed.borrow_mut().put(hash, Known { in_kv, ..known });
        if !write {
            return;
        }
        let service = self.clone();
        let (key, hash) = (key_of(config, hash), hash.to_owned());
        self.runtime.spawn(async move {
            // The client's answer leaves first.
            service.runtime.sleep(0).await;
            let put = service.runtime.kv_put(&key, document.as_bytes(), KV_SECONDS).await;
            if let Err(fault) = put {
                let not_there = Known { document, in_kv: false };
                service.isolate.hashed.borrow_mut().put(&hash, not_there);
                service.isolate.kv.failed(service.runtime.now(), &fault);
                service.report_failure("kv-write", &fault);
            }
        });
    }

    async fn hashed_in_kv(&self, config: &Config, hash: &str) -> Option<Rc<str>> {
        let key = key_of(config, hash);
        let bytes = self.kv_bytes(&key, config.kv.timeout_ms).await.ok()??;
        let document = String::from_utf8(bytes).ok();
        let document = document.filter(|document| sha256_hex(document.as_bytes()) == hash);
        if document.is_none() {
            self.report_failure("kv-value", "not the document of that hash");
        }
        document.map(Rc::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_used_make_room_and_large_ones_are_not_kept() {
        let mut hashed = Hashed::new();
        let known = |bytes| Known { document: "x".repeat(bytes).into(), in_kv: false };
        let size = limits::HASHED_DOCUMENT_BYTES / 16;
        for n in 0..40 {
            hashed.put(&n.to_string(), known(size));
            assert!(hashed.get("0").is_some(), "the first is used all the time");
        }
        assert!(hashed.get("1").is_none());
        hashed.put("large", known(LARGEST_BYTES + 1));
        assert!(hashed.get("large").is_none());
        hashed.put("largest", known(LARGEST_BYTES));
        assert!(hashed.get("largest").is_some());
    }
}
