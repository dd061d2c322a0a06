//! Purges in the outbox of an earlier version, whose keys name the service and not the log:
//! `outbox/<service>/…`.
//!
//! If several logs share a KV namespace, it is unknown which of them such a purge is for. So each log
//! purges everything for it, once, and no isolate deletes it: a staging deployment must not take what
//! production has left. The values expire by themselves. For each log, one value in KV lists the keys for
//! which it has purged everything.
//!
//! In scope: these keys alone. A release after this one can drop the file.

use super::log_writer::{LogWriter, OUTBOX};
use super::outbox::is_outbox_key_suffix;
use super::settings::PurgeSettings;
use super::timeouts::KV_MILLIS;
use crate::order;
use crate::purge::NewRecord;
use crate::service::report::report_failure;
use crate::service::runtime::{Fault, Runtime};
use crate::service::stats::Stats;
use crate::service::tiers::KvClient;
use crate::service::timeout::within;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

/// The most keys that one list of KV may have.
const MOST_KEYS: usize = 1_000;

/// The outbox of an earlier version.
#[derive(Debug)]
pub(super) struct FormerOutbox {
    log_name: String,
    seconds: u64,
    kv: Rc<KvClient>,
    writer: Rc<LogWriter>,
    stats: Rc<Stats>,
    /// The keys for which this log is known to have purged everything.
    done: RefCell<BTreeSet<String>>,
}

impl FormerOutbox {
    pub fn new(
        settings: &PurgeSettings,
        kv: Rc<KvClient>,
        writer: Rc<LogWriter>,
        stats: Rc<Stats>,
    ) -> Self {
        let (log_name, seconds) = (settings.log_name.clone(), settings.outbox_seconds);
        Self { log_name, seconds, kv, writer, stats, done: RefCell::default() }
    }

    /// Purges everything, if an earlier version has left purges for which this log has not done so.
    pub async fn drain<R: Runtime>(&self, runtime: &R) -> Result<(), Fault> {
        let prefix = format!("outbox/{}/", self.log_name);
        let listed = within(runtime, KV_MILLIS, runtime.kv_list(&prefix, MOST_KEYS)).await?;
        // A full list may lack others, of which nothing is known.
        let may_lack = listed.len() >= MOST_KEYS;
        let is_purge = |key: &String| key.strip_prefix(&prefix).is_some_and(is_outbox_key_suffix);
        let left = order::set_of(listed.into_iter().filter(is_purge));
        if left.is_empty() || !may_lack && left.is_subset(&self.done.borrow()) {
            return Ok(());
        }
        let done_key = format!("outbox-former/{}@{}", self.log_name, runtime.log_id());
        let done = within(runtime, KV_MILLIS, runtime.kv_get(&done_key)).await?;
        let done = done.and_then(|keys| String::from_utf8(keys).ok()).unwrap_or_default();
        let done = order::set_of(done.lines().map(str::to_owned));
        if may_lack || !left.is_subset(&done) {
            // Some may be for writes whose outcome is unknown.
            let new = NewRecord::everything().with_unknown_outcome();
            if let Err(fault) = self.writer.append_pending(runtime, &new).await {
                report_failure(runtime, "purge-log-write", &fault);
                return Ok(());
            }
            self.stats.purge_requested(runtime.now(), &new.record, OUTBOX);
            let keys: Vec<&str> = left.union(&done).map(String::as_str).collect();
            let keys = keys.join("\n");
            let seconds = Some(self.seconds);
            let put = self.kv.write_necessary(runtime, &done_key, keys.as_bytes(), seconds);
            within(runtime, KV_MILLIS, put).await?;
        }
        self.done.replace(left);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::purges::fixture::{Writing, settings};
    use crate::service::testing::{Call, TestRuntime};

    const KEY: &str = "outbox/shop/1700000000000-0123456789abcdef";

    fn former() -> FormerOutbox {
        let writing = Writing::new();
        FormerOutbox::new(&settings(), writing.kv, writing.writer, writing.stats)
    }

    #[test]
    fn each_log_purges_everything_once_and_deletes_nothing() {
        let (runtime, first) = (TestRuntime::new(), former());
        runtime.set_kv(KEY, b"whatever it is");
        for isolate in [&first, &first, &former()] {
            assert_eq!(runtime.run(isolate.drain(&runtime)), Ok(()));
            assert_eq!((runtime.log_head(), runtime.kv_value(KEY).is_some()), (1, true));
        }
        runtime.set_kv(&KEY.replace("17", "18"), b"another");
        assert_eq!(runtime.run(first.drain(&runtime)), Ok(()));
        assert_eq!(runtime.log_head(), 2);
    }

    #[test]
    fn a_log_that_takes_nothing_is_tried_again() {
        let (runtime, former) = (TestRuntime::new(), former());
        runtime.set_kv(KEY, b"whatever it is");
        runtime.fails(Call::LogAppend, "down");
        assert_eq!(runtime.run(former.drain(&runtime)), Ok(()));
        assert!(runtime.has_reported("purge-log-write") && runtime.log_head() == 0);
        runtime.works(Call::LogAppend);
        assert_eq!(runtime.run(former.drain(&runtime)), Ok(()));
        assert_eq!(runtime.log_head(), 1);
    }

    #[test]
    fn without_such_purges_nothing_is_read_or_written() {
        let (runtime, former) = (TestRuntime::new(), former());
        assert_eq!(runtime.run(former.drain(&runtime)), Ok(()));
        let calls = [Call::KvList, Call::KvGet, Call::KvPut, Call::LogAppend];
        assert_eq!(calls.map(|call| runtime.calls(call)), [1, 0, 0, 0]);
    }
}
