//! What the isolate runs on: clock, stores, purge log and counters.

use super::executor::Executor;
use super::purge_log::OfflineLog;
use super::signals::Signals;
use super::store::Store;
use crate::time::Timestamp;
use std::cell::Cell;
use std::rc::Rc;

/// The platform of one isolate.
pub(super) struct Platform {
    pub executor: Rc<Executor>,
    pub edge: Store,
    pub kv: Store,
    pub log: OfflineLog,
    pub signals: Signals,
    pub origin_requests: Cell<u64>,
    pub origin_millis: Cell<u64>,
    pub origin_bytes: Cell<u64>,
}

impl Platform {
    /// Empty stores that take at most `store_bytes` each, and a clock that shows `now`.
    pub fn new(now: Timestamp, log: OfflineLog, store_bytes: usize) -> Rc<Self> {
        Rc::new(Self {
            executor: Executor::new(now),
            edge: Store::new(store_bytes),
            kv: Store::new(store_bytes),
            log,
            signals: Signals::default(),
            origin_requests: Cell::new(0),
            origin_millis: Cell::new(0),
            origin_bytes: Cell::new(0),
        })
    }
}
