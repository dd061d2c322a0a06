//! The outbox: pending purges in KV, where other isolates find them if this one ends.
//!
//! In scope: putting purges there and deleting them. Not in scope: recording what others have put there
//! (`outbox_drain.rs`).

use super::log_view::LogView;
use super::pending::PendingPurges;
use super::settings::PurgeSettings;
use super::timeouts::KV_MILLIS;
use crate::key::DigestBuilder;
use crate::limits;
use crate::purge::{NewRecord, Record};
use crate::service::report::report_failure;
use crate::service::runtime::Runtime;
use crate::service::tiers::KvClient;
use crate::service::timeout::within;
use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

/// How many values are deleted at once: as many connections as the runtime gives to a request.
const DELETED_AT_ONCE: usize = 6;

/// Pending purges in KV.
#[derive(Debug)]
pub(super) struct Outbox {
    log_name: String,
    seconds: u64,
    view: Rc<LogView>,
    pending: Rc<PendingPurges>,
    kv: Rc<KvClient>,
    keys_made: Cell<u64>,
    /// Whether the log has refused a purge since the outbox was drained.
    is_due: Cell<bool>,
    /// Keys whose purges are recorded. KV may go on showing them for a while.
    recorded: RefCell<VecDeque<String>>,
}

impl Outbox {
    pub fn new(
        settings: &PurgeSettings,
        view: Rc<LogView>,
        pending: Rc<PendingPurges>,
        kv: Rc<KvClient>,
    ) -> Self {
        Self {
            log_name: settings.log_name.clone(),
            seconds: settings.outbox_seconds,
            view,
            pending,
            kv,
            keys_made: Cell::default(),
            is_due: Cell::default(),
            recorded: RefCell::default(),
        }
    }

    /// Makes a purge pending that the log did not take.
    ///
    /// A schema that it puts in force is dropped: recorded late, it would replace a newer one. That no
    /// schema is in force from now on may be recorded late.
    pub fn keep<R: Runtime>(self: &Rc<Self>, runtime: &R, mut new: NewRecord) {
        new.record.schema = new.record.schema.filter(|schema| !schema.is_some());
        self.is_due.set(true);
        let mut replaces = Vec::new();
        if let Some(replaced) = self.pending.take_if_full() {
            let pending = replaced.iter().map(|one| &one.new);
            // What is pending may only end a schema, and that must not be forgotten.
            let schema = pending.chain([&new]).find_map(|new| new.record.schema);
            new.record = Record { schema, ..Record::everything() };
            for one in replaced {
                new.repeat_also(&one.new.repeat_after);
                new.closes.extend(&one.new.closes);
                replaces.extend(one.into_outbox_keys());
            }
            replaces.truncate(limits::PENDING_PURGES);
        }
        self.pending.push(self.key_of(runtime, &new), new, replaces);
        self.fill(runtime);
    }

    /// Puts pending purges into the outbox in the background, unless they are there.
    pub fn fill<R: Runtime>(self: &Rc<Self>, runtime: &R) {
        let (outbox, background) = (self.clone(), runtime.clone());
        runtime.spawn(async move {
            outbox.put_due(&background).await;
        });
    }

    /// A pending purge was recorded.
    pub fn note_recorded<R: Runtime>(self: &Rc<Self>, runtime: &R, key: &str) {
        let Some(recorded) = self.pending.remove(key) else { return };
        self.note_done(key);
        let keys = recorded.into_outbox_keys();
        if !keys.is_empty() {
            let (outbox, background) = (self.clone(), runtime.clone());
            runtime.spawn(async move { outbox.delete_all(&background, &keys).await });
        }
    }

    /// Whether nothing more is to be done for a key, though KV may still show it.
    pub fn is_done(&self, key: &str) -> bool {
        self.recorded.borrow().iter().any(|done| done == key)
    }

    /// Notes that nothing more is to be done for a key.
    pub fn note_done(&self, key: &str) {
        let mut recorded = self.recorded.borrow_mut();
        if recorded.len() >= limits::PENDING_PURGES {
            recorded.pop_front();
        }
        recorded.push_back(key.to_owned());
    }

