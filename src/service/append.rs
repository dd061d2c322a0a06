//! Recording purges in the log. Reading it is `sync`'s.

use super::handle::Service;
use super::outbox::Pending;
use super::sync::READ_MILLIS;
use super::world::{Appended, Fault, World};
use crate::purge::{NewRecord, Seq};

/// How long a write of the log may hold up the answer to a write.
pub(super) const WRITE_MILLIS: u64 = 3_000;

/// The source of purges that an administrator asks for.
pub(super) const ADMIN: &str = "admin";

/// How many waiting purges one request records on its way.
const DRAINED_AT_ONCE: usize = 8;

impl<W: World> Service<W> {
    /// Records a purge. Where the log does not take it, this isolate keeps it, obeys it, and records
    /// it with the next request that can; if it ends before, others do.
    pub(super) async fn record(
        &self,
        new: impl Into<NewRecord>,
        source: &'static str,
    ) -> Result<Seq, Fault> {
        let new = new.into();
        self.count_purge_of_everything(&new.record, source);
        let is_everything = new.record.is_everything() && new.record.schema.is_none();
        // What an administrator asks for waits for nothing: nobody else can ask for it.
        let recorded = match is_everything && source != ADMIN {
            true => self.append_everything(&new.repeat_after).await,
            false => self.append_or_keep(&new).await,
        };
        if let Ok(seq) = &recorded {
            self.isolate.stats.borrow_mut().purged(self.world.now());
            self.report_purge(*seq, &new.record, source);
        }
        recorded
    }

    /// Appends a record, trying twice, and keeps it where the log does not take it.
    pub(super) async fn append_or_keep(&self, new: &NewRecord) -> Result<Seq, Fault> {
        let mut appended = self.append(new, WRITE_MILLIS).await;
        if appended.is_err() {
            appended = self.append(new, WRITE_MILLIS).await;
        }
        match &appended {
            Ok(_) => self.look_in_outbox(),
            Err(fault) => {
                self.isolate.log.failed(self.world.now(), fault);
                self.report_failure("purge-log-write", fault);
                self.keep_pending(new.clone());
            }
        }
        appended
    }

    /// Purges everything, since nobody knows what a write did whose handling broke, nor, unless the
    /// origin has answered it, whether it is over. What the log does not take is kept pending, and
    /// goes to the outbox.
    pub async fn purge_after_failure(&self, is_over: bool) {
        let new = NewRecord::everything();
        let new = if is_over { new } else { new.with_unknown_outcome() };
        let _ = self.record(new, "worker").await;
    }

    async fn append(&self, new: &NewRecord, millis: u64) -> Result<Seq, Fault> {
        let asked_at = self.world.now();
        let question = self.isolate.log.next_question();
        let mark = self.isolate.replica.borrow().mark();
        let appending = self.world.log_append(mark, new);
        let Appended { seq, delta } = self.within(millis, appending).await?;
        self.learn(delta, asked_at, question);
        Ok(seq)
    }

    /// Records what waits, and sees that the outbox has what still does.
    pub(super) async fn record_pending(&self) {
        let recording = &self.isolate.log.recording;
        match self.drain_pending().await {
            Ok(()) => recording.succeeded(),
            Err(fault) => {
                recording.failed(self.world.now());
                self.report_failure("purge-log-write", &fault);
                self.fill_outbox();
            }
        }
    }

    /// Records what waits, in order. What waits is obeyed until it is recorded.
    pub(super) async fn drain_pending(&self) -> Result<(), Fault> {
        for _ in 0..DRAINED_AT_ONCE {
            let next = self.isolate.log.pending.borrow().first().map(Pending::to_record);
            let Some((key, new)) = next else { break };
            self.append_waiting(&new).await?;
            self.is_recorded(&key);
        }
        self.look_in_outbox();
        Ok(())
    }

    /// Records a purge that has waited.
    pub(super) async fn append_waiting(&self, new: &NewRecord) -> Result<(), Fault> {
        let seq = self.append(new, READ_MILLIS).await?;
        self.report_purge(seq, &new.record, "outbox");
        Ok(())
    }
}
