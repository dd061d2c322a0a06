//! One read of the purge log: from where to read, and what to do if the replica cannot follow.

use super::log_view::LogView;
use super::neighbors::Neighbors;
use super::snapshots::Snapshots;
use super::timeouts::READ_MILLIS;
use crate::purge::{Mark, ReadReply};
use crate::service::context::Context;
use crate::service::report::report_failure;
use crate::service::runtime::{Fault, Runtime};
use crate::service::timeout::within;
use crate::time::Timestamp;
use std::rc::Rc;

/// Reads the log into the replica.
#[derive(Debug)]
pub(super) struct LogReader {
    view: Rc<LogView>,
    neighbors: Rc<Neighbors>,
    snapshots: Snapshots,
}

impl LogReader {
    pub fn new(view: Rc<LogView>, neighbors: Rc<Neighbors>, snapshots: Snapshots) -> Self {
        Self { view, neighbors, snapshots }
    }

    /// Brings the replica up to date with the log, by a read that begins at `asked_at`.
    pub async fn read<R: Runtime>(&self, context: &Context<R>, asked_at: Timestamp) {
        if let Err(fault) = self.catch_up(context, asked_at).await {
            self.view.failed(context.runtime.now(), &fault);
            report_failure(&context.runtime, "purge-log-read", &fault);
        }
    }

    async fn catch_up<R: Runtime>(
        &self,
        context: &Context<R>,
        asked_at: Timestamp,
    ) -> Result<(), Fault> {
        let call = self.view.begin_call();
        let shown = self.view.shown();
        match self.view.mark() {
            Some(own) => self.follow(context, own, asked_at, call).await?,
            None => self.start(context, call).await?,
        }
        if self.view.is_in_doubt() {
            self.start(context, call).await?;
        }
        // That it lacks a record of which a client has shown a token, a log that has lost its storage
        // finds out only when it is asked from there.
        let known = self.view.mark();
        if let Some(shown) = shown.filter(|shown| known < Some(*shown)) {
            let reply = self.ask(&context.runtime, Some(shown), asked_at).await?;
            self.learn(reply, asked_at, call)?;
        }
        self.view.shown_is_settled(shown);
        Ok(())
    }

    /// Learns what the log has recorded since `own`, where the replica stands.
    async fn follow<R: Runtime>(
        &self,
        context: &Context<R>,
        own: Mark,
        asked_at: Timestamp,
        call: u64,
    ) -> Result<(), Fault> {
        let runtime = &context.runtime;
        let mut reply = self.ask(runtime, self.neighbors.common_mark(), asked_at).await?;
        // The log was asked from where the neighbors stand. That it lacks records, it finds out only when
        // it is asked from where this isolate stands.
        if own > reply.mark() {
            reply = self.ask(runtime, Some(own), asked_at).await?;
        }
        self.neighbors.share(runtime, &reply);
        if self.view.learn(reply.delta, reply.version, asked_at, call) {
            return Ok(());
        }
        // The replica is of an earlier epoch, or the log has forgotten the records that follow it.
        let all = self.ask(runtime, None, asked_at).await?;
        self.learn(all, asked_at, call)
    }

    /// Learns the log from nothing: from a neighbor's snapshot and what followed it, else from the log's
    /// own snapshot.
    async fn start<R: Runtime>(&self, context: &Context<R>, call: u64) -> Result<(), Fault> {
        let runtime = &context.runtime;
        if let Some(base) = self.snapshots.find(context).await {
            let asked_at = runtime.now();
            let asking = runtime.log_since_neighbors(base.mark());
            let reply = within(runtime, READ_MILLIS, asking).await?;
            self.neighbors.compare_clocks(asked_at, &reply);
            let version = reply.version;
            let delta = match base.followed_by(reply) {
                Ok(delta) => delta,
                Err(reply) => {
                    self.snapshots.share(runtime, &reply.delta);
                    reply.delta
                }
            };
            if self.view.learn(delta, version, asked_at, call) {
                return Ok(());
            }
        }
        let asked_at = runtime.now();
        let reply = self.ask(runtime, None, asked_at).await?;
        self.learn(reply, asked_at, call)
    }

