//! Documents that clients name by ids: an administrator uploads them, KV keeps them as one value, and
//! each isolate loads that at the first id that a client sends.

use crate::config::Config;
use crate::graphql::{Manifest, ManifestError};
use crate::service::context::Context;
use crate::service::report::report_failure;
use crate::service::runtime::{Fault, Runtime};
use crate::service::tiers::KvTier;
use crate::service::timeout::within;
use crate::time::Timestamp;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// After so long an isolate reads the documents again, in the background.
const FRESH_MILLIS: u64 = 60_000;

/// How many times `kv.timeout_ms` the first read may take: it reads all of the documents.
const PATIENCE: u64 = 10;

/// After a failed read, an isolate that has no documents yet does not read again for so long.
const RETRY_MILLIS: u64 = 5_000;

/// How long KV may take while an administrator waits.
const ADMIN_MILLIS: u64 = 10_000;

/// The uploaded documents, as one isolate knows them.
pub struct UploadedDocuments {
    config: Rc<Config>,
    kv: Rc<KvTier>,
    documents: RefCell<Option<Rc<Manifest>>>,
    /// When KV was read last, and whether it has ever answered.
    last_read: Cell<Option<(Timestamp, bool)>>,
}

/// The documents after an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Upload {
    /// How many there are.
    pub documents: usize,
    /// How many ids are new, or have another text than before.
    pub added: usize,
    /// The bytes of all texts.
    pub bytes: usize,
}

/// Why an upload was not stored.
#[derive(Debug)]
pub enum UploadError {
    /// Together with the stored documents it is over a limit.
    Invalid(ManifestError),
    /// The stored documents cannot be read.
    NotRead(Fault),
    /// KV did not take the documents.
    NotStored(Fault),
}

impl UploadedDocuments {
    /// No documents yet.
    pub fn new(config: Rc<Config>, kv: Rc<KvTier>) -> Rc<Self> {
        Rc::new(Self { config, kv, documents: RefCell::default(), last_read: Cell::default() })
    }

    /// The document of an id. `None` if nobody uploaded one, or KV fails or takes too long.
    pub async fn document<R: Runtime>(
        self: &Rc<Self>,
        context: &Context<R>,
        id: &str,
    ) -> Option<Rc<str>> {
        self.refresh(context).await;
        self.current()?.document(id).cloned()
    }

    /// Reads the documents if that is due: waits for the first read, and repeats it later in the
    /// background.
    pub async fn refresh<R: Runtime>(self: &Rc<Self>, context: &Context<R>) {
        let now = context.runtime.now();
        let (waits, ago) = match self.last_read.get() {
            None => (true, u64::MAX),
            Some((at, has_answered)) => (!has_answered, now.millis_since(at)),
        };
        let is_due = ago >= if waits { RETRY_MILLIS } else { FRESH_MILLIS };
        if !is_due || !context.runtime.kv_bound() {
            return;
        }
        if waits {
            return self.load(context).await;
        }
        self.last_read.set(Some((now, true)));
        let (documents, background) = (self.clone(), context.clone());
        context.runtime.spawn(async move { documents.load(&background).await });
    }

    async fn load<R: Runtime>(&self, context: &Context<R>) {
        let millis = self.config.kv.timeout_ms.saturating_mul(PATIENCE);
        let found = self.kv.read(context, &self.kv_key(), millis).await;
        // What was loaded before stays in use, whatever this read shows.
        let has_answered =
            found.is_ok() || self.last_read.get().is_some_and(|(_, answered)| answered);
        self.last_read.set(Some((context.runtime.now(), has_answered)));
        let Ok(Some(bytes)) = found else { return };
        let before = self.current().map(|manifest| manifest.made_at);
        if before.is_some() && before == Manifest::made_at(&bytes) {
            return;
        }
        match Manifest::decode(&bytes) {
            Ok(manifest) => self.use_if_newer(Rc::new(manifest)),
            Err(damage) => report_failure(&context.runtime, "kv-value", damage.as_str()),
        }
    }

