//! Draining the outbox: recording the purges that any isolate has left in KV, and deleting them.
//!
//! A value is recorded each time that KV shows it. A purge that is recorded twice purges twice, which does
//! no other harm.

use super::former_outbox::FormerOutbox;
use super::log_writer::{LogWriter, OUTBOX};
use super::outbox::{Outbox, is_outbox_key_suffix};
use super::pending::PendingPurges;
use super::settings::PurgeSettings;
use super::timeouts::KV_MILLIS;
use crate::purge::{NewRecord, OutboxValueError};
use crate::service::report::report_failure;
use crate::service::runtime::{Fault, Runtime};
use crate::service::stats::Stats;
use crate::service::tiers::KvClient;
use crate::service::timeout::within;
use crate::time::Timestamp;
use std::cell::Cell;
use std::rc::Rc;

/// How often an isolate whose log works again drains the outbox, at most.
const INTERVAL_MILLIS: u64 = 60_000;
/// How many values are recorded at once.
const DRAINED_AT_ONCE: usize = 100;
/// After how many failures of KV the rest is left for the next time.
const MOST_FAILURES: usize = 3;

/// Records what is in the outbox.
#[derive(Debug)]
pub(super) struct OutboxDrain {
    seconds: u64,
    kv: Rc<KvClient>,
    outbox: Rc<Outbox>,
    former: FormerOutbox,
    pending: Rc<PendingPurges>,
    writer: Rc<LogWriter>,
    stats: Rc<Stats>,
    drained_at: Cell<Option<Timestamp>>,
}

/// Why a value of the outbox stays where it is.
enum Stuck {
    /// The log takes nothing: the other values would fare no better.
    Log,
    /// KV failed for this value.
    Kv(Fault),
}

impl OutboxDrain {
    pub fn new(
        settings: &PurgeSettings,
        (outbox, kv): (Rc<Outbox>, Rc<KvClient>),
        pending: Rc<PendingPurges>,
        writer: Rc<LogWriter>,
        stats: Rc<Stats>,
    ) -> Self {
        Self {
            seconds: settings.outbox_seconds,
            former: FormerOutbox::new(settings, kv.clone(), writer.clone(), stats.clone()),
            kv,
            outbox,
            pending,
            writer,
            stats,
            drained_at: Cell::default(),
        }
    }

    /// Drains the outbox in the background, if the log takes purges again after a failure.
    pub fn drain_if_due<R: Runtime>(self: &Rc<Self>, runtime: &R) {
        let now = runtime.now();
        let drained_at = self.drained_at.get();
        let recently = drained_at.is_some_and(|at| now.millis_since(at) < INTERVAL_MILLIS);
        // What is still pending here would be found in the outbox too, and recorded twice.
        if !self.outbox.is_due() || recently || !self.pending.is_empty() {
            return;
        }
        self.outbox.is_being_drained();
        let (drain, background) = (self.clone(), runtime.clone());
        runtime.spawn(async move { drain.drain(&background).await });
    }

    /// Records what is in the outbox, of whichever isolate.
    pub async fn drain<R: Runtime>(&self, runtime: &R) {
        if !runtime.kv_bound() {
            return;
        }
        self.drained_at.set(Some(runtime.now()));
        if let Err(fault) = self.former.drain(runtime).await {
            report_failure(runtime, "outbox-read", &fault);
        }
        let prefix = self.outbox.prefix(runtime);
        let listing = runtime.kv_list(&prefix, DRAINED_AT_ONCE);
        let keys = match within(runtime, KV_MILLIS, listing).await {
            Ok(keys) => keys,
            Err(fault) => return report_failure(runtime, "outbox-read", &fault),
        };
        let is_purge = |key: &&String| key.strip_prefix(&prefix).is_some_and(is_outbox_key_suffix);
        let (mut failures, mut purged_everything) = (0, false);
        for key in keys.iter().filter(is_purge) {
            match self.drain_one(runtime, key, &mut purged_everything).await {
                Ok(()) => {}
                Err(Stuck::Log) => return,
                Err(Stuck::Kv(fault)) => {
                    report_failure(runtime, "outbox-read", &fault);
                    failures += 1;
                    if failures >= MOST_FAILURES {
                        return;
                    }
                }
            }
        }
    }

    /// Records one value and deletes it. It need not be recorded if everything was purged since it was
    /// listed.
    async fn drain_one<R: Runtime>(
        &self,
        runtime: &R,
        key: &str,
        purged_everything: &mut bool,
    ) -> Result<(), Stuck> {
        if !self.outbox.is_done(key) {
            // `None`: another isolate was quicker, or KV does not show the value here yet.
            let Some(value) = self.get(runtime, key).await? else { return Ok(()) };
            let read = NewRecord::decode_from_outbox(&value);
            if let Err(error) = read {
                report_failure(runtime, "outbox-value", error.as_str());
            }
            if read == Err(OutboxValueError::Newer) {
                return self.purge_for_newer(runtime, key, purged_everything).await;
            }
            // A damaged value was some purge too, perhaps one that is to be repeated.
            let new = read.unwrap_or_else(|_| NewRecord::everything().with_unknown_outcome());
            self.record(runtime, &new, purged_everything).await?;
            self.outbox.note_done(key);
        }
        self.pending.remove_drained(key);
        self.outbox.delete(runtime, key).await;
        Ok(())
    }

    /// Purges everything for a value of a later version, once. The value stays, for isolates that can
    /// read it.
    async fn purge_for_newer<R: Runtime>(
        &self,
        runtime: &R,
        key: &str,
        purged_everything: &mut bool,
    ) -> Result<(), Stuck> {
        let done_key = format!("outbox-purged/{key}");
        if self.outbox.is_done(&done_key) {
            return Ok(());
        }
        if self.get(runtime, &done_key).await?.is_none() {
            let new = NewRecord::everything().with_unknown_outcome();
            self.record(runtime, &new, purged_everything).await?;
            let put = self.kv.write_necessary(runtime, &done_key, b"1", Some(self.seconds));
            within(runtime, KV_MILLIS, put).await.map_err(Stuck::Kv)?;
        }
        self.outbox.note_done(&done_key);
        Ok(())
    }

    async fn get<R: Runtime>(&self, runtime: &R, key: &str) -> Result<Option<Vec<u8>>, Stuck> {
        within(runtime, KV_MILLIS, runtime.kv_get(key)).await.map_err(Stuck::Kv)
    }

    async fn record<R: Runtime>(
        &self,
        runtime: &R,
        new: &NewRecord,
        purged_everything: &mut bool,
    ) -> Result<(), Stuck> {
        let is_covered = *purged_everything && new.repeat_after.is_empty();
        if is_covered || new.record.is_empty() {
            return Ok(());
        }
        match self.writer.append_pending(runtime, new).await {
            Ok(()) => {
                *purged_everything |= new.record.is_everything();
                self.stats.purge_requested(runtime.now(), &new.record, OUTBOX);
                Ok(())
            }
            Err(fault) => {
                report_failure(runtime, "purge-log-write", &fault);
                Err(Stuck::Log)
            }
        }
    }
}

#[cfg(test)]
mod tests;
