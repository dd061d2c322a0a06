//! The API behind Evergraph: products and users, in GraphQL and in REST. Everything has a version,
//! the number of the write that made it, and every answer says whose it is.

use super::forms::{account_of, documents, introspected, session, text_answer};
use super::sharing::echo;
use super::universe::Universe;
use super::world::EPOCH_MILLIS;
use crate::http::Headers;
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

/// What the origin said: status, headers, body.
pub type ApiResponse = (u16, Headers, Vec<u8>);

/// By when a write's own answer sees what is written: it does not come from the copy.
const WRITTEN: u64 = u64::MAX;

/// What REST answers say of their version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validators {
    /// Nothing.
    None,
    /// An `ETag`.
    Tag,
    /// A `Last-Modified` in whole minutes, which tells no versions of one minute apart.
    Date,
}

impl Validators {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::None, Self::Tag, Self::Date];
}

/// The API of one service.
pub struct Api {
    pub service: usize,
    /// The versions of each entity in their order, with when reads see each: they may be answered
    /// from a copy that lags behind the writes.
    versions: RefCell<BTreeMap<String, Vec<(u64, u64)>>>,
    writes: Cell<u64>,
    /// When each version came to be.
    changed_at: RefCell<BTreeMap<u64, u64>>,
    /// How often each write arrived, by the client's own number for it.
    pub arrivals: RefCell<BTreeMap<u64, u32>>,
    /// What each write made: the entity and its version.
    pub made: RefCell<BTreeMap<u64, (String, u64)>>,
    products: u64,
    pub validators: Validators,
}

impl Api {
    pub fn new(service: usize, products: u64, validators: Validators) -> Self {
        Self {
            service,
            versions: RefCell::default(),
            writes: Cell::new(0),
            changed_at: RefCell::default(),
            arrivals: RefCell::default(),
            made: RefCell::default(),
            products,
            validators,
        }
    }

    /// The version of an entity that reads see by then.
    pub fn version(&self, entity: &str, now: u64) -> u64 {
        let versions = self.versions.borrow();
        let mut newest_first = versions.get(entity).into_iter().flatten().rev();
        newest_first.find(|(seen_at, _)| *seen_at <= now).map_or(0, |(_, version)| *version)
    }

    /// Changes an entity, behind Evergraph's back.
    pub fn change(&self, universe: &Universe, entity: &str) -> u64 {
        let (now, version) = (universe.now(), self.writes.get() + 1);
        let seen_at = now + universe.random.between(0, universe.faults.get().origin_lag);
        self.writes.set(version);
        self.changed_at.borrow_mut().insert(version, now);
        self.versions.borrow_mut().entry(entity.to_owned()).or_default().push((seen_at, version));
        version
    }

    /// When a version came to be.
    pub fn changed_at(&self, version: u64) -> u64 {
        self.changed_at.borrow().get(&version).copied().unwrap_or(0)
    }

    /// Answers a request; none where the connection breaks.
    pub async fn answer(
        &self,
        universe: &Universe,
        method: &str,
        path: &str,
        headers: &Headers,
        body: &[u8],
    ) -> Option<ApiResponse> {
        universe.takes(5, 60).await;
        if universe.fails(|faults| faults.origin_slow) {
            universe.takes(500, 8_000).await;
        }
        let writes = method != "GET" && (path != "/graphql" || mutates(body));
        if writes && universe.fails(|faults| faults.origin_crawls) {
            universe.takes(8_000, 50_000).await;
        }
        if universe.fails(|faults| faults.origin_refuses) {
            return Some((503, json_type(), b"{\"error\":\"busy\"}".to_vec()));
        }
        let cookies = headers.get("cookie").unwrap_or_default();
        if headers.get("evergraph-purge").is_some() || cookies.contains("evergraph-purge") {
            universe.laws.broken(format!("the origin was told a purge's number: {method} {path}"));
        }
        let said = self.handle(universe, method, path, headers, body);
        universe
            .tell(|| format!("origin{}: {method} {path} shows {}", self.service, brief(&said.2)));
        universe.takes(1, 60).await;
        if universe.fails(|faults| faults.origin_slow) {
            universe.takes(500, 8_000).await;
        }
        if universe.fails(|faults| faults.origin_breaks) {
            universe.tell(|| format!("origin{}: the answer is lost", self.service));
            return None;
        }
        Some(said)
    }

