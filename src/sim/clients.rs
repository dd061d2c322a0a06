//! Isolates, and the clients that ask them.

use super::executor::{Group, Promise};
use super::laws::Shown;
use super::origin::{brief, objects, product, user};
use super::run::{Plan, TOKEN};
use super::universe::Universe;
use super::world::SimulatedWorld;
use crate::engine::is_purge_cookie;
use crate::http::{Headers, Method, Request, Url};
use crate::service::{Isolate, Reply, Service};
use futures_util::future::{Either, select};
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::pin::pin;
use std::rc::Rc;

/// Isolates of every service in every place.
pub struct Fleet {
    pub universe: Rc<Universe>,
    pub configs: Vec<Value>,
    slots: RefCell<Vec<Slot>>,
    next_group: Cell<Group>,
    next_write: Cell<u64>,
    /// Which service and isolate each write was sent to.
    sent: RefCell<BTreeMap<u64, (usize, Group)>>,
    /// How long after a purge is recorded answers may still be older: `max_lag`, and as long as an
    /// origin that lags takes to settle, and as far as a clock is set back.
    pub grace: u64,
    /// How long after a write the isolate that it went through may still show what was before.
    settles: u64,
    pub products: u64,
    /// Answers by their `X-Cache`: hits and stale, misses, others.
    pub counts: Cell<[u64; 3]>,
}

struct Slot {
    service: usize,
    place: usize,
    group: Group,
    isolate: Rc<Isolate>,
}

/// A response as a client has it.
pub struct Got {
    pub status: u16,
    pub headers: Headers,
    pub body: Vec<u8>,
}

/// How long after its answer a pending purge is on its way to the outbox.
const SOON: u64 = 1_000;

/// How long after a purge of unknown outcome it is repeated for the last time.
const LAST_REPETITION: u64 = 60_000;

/// For how long clients wait.
const PATIENCE: u64 = 60_000;

