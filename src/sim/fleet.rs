//! The isolates of a run, of every service in every place, and what is known of their clients.

use super::executor::{Group, RequestId};
use super::lifecycle::Invocation;
use super::plan::Plan;
use super::requests::request;
use super::runtime::SimulatedRuntime;
use super::universe::Universe;
use crate::http::{Headers, Request};
use crate::service::{AnswerModel, Isolate, Service};
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

/// The isolates of every service in every place.
pub struct Fleet {
    pub universe: Rc<Universe>,
    pub configs: Vec<Value>,
    /// The configurations that are deployed of each service: two during a deployment.
    deployed: RefCell<Vec<Vec<Value>>>,
    pub(super) slots: RefCell<Vec<Slot>>,
    /// The requests whose clients wait.
    pub(super) in_flight: RefCell<BTreeMap<RequestId, InFlight>>,
    next_group: Cell<Group>,
    next_write: Cell<u64>,
    /// The writes by their numbers, with their requests.
    pub(super) sent: RefCell<BTreeMap<u64, (SentWrite, Rc<Invocation>)>>,
    /// How long after a purge is recorded responses may still be older: `max_lag`, the time that a
    /// lagging origin takes to settle, and how far a clock may be set back.
    pub grace: u64,
    /// How long after a write its isolate may still show older data.
    pub(super) settles: u64,
    pub products: u64,
    /// How many responses there were, by `X-Cache`: hits and stale ones, misses, others.
    pub counts: Cell<[u64; 3]>,
    /// How many responses came from isolates' tables.
    pub from_table: Cell<u64>,
}

/// An isolate that has clients.
pub struct Slot {
    pub service: usize,
    pub place: usize,
    pub group: Group,
    pub isolate: Rc<Isolate>,
    /// What it may answer without the service.
    pub table: Rc<AnswerModel>,
}

/// A response as a client gets it.
pub struct ClientResponse {
    pub status: u16,
    pub headers: Headers,
    pub body: Vec<u8>,
}

/// A request whose client waits.
pub struct InFlight {
    pub group: Group,
    pub service: usize,
    pub request: Request,
    pub body: Vec<u8>,
    pub reply: Box<dyn FnOnce(ClientResponse)>,
}

/// A write, and the isolate that it was sent to.
#[derive(Debug, Clone, Copy)]
pub struct SentWrite {
    pub write: u64,
    pub service: usize,
    pub isolate: Group,
}

impl Fleet {
    pub fn new(universe: Rc<Universe>, plan: &Plan) -> Rc<Self> {
        let faults = plan.faults;
        let step = if faults.clock_steps > 0 { faults.drift } else { 0 };
        let grace = plan.max_lag + plan.settle + step;
        let settles = if faults.origin_lag > 0 { faults.origin_lag + grace } else { 0 };
        let mut configs = plan.configs.clone();
        if faults.one_name > 0 {
            configs.iter_mut().for_each(|config| config["service"] = json!("service0"));
        }
        let fleet = Self {
            universe,
            deployed: RefCell::new(configs.iter().map(|one| vec![one.clone()]).collect()),
            configs,
            slots: RefCell::default(),
            in_flight: RefCell::default(),
            next_group: Cell::new(1),
            next_write: Cell::new(0),
            sent: RefCell::default(),
            grace,
            settles,
            products: plan.products,
            counts: Cell::new([0; 3]),
            from_table: Cell::default(),
        };
        for service in 0..fleet.configs.len() {
            for place in 0..plan.places {
                for _ in 0..plan.isolates {
                    let slot = fleet.cold(service, place);
                    fleet.slots.borrow_mut().push(slot);
                }
            }
        }
        Rc::new(fleet)
    }

    fn cold(&self, service: usize, place: usize) -> Slot {
        let group = self.next_group.get();
        self.next_group.set(group + 1);
        let deployed = self.deployed.borrow();
        let config = match deployed[service].as_slice() {
            [only] => only,
            several => self.universe.random.of(several),
        };
        Slot { service, place, group, isolate: Isolate::new(config), table: Rc::default() }
    }

    /// Lets isolates of a service start with one of these configurations from here on.
    pub fn deploy(&self, service: usize, configs: Vec<Value>) {
        self.deployed.borrow_mut()[service] = configs;
    }

    /// Ends an isolate with all its work. Another one starts with this configuration.
    pub fn redeploy(&self, which: usize, config: &Value) {
        let mut slots = self.slots.borrow_mut();
        let slot = &mut slots[which];
        self.universe.executor.kill(slot.group);
        *slot = self.cold(slot.service, slot.place);
        slot.isolate = Isolate::new(config);
    }

