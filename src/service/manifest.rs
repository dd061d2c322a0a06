//! Documents known by their ids: uploaded by an administrator, kept in KV as one value, and loaded
//! by each isolate at the first id that it meets.

use super::handle::{Reply, Service, json_response};
use super::runtime::{BodyRead, Fault, Runtime};
use super::store_read::read_store;
use crate::config::Config;
use crate::graphql::{Manifest, ManifestError};
use crate::http::{Request, form_pairs};
use crate::limits;
use crate::time::Timestamp;
use serde_json::json;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// How old what an isolate has may be before it looks again, beside its requests.
const FRESH_MILLIS: u64 = 60_000;

/// How many times as long as for an entry the first look may take: all of the documents come.
const PATIENCE: u64 = 10;

/// How long after a failed look an isolate that has nothing does not look again.
const RETRY_MILLIS: u64 = 5_000;

/// How long KV may take while an administrator waits.
const ADMIN_MILLIS: u64 = 10_000;

/// What an isolate has of the uploaded documents.
#[derive(Debug, Default)]
pub(super) struct Uploaded {
    documents: RefCell<Option<Rc<Manifest>>>,
    /// When KV was last asked, and whether it answered.
    looked: Cell<Option<(Timestamp, bool)>>,
}

impl Uploaded {
    /// Takes what KV has, unless this isolate has something newer.
    fn take(&self, found: Rc<Manifest>) {
        let mut documents = self.documents.borrow_mut();
        if documents.as_ref().is_none_or(|before| before.made_at < found.made_at) {
            *documents = Some(found);
        }
    }

    fn current(&self) -> Option<Rc<Manifest>> {
        self.documents.borrow().clone()
    }
}

fn key_of(config: &Config) -> String {
    format!("{}/manifest", config.service)
}

impl<W: Runtime> Service<W> {
    /// The document of an id; none where nobody uploaded one, or KV is not heard in time.
    pub(super) async fn uploaded(&self, config: &Config, id: &str) -> Option<Rc<str>> {
        self.look_for_uploads(config).await;
        self.isolate.uploaded.current()?.document(id).cloned()
    }

    /// Looks in KV for what is uploaded, where this isolate has not, or not for a while.
    pub(super) async fn look_for_uploads(&self, config: &Config) {
        let now = self.runtime.now();
        let looked = &self.isolate.uploaded.looked;
        let (waits, ago) = match looked.get() {
            None => (true, u64::MAX),
            Some((at, answered)) => (!answered, now.millis_since(at)),
        };
        let due = ago >= if waits { RETRY_MILLIS } else { FRESH_MILLIS };
        if !due || !self.runtime.kv_bound() {
            return;
        }
        if waits {
            return self.load(config).await;
        }
        looked.set(Some((now, true)));
        let service = self.clone();
        self.runtime.spawn(async move {
            if let Ok(config) = &service.isolate.config {
                service.load(config).await;
            }
        });
    }

    async fn load(&self, config: &Config) {
        let uploaded = &self.isolate.uploaded;
        let millis = config.kv.timeout_ms.saturating_mul(PATIENCE);
        let found = self.kv_bytes(&key_of(config), millis).await;
        // What was loaded before stays in use, whatever comes now.
        let answered = found.is_ok() || uploaded.looked.get().is_some_and(|(_, answered)| answered);
        uploaded.looked.set(Some((self.runtime.now(), answered)));
        let Ok(Some(bytes)) = found else { return };
        let before = uploaded.current().map(|manifest| manifest.made_at);
        if before.is_some() && before == Manifest::made_at(&bytes) {
            return;
        }
        match Manifest::decode(&bytes) {
            Ok(manifest) => uploaded.take(Rc::new(manifest)),
            Err(damage) => self.report_failure("kv-value", damage.as_str()),
        }
    }

    /// What KV has under the key, if it says so in time.
    pub(super) async fn kv_bytes(&self, key: &str, millis: u64) -> Result<Option<Vec<u8>>, Fault> {
        if !self.runtime.kv_bound() {
            return Err("KV is not bound".to_owned());
        }
        let store = (&*self.isolate.kv, millis, "kv-read");
        read_store(&self.runtime, &self.store_reads, store, self.runtime.kv_get(key)).await
    }

