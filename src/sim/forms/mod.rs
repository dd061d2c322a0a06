//! Requests of every form: clients that each use one part of what Evergraph understands, beside the
//! clients of any run.
//!
//! Which of them a run has follows from its seed, and so does what of the configuration only some
//! services set: `purge.wait`, `purge.unreadable`, `graphql.schema`, tokens.

mod people;
mod purges;
mod queries;
mod schemas;
mod texts;

pub use people::{account_of, session, verified};
pub use queries::documents;
pub use schemas::introspected;
pub use texts::{text, text_answer};

use super::clients::Fleet;
use super::random::Random;
use super::run::{Plan, TOKEN};
use crate::http::Request;
use serde_json::{Value, json};
use std::rc::Rc;

/// What `JWT_SECRET` is.
pub const SECRET: &str = "a-simulated-secret-of-32-bytes-or-more";

/// The clients of a run, by their kinds.
#[derive(Debug, Clone, Copy, Default)]
pub struct Forms {
    purgers: usize,
    readers: usize,
    callers: usize,
    people: usize,
    schemas: bool,
}

impl Forms {
    /// Those of a seed, half of which have none.
    pub fn of_seed(seed: u64) -> Self {
        let random = Random::new(seed ^ 0x0046_6F72_6D73);
        if random.happens(500) {
            return Self::default();
        }
        let some = |most: u64| random.below(most + 1) as usize;
        Self {
            purgers: some(2),
            readers: some(3),
            callers: some(3),
            people: some(3),
            schemas: random.happens(300),
        }
    }

    fn any(self) -> bool {
        self.purgers + self.readers + self.callers + self.people > 0 || self.schemas
    }

    /// The plan, with what these clients need in its configurations.
    pub fn extend(self, plan: &Plan) -> Plan {
        let mut plan = plan.clone();
        let random = Random::new(plan.seed ^ 0x636F_6E66_6967);
        for config in plan.configs.iter_mut().filter(|_| self.any()) {
            extend(config, &random, self.schemas);
        }
        plan
    }

    /// Lets all of them live.
    pub fn live(self, fleet: &Rc<Fleet>, plan: &Plan) {
        let times = Times { until: plan.millis, pause: plan.pause, rest: plan.rest };
        let executor = &fleet.universe.executor;
        for number in 0..self.purgers {
            executor.spawn(0, purges::live(fleet.clone(), format!("purger{number}"), times));
        }
        for number in 0..self.readers {
            executor.spawn(0, texts::live(fleet.clone(), format!("reader{number}"), times));
        }
        for number in 0..self.callers {
            executor.spawn(0, queries::live(fleet.clone(), format!("caller{number}"), times));
        }
        for number in 0..self.people {
            executor.spawn(0, people::live(fleet.clone(), format!("person{number}"), times));
        }
        if self.schemas {
            executor.spawn(0, schemas::live(fleet.clone(), times));
        }
    }
}

fn extend(config: &mut Value, random: &Random, schemas: bool) {
    let seconds = |several: &[u64]| *random.of(several);
    config["types"]["text"] = json!({
        "match": ["rest:/api/texts/**"],
        "ttl": seconds(&[5, 60, 600]),
        "swr": seconds(&[0, 0, 60]),
        "sie": seconds(&[0, 600]),
    });
    config["types"]["account"] = json!({ "match": ["graphql:Query.account"], "ttl": seconds(&[30, 300]), "scope": "person" });
    config["types"]["session"] =
        json!({ "match": ["rest:/api/session"], "ttl": seconds(&[30, 300]), "scope": "session" });
    config["scopes"]["person"] = json!({ "by": ["jwt:sub"] });
    config["scopes"]["session"] = json!({ "by": ["cookie:sid"] });
    config["jwt"] = json!({ "header": "x-token", "algorithms": ["HS256"] });
    let texts = json!({ "path": "/api/texts/:id", "tags": ["Text", "Text:{id}"] });
    if let Some(resources) = config["resources"].as_array_mut() {
        resources.push(texts);
    }
    config["purge"]["wait"] = json!(random.happens(800));
    config["purge"]["unreadable"] = json!(if random.happens(150) { "serve" } else { "miss" });
    if schemas {
        config["graphql"] = json!({ "schema": random.of(&["introspect", "none"]) });
    }
}

/// How a client spends its time.
#[derive(Debug, Clone, Copy)]
struct Times {
    until: u64,
    pause: u64,
    rest: u64,
}

impl Times {
    /// Waits until the next request; false where the run is over.
    async fn pass(self, fleet: &Fleet) -> bool {
        let universe = &fleet.universe;
        universe.takes(10, 2 * self.pause).await;
        if self.rest > 0 && universe.random.happens(50) {
            universe.takes(self.rest / 10, self.rest).await;
        }
        universe.now() < self.until
    }
}

/// Any isolate.
fn somewhere(fleet: &Fleet) -> usize {
    fleet.universe.random.below(fleet.isolates() as u64) as usize
}

/// A request to one of the admin routes.
fn admin(method: &str, route: &str) -> Request {
    let mut request = super::clients::request(method, &format!("/__evergraph/{route}"));
    request.headers.set("authorization", format!("Bearer {TOKEN}"));
    request
}