    /// The newest documents that this isolate can know of, for an administrator.
    pub async fn stored<R: Runtime>(&self, runtime: &R) -> Result<Rc<Manifest>, Fault> {
        let key = self.kv_key();
        if let Some(bytes) = within(runtime, ADMIN_MILLIS, runtime.kv_get(&key)).await? {
            let found = Manifest::decode(&bytes).map_err(|damage| {
                format!("what is stored is damaged ({}); use ?replace=1", damage.as_str())
            })?;
            self.use_if_newer(Rc::new(found));
        }
        self.last_read.set(Some((runtime.now(), true)));
        Ok(self.current().unwrap_or_default())
    }

    /// Adds documents to the stored ones, or with `replaces` stores them in their place.
    pub async fn upload<R: Runtime>(
        &self,
        runtime: &R,
        mut newer: Manifest,
        replaces: bool,
    ) -> Result<Upload, UploadError> {
        let stored = match self.stored(runtime).await {
            Ok(stored) => stored,
            Err(_) if replaces => self.current().unwrap_or_default(),
            Err(fault) => return Err(UploadError::NotRead(fault)),
        };
        // The later upload is the newer one, whatever the clocks of two isolates say.
        let after = Timestamp::from_millis(stored.made_at.as_millis().saturating_add(1));
        newer.made_at = newer.made_at.max(after);
        let none = Manifest::default();
        let base = if replaces { &none } else { &*stored };
        let (all, added) = base.with(&newer).map_err(UploadError::Invalid)?;
        let upload = Upload { documents: all.count(), added, bytes: all.bytes() };
        let (key, value) = (self.kv_key(), all.encode());
        let putting = runtime.kv_put_without_expiry(&key, &value);
        if let Err(fault) = within(runtime, ADMIN_MILLIS, putting).await {
            report_failure(runtime, "kv-write", &fault);
            return Err(UploadError::NotStored(fault));
        }
        self.use_if_newer(Rc::new(all));
        self.last_read.set(Some((runtime.now(), true)));
        Ok(upload)
    }

    fn use_if_newer(&self, found: Rc<Manifest>) {
        let mut documents = self.documents.borrow_mut();
        if documents.as_ref().is_none_or(|before| before.made_at < found.made_at) {
            *documents = Some(found);
        }
    }

    fn current(&self) -> Option<Rc<Manifest>> {
        self.documents.borrow().clone()
    }

