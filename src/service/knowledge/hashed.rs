//! Documents that clients name by their SHA-256 (automatic persisted queries): in this isolate, and in
//! KV for all others.
//!
//! A document is written to KV only after the origin has answered it: anybody can send documents with
//! their hashes.
//!
//! A text is used only if its SHA-256 is the hash. `graphql` checks that when a client sends both; here
//! it is checked again for a text from KV.

use crate::config::{Config, KvWrites};
use crate::key::sha256_hex;
use crate::limits;
use crate::service::byte_lru::ByteLru;
use crate::service::context::Context;
use crate::service::report::report_failure;
use crate::service::runtime::Runtime;
use crate::service::tiers::KvClient;
use std::cell::RefCell;
use std::rc::Rc;

/// How long KV keeps a document that nobody sends: 30 days.
const KV_SECONDS: u64 = 30 * 24 * 60 * 60;

/// The largest document that is kept. A larger one would push out others, and be written to KV again
/// each time it comes back.
const LARGEST_BYTES: usize = limits::HASHED_DOCUMENT_BYTES / 8;

/// About how many bytes a document takes in addition to its text.
const ENTRY_BYTES: usize = 256;

/// The documents of one isolate by their hashes, within a budget of bytes.
pub struct HashedDocuments {
    config: Rc<Config>,
    kv: Rc<KvClient>,
    documents: RefCell<ByteLru<String, HashedDocument>>,
}

#[derive(Debug, Clone)]
struct HashedDocument {
    text: Rc<str>,
    /// Whether it was written to KV, or came from there.
    in_kv: bool,
    /// Whether a client has named it by its hash alone.
    is_asked_for: bool,
    /// Whether the origin has answered it. Until then anybody may have made it up.
    is_answered: bool,
}

impl HashedDocuments {
    /// No documents yet.
    pub fn new(config: Rc<Config>, kv: Rc<KvClient>) -> Rc<Self> {
        let largest = LARGEST_BYTES + ENTRY_BYTES;
        let documents = RefCell::new(ByteLru::new(limits::HASHED_DOCUMENT_BYTES, largest));
        Rc::new(Self { config, kv, documents })
    }

    /// Takes a document that a client sent together with its hash.
    pub fn learn(&self, hash: &str, text: &Rc<str>) {
        let (text, known) = (text.clone(), self.get(hash));
        let new = HashedDocument { text, in_kv: false, is_asked_for: false, is_answered: false };
        self.put(hash, known.unwrap_or(new));
    }

    /// The document of a hash. `None` if neither this isolate nor KV has it, or KV fails or takes too
    /// long.
    pub async fn document<R: Runtime>(
        self: &Rc<Self>,
        context: &Context<R>,
        hash: &str,
    ) -> Option<Rc<str>> {
        // Neither explaining nor warming counts as asking for it.
        if context.is_explained() || context.is_warming() {
            let known = self.documents.borrow().peek(hash).map(|known| known.text.clone());
            return match known {
                Some(text) => Some(text),
                None => self.read_kv(context, hash).await,
            };
        }
        let known = match self.get(hash) {
            Some(known) => HashedDocument { is_asked_for: true, ..known },
            None => {
                let text = self.read_kv(context, hash).await?;
                HashedDocument { text, in_kv: true, is_asked_for: true, is_answered: true }
            }
        };
        let text = known.text.clone();
        self.put_and_write(&context.runtime, hash, known);
        Some(text)
    }

    /// The origin has answered the document of that hash.
    pub fn note_answered<R: Runtime>(self: &Rc<Self>, runtime: &R, hash: &str) {
        if let Some(known) = self.get(hash).filter(|known| !known.in_kv) {
            self.put_and_write(runtime, hash, HashedDocument { is_answered: true, ..known });
        }
    }

    fn get(&self, hash: &str) -> Option<HashedDocument> {
        self.documents.borrow_mut().get(hash).cloned()
    }

    fn put(&self, hash: &str, document: HashedDocument) {
        if document.text.len() <= LARGEST_BYTES {
            let bytes = document.text.len() + ENTRY_BYTES;
            self.documents.borrow_mut().put(hash.to_owned(), document, bytes);
        }
    }

    /// Keeps a document in this isolate. It goes to KV too, in the background, if `kv.writes` says so
    /// and it is not there yet.
    fn put_and_write<R: Runtime>(
        self: &Rc<Self>,
        runtime: &R,
        hash: &str,
        document: HashedDocument,
    ) {
        let HashedDocument { in_kv, is_asked_for, is_answered, .. } = document;
        let is_time = match self.config.kv.writes {
            KvWrites::Always => true,
            KvWrites::SecondRequest => is_asked_for,
            KvWrites::Never => false,
        };
        let write = is_time && is_answered && !in_kv && self.kv.may_write(runtime);
        let text = document.text.clone();
        self.put(hash, HashedDocument { in_kv: in_kv || write, ..document });
        if write {
            let (documents, hash) = (self.clone(), hash.to_owned());
            let background = runtime.clone();
            runtime.spawn(async move { documents.write_kv(&background, &hash, text).await });
        }
    }

    async fn write_kv<R: Runtime>(&self, runtime: &R, hash: &str, text: Rc<str>) {
        // The response to the client goes first.
        runtime.sleep(0).await;
        let key = self.kv_key(hash);
        let written = self.kv.write(runtime, &key, || text.as_bytes(), KV_SECONDS).await;
        if let Some(document) = self.get(hash).filter(|_| !written) {
            self.put(hash, HashedDocument { in_kv: false, ..document });
        }
    }

    async fn read_kv<R: Runtime>(&self, context: &Context<R>, hash: &str) -> Option<Rc<str>> {
        let millis = self.config.kv.timeout_ms;
        let bytes = self.kv.read(context, &self.kv_key(hash), millis).await.ok()??;
        let document = String::from_utf8(bytes).ok();
        let document = document.filter(|document| sha256_hex(document.as_bytes()) == hash);
        if document.is_none() {
            report_failure(&context.runtime, "kv-value", "not the document of that hash");
        }
        document.map(Rc::from)
    }

    /// The key in KV. No entry has such a key: there the key's version follows the service.
    fn kv_key(&self, hash: &str) -> String {
        format!("{}/documents/{hash}", self.config.service)
    }
}

#[cfg(test)]
mod tests;
