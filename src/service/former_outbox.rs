//! Purges in the outbox that a version before this one left there. Their keys name the service and
//! not the log: `outbox/<service>/…`.
//!
//! Nobody knows which of several logs such a purge is for. So each log purges everything for it,
//! once, and nobody deletes it: a staging deployment must not take what production has left, and
//! values expire by themselves. A mark in KV, for each log, holds the keys that were purged for.
//!
//! In scope: these keys alone. A release after this one can drop the file.

use super::handle::Service;
use super::outbox::{KV_MILLIS, is_unique};
use super::runtime::{Fault, Runtime};
use crate::purge::NewRecord;
use std::collections::BTreeSet;

/// As many keys as one list of KV may have.
const MOST_KEYS: usize = 1_000;

impl<W: Runtime> Service<W> {
    /// Purges everything, if there are purges that a version before has left and this log was not
    /// purged for.
    pub(super) async fn purge_for_former_outbox(&self) -> Result<(), Fault> {
        let prefix = format!("outbox/{}/", self.isolate.log_name());
        let listed = self.within(KV_MILLIS, self.runtime.kv_list(&prefix, MOST_KEYS)).await?;
        // Behind so many there may be others that were never seen.
        let may_lack = listed.len() >= MOST_KEYS;
        let is_purge = |key: &String| key.strip_prefix(&prefix).is_some_and(is_unique);
        let left: BTreeSet<String> = listed.into_iter().filter(is_purge).collect();
        let done = &self.isolate.outbox.former;
        if left.is_empty() || !may_lack && left.is_subset(&done.borrow()) {
            return Ok(());
        }
        let mark = format!("outbox-former/{}@{}", self.isolate.log_name(), self.runtime.log_id());
        let marked = self.within(KV_MILLIS, self.runtime.kv_get(&mark)).await?;
        let marked = marked.and_then(|keys| String::from_utf8(keys).ok()).unwrap_or_default();
        let marked: BTreeSet<String> = marked.lines().map(str::to_owned).collect();
        if may_lack || !left.is_subset(&marked) {
            // What they purge may be for a write whose outcome is unknown.
            let new = NewRecord::everything().with_unknown_outcome();
            if let Err(fault) = self.append_waiting(&new).await {
                self.report_failure("purge-log-write", &fault);
                return Ok(());
            }
            self.count_purge_of_everything(&new.record, "outbox");
            let keys: Vec<&str> = left.union(&marked).map(String::as_str).collect();
            let keys = keys.join("\n");
            let put = self.runtime.kv_put(&mark, keys.as_bytes(), self.outbox_seconds());
            self.within(KV_MILLIS, put).await?;
        }
        done.replace(left);
        Ok(())
    }
}
