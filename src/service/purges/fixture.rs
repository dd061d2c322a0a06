//! The components under test, over a runtime in memory. For unit tests.

use super::components::Purges;
use super::delivery::Delivery;
use super::log_view::LogView;
use super::log_writer::LogWriter;
use super::outbox::Outbox;
use super::outbox_drain::OutboxDrain;
use super::pending::PendingPurges;
use super::settings::PurgeSettings;
use crate::purge::{Mark, NewRecord, Record, Subject};
use crate::service::context::Context;
use crate::service::stats::Stats;
use crate::service::testing::{TestRuntime, request};
use crate::service::tiers::{EdgeCacheTier, KvClient};
use crate::tag::Tagging;
use std::rc::Rc;

/// The components that write to the log, of one isolate.
pub(super) struct Writing {
    pub stats: Rc<Stats>,
    pub pending: Rc<PendingPurges>,
    pub view: Rc<LogView>,
    pub writer: Rc<LogWriter>,
    pub kv: Rc<KvClient>,
    pub outbox: Rc<Outbox>,
    pub drain: Rc<OutboxDrain>,
    pub delivery: Rc<Delivery>,
}

impl Writing {
    pub fn new() -> Self {
        let (settings, stats) = (settings(), Rc::<Stats>::default());
        let pending: Rc<PendingPurges> = Rc::default();
        let view = Rc::new(LogView::new(&settings, pending.clone()));
        let writer = Rc::new(LogWriter::new(view.clone(), stats.clone()));
        let kv: Rc<KvClient> = Rc::default();
        let outbox = Rc::new(Outbox::new(&settings, view.clone(), pending.clone(), kv.clone()));
        let (to_drain, to_write) = ((outbox.clone(), kv.clone()), writer.clone());
        let drain = OutboxDrain::new(&settings, to_drain, pending.clone(), to_write, stats.clone());
        let drain = Rc::new(drain);
        let delivery = Rc::new(Delivery::new(
            view.clone(),
            pending.clone(),
            writer.clone(),
            outbox.clone(),
            drain.clone(),
        ));
        Self { stats, pending, view, writer, kv, outbox, drain, delivery }
    }
}

/// `max_lag` is 4 seconds.
pub(super) fn settings() -> PurgeSettings {
    PurgeSettings {
        log_name: "shop".to_owned(),
        max_lag: 4,
        serves_unreadable: false,
        outbox_seconds: 86_400,
        on_deploy: None,
    }
}

/// All components of an isolate that knows nothing yet.
pub(super) fn purges() -> Purges {
    let edge: Rc<EdgeCacheTier> = Rc::default();
    Purges::new(&settings(), edge, Rc::default(), Rc::default())
}

/// A request to that isolate.
pub(super) fn context(runtime: &TestRuntime) -> Context<TestRuntime> {
    Context::new(runtime.clone(), request("GET", "/"))
}

/// A purge of one tag.
pub(super) fn purge_of(tag: u64) -> NewRecord {
    Record { tags: vec![tag], tagging: tagging(), ..Record::default() }.into()
}

/// An entry with one tag that was stored at `mark`.
pub(super) fn entry_of(mark: Mark, tags: &[u64]) -> Subject<'_> {
    Subject { mark, tags, tagging: tagging(), key_from_kind: "gql/product" }
}

fn tagging() -> Tagging {
    Tagging::of(&"rules")
}
