//! All that the isolates of a run share: the environment, the stores, the logs, and the origins.

use super::environment::Environment;
use super::origin::Api;
use super::plan::Plan;
use super::stores::{Edge, Kv, LogObject};
use crate::config;
use crate::time::Ttl;
use std::cell::Cell;
use std::ops::Deref;
use std::rc::Rc;

/// All that a run consists of, but for its isolates and clients.
pub struct Universe {
    environment: Environment,
    /// How long the origin takes for writes, if that is minutes.
    pub slow: Cell<Option<SlowOrigin>>,
    /// The edge cache of each place.
    pub edges: Vec<Edge>,
    pub kv: Kv,
    /// The purge log of each service.
    pub logs: Vec<LogObject>,
    /// The origin of each service.
    pub apis: Vec<Api>,
}

/// How an origin takes its time for writes.
#[derive(Debug, Clone, Copy)]
pub struct SlowOrigin {
    /// After how many milliseconds it commits and responds.
    pub commits: u64,
    /// After how many a gateway before it responds with 504.
    pub gives_up: u64,
}

impl Universe {
    pub fn new(plan: &Plan) -> Rc<Self> {
        let Plan { places, services, products, faults, settle, validators, .. } = *plan;
        let environment = Environment::new(plan);
        let random = &environment.random;
        let log = |config| {
            let epoch = random.next() >> 11;
            LogObject::new(epoch, settle, random, &faults, retention_of(config))
        };
        Rc::new(Self {
            slow: Cell::new(None),
            edges: (0..places).map(|_| Edge::default()).collect(),
            kv: Kv::new(places),
            logs: plan.configs.iter().map(log).collect(),
            apis: (0..services).map(|n| Api::new(n, products, validators)).collect(),
            environment,
        })
    }
}

impl Deref for Universe {
    type Target = Environment;

    fn deref(&self) -> &Environment {
        &self.environment
    }
}

/// The longest lifetime of any entry of a service.
fn retention_of(config: &serde_json::Value) -> Ttl {
    config::parse(config).map_or(Ttl::ZERO, |config| config.longest_lifetime())
}
