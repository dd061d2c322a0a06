//! Documents that clients name by ids: an administrator uploads them, KV keeps them as one value, and
//! each isolate loads that at the first id that a client sends.

use crate::config::Config;
use crate::graphql::{Manifest, ManifestError};
use crate::service::answers::Stamps;
use crate::service::context::Context;
use crate::service::report::report_failure;
use crate::service::runtime::{Fault, Runtime};
use crate::service::tiers::KvClient;
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
    kv: Rc<KvClient>,
    documents: RefCell<Option<Rc<Manifest>>>,
    /// What JavaScript knows of documents.
    stamps: Rc<Stamps>,
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
    /// No documents yet. The stamps show when they change.
    pub fn new(config: Rc<Config>, kv: Rc<KvClient>, stamps: Rc<Stamps>) -> Rc<Self> {
        let (documents, last_read) = (RefCell::default(), Cell::default());
        Rc::new(Self { config, kv, documents, stamps, last_read })
    }

    /// When a request that names its document has to look at them again.
    pub fn fresh_until(&self) -> Timestamp {
        let until = match self.last_read.get() {
            // Without KV there are none, and never will be.
            None => u64::MAX,
            Some((at, has_answered)) => {
                let millis = if has_answered { FRESH_MILLIS } else { RETRY_MILLIS };
                at.as_millis().saturating_add(millis)
            }
        };
        Timestamp::from_millis(until)
    }

    /// The document of an id. `None` if nobody uploaded one, or KV fails or takes too long.
    pub async fn document<R: Runtime>(
        self: &Rc<Self>,
        context: &Context<R>,
        id: &str,
    ) -> Option<Rc<str>> {
        if !context.is_explained() {
            self.refresh(context).await;
        } else if self.waits_for_kv(context.runtime.now()) {
            return self.look_for(context, id).await;
        }
        self.current()?.document(id).cloned()
    }

    /// The document of an id in KV, without keeping what was read.
    async fn look_for<R: Runtime>(&self, context: &Context<R>, id: &str) -> Option<Rc<str>> {
        let millis = self.config.kv.timeout_ms.saturating_mul(PATIENCE);
        let bytes = self.kv.read(context, &self.kv_key(), millis).await.ok()??;
        Manifest::decode(&bytes).ok()?.document(id).cloned()
    }

    /// Reads the documents if that is due: waits for the first read, and repeats it later in the
    /// background.
    pub async fn refresh<R: Runtime>(self: &Rc<Self>, context: &Context<R>) {
        if !context.runtime.kv_bound() {
            return;
        }
        let now = context.runtime.now();
        if self.waits_for_kv(now) {
            return self.load(context).await;
        }
        let is_old = |(at, has_answered)| has_answered && now.millis_since(at) >= FRESH_MILLIS;
        if !self.last_read.get().is_some_and(is_old) {
            return;
        }
        self.last_read.set(Some((now, true)));
        let (documents, background) = (self.clone(), context.clone());
        context.runtime.spawn(async move { documents.load(&background).await });
    }

    /// Whether a request waits for a read: KV has never answered, and was not asked a moment ago.
    fn waits_for_kv(&self, now: Timestamp) -> bool {
        self.last_read
            .get()
            .is_none_or(|(at, has_answered)| !has_answered && now.millis_since(at) >= RETRY_MILLIS)
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
        let putting = self.kv.write_necessary(runtime, &key, &value, None);
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
            self.stamps.everything_changed();
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
mod tests;
