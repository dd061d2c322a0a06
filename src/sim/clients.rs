//! Isolates, and the clients that ask them.

use super::executor::{Group, RequestId};
use super::judging::{BY_LIST, BY_QUERY, BY_REST, Reading, Sent};
use super::laws::Shown;
use super::lifecycle::{InFlight, Invocation};
use super::origin::{Validators, product, user};
use super::run::{Plan, TOKEN};
use super::universe::Universe;
use crate::http::{Headers, Method, Request, Url};
use crate::service::{Isolate, Service};
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Isolates of every service in every place.
pub struct Fleet {
    pub universe: Rc<Universe>,
    pub configs: Vec<Value>,
    /// What is deployed of each service: while a deployment goes around, two configurations.
    deployed: RefCell<Vec<Vec<Value>>>,
    pub(super) slots: RefCell<Vec<Slot>>,
    /// Requests whose clients wait.
    pub(super) in_flight: RefCell<BTreeMap<RequestId, InFlight>>,
    next_group: Cell<Group>,
    next_write: Cell<u64>,
    /// Which service and isolate each write was sent to, and the request that it was.
    pub(super) sent: RefCell<BTreeMap<u64, (Sent, Rc<Invocation>)>>,
    /// How long after a purge is recorded answers may still be older: `max_lag`, and as long as an
    /// origin that lags takes to settle, and as far as a clock is set back.
    pub grace: u64,
    /// How long after a write the isolate that it went through may still show what was before.
    pub(super) settles: u64,
    pub products: u64,
    /// Answers by their `X-Cache`: hits and stale, misses, others.
    pub counts: Cell<[u64; 3]>,
}

/// An isolate that has clients.
pub struct Slot {
    pub service: usize,
    pub place: usize,
    pub group: Group,
    pub isolate: Rc<Isolate>,
}

/// A response as a client has it.
pub struct Got {
    pub status: u16,
    pub headers: Headers,
    pub body: Vec<u8>,
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
        Slot { service, place, group, isolate: Isolate::new(config) }
    }

    /// From here on isolates of a service start with one of these configurations.
    pub fn deploy(&self, service: usize, configs: Vec<Value>) {
        self.deployed.borrow_mut()[service] = configs;
    }

    /// Ends one isolate with all that it is busy with; another starts with this configuration.
    pub fn redeploy(&self, which: usize, config: &Value) {
        let mut slots = self.slots.borrow_mut();
        let slot = &mut slots[which];
        self.universe.executor.kill(slot.group);
        *slot = self.cold(slot.service, slot.place);
        slot.isolate = Isolate::new(config);
    }

    /// Ends one isolate with all that it is busy with; another starts cold.
    pub fn end_one(&self) {
        let isolates = self.isolates() as u64;
        self.end(self.universe.random.below(isolates) as usize);
    }

    /// Ends an isolate with all that it is busy with; another starts cold.
    pub fn end(&self, which: usize) {
        self.universe.tell(|| format!("isolate{} ends", self.group_of(which)));
        self.replace(which);
    }

    /// Another isolate takes the place of one that ends.
    pub(super) fn replace(&self, which: usize) {
        let slot = &mut self.slots.borrow_mut()[which];
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
        let world = self.world(slot, &request("GET", "/"), &[]);
        let (group, isolate) = (slot.group, slot.isolate.clone());
        self.universe.tell(|| format!("isolate{group}: the cron trigger of service {service}"));
        let invocation = world.invocation.clone();
        invocation.spawn(async move { Service::new(world, isolate).tend().await });
    }

    /// Which log an isolate goes by: that of `service0`, `service1`, …, or the last one for any other
    /// name.
    pub(super) fn log_of(&self, slot: &Slot) -> usize {
        if self.have_one_name() {
            return slot.service;
        }
        let last = self.universe.logs.len() - 1;
        let number = slot.isolate.log_name().strip_prefix("service");
        number.and_then(|number| number.parse().ok()).unwrap_or(last)
    }
}

/// A client, who remembers what it wrote.
pub struct Client {
    fleet: Rc<Fleet>,
    name: String,
    /// By service, its last write: what, which version, which token.
    own: RefCell<Vec<Option<Own>>>,
    /// Its cookies by their hosts and names.
    cookies: RefCell<BTreeMap<(usize, String), String>>,
}

/// A client's own write, as its answer showed it.
#[derive(Debug, Clone)]
pub struct Own {
    pub entity: String,
    pub version: u64,
    pub token: String,
    /// The name and value of a cookie that has the same, where nothing else shows it.
    pub cookie: Option<(String, String)>,
}

pub const PRODUCT: &str = "query P($id: ID!) { product(id: $id) { __typename id v who service } }";
pub const PRODUCTS_QUERY: &str = "query L { products { __typename id v who service } }";
const ME: &str = "query Me { me { __typename id v who service } }";
pub const UPDATE: &str = "mutation U($id: ID!, $write: Int!) { updateProduct(id: $id, write: $write) { __typename id v who service } }";
/// A mutation that says nothing of what it changes.
pub const TOUCH: &str =
    "mutation T($id: ID!, $write: Int!) { touch(id: $id, write: $write) { id v who service } }";
pub const UPDATE_ME: &str =
    "mutation M($write: Int!) { updateMe(write: $write) { __typename id v who service } }";

