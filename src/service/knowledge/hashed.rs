//! Documents that clients name by their SHA-256 (automatic persisted queries): in this isolate, and in
//! KV for all others.
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
use crate::service::tiers::KvTier;
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
    kv: Rc<KvTier>,
    documents: RefCell<ByteLru<String, HashedDocument>>,
}

#[derive(Debug, Clone)]
struct HashedDocument {
    text: Rc<str>,
    /// Whether it was written to KV, or came from there.
    in_kv: bool,
}

impl HashedDocuments {
    /// No documents yet.
    pub fn new(config: Rc<Config>, kv: Rc<KvTier>) -> Rc<Self> {
        let largest = LARGEST_BYTES + ENTRY_BYTES;
        let documents = RefCell::new(ByteLru::new(limits::HASHED_DOCUMENT_BYTES, largest));
        Rc::new(Self { config, kv, documents })
    }

    /// Takes a document that a client sent together with its hash.
    pub fn learn<R: Runtime>(self: &Rc<Self>, runtime: &R, hash: &str, text: &Rc<str>) {
        let known = self.get(hash);
        let known = known.unwrap_or_else(|| HashedDocument { text: text.clone(), in_kv: false });
        self.keep(runtime, hash, known, self.config.kv.writes == KvWrites::Always);
    }

    /// The document of a hash. `None` if neither this isolate nor KV has it, or KV fails or takes too
    /// long.
    pub async fn document<R: Runtime>(
        self: &Rc<Self>,
        context: &Context<R>,
        hash: &str,
    ) -> Option<Rc<str>> {
        let known = match self.get(hash) {
            Some(known) => known,
            None => HashedDocument { text: self.read_kv(context, hash).await?, in_kv: true },
        };
        let text = known.text.clone();
        self.keep(&context.runtime, hash, known, self.config.kv.writes != KvWrites::Never);
        Some(text)
    }

    fn get(&self, hash: &str) -> Option<HashedDocument> {
        self.documents.borrow_mut().get(hash).cloned()
    }

    fn put(&self, hash: &str, document: HashedDocument) {
        let bytes = document.text.len() + ENTRY_BYTES;
        self.documents.borrow_mut().put(hash.to_owned(), document, bytes);
    }

    /// Keeps a document in this isolate. With `write` it goes to KV too, in the background, if it is
    /// not there yet.
    fn keep<R: Runtime>(
        self: &Rc<Self>,
        runtime: &R,
        hash: &str,
        document: HashedDocument,
        write: bool,
    ) {
        if document.text.len() > LARGEST_BYTES {
            return;
        }
        let write = write && !document.in_kv && runtime.kv_bound();
        let write = write && self.kv.breaker.allows(runtime.now());
        let text = document.text.clone();
        self.put(hash, HashedDocument { in_kv: document.in_kv || write, ..document });
        if write {
            let (documents, hash) = (self.clone(), hash.to_owned());
            let background = runtime.clone();
            runtime.spawn(async move { documents.write_kv(&background, &hash, text).await });
        }
    }