    async fn ask<R: Runtime>(
        &self,
        runtime: &R,
        mark: Option<Mark>,
        asked_at: Timestamp,
    ) -> Result<ReadReply, Fault> {
        let reply = within(runtime, READ_MILLIS, runtime.log_since(mark)).await?;
        self.neighbors.compare_clocks(asked_at, &reply);
        self.snapshots.share(runtime, &reply.delta);
        Ok(reply)
    }

    fn learn(&self, reply: ReadReply, asked_at: Timestamp, call: u64) -> Result<(), Fault> {
        match self.view.learn(reply.delta, reply.version, asked_at, call) {
            true => Ok(()),
            false => Err("the purge log's answer does not follow what is known".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::purge::{Pause, Record, Verdict, Version};
    use crate::service::purges::fixture::{context, entry_of, purge_of, purges, settings};
    use crate::service::testing::{Call, TestRuntime};

    fn reader() -> LogReader {
        let view = purges().view;
        let neighbors = Rc::new(Neighbors::new(&settings(), view.clone(), Rc::default()));
        LogReader::new(view, neighbors, Snapshots::new(&settings(), Rc::default()))
    }

    fn read(runtime: &TestRuntime, reader: &LogReader) {
        runtime.run(reader.read(&context(runtime), runtime.at()));
    }

    #[test]
    fn a_replica_starts_from_nothing_and_follows() {
        let (runtime, reader) = (TestRuntime::new(), reader());
        let stored_at = runtime.records(&Record::everything());
        read(&runtime, &reader);
        assert_eq!(reader.view.mark(), Some(stored_at));
        let last = runtime.records(&purge_of(1).record);
        read(&runtime, &reader);
        assert_eq!((reader.view.mark(), runtime.calls(Call::LogSince)), (Some(last), 2));
        assert_eq!(reader.view.verdict(&entry_of(stored_at, &[1])), Verdict::Purged);
        assert!(reader.neighbors.may_learn(), "the clocks are compared");
        runtime.advance(1);
        assert!(runtime.calls(Call::EdgePut) > 0, "the neighbors can learn it");
    }

    #[test]
    fn what_an_earlier_version_cannot_express_is_learned_in_the_current_one_and_not_shared() {
        let (runtime, reader) = (TestRuntime::new(), reader());
        runtime.log_replies_in(Version::PREVIOUS);
        read(&runtime, &reader);
        runtime.advance(1);
        let shared = runtime.calls(Call::EdgePut);
        runtime.records(&Record::of_pause(Pause::UNTIL_RESUMED));
        read(&runtime, &reader);
        runtime.advance(1);
        assert_eq!(runtime.calls(Call::EdgePut), shared, "nothing of it is shared");
        assert!(!reader.view.is_paused(runtime.at()) && !reader.neighbors.may_learn());
        runtime.log_replies_in(Version::CURRENT);
        read(&runtime, &reader);
        assert!(reader.view.is_paused(runtime.at()) && reader.neighbors.may_learn());
        let calls = runtime.calls(Call::LogSince);
        read(&runtime, &reader);
        assert_eq!(runtime.calls(Call::LogSince), calls + 1, "it is read as a whole once");
    }

    #[test]
    fn a_log_that_fails_leaves_the_replica_unchanged() {
        let (runtime, reader) = (TestRuntime::new(), reader());
        read(&runtime, &reader);
        let synced_at = reader.view.synced_at();
        runtime.takes(Call::LogSince, READ_MILLIS + 1);
        read(&runtime, &reader);
        assert!(reader.view.is_failing() && runtime.has_reported("purge-log-read"));
        assert_eq!(reader.view.synced_at(), synced_at);
    }

    #[test]
    fn a_record_that_a_client_has_shown_is_asked_for() {
        let (runtime, reader) = (TestRuntime::new(), reader());
        let mark = runtime.records(&Record::everything());
        read(&runtime, &reader);
        let calls = runtime.calls(Call::LogSince);
        reader.view.note_shown(mark);
        read(&runtime, &reader);
        assert_eq!((runtime.calls(Call::LogSince), reader.view.shown()), (calls + 1, None));
        // The log does not have it: it has lost its storage, and finds that out when it is asked.
        let ahead = Mark { seq: mark.seq + 1, ..mark };
        reader.view.note_shown(ahead);
        read(&runtime, &reader);
        assert_eq!((runtime.calls(Call::LogSince), reader.view.shown()), (calls + 3, None));
    }
}