    fn kv_key(&self) -> String {
        format!("{}/manifest", self.config.service)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::service::testing::{Call, TestRuntime, request};
    use serde_json::json;

    fn documents() -> Rc<UploadedDocuments> {
        let config = json!({ "service": "shop", "kv": { "timeout_ms": 100 } });
        let config = Rc::new(config::parse(&config).unwrap());
        let kv = Rc::new(KvTier::new(&config));
        UploadedDocuments::new(config, kv)
    }

    fn find(runtime: &TestRuntime, documents: &Rc<UploadedDocuments>, id: &str) -> Option<Rc<str>> {
        let context = Context::new(runtime.clone(), request("GET", "/graphql"));
        runtime.run(documents.document(&context, id))
    }

    fn upload(
        runtime: &TestRuntime,
        documents: &UploadedDocuments,
        body: &serde_json::Value,
        replaces: bool,
    ) -> Result<Upload, UploadError> {
        let amounts = &documents.config.limits.amounts;
        let newer = Manifest::read(body.to_string().as_bytes(), amounts, runtime.at()).unwrap();
        runtime.run(documents.upload(runtime, newer, replaces))
    }

    #[test]
    fn an_upload_adds_to_the_stored_documents_or_replaces_them() {
        let runtime = TestRuntime::new();
        let documents = documents();
        let first = upload(&runtime, &documents, &json!({ "1": "{ a }", "2": "{ b }" }), false);
        assert_eq!(first.unwrap(), Upload { documents: 2, added: 2, bytes: 10 });
        let second = upload(&runtime, &documents, &json!({ "2": "{ c }", "3": "{ d }" }), false);
        assert_eq!(second.unwrap(), Upload { documents: 3, added: 2, bytes: 15 });
        assert_eq!(find(&runtime, &documents, "2").as_deref(), Some("{ c }"));
        let third = upload(&runtime, &documents, &json!({ "4": "{ e }" }), true);
        assert_eq!(third.unwrap(), Upload { documents: 1, added: 1, bytes: 5 });
        assert_eq!(find(&runtime, &documents, "2"), None);
    }

    #[test]
    fn other_isolates_load_them_at_the_first_id_and_look_again_after_a_minute() {
        let runtime = TestRuntime::new();
        let (here, elsewhere) = (documents(), documents());
        upload(&runtime, &here, &json!({ "1": "{ a }" }), false).unwrap();
        assert_eq!(find(&runtime, &elsewhere, "1").as_deref(), Some("{ a }"));
        upload(&runtime, &here, &json!({ "2": "{ b }" }), false).unwrap();
        assert_eq!(find(&runtime, &elsewhere, "2"), None, "not looked for yet");
        runtime.advance(FRESH_MILLIS);
        assert_eq!(find(&runtime, &elsewhere, "2"), None, "looked for in the background");
        runtime.advance(10);
        assert_eq!(find(&runtime, &elsewhere, "2").as_deref(), Some("{ b }"));
    }

    #[test]
    fn the_first_read_is_waited_for_and_not_repeated_at_once_if_it_fails() {
        let runtime = TestRuntime::new();
        let (here, elsewhere) = (documents(), documents());
        upload(&runtime, &here, &json!({ "1": "{ a }" }), false).unwrap();
        let reads = runtime.calls(Call::KvGet);
        runtime.takes(Call::KvGet, 100 * PATIENCE + 1);
        assert_eq!(find(&runtime, &elsewhere, "1"), None);
        assert!(runtime.has_reported("kv-read"));
        runtime.takes(Call::KvGet, 100 * PATIENCE - 1);
        assert_eq!(find(&runtime, &elsewhere, "1"), None);
        assert_eq!(runtime.calls(Call::KvGet), reads + 1, "too soon");
        runtime.advance(RETRY_MILLIS);
        assert_eq!(find(&runtime, &elsewhere, "1").as_deref(), Some("{ a }"));
    }

    #[test]
    fn documents_stay_in_use_while_kv_fails_or_has_garbage() {
        let runtime = TestRuntime::new();
        let documents = documents();
        upload(&runtime, &documents, &json!({ "1": "{ a }" }), false).unwrap();
        runtime.set_kv("shop/manifest", "garbage");
        runtime.advance(FRESH_MILLIS);
        assert!(find(&runtime, &documents, "1").is_some());
        runtime.advance(10);
        assert!(runtime.has_reported("kv-value"));
        runtime.fails(Call::KvGet, "down");
        runtime.advance(FRESH_MILLIS);
        assert!(find(&runtime, &documents, "1").is_some());
        runtime.advance(10);
        assert!(find(&runtime, &documents, "1").is_some());
    }

    #[test]
    fn an_upload_is_stored_whole_or_not_at_all() {
        let runtime = TestRuntime::new();
        let documents = documents();
        runtime.fails(Call::KvPut, "full");
        let body = json!({ "1": "{ a }" });
        let refused = upload(&runtime, &documents, &body, false);
        assert!(matches!(refused, Err(UploadError::NotStored(_))), "{refused:?}");
        assert_eq!(find(&runtime, &documents, "1"), None);
        runtime.fails(Call::KvGet, "down");
        let refused = upload(&runtime, &documents, &body, false);
        assert!(matches!(refused, Err(UploadError::NotRead(_))), "{refused:?}");
        // What is to be replaced need not be read.
        runtime.works(Call::KvPut);
        assert!(upload(&runtime, &documents, &body, true).is_ok());
    }
}
