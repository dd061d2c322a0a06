//! A client: what it reads and writes, and what it remembers of its writes.

use super::fleet::{ClientResponse, Fleet};
use super::judging::{BY_LIST, BY_QUERY, BY_REST, OwnWrite, Reading};
use super::laws::ShownVersion;
use super::origin::{product, user};
use super::plan::{TOKEN, Validators};
use super::requests::{ME, PRODUCT, PRODUCTS_QUERY, TOUCH, UPDATE, UPDATE_ME, graphql, request};
use crate::http::{Method, Request};
use serde_json::json;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// A client, which remembers what it wrote.
pub struct Client {
    fleet: Rc<Fleet>,
    name: String,
    /// Its last write at each service.
    own: RefCell<Vec<Option<OwnWrite>>>,
    /// Its cookies by their hosts and names.
    cookies: RefCell<BTreeMap<(usize, String), String>>,
}

impl Client {
    pub fn new(fleet: Rc<Fleet>, number: usize) -> Self {
        let own = RefCell::new(vec![None; fleet.configs.len()]);
        Self { fleet, name: format!("client{number}"), own, cookies: RefCell::default() }
    }

    /// The isolates that it sends requests to.
    #[cfg(test)]
    pub fn fleet(&self) -> Rc<Fleet> {
        self.fleet.clone()
    }

    /// Sends one request after the other, with short pauses, until the end. At times it rests.
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

    /// Sends a HEAD for a product. The response may renew what is stored, or end it.
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

    /// Judges the version that a HEAD shows, if the origin's responses have an `ETag`.
    fn judge_head(&self, reading: &Reading, got: &ClientResponse, id: &str) {
        let tag = got.headers.get("etag").map(|tag| tag.trim_matches('"'));
        // If the origin sends none, the tag is Evergraph's own.
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
        universe.trace(|| format!("{}: write {write} to {}", self.name, request.url.path));
        let sent = self.fleet.sent(which, write);
        let told = Rc::new(RefCell::new(None));
        let (name, tell) = (self.name.clone(), told.clone());
        // The laws hold of the response whether or not the client waits for it.
        let look = move |fleet: &Rc<Fleet>, got: &ClientResponse| {
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

    /// Makes a product's stored responses stale.
    #[cfg(test)]
    pub async fn purge_softly(&self, which: usize, id: &str) {
        let mut request = request("POST", "/__evergraph/purge");
        request.headers.set("authorization", format!("Bearer {TOKEN}"));
        let body = json!({ "tags": [format!("Product:{id}")], "soft": true });
        self.fleet.ask(which, request, body.to_string().into_bytes()).await;
    }

    /// Changes data behind Evergraph's back, and purges it.
    pub async fn change_and_purge(&self, which: usize, id: &str) {
        let universe = &self.fleet.universe;
        let service = self.fleet.service_of(which);
        let version = universe.apis[service].entities.change(universe, &product(id));
        universe.trace(|| format!("{}: product {id} becomes version {version}", self.name));
        let mut request = request("POST", "/__evergraph/purge");
        request.headers.set("authorization", format!("Bearer {TOKEN}"));
        let tags = json!({ "tags": [format!("Product:{id}")] });
        let asked_to = self.fleet.group_of(which);
        let got = self.fleet.ask(which, request, tags.to_string().into_bytes()).await;
        let Some(status) = got.map(|got| got.status) else { return };
        universe.trace(|| format!("{}: the purge of product {id} is answered {status}", self.name));
        if status == 200 {
            universe.laws.note_recorded(service, &product(id), version, universe.now());
        } else {
            // The log did not take it, and the isolate will try again.
            let at = universe.apis[service].entities.changed_at(version) + self.fleet.settles;
            universe.laws.note_written(asked_to, &product(id), version, at);
            self.fleet.pending(asked_to, &ShownVersion { service, entity: product(id), version });
        }
    }
}
