//! Requests to isolates, from a client that sends one to the response that it gets.

use super::executor::{Group, Promise, RequestId};
use super::fleet::{ClientResponse, Fleet, InFlight, SentWrite};
use super::lifecycle::Invocation;
use super::runtime::SimulatedRuntime;
use crate::http::{Headers, Request};
use crate::service::{AnswerModel, Clock as _, Isolate, Reply, Service};
use futures_util::future::{Either, select};
use std::pin::pin;
use std::rc::Rc;

/// How long clients wait: longer than the slowest origin takes for a request that is sent twice.
const PATIENCE_MILLIS: u64 = 130_000;

impl Fleet {
    /// Sends a request to an isolate. `None` if there is no response, or the client does not wait.
    pub async fn ask(
        self: &Rc<Self>,
        which: usize,
        request: Request,
        body: Vec<u8>,
    ) -> Option<ClientResponse> {
        self.ask_and(which, request, body, None, |_, _| {}).await
    }

    /// Sends a request, and looks at the response also if the client has left.
    pub async fn ask_and(
        self: &Rc<Self>,
        which: usize,
        request: Request,
        body: Vec<u8>,
        write: Option<SentWrite>,
        look: impl FnOnce(&Rc<Self>, &ClientResponse) + 'static,
    ) -> Option<ClientResponse> {
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
        let patience = if leaves { universe.random.between(0, 3_000) } else { PATIENCE_MILLIS };
        match select(pin!(promise), pin!(universe.executor.sleep(patience))).await {
            Either::Left((got, _)) => Some(got),
            Either::Right(_) => {
                // A write may take its origin longer. Nobody answers for an isolate that ended.
                if !leaves && reads && self.lives(invocation.group) {
                    universe.laws.report(format!("no answer by isolate{}", invocation.group));
                }
                invocation.client_left();
                None
            }
        }
    }

    fn send(
        self: &Rc<Self>,
        which: usize,
        request: Request,
        body: Vec<u8>,
        reply: impl FnOnce(ClientResponse) + 'static,
    ) -> Rc<Invocation> {
        let (group, service, isolate, table, world) = {
            let slots = self.slots.borrow();
            let slot = &slots[which];
            let world = self.world(slot, &request, &body);
            (slot.group, slot.service, slot.isolate.clone(), slot.table.clone(), world)
        };
        let invocation = world.invocation.clone();
        let context = invocation.context;
        let waits =
            InFlight { group, service, request: request.clone(), body, reply: Box::new(reply) };
        self.in_flight.borrow_mut().insert(context, waits);
        let fleet = self.clone();
        let handling = invocation.clone();
        invocation.spawn(async move {
            let got = fleet.answer(world, (isolate, table), request).await;
            handling.finish();
            let waits = fleet.in_flight.borrow_mut().remove(&context);
            if let Some(waits) = waits {
                (waits.reply)(got);
            }
        });
        if self.universe.fails(|faults| faults.isolate_over_limit) {
            self.exceed_limit(group);
        }
        invocation
    }

    /// The answer of an isolate. Half of those that its table has come from there, and the others show
    /// whether the service would have given the same.
    async fn answer(
        &self,
        world: SimulatedRuntime,
        (isolate, table): (Rc<Isolate>, Rc<AnswerModel>),
        request: Request,
    ) -> ClientResponse {
        let (body, of_table) = (world.body.clone(), world.invocation.context.is_multiple_of(2));
        let find = || table.find(&isolate, &request, &body, world.now());
        let before = find();
        if let Some(response) = before.clone().filter(|_| of_table) {
            self.universe.trace(|| format!("isolate{} answers from its table", world.isolate));
            self.from_table.set(self.from_table.get() + 1);
            return got(Reply::Whole(response), &[]);
        }
        let service = Service::new(world.clone(), isolate.clone());
        let reply = service.handle(request.clone()).await;
        if let Reply::Whole(response) = &reply {
            // What has changed meanwhile would not have been given either.
            if before.is_some() && find() == before && before.as_ref() != Some(response) {
                let what = format!("the table of isolate{} gives another answer", world.isolate);
                self.universe.laws.report(format!("{what}: {before:?}, not {response:?}"));
            }
            if let Some(memo) = world.told.take() {
                table.remember(&isolate, &request, &body, memo, response);
            }
        }
        got(reply, &world.answers.borrow())
    }

    /// Lets an isolate take too much memory or time, soon.
    fn exceed_limit(self: &Rc<Self>, group: Group) {
        let (fleet, universe) = (self.clone(), self.universe.clone());
        universe.clone().executor.spawn(0, async move {
            universe.takes(0, 1_000).await;
            fleet.end_over_limit(group);
        });
    }

    /// Ends an isolate over a limit of the runtime. Its safe requests may fail open, so that the origin
    /// gets them. The others fail.
    pub fn end_over_limit(&self, group: Group) {
        let which = self.slots.borrow().iter().position(|slot| slot.group == group);
        let Some(which) = which else { return };
        self.universe.trace(|| format!("isolate{group} ends at a limit"));
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
            return reply(ClientResponse { status: 503, headers: Headers::new(), body });
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
                reply(ClientResponse { status, headers, body });
            }
        });
    }
}

/// What a client gets of a reply.
fn got(reply: Reply, answers: &[(u16, Headers, Vec<u8>)]) -> ClientResponse {
    match reply {
        Reply::Whole(response) => ClientResponse {
            status: response.status,
            headers: response.headers,
            body: response.body.to_vec(),
        },
        Reply::Origin { handle, status, headers } => {
            ClientResponse { status, headers, body: answers[handle as usize].2.clone() }
        }
        Reply::Untouched { handle } | Reply::Socket { handle } => {
            let (status, headers, body) = answers[handle as usize].clone();
            ClientResponse { status, headers, body }
        }
    }
}