impl Client {
    pub fn new(fleet: Rc<Fleet>, number: usize) -> Self {
        let own = RefCell::new(vec![None; fleet.configs.len()]);
        Self { fleet, name: format!("client{number}"), own, cookies: RefCell::default() }
    }

    /// The isolates that it asks.
    #[cfg(test)]
    pub fn fleet(&self) -> Rc<Fleet> {
        self.fleet.clone()
    }

    /// Does something, and waits a little, until the end. Every now and then it rests.
    pub async fn live(self, until: u64, pause: u64, rest: u64) {
        let universe = self.fleet.universe.clone();
        while universe.now() < until {
            universe.takes(10, pause).await;
            if rest > 0 && universe.random.happens(50) {
                universe.takes(rest / 10, rest).await;
            }
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
        let what = (&*product(id), BY_QUERY, Some(id));
        self.read(which, graphql(None), body.to_string(), what).await;
    }

    pub async fn read_products(&self, which: usize) {
        let body = json!({ "query": PRODUCTS_QUERY });
        self.read(which, graphql(None), body.to_string(), ("all products", BY_LIST, None)).await;
    }

    pub async fn read_me(&self, which: usize) {
        let body = json!({ "query": ME });
        let what = (&*user(&self.name), BY_QUERY, None);
        self.read(which, graphql(Some(&self.name)), body.to_string(), what).await;
    }

    pub async fn read_rest(&self, which: usize, id: &str) {
        let path = format!("/api/products/{id}");
        self.read(which, request("GET", &path), String::new(), (&path, BY_REST, Some(id))).await;
    }

    /// Asks for the head of a product. What it says may renew what is stored, or end it.
    pub async fn head_rest(&self, which: usize, id: &str) {
        let path = format!("/api/products/{id}");
        let what = format!("the head of {path}");
        self.read(which, request("HEAD", &path), String::new(), (&what, BY_REST, Some(id))).await;
    }

    async fn read(
        &self,
        which: usize,
        mut request: Request,
        body: String,
        (what, view, id): (&str, &'static str, Option<&str>),
    ) {
        let universe = &self.fleet.universe;
        let service = self.fleet.service_of(which);
        // Some clients send back the token of their write.
        let own = self.own.borrow()[service].clone().filter(|_| universe.random.happens(500));
        match &own {
            Some(own) if own.cookie.is_some() => {
                request.headers.set("cookie", self.cookies_for(self.fleet.host_of(service)));
            }
            Some(own) => request.headers.set("evergraph-purge", own.token.clone()),
            None => {}
        }
        let at_least = own.as_ref().map(|own| format!(", at least as of purge {},", own.token));
        let what = format!("{what}{}", at_least.unwrap_or_default());
        let mut reading = self.fleet.reading(&self.name, which, &what);
        reading.own = own;
        let is_head = request.method == Method::Head;
        let Some(got) = self.fleet.ask(which, request, body.into_bytes()).await else { return };
        match id.filter(|_| is_head && got.status == 200) {
            Some(id) => self.judge_head(&reading, &got, id),
            None if is_head => {}
            None => self.fleet.judge_body(&reading, &got, view, id),
        }
    }

    /// What a head shows of a version, where the origin's answers have an `ETag`.
    fn judge_head(&self, reading: &Reading, got: &Got, id: &str) {
        let tag = got.headers.get("etag").map(|tag| tag.trim_matches('"'));
        // Where the origin has none, it is Evergraph's own.
        let of_origin = self.fleet.universe.apis[reading.service].validators == Validators::Tag;
        if let Some(version) = tag.filter(|_| of_origin).and_then(|tag| tag.parse().ok()) {
            self.fleet.judge_version(reading, got, &product(id), version);
        }
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
        universe.tell(|| format!("{}: write {write} to {}", self.name, request.url.path));
        let sent = self.fleet.sent(which, write);
        let told = Rc::new(RefCell::new(None));
        let (name, tell) = (self.name.clone(), told.clone());
        // What holds of the answer holds whether or not somebody waits for it.
        let look = move |fleet: &Rc<Fleet>, got: &Got| {
            tell.replace(fleet.judge_write(&name, sent, got));
        };
        let got = self.fleet.ask_and(which, request, body.into_bytes(), Some(sent), look).await;
        let Some(own) = told.take().filter(|_| got.is_some()) else { return };
        if let Some((name, value)) = own.cookie.clone() {
            self.cookies.borrow_mut().insert((self.fleet.host_of(service), name), value);
        }
        self.own.borrow_mut()[service] = Some(own);
    }

    /// All cookies that it has for a host.
    fn cookies_for(&self, host: usize) -> String {
        let cookies = self.cookies.borrow();
        let of_host = cookies.iter().filter(|((of, _), _)| *of == host);
        let pairs: Vec<String> =
            of_host.map(|((_, name), value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    /// Makes a product's answers stale.
    #[cfg(test)]
    pub async fn purge_softly(&self, which: usize, id: &str) {
        let mut request = request("POST", "/__evergraph/purge");
        request.headers.set("authorization", format!("Bearer {TOKEN}"));
        let body = json!({ "tags": [format!("Product:{id}")], "soft": true });
        self.fleet.ask(which, request, body.to_string().into_bytes()).await;
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
            self.fleet.pending(asked_to, &Shown { service, entity: product(id), version });
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
    fn host_of(&self, service: usize) -> usize {
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
