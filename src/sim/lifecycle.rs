//! What the Workers runtime makes of one request: how long it may work, over how many connections, and
//! what becomes of it where its client leaves or its isolate ends.
//!
//! - Work that outlives the answer is cut off 30 seconds after the answer, or after the client has
//!   left. The entry keeps the handler going in the same way; at times the runtime cancels it at once.
//! - A request has six connections. Calls queue beyond them, while their timers run.
//! - A request makes so many calls as its plan allows. Those beyond fail.
//! - What was cut off is not let go of either: no destructor runs.
//! - A call that was made is under way, whether or not somebody waits for it: a future that is
//!   dropped, or a request that ends, takes nothing back. Only reads of the log are aborted.

use super::clients::{Fleet, Got, Slot};
use super::executor::{Group, Promise, RequestId};
use super::judging::Sent;
use super::universe::Universe;
use super::world::SimulatedWorld;
use crate::http::{Headers, Request};
use crate::service::{Fault, Reply, Service};
use futures_util::future::{Either, select};
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};

/// How long work goes on after the answer, or after the client has left.
const AFTER_MILLIS: u64 = 30_000;
/// How many calls of a request are under way at once.
const CONNECTIONS: usize = 6;
/// After how long the log knows of a write that is not answered, or its isolate keeps it: 5 s, and two
/// tries of 3 s.
const KNOWN_MILLIS: u64 = 12_000;
/// For how long clients wait: longer than the slowest origin takes for a request that is sent twice.
const PATIENCE: u64 = 130_000;

/// One request in its isolate.
pub struct Invocation {
    universe: Rc<Universe>,
    group: Group,
    context: RequestId,
    connections: Cell<usize>,
    waiting: RefCell<Vec<Waker>>,
    calls: Cell<u64>,
    /// Whether its handler was done.
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

    /// Runs beside everything else, for as long as the request may work.
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

    /// Makes a call that ends where nobody waits for it any more.
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

    /// Its handler is done, and the client gets the answer.
    fn is_done(&self) {
        self.done.set(true);
        self.universe.executor.end_after(self.context, AFTER_MILLIS);
    }

