//! The purge of `on_deploy`: each deployed version of the Worker purges once, whichever isolate is first.
//!
//! The log knows which versions have purged, so that isolates of two versions can run at once, and any
//! number of isolates of one. In scope: when it is tried. Not in scope: what it purges
//! (`config/on_deploy.rs`).

use super::log_writer::LogWriter;
use super::settings::PurgeSettings;
use super::timeouts::READ_MILLIS;
use crate::purge::{NewRecord, Record};
use crate::service::backoff::Backoff;
use crate::service::report::{report_failure, report_purge};
use crate::service::runtime::Runtime;
use crate::service::stats::Stats;
use std::cell::Cell;
use std::rc::Rc;

/// The longest pause after failed attempts.
const LONGEST_PAUSE_MILLIS: u64 = 10_000;
/// The source of the purge, in log lines and statistics.
const DEPLOY: &str = "deploy";

/// Records the purge of this version.
#[derive(Debug)]
pub struct DeployPurge {
    /// What is purged; `None` if nothing is configured.
    record: Option<Record>,
    writer: Rc<LogWriter>,
    stats: Rc<Stats>,
    /// Whether the log has the purge of this version, whoever recorded it.
    is_recorded: Cell<bool>,
    backoff: Backoff<LONGEST_PAUSE_MILLIS>,
}

/// How far the purge of this version is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeployPurgeState {
    /// `on_deploy` names nothing.
    NotConfigured,
    /// The id of the version is not known, so nothing is purged.
    NoVersion,
    /// The log has not confirmed it yet.
    Pending,
    /// The log has recorded it.
    Recorded,
}

impl DeployPurge {
    pub(super) fn new(settings: &PurgeSettings, writer: Rc<LogWriter>, stats: Rc<Stats>) -> Self {
        Self {
            record: settings.on_deploy.clone(),
            writer,
            stats,
            is_recorded: Cell::default(),
            backoff: Backoff::default(),
        }
    }

    /// How far it is.
    pub fn state<R: Runtime>(&self, runtime: &R) -> DeployPurgeState {
        match self.record {
            None => DeployPurgeState::NotConfigured,
            Some(_) if runtime.version_id().is_none() => DeployPurgeState::NoVersion,
            Some(_) if self.is_recorded.get() => DeployPurgeState::Recorded,
            Some(_) => DeployPurgeState::Pending,
        }
    }

    /// Records it, unless the log has confirmed it, or an attempt failed just now. Called after each
    /// read of the log by this isolate, the first of which is its first request's.
    pub(super) async fn record_if_due<R: Runtime>(&self, runtime: &R) {
        let Some(record) = self.record.clone().filter(|_| !self.is_recorded.get()) else { return };
        let Some(version) = runtime.version_id() else { return };
        if !self.backoff.allows(runtime.now()) {
            return;
        }
        self.backoff.is_asked(runtime.now(), READ_MILLIS);
        let new = NewRecord { for_version: Some(version), ..record.clone().into() };
        match self.writer.append(runtime, &new, READ_MILLIS).await {
            Ok(mark) => {
                self.backoff.succeeded();
                self.is_recorded.set(true);
                // No record: another isolate of this version was first.
                if mark.seq > 0 {
                    self.stats.purge_requested(runtime.now(), &record, DEPLOY);
                    self.stats.purged(runtime.now(), &record, mark.seq, DEPLOY, None);
                    report_purge(runtime, mark.seq, &record, DEPLOY);
                }
            }
            Err(fault) => {
                self.backoff.failed(runtime.now());
                report_failure(runtime, "purge-log-append", &fault);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::purge::Verdict;
    use crate::service::purges::components::Purges;
    use crate::service::purges::fixture::{context, entry_of, purge_of, settings};
    use crate::service::testing::{Call, TestRuntime};

    fn isolate(record: Option<Record>) -> Purges {
        let settings = PurgeSettings { on_deploy: record, ..settings() };
        Purges::new(&settings, Rc::default(), Rc::default(), Rc::default())
    }

    fn with_purge() -> Purges {
        isolate(Some(purge_of(1).record))
    }

    fn request(runtime: &TestRuntime, isolate: &Purges) {
        runtime.run(isolate.sync.sync_now(&context(runtime)));
        runtime.advance(10);
    }

    #[test]
    fn each_version_purges_once_whichever_isolate_is_first() {
        let runtime = TestRuntime::new();
        let stored_at = runtime.records(&purge_of(9).record);
        let head = stored_at.seq;
        for (version, purges) in [("v1", 1), ("v2", 2), ("v1", 2), ("v2", 2), ("v3", 3)] {
            runtime.deploys(version);
            for isolate in [with_purge(), with_purge()] {
                request(&runtime, &isolate);
                assert_eq!(runtime.log_head(), head + purges, "{version}");
                assert_eq!(isolate.deploy.state(&runtime), DeployPurgeState::Recorded);
                assert_eq!(isolate.view.verdict(&entry_of(stored_at, &[1])), Verdict::Purged);
            }
        }
        let logged = runtime.lines().iter().filter(|line| line["source"] == "deploy").count();
        assert_eq!(logged, 3);
    }

    #[test]
    fn a_log_that_takes_nothing_is_tried_again() {
        let (runtime, isolate) = (TestRuntime::new(), with_purge());
        runtime.deploys("v1");
        runtime.fails(Call::LogAppend, "down");
        request(&runtime, &isolate);
        request(&runtime, &isolate);
        assert_eq!((runtime.log_head(), runtime.calls(Call::LogAppend)), (0, 1), "not at once");
        assert_eq!(isolate.deploy.state(&runtime), DeployPurgeState::Pending);
        assert!(runtime.has_reported("purge-log-append"));
        runtime.works(Call::LogAppend);
        runtime.advance(600);
        request(&runtime, &isolate);
        assert_eq!(runtime.log_head(), 1);
        request(&runtime, &isolate);
        assert_eq!(runtime.calls(Call::LogAppend), 2, "it is recorded");
    }

    #[test]
    fn without_a_version_or_a_configuration_nothing_is_asked() {
        let (runtime, isolate) = (TestRuntime::new(), isolate(None));
        request(&runtime, &with_purge());
        assert_eq!(with_purge().deploy.state(&runtime), DeployPurgeState::NoVersion);
        runtime.deploys("v1");
        request(&runtime, &isolate);
        assert_eq!(isolate.deploy.state(&runtime), DeployPurgeState::NotConfigured);
        assert_eq!(runtime.calls(Call::LogAppend), 0);
    }
}
