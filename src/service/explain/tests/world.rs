//! A world with one isolate, whose requests are explained and sent.

use super::requests::{Asked, JWT_SECRET, Sent, admin_call, request};
use crate::http::{Headers, Method};
use crate::service::isolate::Isolate;
use crate::service::respond::Reply;
use crate::service::router::Service;
use crate::service::testing::{Call, SentRequest, TestRuntime};
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// A world with one isolate.
pub struct World {
    pub runtime: TestRuntime,
    isolate: RefCell<Rc<Isolate>>,
    was_paused: Cell<bool>,
    config: Value,
}

/// A response as the client sees it.
#[derive(Debug, PartialEq)]
pub struct Seen {
    pub status: u16,
    pub headers: Headers,
    pub body: Vec<u8>,
}

impl World {
    pub fn new(config: &Value, cache_control: &'static str) -> Self {
        let runtime = TestRuntime::new();
        runtime.has_secrets(Some("secret"), Some(JWT_SECRET));
        runtime.origin_answers(move |sent| answer(sent, cache_control));
        let isolate = RefCell::new(Isolate::new(config));
        Self { runtime, isolate, was_paused: Cell::default(), config: config.clone() }
    }

    pub fn send(&self, sent: &Sent) -> Seen {
        self.runtime.sends(sent.request.method.as_str(), &sent.body);
        let service = Service::new(self.runtime.clone(), self.isolate.borrow().clone());
        let reply = self.runtime.run(service.handle(sent.request.clone()));
        // An explanation takes no time, so that ages are the same afterwards. All other requests are over
        // when their background work is.
        if !sent.request.url.path.ends_with("/explain") {
            self.runtime.advance(50);
        }
        match reply {
            Reply::Whole(response) => Seen {
                status: response.status,
                headers: response.headers,
                body: response.body.to_vec(),
            },
            Reply::Origin { status, headers, .. } => Seen { status, headers, body: vec![] },
            Reply::Untouched { .. } | Reply::Socket { .. } => {
                Seen { status: 101, headers: Headers::new(), body: vec![] }
            }
        }
    }

    /// Another isolate takes over, with the same stores.
    pub fn restart(&self) {
        self.isolate.replace(Isolate::new(&self.config));
    }

    /// What happens between two requests.
    pub fn step(&self, step: &str, asked_for: &[Asked]) {
        match step {
            "later" => self.runtime.advance(3_000),
            "restart" => {
                self.restart();
                // An isolate learns of a pause when it first reads the log, and explaining reads it too.
                if self.was_paused.get() {
                    let request = request(Method::Get, "/__evergraph/health");
                    self.send(&Sent { request, body: String::new() });
                }
            }
            step => {
                self.was_paused.set(self.was_paused.get() || step == "pause");
                if let Some((route, body)) = admin_call(step, asked_for) {
                    self.admin(route, &body);
                }
            }
        }
    }

    /// The explained cache types that the isolate does not know to have matched.
    pub fn uncounted(&self, explained: &Value) -> Vec<String> {
        let totals = self.isolate.borrow().base.stats.totals();
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let operations = list(&explained["operations"]);
        let types = operations.iter().chain([explained]).flat_map(|one| list(&one["types"]));
        let names = types.map(|one| one["name"].as_str().unwrap_or_default().to_owned());
        let is_known = |name: &str| totals.types.get(name).is_some() || !totals.matched.lacks(name);
        names.filter(|name| name != "default" && !is_known(name)).collect()
    }

    pub fn admin(&self, route: &str, body: &Value) -> Value {
        let mut request = request(Method::Post, &format!("/__evergraph/{route}"));
        request.headers.set("authorization", "Bearer secret");
        let seen = self.send(&Sent { request, body: body.to_string() });
        assert_eq!(seen.status, 200, "{body}: {}", String::from_utf8_lossy(&seen.body));
        serde_json::from_slice(&seen.body).unwrap()
    }

    /// Explains a request. Nothing is written, and the origin is not asked.
    pub fn explain(&self, sent: &Sent) -> Value {
        // The edge cache gets what the log has said, for other isolates.
        const WRITES: [Call; 5] =
            [Call::KvPut, Call::KvDelete, Call::LogAppend, Call::LogIntend, Call::Fetch];
        let writes = || WRITES.map(|call| self.runtime.calls(call));
        let before = (writes(), self.runtime.sent().len());
        let mut headers = serde_json::Map::new();
        headers.insert("accept".to_owned(), json!([]));
        // The token of a debug request is not judged in an explanation. Without it the request is the same.
        let is_debug = sent.request.headers.get("authorization") == Some("Bearer secret");
        let of_debug =
            |name: &str| is_debug && ["authorization", "evergraph-debug"].contains(&name);
        for (name, value) in sent.request.headers.iter().filter(|(name, _)| !of_debug(name)) {
            let list = headers.entry(name).or_insert_with(|| json!([]));
            list.as_array_mut().unwrap().push(json!(value));
        }
        let url = &sent.request.url;
        let mut described = json!({
            "method": sent.request.method.as_str(),
            "url": format!("{}{}", url.origin(), url.target()),
            "headers": headers,
        });
        if !sent.body.is_empty() {
            described["body"] = json!(sent.body);
        }
        let explained = self.admin("explain", &described);
        assert_eq!((writes(), self.runtime.sent().len()), before, "{described}");
        explained
    }
}

/// The origin: GraphQL fields are objects of one type, and REST resources are JSON.
pub fn answer(sent: &SentRequest, cache_control: &str) -> (u16, Headers, Vec<u8>) {
    let mut headers: Headers = [("content-type", "application/json")].into_iter().collect();
    if !cache_control.is_empty() {
        headers.set("cache-control", cache_control);
    }
    let one = json!({ "data": { "f0": { "__typename": "F0", "id": "1" } } });
    let body = match serde_json::from_slice::<Value>(&sent.body) {
        Ok(Value::Array(all)) => Value::Array(vec![one; all.len()]),
        _ if sent.url.contains("/graphql") => one,
        _ => json!({ "id": 1 }),
    };
    (200, headers, body.to_string().into_bytes())
}