    /// Its client has left.
    fn is_left(&self) {
        let executor = &self.universe.executor;
        if self.universe.fails(|faults| faults.request_cancelled) {
            self.universe.tell(|| format!("isolate{}: a request is cancelled", self.group));
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

/// A request whose client waits.
pub struct InFlight {
    group: Group,
    service: usize,
    request: Request,
    body: Vec<u8>,
    reply: Box<dyn FnOnce(Got)>,
}

impl Fleet {
    /// Sends a request to an isolate; none where no answer comes, or the client does not wait for it.
    pub async fn ask(
        self: &Rc<Self>,
        which: usize,
        request: Request,
        body: Vec<u8>,
    ) -> Option<Got> {
        self.ask_and(which, request, body, None, |_, _| {}).await
    }

    /// The same, with a look at the answer also where the client has left.
    pub async fn ask_and(
        self: &Rc<Self>,
        which: usize,
        request: Request,
        body: Vec<u8>,
        write: Option<Sent>,
        look: impl FnOnce(&Rc<Self>, &Got) + 'static,
    ) -> Option<Got> {
        let (promise, keep) = Promise::new();
        let fleet = self.clone();
        let reads = write.is_none() && request.method.is_safe();
        let invocation = self.send(which, request, body, move |got| {
            look(&fleet, &got);
            keep(got);
        });
        if let Some(sent) = write {
            self.sent.borrow_mut().insert(sent.write, (sent, invocation.clone()));
        }
        let universe = &self.universe;
        let leaves = universe.fails(|faults| faults.client_leaves);
        let patience = if leaves { universe.random.between(0, 3_000) } else { PATIENCE };
        match select(pin!(promise), pin!(universe.executor.sleep(patience))).await {
            Either::Left((got, _)) => Some(got),
            Either::Right(_) => {
                // A write may take its origin longer. Nobody answers for an isolate that ended.
                if !leaves && reads && self.lives(invocation.group) {
                    universe.laws.broken(format!("no answer by isolate{}", invocation.group));
                }
                invocation.is_left();
                None
            }
        }
    }

    fn send(
        self: &Rc<Self>,
        which: usize,
        request: Request,
        body: Vec<u8>,
        reply: impl FnOnce(Got) + 'static,
    ) -> Rc<Invocation> {
        let (group, service, isolate, world) = {
            let slots = self.slots.borrow();
            let slot = &slots[which];
            (slot.group, slot.service, slot.isolate.clone(), self.world(slot, &request, &body))
        };
        let invocation = world.invocation.clone();
        let context = invocation.context;
        let waits =
            InFlight { group, service, request: request.clone(), body, reply: Box::new(reply) };
        self.in_flight.borrow_mut().insert(context, waits);
        let fleet = self.clone();
        let handling = invocation.clone();
        invocation.spawn(async move {
            let answers = world.answers.clone();
            let got = got(Service::new(world, isolate).handle(request).await, &answers.borrow());
            handling.is_done();
            let waits = fleet.in_flight.borrow_mut().remove(&context);
            if let Some(waits) = waits {
                (waits.reply)(got);
            }
        });
        if self.universe.fails(|faults| faults.isolate_over_limit) {
            self.meets_limit(group);
        }
        invocation
    }

    /// An isolate takes too much memory or time, soon.
    fn meets_limit(self: &Rc<Self>, group: Group) {
        let (fleet, universe) = (self.clone(), self.universe.clone());
        universe.clone().executor.spawn(0, async move {
            universe.takes(0, 1_000).await;
            fleet.end_at_limit(group);
        });
    }

    /// Ends an isolate at a limit of the runtime: what is safe of its requests may fail open, by which
    /// the origin gets it, and the others fail.
    pub fn end_at_limit(&self, group: Group) {
        let which = self.slots.borrow().iter().position(|slot| slot.group == group);
        let Some(which) = which else { return };
        self.universe.tell(|| format!("isolate{group} ends at a limit"));
        self.replace(which);
        let mut in_flight = self.in_flight.borrow_mut();
        let met: Vec<RequestId> = in_flight
            .iter()
            .filter(|(_, waits)| waits.group == group)
            .map(|(context, _)| *context)
            .collect();
        let met: Vec<InFlight> = met.iter().filter_map(|met| in_flight.remove(met)).collect();
        drop(in_flight);
        met.into_iter().for_each(|waits| self.fail(waits));
    }

    fn fail(&self, waits: InFlight) {
        let universe = self.universe.clone();
        let InFlight { service, mut request, body, reply, .. } = waits;
        if !request.method.is_safe() || universe.random.happens(500) {
            let body = b"the worker exceeded a limit".to_vec();
            return reply(Got { status: 503, headers: Headers::new(), body });
        }
        // The runtime sends on all that the client sent, a purge's number included, which is no fault.
        request.headers.remove("evergraph-purge");
        if request.headers.get("cookie").is_some_and(|cookies| cookies.contains("evergraph-purge"))
        {
            request.headers.remove("cookie");
        }
        universe.clone().executor.spawn(0, async move {
            let (method, path) = (request.method.as_str(), request.url.path.as_str());
            let api = &universe.apis[service];
            if let Some((status, headers, body)) =
                api.answer(&universe, method, path, &request.headers, &body).await
            {
                reply(Got { status, headers, body });
            }
        });
    }

    /// The world of one request in an isolate.
    pub fn world(&self, slot: &Slot, request: &Request, body: &[u8]) -> SimulatedWorld {
        SimulatedWorld {
            universe: self.universe.clone(),
            service: slot.service,
            log: self.log_of(slot),
            place: slot.place,
            isolate: slot.group,
            request: Rc::new(request.clone()),
            body: body.into(),
            answers: Rc::default(),
            invocation: Invocation::new(self.universe.clone(), slot.group),
        }
    }
}

/// What a client gets of a reply.
fn got(reply: Reply, answers: &[(u16, Headers, Vec<u8>)]) -> Got {
    match reply {
        Reply::Whole(response) => {
            Got { status: response.status, headers: response.headers, body: response.body.to_vec() }
        }
        Reply::Origin { handle, status, headers } => {
            Got { status, headers, body: answers[handle as usize].2.clone() }
        }
        Reply::Untouched { handle } | Reply::Socket { handle } => {
            let (status, headers, body) = answers[handle as usize].clone();
            Got { status, headers, body }
        }
    }
}
