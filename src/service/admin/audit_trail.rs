//! The audit: which changes administrators made. The statistics' object stores it.
//!
//! Changes are written in the background, those of a second together, so that many purges cost few calls.
//! Each stays here until the object has replied. If it fails, or replies too late, the changes are sent again
//! with the next one. They have numbers, by which the object stores each once.

use crate::admin::{Change, DeniedRequests};
use crate::service::report::report_failure;
use crate::service::runtime::{Fault, Runtime};
use crate::service::timeout::within;
use crate::statistics::{AuditMessage, AuditReply};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
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
    /// The changes as JSON, the earliest first. Their numbers are consecutive.
    pending: RefCell<VecDeque<(u64, String)>>,
    /// The number of the last change.
    last: Cell<u64>,
    /// The last change that was sent. 0 after a failure.
    sent: Cell<u64>,
    /// What was refused.
    pub denied: Cell<DeniedRequests>,
}

impl AuditTrail {
    /// Has a change stored, in the background.
    pub fn record<R: Runtime>(self: &Rc<Self>, runtime: &R, change: &Change) {
        if !runtime.statistics_bound() {
            return;
        }
        let number = self.add(change);
        let (trail, own) = (self.clone(), runtime.clone());
        runtime.spawn(async move {
            own.sleep(GATHER_MILLIS).await;
            if number > trail.sent.get() {
                trail.write(&own).await;
            }
        });
    }

    /// Adds a change, and returns its number.
    fn add(&self, change: &Change) -> u64 {
        let number = self.last.get() + 1;
        self.last.set(number);
        let mut pending = self.pending.borrow_mut();
        // Numbers and strings can always be serialized.
        pending.push_back((number, serde_json::to_string(change).unwrap_or_default()));
        if pending.len() > PENDING {
            pending.pop_front();
        }
        number
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

    /// Sends all changes that are not known to be stored.
    async fn write<R: Runtime>(&self, runtime: &R) {
        let Some((message, last)) = self.message(runtime) else { return };
        self.sent.set(last);
        match call(runtime, message).await {
            Ok(_) => self.pending.borrow_mut().retain(|(number, _)| *number > last),
            Err(fault) => {
                self.sent.set(0);
                report_failure(runtime, "audit", &fault);
            }
        }
    }

    /// A message with all pending changes, and the number of the last one. `None` if there are none.
    fn message<R: Runtime>(&self, runtime: &R) -> Option<(AuditMessage, u64)> {
        let pending = self.pending.borrow();
        let ((first, _), (last, _)) = (pending.front()?, pending.back()?);
        let message = AuditMessage {
            isolate: runtime.isolate_number(),
            first: *first,
            append: pending.iter().map(|(_, change)| change.clone()).collect(),
            ..AuditMessage::default()
        };
        Some((message, *last))
    }
}

async fn call<R: Runtime>(runtime: &R, message: AuditMessage) -> Result<AuditReply, Fault> {
    let calling = runtime.statistics_call(message.encode());
    let reply = within(runtime, CALL_MILLIS, calling).await?;
    AuditReply::decode(&reply).ok_or_else(|| "the object keeps no audit yet".to_owned())
}
