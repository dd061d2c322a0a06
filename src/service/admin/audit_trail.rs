//! The audit: which changes administrators made. The statistics' object stores it.
//!
//! Changes are written in the background, those of a second together, so that many purges cost few calls.
//! If the object fails they are kept, and written with the next change.

use crate::admin::{Change, DeniedRequests};
use crate::service::report::report_failure;
use crate::service::runtime::{Fault, Runtime};
use crate::service::timeout::within;
use crate::statistics::{AuditMessage, AuditReply};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// How long changes are gathered before they are written.
const GATHER_MILLIS: u64 = 1_000;
/// How long the object may take.
const CALL_MILLIS: u64 = 5_000;
/// How many changes an isolate keeps that are not written yet. The oldest are given up.
const PENDING: usize = 1_000;

/// The changes of one isolate that are not stored yet, and how many requests it has refused.
#[derive(Default)]
pub struct AuditTrail {
    pending: RefCell<Vec<Change>>,
    /// What was refused.
    pub denied: Cell<DeniedRequests>,
}

impl AuditTrail {
    /// Has a change stored, in the background.
    pub fn record<R: Runtime>(self: &Rc<Self>, runtime: &R, change: Change) {
        if !runtime.statistics_bound() {
            return;
        }
        self.pending.borrow_mut().push(change);
        let (trail, own) = (self.clone(), runtime.clone());
        runtime.spawn(async move {
            own.sleep(GATHER_MILLIS).await;
            trail.write(&own).await;
        });
    }

    /// The last stored changes with numbers below `before`, the latest first. This isolate's own changes
    /// are stored first.
    pub async fn read<R: Runtime>(
        &self,
        runtime: &R,
        before: Option<u64>,
        limit: u64,
    ) -> Result<Vec<Change>, Fault> {
        self.write(runtime).await;
        let message = AuditMessage { before, limit, ..AuditMessage::default() };
        let reply = call(runtime, message).await?;
        // What a later build wrote is left out if this one cannot read it.
        let read = |(id, text): (u64, String)| {
            let change = serde_json::from_slice::<Change>(text.as_bytes()).ok()?;
            Some(Change { id, ..change })
        };
        Ok(reply.changes.into_iter().filter_map(read).collect())
    }

    async fn write<R: Runtime>(&self, runtime: &R) {
        let changes = self.pending.take();
        if changes.is_empty() {
            return;
        }
        let append = changes.iter().filter_map(|change| serde_json::to_string(change).ok());
        let message = AuditMessage { append: append.collect(), ..AuditMessage::default() };
        if let Err(fault) = call(runtime, message).await {
            report_failure(runtime, "audit", &fault);
            let mut pending = self.pending.borrow_mut();
            pending.splice(..0, changes);
            let surplus = pending.len().saturating_sub(PENDING);
            pending.drain(..surplus);
        }
    }
}

async fn call<R: Runtime>(runtime: &R, message: AuditMessage) -> Result<AuditReply, Fault> {
    let calling = runtime.statistics_call(message.encode());
    let reply = within(runtime, CALL_MILLIS, calling).await?;
    AuditReply::decode(&reply).ok_or_else(|| "the object keeps no audit yet".to_owned())
}