    /// Ends a random isolate with all its work. Another one starts cold.
    pub fn end_one(&self) {
        let isolates = self.isolates() as u64;
        self.end(self.universe.random.below(isolates) as usize);
    }

    /// Ends an isolate with all its work. Another one starts cold.
    pub fn end(&self, which: usize) {
        self.universe.trace(|| format!("isolate{} ends", self.group_of(which)));
        self.replace(which);
    }

    /// Ends an isolate, and starts another one in its place.
    pub(super) fn replace(&self, which: usize) {
        let slot = &mut self.slots.borrow_mut()[which];
        self.universe.executor.kill(slot.group);
        *slot = self.cold(slot.service, slot.place);
    }

    /// Deploys a service with another log: all its isolates start cold.
    pub fn replace_log(&self, service: usize) {
        self.universe.trace(|| format!("service{service} is deployed again, with another log"));
        self.universe.logs[service].replace(self.universe.now());
        for slot in self.slots.borrow_mut().iter_mut().filter(|slot| slot.service == service) {
            self.universe.executor.kill(slot.group);
            *slot = self.cold(slot.service, slot.place);
        }
    }

    pub fn isolates(&self) -> usize {
        self.slots.borrow().len()
    }

    /// Whether an isolate has not ended.
    pub fn lives(&self, isolate: Group) -> bool {
        self.slots.borrow().iter().any(|slot| slot.group == isolate)
    }

    /// Fires the cron trigger of a service, as the runtime does once a minute: in an isolate that also
    /// has clients, or in a new one.
    pub fn tend(&self, service: usize) {
        let slots = self.slots.borrow();
        let of_service: Vec<&Slot> = slots.iter().filter(|slot| slot.service == service).collect();
        let slot = *self.universe.random.of(&of_service);
        let cold = self.universe.random.happens(500).then(|| self.cold(service, slot.place));
        let slot = cold.as_ref().unwrap_or(slot);
        let world = self.world(slot, &request("GET", "/"), &[]);
        let (group, isolate) = (slot.group, slot.isolate.clone());
        self.universe.trace(|| format!("isolate{group}: the cron trigger of service {service}"));
        let invocation = world.invocation.clone();
        invocation.spawn(async move { Service::new(world, isolate).tend().await });
    }

    /// The log of an isolate: that of `service0`, `service1`, …, or the last one for any other name.
    pub(super) fn log_of(&self, slot: &Slot) -> usize {
        if self.have_one_name() {
            return slot.service;
        }
        let last = self.universe.logs.len() - 1;
        let number = slot.isolate.log_name().strip_prefix("service");
        number.and_then(|number| number.parse().ok()).unwrap_or(last)
    }

    pub(super) fn service_of(&self, which: usize) -> usize {
        self.slots.borrow()[which].service
    }

    /// The service, the place and the number of an isolate.
    pub fn where_is(&self, which: usize) -> (usize, usize, Group) {
        let slot = &self.slots.borrow()[which];
        (slot.service, slot.place, slot.group)
    }

    pub(super) fn group_of(&self, which: usize) -> Group {
        self.slots.borrow()[which].group
    }

    pub(super) fn service_name(&self, service: usize) -> String {
        self.configs[service]["service"].as_str().unwrap_or_default().to_owned()
    }

    /// Whether several services have one name, as staging and production may.
    fn have_one_name(&self) -> bool {
        let same = |n: usize| self.service_name(n) == self.service_name(0);
        self.configs.len() > 1 && (0..self.configs.len()).all(same)
    }

    /// The host under which clients reach a service: the same for all, unless they have one name.
    pub(super) fn host_of(&self, service: usize) -> usize {
        if self.have_one_name() { service } else { 0 }
    }

    pub(super) fn write_number(&self) -> u64 {
        self.next_write.set(self.next_write.get() + 1);
        self.next_write.get()
    }

    pub(super) fn count(&self, x_cache: &str) {
        let mut counts = self.counts.get();
        counts[match x_cache {
            "HIT" | "STALE" => 0,
            "MISS" => 1,
            _ => 2,
        }] += 1;
        self.counts.set(counts);
    }

    /// The runtime of one request in an isolate.
    pub fn world(&self, slot: &Slot, request: &Request, body: &[u8]) -> SimulatedRuntime {
        SimulatedRuntime {
            universe: self.universe.clone(),
            service: slot.service,
            log: self.log_of(slot),
            place: slot.place,
            isolate: slot.group,
            request: Rc::new(request.clone()),
            body: body.into(),
            answers: Rc::default(),
            invocation: Invocation::new(self.universe.clone(), slot.group),
            told: Rc::default(),
        }
    }
}