impl Fleet {
    pub fn new(universe: Rc<Universe>, plan: &Plan) -> Rc<Self> {
        let faults = plan.faults;
        let step = if faults.clock_steps > 0 { faults.drift } else { 0 };
        let grace = plan.max_lag + plan.settle + step;
        let settles = if faults.origin_lag > 0 { faults.origin_lag + grace } else { 0 };
        let fleet = Self {
            universe,
            configs: plan.configs.clone(),
            slots: RefCell::default(),
            next_group: Cell::new(1),
            next_write: Cell::new(0),
            sent: RefCell::default(),
            grace,
            settles,
            products: plan.products,
            counts: Cell::new([0; 3]),
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
        Slot { service, place, group, isolate: Isolate::new(&self.configs[service]) }
    }

    /// Ends one isolate with all that it is busy with; another starts cold.
    pub fn end_one(&self) {
        let mut slots = self.slots.borrow_mut();
        let which = self.universe.random.below(slots.len() as u64) as usize;
        let slot = &mut slots[which];
        self.universe.tell(|| format!("isolate{} ends", slot.group));
        self.universe.executor.kill(slot.group);
        *slot = self.cold(slot.service, slot.place);
    }

    /// Another log takes the place of a service's, and with it all isolates start cold.
    pub fn deploy_anew(&self, service: usize) {
        self.universe.tell(|| format!("service{service} is deployed anew, with another log"));
        self.universe.logs[service].is_replaced(self.universe.now());
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

    /// Does what the runtime does once a minute, for one service: in an isolate that has clients
    /// too, or in a new one.
    pub fn tend(&self, service: usize) {
        let slots = self.slots.borrow();
        let of_service: Vec<&Slot> = slots.iter().filter(|slot| slot.service == service).collect();
        let slot = *self.universe.random.of(&of_service);
        let cold = self.universe.random.happens(500).then(|| self.cold(service, slot.place));
        let slot = cold.as_ref().unwrap_or(slot);
        let world = self.world(slot, &request("GET", "/"), Vec::new());
        let (group, isolate) = (slot.group, slot.isolate.clone());
        self.universe.tell(|| format!("isolate{group}: the cron trigger of service {service}"));
        self.universe.executor.spawn(group, async move {
            Service::new(world, isolate).tend().await;
        });
    }

    fn world(&self, slot: &Slot, request: &Request, body: Vec<u8>) -> SimulatedWorld {
        SimulatedWorld {
            universe: self.universe.clone(),
            service: slot.service,
            place: slot.place,
            isolate: slot.group,
            request: Rc::new(request.clone()),
            body: body.into(),
            answers: Rc::default(),
        }
    }

    /// Sends a request to an isolate; none where no answer comes.
    pub async fn ask(&self, which: usize, request: Request, body: Vec<u8>) -> Option<Got> {
        let (world, isolate) = {
            let slots = self.slots.borrow();
            let slot = &slots[which];
            (self.world(slot, &request, body), slot.isolate.clone())
        };
        let (promise, keep) = Promise::new();
        let group = world.isolate;
        self.universe.executor.spawn(group, async move {
            let answers = world.answers.clone();
            let reply = Service::new(world, isolate).handle(request).await;
            keep(match reply {
                Reply::Whole(response) => Got {
                    status: response.status,
                    headers: response.headers,
                    body: response.body.to_vec(),
                },
                Reply::Answer { handle, status, headers } => {
                    Got { status, headers, body: answers.borrow()[handle as usize].2.clone() }
                }
                Reply::Untouched { handle } | Reply::Socket { handle } => {
                    let (status, headers, body) = answers.borrow()[handle as usize].clone();
                    Got { status, headers, body }
                }
            });
        });
        let waits = self.universe.executor.sleep(PATIENCE);
        match select(pin!(promise), pin!(waits)).await {
            Either::Left((got, _)) => Some(got),
            Either::Right(_) => None,
        }
    }
}

/// A client, who remembers what it wrote.
pub struct Client {
    fleet: Rc<Fleet>,
    name: String,
    /// By service, its last write: what, which version, which number.
    own: RefCell<Vec<Option<Own>>>,
}

#[derive(Debug, Clone)]
struct Own {
    entity: String,
    version: u64,
    seq: String,
    /// The same in a cookie, where the answer set one.
    cookie: Option<String>,
    /// The log that the number is of.
    epoch: u64,
}

pub const PRODUCT: &str = "query P($id: ID!) { product(id: $id) { __typename id v who service } }";
const PRODUCTS_QUERY: &str = "query L { products { __typename id v who service } }";
const ME: &str = "query Me { me { __typename id v who service } }";
const UPDATE: &str = "mutation U($id: ID!, $write: Int!) { updateProduct(id: $id, write: $write) { __typename id v who service } }";
/// A mutation that says nothing of what it changes.
const TOUCH: &str =
    "mutation T($id: ID!, $write: Int!) { touch(id: $id, write: $write) { id v who service } }";
const UPDATE_ME: &str =
    "mutation M($write: Int!) { updateMe(write: $write) { __typename id v who service } }";

impl Client {
    pub fn new(fleet: Rc<Fleet>, number: usize) -> Self {
        let own = RefCell::new(vec![None; fleet.configs.len()]);
        Self { fleet, name: format!("client{number}"), own }
    }

    /// The isolates that it asks.
    #[cfg(test)]
    pub fn fleet(&self) -> Rc<Fleet> {
        self.fleet.clone()
    }

    /// Does something, and waits a little, until the end.
    pub async fn live(self, until: u64, pause: u64) {
        let universe = self.fleet.universe.clone();
        while universe.now() < until {
            universe.takes(10, pause).await;
            let which = universe.random.below(self.fleet.isolates() as u64) as usize;
            let id = universe.random.below(self.fleet.products).to_string();
            match universe.random.below(100) {
                0..40 => self.read_product(which, &id).await,
                40..50 => self.read_products(which).await,
                50..60 => self.read_me(which).await,
                60..78 => self.read_rest(which, &id).await,
                78..82 => self.head_rest(which, &id).await,
                82..87 => self.update_product(which, &id).await,
                87..89 => self.touch_product(which, &id).await,
                89..93 => self.update_me(which).await,
                93..97 => self.put_rest(which, &id).await,
                _ => self.change_and_purge(which, &id).await,
            }
        }
    }

    /// Reads everything from one isolate.
    pub async fn read_all(&self, which: usize) {
        for id in (0..self.fleet.products).map(|id| id.to_string()) {
            self.read_product(which, &id).await;
            self.read_rest(which, &id).await;
        }
        self.read_products(which).await;
        self.read_me(which).await;
    }

    pub async fn read_product(&self, which: usize, id: &str) {
        let body = json!({ "query": PRODUCT, "variables": { "id": id } });
        self.read(which, graphql(None), body.to_string(), Some(id)).await;
    }

    pub async fn read_products(&self, which: usize) {
        let body = json!({ "query": PRODUCTS_QUERY });
        self.read(which, graphql(None), body.to_string(), None).await;
    }

    pub async fn read_me(&self, which: usize) {
        let body = json!({ "query": ME });
        self.read(which, graphql(Some(&self.name)), body.to_string(), None).await;
    }

    pub async fn read_rest(&self, which: usize, id: &str) {
        let request = request("GET", &format!("/api/products/{id}"));
        self.read(which, request, String::new(), Some(id)).await;
    }

    /// Asks for the head of a product. What it says may renew what is stored, or end it.
    pub async fn head_rest(&self, which: usize, id: &str) {
        let request = request("HEAD", &format!("/api/products/{id}"));
        let universe = &self.fleet.universe;
        universe.tell(|| {
            let asked_to = self.fleet.group_of(which);
            format!("{}: asks isolate{asked_to} for the head of product {id}", self.name)
        });
        self.fleet.ask(which, request, Vec::new()).await;
    }

    async fn read(&self, which: usize, mut request: Request, body: String, id: Option<&str>) {
        let universe = &self.fleet.universe;
        let service = self.fleet.service_of(which);
        // Some clients send back the number of their write.
        let own = self.own.borrow()[service].clone().filter(|_| universe.random.happens(500));
        let own = own.filter(|own| own.epoch == universe.logs[service].epoch());
        match &own {
            Some(Own { cookie: Some(cookie), .. }) => request.headers.set("cookie", cookie.clone()),
            Some(own) => request.headers.set("evergraph-purge", own.seq.clone()),
            None => {}
        }
        let asked_at = universe.now();
        let (asked_to, path) = (self.fleet.group_of(which), request.url.path.clone());
        let written = universe.laws.all_written_by(asked_to, asked_at);
        universe.tell(|| {
            let (_, place, _) = self.fleet.where_is(which);
            let what = match (body.is_empty(), id) {
                (true, _) => path,
                (_, Some(id)) => product(id),
                (_, None) if body.contains("Me") => user(&self.name),
                (_, None) => "all products".to_owned(),
            };
            let own = own.as_ref().map(|own| format!(", at least as of purge {}", own.seq));
            let own = own.unwrap_or_default();
            format!(
                "{}: asks isolate{asked_to} in place{place} for {what} of service{service}{own}",
                self.name
            )
        });
        let got = self.fleet.ask(which, request, body.into_bytes()).await;
        let Some(got) = got.filter(|got| got.status == 200) else { return };
        let how = got.headers.get("cache-status").unwrap_or_default().to_owned();
        universe.tell(|| {
            let how = how.strip_prefix("evergraph; ").unwrap_or(&how);
            format!("{}: isolate{asked_to} shows {} ({how})", self.name, brief(&got.body))
        });
        self.fleet.count(got.headers.get("x-cache").unwrap_or_default());
        let Ok(body) = serde_json::from_slice::<Value>(&got.body) else {
            universe.laws.broken(format!("no JSON: {} ({how})", brief(&got.body)));
            return;
        };
        let lags = self.fleet.settles;
        for object in objects(&body) {
            let shown = self.shown(object, service, id, &how);
            // An origin that lags does not even show it itself.
            let own = own.as_ref().filter(|own| own.entity == shown.entity && lags == 0);
            let own = own.map(|own| own.version);
            universe.laws.answered(&shown, asked_at, self.fleet.grace, own, &how);
            if written.get(&shown.entity).is_some_and(|version| shown.version < *version) {
                universe.laws.broken(format!(
                    "stale: {} at version {} by isolate{asked_to}, through which {} was written ({how})",
                    shown.entity, shown.version, written[&shown.entity]
                ));
            }
        }
    }

    /// What an object of an answer shows, and whether it is for this client and this request.
    fn shown(&self, object: &Value, service: usize, id: Option<&str>, how: &str) -> Shown {
        let laws = &self.fleet.universe.laws;
        let shown_id = object["id"].as_str().unwrap_or_default();
        if object["service"] != json!(service) {
            laws.broken(format!(
                "another service's answer: {object} for service {service} ({how})"
            ));
        }
        let entity = match object["__typename"].as_str() {
            Some("User") => {
                if object["who"] != json!(self.name) {
                    laws.broken(format!(
                        "another person's answer: {object} for {} ({how})",
                        self.name
                    ));
                }
                user(shown_id)
            }
            _ => {
                if id.is_some_and(|id| id != shown_id) {
                    laws.broken(format!("another request's answer: {object} for {id:?} ({how})"));
                }
                product(shown_id)
            }
        };
        Shown { service, entity, version: object["v"].as_u64().unwrap_or(0) }
    }

    pub async fn update_product(&self, which: usize, id: &str) {
        let write = self.fleet.write_number();
        let body = json!({ "query": UPDATE, "variables": { "id": id, "write": write } });
        self.write(which, graphql(None), body.to_string(), write).await;
    }

    /// Changes a product by a mutation that purges everything.
    pub async fn touch_product(&self, which: usize, id: &str) {
        let write = self.fleet.write_number();
        let body = json!({ "query": TOUCH, "variables": { "id": id, "write": write } });
        self.write(which, graphql(None), body.to_string(), write).await;
    }

    pub async fn update_me(&self, which: usize) {
        let write = self.fleet.write_number();
        let body = json!({ "query": UPDATE_ME, "variables": { "write": write } });
        self.write(which, graphql(Some(&self.name)), body.to_string(), write).await;
    }

    pub async fn put_rest(&self, which: usize, id: &str) {
        let write = self.fleet.write_number();
        let mut request = request("PUT", &format!("/api/products/{id}"));
        request.headers.set("x-write", write.to_string());
        self.write(which, request, String::new(), write).await;
    }

    async fn write(&self, which: usize, request: Request, body: String, write: u64) {
        let universe = &self.fleet.universe;
        let service = self.fleet.service_of(which);
        let asked_to = self.fleet.group_of(which);
        universe.tell(|| {
            let what = request.url.path.as_str();
            format!(
                "{}: write {write} to {what} of service{service} by isolate{asked_to}",
                self.name
            )
        });
        self.fleet.sent.borrow_mut().insert(write, (service, asked_to));
        let epoch = universe.logs[service].epoch();
        let Some(got) = self.fleet.ask(which, request, body.into_bytes()).await else { return };
        let seq = got.headers.get("evergraph-purge").map(str::to_owned);
        universe.tell(|| {
            let purge = seq.as_ref().map_or("not recorded", String::as_str);
            let (status, shown) = (got.status, brief(&got.body));
            format!("{}: write {write} is answered {status}, purge {purge}: {shown}", self.name)
        });
        // Also where its answer was lost: the isolate has to reckon with it.
        if let Some((entity, version)) = universe.apis[service].made.borrow().get(&write) {
            let at = universe.apis[service].changed_at(*version) + self.fleet.settles;
            universe.laws.written(asked_to, entity, *version, at);
        }
        if ![200, 422].contains(&got.status) {
            if seq.is_some() {
                self.expect_late_commit(service, write);
            }
            return;
        }
        let arrivals = universe.apis[service].arrivals.borrow().get(&write).copied().unwrap_or(0);
        if arrivals != 1 {
            universe
                .laws
                .broken(format!("write {write} was answered and arrived {arrivals} times"));
        }
        let Ok(body) = serde_json::from_slice::<Value>(&got.body) else { return };
        let Some(object) = objects(&body).first().copied() else { return };
        let shown = self.shown(object, service, None, "write");
        if got.headers.get("cache-status").is_some_and(|how| how.ends_with("purge-pending")) {
            self.pending(asked_to, &shown);
        }
        let Some(seq) = seq else { return };
        universe.laws.recorded(service, &shown.entity, shown.version, universe.now());
        self.fleet.number_is_of_a_later_record((service, epoch), &seq, &shown);
        let cookie = got.headers.get_all("set-cookie").find(|cookie| is_purge_cookie(cookie));
        // Some clients send headers of their own all the same.
        let cookie = cookie.filter(|_| universe.random.happens(700));
        let cookie = cookie.and_then(|cookie| cookie.split(';').next()).map(str::to_owned);
        let own = Own { entity: shown.entity, version: shown.version, seq, cookie, epoch };
        self.own.borrow_mut()[service] = Some(own);
    }

    /// A write's purge is recorded, and nobody knows whether the write is over. Once the purge was
    /// repeated for the last time, no answer is older than what the write did until then.
    fn expect_late_commit(&self, service: usize, write: u64) {
        let universe = self.fleet.universe.clone();
        let repeated_at = universe.now() + LAST_REPETITION;
        universe.executor.clone().spawn(0, async move {
            universe.executor.sleep(LAST_REPETITION).await;
            let made = universe.apis[service].made.borrow().get(&write).cloned();
            if let Some((entity, version)) = made {
                universe.laws.recorded(service, &entity, version, repeated_at);
            }
        });
    }

    /// The log did not take a write's purge: the isolate has to put it into the outbox soon.
    fn pending(&self, isolate: Group, shown: &Shown) {
        let universe = self.fleet.universe.clone();
        let at = universe.apis[shown.service].changed_at(shown.version);
        universe.laws.pending(isolate, shown, at);
        let (fleet, shown) = (self.fleet.clone(), shown.clone());
        universe.executor.clone().spawn(0, async move {
            universe.executor.sleep(SOON).await;
            if fleet.lives(isolate) && !universe.laws.was_put(isolate, &shown, at) {
                universe.laws.broken(format!(
                    "not put into the outbox: {} at version {} by isolate{isolate}",
                    shown.entity, shown.version
                ));
            }
        });
    }

    /// The data is changed behind Evergraph's back, and Evergraph is told.
    pub async fn change_and_purge(&self, which: usize, id: &str) {
        let universe = &self.fleet.universe;
        let service = self.fleet.service_of(which);
        let version = universe.apis[service].change(universe, &product(id));
        universe.tell(|| format!("{}: product {id} becomes version {version}", self.name));
        let mut request = request("POST", "/__evergraph/purge");
        request.headers.set("authorization", format!("Bearer {TOKEN}"));
        let tags = json!({ "tags": [format!("Product:{id}")] });
        let asked_to = self.fleet.group_of(which);
        let got = self.fleet.ask(which, request, tags.to_string().into_bytes()).await;
        let Some(status) = got.map(|got| got.status) else { return };
        universe.tell(|| format!("{}: the purge of product {id} is answered {status}", self.name));
        if status == 200 {
            universe.laws.recorded(service, &product(id), version, universe.now());
        } else {
            // The log did not take it, and the isolate says that it will try again.
            let at = universe.apis[service].changed_at(version) + self.fleet.settles;
            universe.laws.written(asked_to, &product(id), version, at);
            self.pending(asked_to, &Shown { service, entity: product(id), version });
        }
    }
}

impl Fleet {
    fn service_of(&self, which: usize) -> usize {
        self.slots.borrow()[which].service
    }

    /// The service, the place and the number of an isolate.
    pub fn where_is(&self, which: usize) -> (usize, usize, Group) {
        let slot = &self.slots.borrow()[which];
        (slot.service, slot.place, slot.group)
    }

    fn group_of(&self, which: usize) -> Group {
        self.slots.borrow()[which].group
    }

    /// Every write that arrived is due now, answered or not, unless its isolate ended before it
    /// could purge.
    pub fn all_writes_are_due(&self) {
        let slots = self.slots.borrow();
        for (write, (service, group)) in self.sent.borrow().iter() {
            let made = self.universe.apis[*service].made.borrow().get(write).cloned();
            let made = made.filter(|_| slots.iter().any(|slot| slot.group == *group));
            if let Some((entity, version)) = made {
                self.universe.laws.recorded(*service, &entity, version, self.universe.now());
                let changed_at = self.universe.apis[*service].changed_at(version);
                let shown = Shown { service: *service, entity, version };
                self.universe.laws.promised(shown, changed_at);
            }
        }
    }

    /// The number that a write's answer shows is that of a record which was appended once the origin
    /// had done the write.
    fn number_is_of_a_later_record(
        &self,
        (service, epoch): (usize, u64),
        seq: &str,
        shown: &Shown,
    ) {
        let log = &self.universe.logs[service];
        let at = seq.parse().ok().and_then(|seq| log.written_down_at(seq));
        let changed_at = self.universe.apis[service].changed_at(shown.version);
        // One that took the log's place in between numbers anew.
        if log.epoch() == epoch && at.is_some_and(|at| at < changed_at) {
            self.universe.laws.broken(format!(
                "an older purge: {} became version {} at {changed_at}, and its purge {seq} was recorded at {at:?}",
                shown.entity, shown.version
            ));
        }
    }

    fn write_number(&self) -> u64 {
        self.next_write.set(self.next_write.get() + 1);
        self.next_write.get()
    }

    fn count(&self, x_cache: &str) {
        let mut counts = self.counts.get();
        counts[match x_cache {
            "HIT" | "STALE" => 0,
            "MISS" => 1,
            _ => 2,
        }] += 1;
        self.counts.set(counts);
    }
}

/// A GraphQL request without a body.
pub fn graphql(who: Option<&str>) -> Request {
    let mut request = request("POST", "/graphql");
    request.headers.set("content-type", "application/json");
    if let Some(who) = who {
        request.headers.set("authorization", who);
    }
    request
}

/// A request without headers.
pub fn request(method: &str, path: &str) -> Request {
    Request {
        method: Method::parse(method),
        url: Url::parse(&format!("https://api.example{path}")).unwrap(),
        headers: Headers::new(),
    }
}