    /// Whether the log has refused a purge since the outbox was drained: other isolates may have had the
    /// same, and may have ended.
    pub fn is_due(&self) -> bool {
        self.is_due.get()
    }

    /// The outbox is about to be drained.
    pub fn is_being_drained(&self) {
        self.is_due.set(false);
    }

    /// Deletes a value. If KV fails, the value is recorded again later, which purges again and does no
    /// other harm.
    pub async fn delete<R: Runtime>(&self, runtime: &R, key: &str) {
        if let Err(fault) = within(runtime, KV_MILLIS, runtime.kv_delete(key)).await {
            report_failure(runtime, "outbox-write", &fault);
        }
    }

    /// Deletes values a few at a time: the runtime ends what takes more than 30 s after a response.
    async fn delete_all<R: Runtime>(&self, runtime: &R, keys: &[String]) {
        let deletes = stream::iter(keys.iter().map(|key| self.delete(runtime, key)));
        deletes.buffer_unordered(DELETED_AT_ONCE).collect::<()>().await;
    }

    async fn put_due<R: Runtime>(&self, runtime: &R) {
        if !runtime.kv_bound() {
            return;
        }
        let now = runtime.now();
        let due = self.pending.due_for_outbox(now, || self.kv.breaker.allows(now));
        join_all(due.iter().map(|(key, value)| self.put(runtime, key, value))).await;
    }

    async fn put<R: Runtime>(&self, runtime: &R, key: &str, value: &[u8]) {
        let put = self.kv.write_necessary(runtime, key, value, Some(self.seconds));
        let put = within(runtime, KV_MILLIS, put).await;
        match &put {
            // This may have been its one try.
            Ok(()) if self.kv.breaker.is_open() => self.kv.breaker.succeeded(),
            Ok(()) => {}
            Err(fault) => {
                self.kv.breaker.failed(runtime.now(), fault);
                report_failure(runtime, "outbox-write", fault);
            }
        }
        match self.pending.note_put(key, put.is_ok()) {
            Some(replaces) => self.delete_all(runtime, &replaces).await,
            // It was replaced meanwhile, by a purge that is not in the outbox yet and deletes it then.
            None if !self.is_done(key) && self.pending.is_replaced(key) => {}
            None => self.delete(runtime, key).await,
        }
    }

    /// What the keys of this log's outbox begin with. Several logs may share a KV namespace, as those of
    /// staging and production do.
    pub fn prefix<R: Runtime>(&self, runtime: &R) -> String {
        format!("outbox/{}@{}/", self.log_name, runtime.log_id())
    }

    /// The key of a purge. No two are the same: even isolates of one moment differ in what they know of
    /// the log, in how many keys they have made, or in what they purge.
    fn key_of<R: Runtime>(&self, runtime: &R, new: &NewRecord) -> String {
        self.keys_made.set(self.keys_made.get().saturating_add(1));
        let (epoch, seq) = self.view.mark().map(|mark| (mark.epoch, mark.seq)).unwrap_or_default();
        let synced_at = self.view.synced_at().unwrap_or_default().as_millis();
        let now = runtime.now().as_millis();
        let digest = [self.keys_made.get(), epoch, seq, synced_at, now]
            .iter()
            .fold(DigestBuilder::new("outbox"), |digest, part| digest.part(&part.to_le_bytes()))
            .part(&new.encode_for_outbox());
        format!("{}{now:013}-{}", self.prefix(runtime), digest.finish().to_short_hex())
    }
}

/// Whether this is the last part of a key of an outbox, for example `1700000000000-0123456789abcdef`. A
/// service may have a name with which its entries' keys begin with the outbox's prefix.
pub(super) fn is_outbox_key_suffix(suffix: &str) -> bool {
    let parts = suffix.split_once('-');
    parts.is_some_and(|(time, digest)| {
        time.len() == 13
            && time.bytes().all(|byte| byte.is_ascii_digit())
            && digest.len() == 16
            && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests;
