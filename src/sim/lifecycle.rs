//! The rules of the Workers runtime for one request: how long it may work, over how many connections,
//! and what happens if its client leaves or its isolate ends.
//!
//! - Work that outlives the answer is cut off 30 seconds after the answer, or after the client has
//!   left. The entry keeps the handler going in the same way; at times the runtime cancels it at once.
//! - A request has six connections. Calls queue beyond them, while their timers run.
//! - A request makes so many calls as its plan allows. Those beyond fail.
//! - What was cut off is not let go of either: no destructor runs.
//! - A call that was made is under way, whether or not somebody waits for it: a future that is
//!   dropped, or a request that ends, takes nothing back. Only reads of the log are aborted.

use super::executor::{Group, Promise, RequestId};
use super::universe::Universe;
use crate::service::Fault;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

/// How long work goes on after the answer, or after the client has left.
const AFTER_MILLIS: u64 = 30_000;
/// How many calls of a request are under way at once.
const CONNECTIONS: usize = 6;
/// After how long the log knows of a write that is not answered, or its isolate keeps it: 5 s, and two
/// tries of 3 s.
const KNOWN_MILLIS: u64 = 12_000;

/// One request in its isolate.
pub struct Invocation {
    universe: Rc<Universe>,
    pub(super) group: Group,
    pub(super) context: RequestId,
    connections: Cell<usize>,
    waiting: RefCell<Vec<Waker>>,
    calls: Cell<u64>,
    /// Whether its handler is done.
    done: Cell<bool>,
    opened_at: u64,
    /// When it is cut off, if its client has left.
    cut_at: Cell<Option<u64>>,
}

impl Invocation {
    pub fn new(universe: Rc<Universe>, group: Group) -> Rc<Self> {
        let (context, opened_at) = (universe.executor.open(), universe.now());
        Rc::new(Self {
            universe,
            group,
            context,
            connections: Cell::new(CONNECTIONS),
            waiting: RefCell::default(),
            calls: Cell::new(0),
            done: Cell::new(false),
            opened_at,
            cut_at: Cell::new(None),
        })
    }

    /// Runs work in parallel, for as long as the request may work.
    pub fn spawn(&self, work: impl Future<Output = ()> + 'static) {
        self.universe.executor.spawn_in(self.group, self.context, work);
    }

    /// Makes a call. It waits for a connection, and then goes on by itself.
    pub async fn call<T: 'static>(
        self: &Rc<Self>,
        work: impl Future<Output = T> + 'static,
    ) -> Result<T, Fault> {
        self.calls.set(self.calls.get() + 1);
        if self.calls.get() > self.universe.calls_allowed {
            return Err("too many subrequests".to_owned());
        }
        let (promise, keep) = Promise::new();
        let invocation = self.clone();
        self.spawn(async move {
            let connection = invocation.connection().await;
            let universe = connection.0.universe.clone();
            universe.executor.spawn(0, async move {
                let value = work.await;
                drop(connection);
                keep(value);
            });
        });
        Ok(promise.await)
    }

    /// Makes a call that is aborted when its future is dropped.
    pub async fn call_while_awaited<T>(
        self: &Rc<Self>,
        work: impl Future<Output = T>,
    ) -> Result<T, Fault> {
        self.calls.set(self.calls.get() + 1);
        if self.calls.get() > self.universe.calls_allowed {
            return Err("too many subrequests".to_owned());
        }
        let _connection = self.clone().connection().await;
        Ok(work.await)
    }

    async fn connection(self: Rc<Self>) -> Connection {
        poll_fn(|context| match self.connections.get().checked_sub(1) {
            Some(left) => {
                self.connections.set(left);
                Poll::Ready(())
            }
            None => {
                self.waiting.borrow_mut().push(context.waker().clone());
                Poll::Pending
            }
        })
        .await;
        Connection(self)
    }

    /// Notes that its handler is done, and the client gets the response.
    pub fn finish(&self) {
        self.done.set(true);
        self.universe.executor.end_after(self.context, AFTER_MILLIS);
    }

    /// Notes that its client has left.
    pub fn client_left(&self) {
        let executor = &self.universe.executor;
        if self.universe.fails(|faults| faults.request_cancelled) {
            self.universe.trace(|| format!("isolate{}: a request is cancelled", self.group));
            self.cut_at.set(Some(self.universe.now()));
            executor.end(self.context);
        } else {
            self.cut_at.set(Some(self.universe.now() + AFTER_MILLIS));
            executor.end_after(self.context, AFTER_MILLIS);
        }
    }

    /// Whether its handler was cut off before the log, or the isolate, had to know of its write.
    pub fn was_cut_early(&self) -> bool {
        let cut_at = self.cut_at.get().filter(|_| !self.done.get());
        cut_at.is_some_and(|at| at < self.opened_at + KNOWN_MILLIS)
    }
}

/// One of a request's connections.
struct Connection(Rc<Invocation>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.connections.set(self.0.connections.get() + 1);
        self.0.waiting.take().into_iter().for_each(Waker::wake);
    }
}