    /// `GET documents`
    pub(super) async fn documents_route(&self, config: &Config) -> Reply {
        if !self.runtime.kv_bound() {
            return self.no_store_for_documents();
        }
        match self.stored_documents(config).await {
            Ok(manifest) => {
                let answer = json!({ "documents": manifest.count(), "bytes": manifest.bytes() });
                Reply::Whole(json_response(200, &answer))
            }
            Err(fault) => self.failed(503, &format!("KV: {fault}")),
        }
    }

    /// `POST documents`
    pub(super) async fn upload_route(&self, config: &Config, request: &Request) -> Reply {
        if !self.runtime.kv_bound() {
            return self.no_store_for_documents();
        }
        let query = form_pairs(request.url.query.as_deref().unwrap_or_default());
        let replaces = query.into_iter().flatten().find(|(name, _)| name == "replace");
        let replaces = match replaces.as_ref().map(|(_, value)| value.as_str()) {
            None | Some("0") => false,
            Some("1") => true,
            Some(_) => {
                return bad_upload(&ManifestError {
                    path: "replace".to_owned(),
                    message: "expected 0 or 1".to_owned(),
                });
            }
        };
        let body = match self.runtime.request_body(limits::UPLOAD_BYTES, 0).await {
            BodyRead::Whole(body) => body,
            BodyRead::TooLarge | BodyRead::NoRoom => {
                return self.failed(413, "an upload has at most 8 MiB; send several");
            }
            BodyRead::Broken => return self.failed(400, "the request's body broke off"),
        };
        let now = self.runtime.now();
        let newer = match Manifest::read(&body, &config.limits.amounts, now) {
            Ok(newer) => newer,
            Err(bad) => return bad_upload(&bad),
        };
        let stored = match self.stored_documents(config).await {
            Ok(stored) => stored,
            Err(_) if replaces => self.isolate.uploaded.current().unwrap_or_default(),
            Err(fault) => {
                return self.failed(503, &format!("nothing was stored; KV: {fault}"));
            }
        };
        self.store_documents(config, &stored, newer, replaces).await
    }

    async fn store_documents(
        &self,
        config: &Config,
        stored: &Manifest,
        mut newer: Manifest,
        replaces: bool,
    ) -> Reply {
        // What is uploaded later is newer by any clock.
        let after = Timestamp::from_millis(stored.made_at.as_millis().saturating_add(1));
        newer.made_at = newer.made_at.max(after);
        let nothing = Manifest::default();
        let (all, added) = match if replaces { &nothing } else { stored }.with(&newer) {
            Ok(all) => all,
            Err(bad) => return bad_upload(&bad),
        };
        let (count, bytes) = (all.count(), all.bytes());
        let (key, value) = (key_of(config), all.encode());
        let putting = self.runtime.kv_put_without_expiry(&key, &value);
        if let Err(fault) = self.within(ADMIN_MILLIS, putting).await {
            self.report_failure("kv-write", &fault);
            return self.failed(503, &format!("KV did not take it; send it again: {fault}"));
        }
        self.isolate.uploaded.take(Rc::new(all));
        self.isolate.uploaded.looked.set(Some((self.runtime.now(), true)));
        let answer = json!({ "documents": count, "added": added, "bytes": bytes });
        Reply::Whole(json_response(200, &answer))
    }

    /// The newest documents that this isolate can know of.
    async fn stored_documents(&self, config: &Config) -> Result<Rc<Manifest>, Fault> {
        let key = key_of(config);
        let reading = self.runtime.kv_get(&key);
        let uploaded = &self.isolate.uploaded;
        if let Some(bytes) = self.within(ADMIN_MILLIS, reading).await? {
            let found = Manifest::decode(&bytes).map_err(|damage| {
                format!("what is stored is damaged ({}); use ?replace=1", damage.as_str())
            })?;
            uploaded.take(Rc::new(found));
        }
        uploaded.looked.set(Some((self.runtime.now(), true)));
        Ok(uploaded.current().unwrap_or_default())
    }

    fn no_store_for_documents(&self) -> Reply {
        self.failed(503, "documents are kept in KV, and no namespace is bound as CACHE_KV")
    }
}

fn bad_upload(bad: &ManifestError) -> Reply {
    Reply::Whole(json_response(400, &json!({ "error": bad.message, "path": bad.path })))
}
