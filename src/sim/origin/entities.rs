//! What the API has: entities, each with a version, the number of the write that made it.

use crate::http::Headers;
use crate::sim::environment::Environment;
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

/// What the origin said: status, headers, body.
pub type ApiResponse = (u16, Headers, Vec<u8>);

/// The entities of one service.
pub struct Entities {
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
}

impl Entities {
    pub fn new(service: usize) -> Self {
        Self {
            service,
            versions: RefCell::default(),
            writes: Cell::new(0),
            changed_at: RefCell::default(),
            arrivals: RefCell::default(),
            made: RefCell::default(),
        }
    }

    /// The version of an entity that reads see by then.
    pub fn version(&self, entity: &str, now: u64) -> u64 {
        let versions = self.versions.borrow();
        let mut newest_first = versions.get(entity).into_iter().flatten().rev();
        newest_first.find(|(seen_at, _)| *seen_at <= now).map_or(0, |(_, version)| *version)
    }

    /// Changes an entity, behind Evergraph's back.
    pub fn change(&self, environment: &Environment, entity: &str) -> u64 {
        let (now, version) = (environment.now(), self.writes.get() + 1);
        let seen_at = now + environment.random.between(0, environment.faults.get().origin_lag);
        self.writes.set(version);
        self.changed_at.borrow_mut().insert(version, now);
        self.versions.borrow_mut().entry(entity.to_owned()).or_default().push((seen_at, version));
        version
    }

    /// When a version came to be.
    pub fn changed_at(&self, version: u64) -> u64 {
        self.changed_at.borrow().get(&version).copied().unwrap_or(0)
    }

    /// Does a client's write, and returns the version that it makes.
    pub fn write(&self, environment: &Environment, number: &Value, entity: &str) -> u64 {
        let version = self.change(environment, entity);
        if let Some(number) = number.as_u64() {
            *self.arrivals.borrow_mut().entry(number).or_default() += 1;
            self.made.borrow_mut().insert(number, (entity.to_owned(), version));
        }
        version
    }
}

/// The name of a product among entities.
pub fn product(id: &str) -> String {
    format!("product {id}")
}

/// The name of a user among entities.
pub fn user(who: &str) -> String {
    format!("user {who}")
}

/// The name of a text among entities.
pub fn text(id: &str) -> String {
    format!("text {id}")
}

/// The name of a session among entities.
pub fn session_of(sid: &str) -> String {
    format!("session {sid}")
}
