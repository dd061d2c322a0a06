//! An isolate with its stores, and how requests enter.

use super::platform::Platform;
use super::purge_log::{OfflineLog, Purges};
use super::recorded::{Answer, Recorded, RecordedResponse};
use super::runtime::{ADMIN_TOKEN, Exchange, OfflineRuntime};
use crate::http::{Headers, Method, Request, Url};
use crate::service::{Fault, Isolate, Service};
use crate::time::Timestamp;
use serde_json::Value;
use std::cell::RefCell;
use std::rc::Rc;

/// How long an admin route may take.
const ADMIN_MILLIS: u64 = 30_000;

/// What the world has used so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Requests to the origin, with those in the background.
    pub origin_requests: u64,
    /// How many milliseconds these took together.
    pub origin_millis: u64,
    /// Bytes of the origin's response bodies.
    pub origin_bytes: u64,
    /// Reads of KV.
    pub kv_reads: u64,
    /// Writes to KV.
    pub kv_writes: u64,
    /// Calls to the purge log.
    pub log_calls: u64,
    /// Records in the purge log.
    pub log_records: u64,
    /// Rows that the purge log has written.
    pub log_rows: u64,
    /// Stored values that were dropped because the store was full.
    pub dropped_values: u64,
}

impl Usage {
    /// What was used since `before`.
    pub fn since(&self, before: &Self) -> Self {
        Self {
            origin_requests: self.origin_requests - before.origin_requests,
            origin_millis: self.origin_millis - before.origin_millis,
            origin_bytes: self.origin_bytes - before.origin_bytes,
            kv_reads: self.kv_reads - before.kv_reads,
            kv_writes: self.kv_writes - before.kv_writes,
            log_calls: self.log_calls - before.log_calls,
            log_records: self.log_records - before.log_records,
            log_rows: self.log_rows - before.log_rows,
            dropped_values: self.dropped_values - before.dropped_values,
        }
    }
}

/// One isolate of a service, with its stores.
pub struct World {
    platform: Rc<Platform>,
    isolate: Rc<Isolate>,
}

impl World {
    /// A world that begins at a time, and whose stores take at most `store_bytes` each. `config` is the
    /// configuration as JSON; it must have no fault.
    pub fn new(
        config: &Value,
        at: Timestamp,
        purges: Purges,
        store_bytes: usize,
    ) -> Result<Rc<Self>, Fault> {
        let settle = config.pointer("/purge/settle").and_then(Value::as_u64).unwrap_or(0);
        let platform = Platform::new(at, OfflineLog::new(settle, purges)?, store_bytes);
        Ok(Rc::new(Self { platform, isolate: Isolate::new(config) }))
    }

    /// Lets time pass.
    pub fn run_until(&self, at: Timestamp) {
        self.platform.executor.run_until(at);
    }

    /// Sends a request, at its time or now if that is over. `done` gets the answer as soon as the client
    /// would have it; that may be while a later request is sent, or in [`World::run_until`].
    pub fn send(&self, recorded: &Rc<Recorded>, done: impl FnOnce(Answer) + 'static) {
        self.run_until(recorded.at);
        let exchange = Rc::new(Exchange::new(recorded.clone()));
        let platform = self.platform.clone();
        let runtime = OfflineRuntime { platform, exchange: exchange.clone() };
        let service = Service::new(runtime, self.isolate.clone());
        let (executor, request) = (self.platform.executor.clone(), recorded.request.clone());
        let started = executor.now();
        self.platform.executor.spawn(async move {
            let reply = service.handle(request).await;
            let millis = executor.now().millis_since(started);
            done(exchange.answer(reply, millis));
        });
        self.run_until(self.platform.executor.now());
    }

    /// Sends a body to an admin route, whose URL is `url`. `None` if there is no answer within half a
    /// minute, which then has passed.
    pub fn post_admin(&self, url: Url, body: &[u8]) -> Option<Answer> {
        let token = format!("Bearer {ADMIN_TOKEN}");
        let headers = [("authorization", token.as_str())].into_iter().collect();
        let nothing = RecordedResponse { status: 502, headers: Headers::new(), body: None };
        let recorded = Rc::new(Recorded {
            at: self.platform.executor.now(),
            millis: 0,
            request: Request { method: Method::Post, url, headers },
            body: body.into(),
            response: nothing,
        });
        let answered: Rc<RefCell<Option<Answer>>> = Rc::default();
        let answer = answered.clone();
        self.send(&recorded, move |given| *answer.borrow_mut() = Some(given));
        if answered.borrow().is_none() {
            let end = self.platform.executor.now().as_millis().saturating_add(ADMIN_MILLIS);
            self.run_until(Timestamp::from_millis(end));
        }
        answered.take()
    }

    /// What was used so far.
    pub fn usage(&self) -> Usage {
        let platform = &self.platform;
        Usage {
            origin_requests: platform.origin_requests.get(),
            origin_millis: platform.origin_millis.get(),
            origin_bytes: platform.origin_bytes.get(),
            kv_reads: platform.kv.reads.get(),
            kv_writes: platform.kv.writes.get(),
            log_calls: platform.log.calls.get(),
            log_records: platform.log.records.get(),
            log_rows: platform.log.rows_written(),
            dropped_values: platform.edge.dropped.get() + platform.kv.dropped.get(),
        }
    }

    /// How much there is in memory besides the isolate: stored values, tasks, timers, signals, and purges that
    /// are due later.
    #[cfg(test)]
    pub fn count(&self) -> usize {
        let Platform { executor, edge, kv, log, signals, .. } = &*self.platform;
        edge.count() + kv.count() + executor.count() + signals.count() + log.due_count()
    }

    /// Ends everything that still runs, which would otherwise keep the world in memory.
    pub fn end(&self) {
        self.platform.executor.clear();
    }
}
