//! The components of the purge log in one isolate.

use super::delivery::Delivery;
use super::deploy_purge::DeployPurge;
use super::intents::Intents;
use super::log_reader::LogReader;
use super::log_view::LogView;
use super::log_writer::LogWriter;
use super::neighbors::Neighbors;
use super::outbox::Outbox;
use super::outbox_drain::OutboxDrain;
use super::own_writes::OwnWrites;
use super::pending::PendingPurges;
use super::recorder::Recorder;
use super::settings::PurgeSettings;
use super::snapshots::Snapshots;
use super::sync::LogSync;
use crate::purge::Lag;
use crate::service::context::Context;
use crate::service::runtime::Runtime;
use crate::service::stats::Stats;
use crate::service::tiers::{EdgeCacheTier, KvClient};
use std::rc::Rc;

/// What the rest of the service uses of this folder. Created once per isolate.
#[derive(Debug, Clone)]
pub struct Purges {
    /// What is known of the log.
    pub view: Rc<LogView>,
    /// Keeps that close to the log.
    pub sync: Rc<LogSync>,
    /// Records purges.
    pub recorder: Rc<Recorder>,
    /// Announces slow writes.
    pub intents: Rc<Intents>,
    /// The tokens of clients' own writes.
    pub own_writes: Rc<OwnWrites>,
    /// The purge of the deployed version.
    pub deploy: Rc<DeployPurge>,
    writer: Rc<LogWriter>,
}

impl Purges {
    /// The components of an isolate that knows nothing of the log yet.
    pub fn new(
        settings: &PurgeSettings,
        edge: Rc<EdgeCacheTier>,
        kv: Rc<KvClient>,
        stats: Rc<Stats>,
    ) -> Self {
        let pending = Rc::new(PendingPurges::default());
        let view = Rc::new(LogView::new(settings, pending.clone()));
        let writer = Rc::new(LogWriter::new(view.clone(), stats.clone()));
        let outbox = Rc::new(Outbox::new(settings, view.clone(), pending.clone(), kv.clone()));
        let drain = OutboxDrain::new(
            settings,
            (outbox.clone(), kv),
            pending.clone(),
            writer.clone(),
            stats.clone(),
        );
        let delivery = Rc::new(Delivery::new(
            view.clone(),
            pending.clone(),
            writer.clone(),
            outbox,
            Rc::new(drain),
        ));
        let neighbors = Rc::new(Neighbors::new(settings, view.clone(), edge.clone()));
        let snapshots = Snapshots::new(settings, edge);
        let reader = LogReader::new(view.clone(), neighbors.clone(), snapshots);
        let deploy = Rc::new(DeployPurge::new(settings, writer.clone(), stats.clone()));
        let sync = LogSync::new(
            settings,
            view.clone(),
            pending,
            (writer.clone(), delivery.clone(), deploy.clone()),
            (neighbors, reader),
        );
        Self {
            sync: Rc::new(sync),
            recorder: Rc::new(Recorder::new(delivery.clone(), stats)),
            intents: Rc::new(Intents::new(writer.clone(), delivery)),
            own_writes: Rc::new(OwnWrites::new(view.clone())),
            deploy,
            writer,
            view,
        }
    }

    /// Whether the cache is paused for a request, as far as this isolate knows.
    ///
    /// Such a request waits for no read of the log. It begins one in the background if that is due:
    /// otherwise the isolate would never learn that the pause has ended.
    pub fn pauses<R: Runtime>(&self, context: &Context<R>) -> bool {
        let now = context.runtime.now();
        let is_paused = self.view.is_paused(now);
        if is_paused && !context.is_explained() && self.view.lag(now, None) != Lag::Current {
            self.sync.sync_in_background(context);
        }
        is_paused
    }

    /// Whether the log takes purges, as far as is known.
    pub fn takes_purges(&self) -> bool {
        !self.writer.breaker.is_open()
    }
}
