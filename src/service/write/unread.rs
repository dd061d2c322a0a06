//! Writes while the configuration has a fault: what they change is not known, so they purge everything.

use super::streamed::StreamedWrites;
use crate::engine::Bypass;
use crate::purge::{NewRecord, Record};
use crate::service::context::Context;
use crate::service::pass_through::PassThrough;
use crate::service::purges::{Purges, WriteInProgress};
use crate::service::respond::Reply;
use crate::service::runtime::Runtime;
use std::rc::Rc;

/// Passes writes through, and purges everything.
pub struct UnreadWrites {
    purges: Purges,
    pass_through: Rc<PassThrough>,
    streamed: Rc<StreamedWrites>,
}

impl UnreadWrites {
    /// Passes writes through with these components.
    pub fn new(purges: Purges, pass_through: Rc<PassThrough>) -> Self {
        let streamed = StreamedWrites::new(purges.clone());
        Self { purges, pass_through, streamed }
    }

    /// Passes a write through, and purges everything: stored responses outlive the fault.
    pub async fn write<R: Runtime>(
        &self,
        context: &Context<R>,
        reason: Bypass,
        source: &'static str,
    ) -> Reply {
        let runtime = &context.runtime;
        let Purges { intents, recorder, .. } = &self.purges;
        let write = WriteInProgress::new(runtime.now());
        let everything = || Some(Record::everything());
        let passing = self.pass_through.pass(context, reason, None);
        let reply = intents.watch(runtime, &write, everything, passing).await;
        let new = NewRecord::everything();
        // What the log does not take is kept as pending.
        match &reply {
            Reply::Origin { handle, .. } => {
                let _ = recorder.record(runtime, new.clone(), source).await;
                self.streamed.purge_at_end(runtime, *handle, (new, write), source, true);
            }
            Reply::Whole(_) | Reply::Untouched { .. } | Reply::Socket { .. } => {
                let _ = recorder.record(runtime, new.with_unknown_outcome(), source).await;
            }
        }
        reply
    }
}