    /// Does what a request asks, and answers it.
    pub fn handle(
        &self,
        universe: &Universe,
        method: &str,
        path: &str,
        headers: &Headers,
        body: &[u8],
    ) -> ApiResponse {
        if let Some((fields, answer)) = echo(path, headers, body) {
            return (200, fields, answer.to_string().into_bytes());
        }
        let who = headers.get("authorization").unwrap_or_default().to_owned();
        if let Some(said) = text_answer(self, universe, method, path, headers)
            .or_else(|| session(self, universe, method, path, headers))
        {
            return said;
        }
        if path != "/graphql" {
            return self.rest(universe, method, path, headers);
        }
        let now = universe.now();
        let Ok(request) = serde_json::from_slice::<Value>(body) else {
            return (400, json_type(), b"{\"errors\":[{\"message\":\"no JSON\"}]}".to_vec());
        };
        if let Value::Array(several) = &request {
            let answers = several.iter().map(|one| {
                let one = one.to_string();
                let said = self.handle(universe, method, path, headers, one.as_bytes());
                serde_json::from_slice::<Value>(&said.2).unwrap()
            });
            let answers = Value::Array(answers.collect());
            return (200, json_type(), answers.to_string().into_bytes());
        }
        let documents = documents();
        let named = request["documentId"].as_str().and_then(|id| documents[id].as_str());
        let query = named.or(request["query"].as_str()).unwrap_or_default();
        if query.contains("__schema") {
            return (200, json_type(), introspected().to_string().into_bytes());
        }
        let id = request["variables"]["id"].as_str().unwrap_or("0").to_owned();
        let data = if query.contains("updateProduct") {
            self.write(universe, &request["variables"]["write"], &product(&id));
            json!({ "updateProduct": self.object("Product", &id, &who, WRITTEN) })
        } else if query.contains("touch") {
            self.write(universe, &request["variables"]["write"], &product(&id));
            let mut touched = self.object("Product", &id, &who, WRITTEN);
            touched.as_object_mut().unwrap().remove("__typename");
            json!({ "touch": touched })
        } else if query.contains("updateMe") {
            self.write(universe, &request["variables"]["write"], &user(&who));
            json!({ "updateMe": self.object("User", &who, &who, WRITTEN) })
        } else if query.contains("products") {
            let all = (0..self.products).map(|n| n.to_string());
            let all = all.map(|id| self.object("Product", &id, &who, now));
            json!({ "products": all.collect::<Vec<_>>() })
        } else if query.contains("account") {
            let who = account_of(headers);
            json!({ "account": self.object("User", &who, &who, now) })
        } else if query.contains("me") && query.contains("Me") {
            json!({ "me": self.object("User", &who, &who, now) })
        } else {
            json!({ "product": self.object("Product", &id, &who, now) })
        };
        let mut answer = json!({ "data": data });
        let mutates = query.starts_with("mutation");
        if mutates && universe.fails(|faults| faults.origin_objects) {
            answer["errors"] = json!([{ "message": "and yet it ran", "path": ["x"] }]);
            return (422, json_type(), answer.to_string().into_bytes());
        }
        (200, json_type(), answer.to_string().into_bytes())
    }

    fn rest(
        &self,
        universe: &Universe,
        method: &str,
        path: &str,
        headers: &Headers,
    ) -> ApiResponse {
        let id = path.rsplit('/').next().unwrap_or_default();
        let mut by = universe.now();
        if method == "PUT" {
            let write = headers.get("x-write").and_then(|number| number.parse::<u64>().ok());
            self.write(universe, &json!(write), &product(id));
            by = WRITTEN;
        }
        let body = self.object("Product", id, "", by).to_string();
        let mut said = json_type();
        let version = self.version(&product(id), by);
        let changed = (EPOCH_MILLIS + self.changed_at(version)) / 60_000 * 60;
        let known = match self.validators {
            Validators::None => false,
            Validators::Tag => {
                let tag = format!("\"{version}\"");
                said.set("etag", tag.as_str());
                headers.get("if-none-match").is_some_and(|asked| asked == tag)
            }
            Validators::Date => {
                let date = UNIX_EPOCH + Duration::from_secs(changed);
                said.set("last-modified", httpdate::fmt_http_date(date));
                let asked = headers.get("if-modified-since");
                asked
                    .and_then(|asked| httpdate::parse_http_date(asked).ok())
                    .is_some_and(|asked| date <= asked)
            }
        };
        match method {
            "GET" if known => (304, said, Vec::new()),
            "HEAD" => (200, said, Vec::new()),
            _ => (200, said, body.into_bytes()),
        }
    }

    /// Does a client's write, and returns the version that it makes.
    pub fn write(&self, universe: &Universe, number: &Value, entity: &str) -> u64 {
        let version = self.change(universe, entity);
        if let Some(number) = number.as_u64() {
            *self.arrivals.borrow_mut().entry(number).or_default() += 1;
            self.made.borrow_mut().insert(number, (entity.to_owned(), version));
        }
        version
    }

    /// An object as reads see it by then.
    fn object(&self, type_name: &str, id: &str, who: &str, by: u64) -> Value {
        let entity = if type_name == "Product" { product(id) } else { user(id) };
        let who = if type_name == "Product" { "" } else { who };
        json!({
            "__typename": type_name,
            "id": id,
            "v": self.version(&entity, by),
            "who": who,
            "service": self.service,
        })
    }
}

fn mutates(body: &[u8]) -> bool {
    body.windows(8).any(|words| words == b"mutation")
}

/// The name of a product among entities.
pub fn product(id: &str) -> String {
    format!("product {id}")
}

/// The name of a user among entities.
pub fn user(who: &str) -> String {
    format!("user {who}")
}

fn json_type() -> Headers {
    [("content-type", "application/json")].into_iter().collect()
}

/// The objects in an answer of this API.
pub fn objects(body: &Value) -> Vec<&Value> {
    match body.get("data") {
        None => vec![body],
        Some(data) => data
            .as_object()
            .into_iter()
            .flat_map(|data| data.values())
            .flat_map(|value| match value {
                Value::Array(items) => items.iter().collect(),
                one => vec![one],
            })
            .filter(|value| value.is_object())
            .collect(),
    }
}

/// What an answer shows, in few words.
pub fn brief(body: &[u8]) -> String {
    let Ok(parsed) = serde_json::from_slice::<Value>(body) else {
        return String::from_utf8_lossy(body).chars().take(200).collect();
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let shown = objects(&parsed).into_iter().filter(|object| object["id"].is_string());
    let shown = shown.map(|object| {
        let entity = match object["__typename"].as_str() {
            Some("User") => user(&text(&object["id"])),
            _ => product(&text(&object["id"])),
        };
        format!("{entity} at version {}", object["v"])
    });
    match shown.collect::<Vec<_>>() {
        none if none.is_empty() => parsed.to_string(),
        some => some.join(", "),
    }
}