    async fn write_kv<R: Runtime>(&self, runtime: &R, hash: &str, text: Rc<str>) {
        // The response to the client goes first.
        runtime.sleep(0).await;
        if let Err(fault) = runtime.kv_put(&self.kv_key(hash), text.as_bytes(), KV_SECONDS).await {
            self.put(hash, HashedDocument { text, in_kv: false });
            self.kv.breaker.failed(runtime.now(), &fault);
            report_failure(runtime, "kv-write", &fault);
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
mod tests {
    use super::*;
    use crate::config;
    use crate::service::testing::{Call, TestRuntime, request};
    use serde_json::json;

    const TEXT: &str = "{ a }";

    fn documents(writes: &str) -> Rc<HashedDocuments> {
        let kv = json!({ "writes": writes, "timeout_ms": 100 });
        let config = Rc::new(config::parse(&json!({ "service": "shop", "kv": kv })).unwrap());
        let kv = Rc::new(KvTier::new(&config));
        HashedDocuments::new(config, kv)
    }

    fn find(runtime: &TestRuntime, documents: &Rc<HashedDocuments>, hash: &str) -> Option<Rc<str>> {
        let context = Context::new(runtime.clone(), request("GET", "/graphql"));
        runtime.run(documents.document(&context, hash))
    }

    fn hash() -> String {
        sha256_hex(TEXT.as_bytes())
    }

    fn key() -> String {
        format!("shop/documents/{}", hash())
    }

    #[test]
    fn a_document_goes_to_kv_in_the_background_and_other_isolates_find_it_there() {
        let runtime = TestRuntime::new();
        let here = documents("always");
        here.learn(&runtime, &hash(), &TEXT.into());
        assert_eq!(runtime.kv_value(&key()), None, "not before the client has its response");
        runtime.advance(10);
        assert_eq!(runtime.kv_value(&key()).unwrap(), TEXT.as_bytes());
        let elsewhere = documents("always");
        assert_eq!(find(&runtime, &elsewhere, &hash()).as_deref(), Some(TEXT));
        assert_eq!(find(&runtime, &elsewhere, &hash()).as_deref(), Some(TEXT));
        runtime.advance(10);
        assert_eq!(runtime.calls(Call::KvGet), 1, "the second time it is in the isolate");
        assert_eq!(runtime.calls(Call::KvPut), 1, "it came from KV");
    }

    #[test]
    fn kv_writes_decides_when_a_document_is_written() {
        for (writes, when_learned, when_asked_for) in
            [("always", 1, 1), ("second-request", 0, 1), ("never", 0, 0)]
        {
            let runtime = TestRuntime::new();
            let documents = documents(writes);
            documents.learn(&runtime, &hash(), &TEXT.into());
            runtime.advance(10);
            assert_eq!(runtime.calls(Call::KvPut), when_learned, "{writes}");
            assert!(find(&runtime, &documents, &hash()).is_some());
            runtime.advance(10);
            assert_eq!(runtime.calls(Call::KvPut), when_asked_for, "{writes}");
        }
    }

    #[test]
    fn a_text_that_is_not_of_the_hash_is_not_used() {
        let runtime = TestRuntime::new();
        runtime.set_kv(&key(), "{ other }");
        assert_eq!(find(&runtime, &documents("always"), &hash()), None);
        assert!(runtime.has_reported("kv-value"));
    }

    #[test]
    fn a_store_that_fails_or_is_slow_is_as_if_it_had_nothing() {
        let runtime = TestRuntime::new();
        runtime.set_kv(&key(), TEXT);
        runtime.takes(Call::KvGet, 101);
        assert_eq!(find(&runtime, &documents("always"), &hash()), None);
        runtime.works(Call::KvGet);
        runtime.fails(Call::KvGet, "down");
        assert_eq!(find(&runtime, &documents("always"), &hash()), None);
        assert!(runtime.has_reported("kv-read"));
        assert_eq!(find(&TestRuntime::without_kv(), &documents("always"), &hash()), None);
    }

    #[test]
    fn a_write_that_failed_is_made_again_when_the_document_is_used() {
        let runtime = TestRuntime::new();
        let documents = documents("always");
        runtime.fails(Call::KvPut, "down");
        documents.learn(&runtime, &hash(), &TEXT.into());
        runtime.advance(10);
        assert!(runtime.has_reported("kv-write"));
        runtime.works(Call::KvPut);
        documents.learn(&runtime, &hash(), &TEXT.into());
        runtime.advance(10);
        assert!(runtime.kv_value(&key()).is_some());
    }

    #[test]
    fn a_large_document_is_not_kept() {
        let runtime = TestRuntime::new();
        let documents = documents("always");
        let text: Rc<str> = "x".repeat(LARGEST_BYTES + 1).into();
        documents.learn(&runtime, "large", &text);
        runtime.advance(10);
        assert_eq!(runtime.calls(Call::KvPut), 0);
        assert_eq!(find(&runtime, &documents, "large"), None);
    }
}
