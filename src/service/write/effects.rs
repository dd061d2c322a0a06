//! What a write purges, and the recording of that.

use crate::config::Config;
use crate::engine::{Write, WritePurge, WriteResponse, named_by_write, purge_of_write};
use crate::graphql::MutationPurge;
use crate::purge::{Mark, NewRecord, Record};
use crate::service::knowledge::Knowledge;
use crate::service::purges::{PurgeSource, Purges};
use crate::service::runtime::Runtime;
use crate::service::stats::Stats;
use std::rc::Rc;

/// What became of a write's purge.
pub enum PurgeState {
    /// There is nothing to purge.
    Nothing,
    /// It is this record.
    Recorded(Mark),
    /// It is recorded in the background.
    InBackground,
    /// The log has not taken it yet.
    Pending,
}

/// Finds and records what writes purge.
pub struct WriteEffects {
    config: Rc<Config>,
    knowledge: Knowledge,
    purges: Purges,
    stats: Rc<Stats>,
}

impl WriteEffects {
    /// The effects of writes, by what is known of types.
    pub fn new(
        config: Rc<Config>,
        knowledge: Knowledge,
        purges: Purges,
        stats: Rc<Stats>,
    ) -> Rc<Self> {
        Rc::new(Self { config, knowledge, purges, stats })
    }

    /// What a write purges, as far as its response shows. Without a response, by the request alone.
    pub fn purge_of(
        &self,
        write: Write<'_>,
        response: Option<WriteResponse<'_>>,
    ) -> Option<WritePurge> {
        let schema = self.knowledge.schemas.current();
        let seen = self.knowledge.type_names.seen();
        purge_of_write(&self.config, write, response, &schema.knowledge(), &seen)
    }

    /// What a write names by its request alone, for an explanation.
    pub fn named(&self, write: Write<'_>) -> Option<MutationPurge> {
        let schema = self.knowledge.schemas.current();
        let seen = self.knowledge.type_names.seen();
        named_by_write(&self.config, write, None, &schema.knowledge(), &seen)
    }

    /// What a write would purge by its request alone.
    pub fn intended(&self, write: Write<'_>) -> Option<Record> {
        self.purge_of(write, None).map(|purge| purge.new.record)
    }

    /// The record of a purge. If it is one of everything, the mutation's field that made it so is
    /// counted.
    pub fn counted<R: Runtime>(&self, runtime: &R, purge: WritePurge) -> NewRecord {
        if let Some(field) = &purge.field {
            self.stats.field_purged_everything(runtime.now(), field);
        }
        purge.new
    }

    /// Records a purge. With `purge.wait` it is recorded, or kept as pending, when this returns.
    pub async fn record<R: Runtime>(
        &self,
        runtime: &R,
        new: Option<NewRecord>,
        source: impl Into<PurgeSource>,
    ) -> PurgeState {
        let Some(new) = new else { return PurgeState::Nothing };
        if !self.config.purge.wait {
            self.record_in_background(runtime, new, source);
            return PurgeState::InBackground;
        }
        match self.purges.recorder.record(runtime, new, source).await {
            Ok(record) => PurgeState::Recorded(record),
            Err(_) => PurgeState::Pending,
        }
    }

    /// Records a purge in the background. What the log does not take is kept as pending.
    pub fn record_in_background<R: Runtime>(
        &self,
        runtime: &R,
        new: impl Into<NewRecord>,
        source: impl Into<PurgeSource>,
    ) {
        let (recorder, background) = (self.purges.recorder.clone(), runtime.clone());
        let (new, source) = (new.into(), source.into());
        runtime.spawn(async move {
            let _ = recorder.record(&background, new, source).await;
        });
    }
}
