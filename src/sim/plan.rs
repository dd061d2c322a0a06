//! What a run is like: its size, its configurations, and its faults. All of it follows from the seed.

use super::faults::Faults;
use super::form_mix::Forms;
use super::random::Random;
use serde_json::{Value, json};

/// The token of the admin routes. It is too short to sign with.
pub const TOKEN: &str = "admin-token";

/// What a run is like.
#[derive(Debug, Clone)]
pub struct Plan {
    /// All else follows from it.
    pub seed: u64,
    /// For how many milliseconds things happen.
    pub millis: u64,
    /// Data centers.
    pub places: usize,
    /// Isolates of each service in each data center.
    pub isolates: usize,
    /// Clients.
    pub clients: usize,
    /// Services, which share KV and the edge caches.
    pub services: usize,
    /// How many products the API has.
    pub products: u64,
    /// For how many milliseconds a client does nothing between two requests, at most.
    pub pause: u64,
    /// For how many milliseconds it rests after twenty of them or so, at most.
    pub rest: u64,
    /// Every so many milliseconds chance decides what happens to isolates and the log.
    pub tick: u64,
    /// Whether what happens is written down.
    pub traced: bool,
    /// The clients with requests of other forms.
    pub(super) forms: Forms,
    /// What goes wrong.
    pub faults: Faults,
    /// How many calls a request may make.
    pub(super) calls: u64,
    /// The configuration of each service.
    pub configs: Vec<Value>,
    pub(super) max_lag: u64,
    /// How many milliseconds after a purge the log repeats it; 0 for never.
    pub(super) settle: u64,
    /// What the origin's REST answers say of their version.
    pub(super) validators: Validators,
}

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

/// How many runs in a thousand take hours.
const LONG_RUNS: u64 = 250;

/// How many calls the runtime allows a request, by plan.
const CALLS: [u64; 3] = [50, 10_000, 10_000];

impl Plan {
    /// The plans that do not take hours.
    #[cfg(test)]
    pub fn short() -> impl Iterator<Item = Self> {
        (1..).map(Self::of_seed).filter(|plan| plan.rest == 0)
    }

    /// The run of a seed.
    pub fn of_seed(seed: u64) -> Self {
        let random = Random::new(seed);
        let of_writes = Random::new(seed ^ 0x3817E);
        let of_log = Random::new(!seed);
        let of_runtime = Random::new(seed ^ 0x5275_7469_6D65);
        let of_tokens = Random::new(!seed ^ 0x70C3);
        let at_times = |often: u64| random.at_times(often);
        let faults = Faults {
            edge: at_times(100),
            edge_evicts: at_times(300),
            kv: at_times(200),
            kv_slow: at_times(200),
            kv_loses: at_times(200),
            kv_damages: at_times(400),
            kv_lag: at_times(60_000),
            kv_late_here: at_times(300),
            kv_hides: at_times(300),
            log_request: at_times(200),
            log_reply: at_times(200),
            log_damages: at_times(50),
            log_twice: at_times(100),
            log_slow: at_times(100),
            log_outages: at_times(60),
            log_forgets: at_times(100),
            log_replaced: at_times(20),
            origin_refuses: at_times(200),
            origin_slow: at_times(100),
            origin_breaks: at_times(100),
            origin_lag: if random.happens(200) { random.between(1, 8_000) } else { 0 },
            isolate_ends: at_times(300),
            drift: at_times(5_000),
            clock_steps: at_times(60),
            // From sources of their own, so that a seed's plan is what it was without them.
            origin_late: of_writes.at_times(200),
            origin_objects: of_writes.at_times(300),
            log_without_pages: of_log.at_times(60),
            log_rolled_back: of_log.at_times(20),
            isolate_over_limit: of_runtime.at_times(10),
            client_leaves: of_runtime.at_times(200),
            request_cancelled: of_runtime.at_times(500),
            origin_crawls: of_runtime.at_times(100),
            log_loses_storage: of_tokens.at_times(30),
            one_name: of_tokens.below(4) / 3,
            secrets_differ: of_tokens.below(4) / 3,
        };
        // A log that is new does not know what the one before it was to repeat.
        let repeats = faults.origin_lag > 0 || faults.origin_late > 0;
        let log_replaced = if repeats { 0 } else { faults.log_replaced };
        let log_loses_storage = if repeats { 0 } else { faults.log_loses_storage };
        let faults = Faults { log_replaced, log_loses_storage, ..faults };
        let settle = faults.origin_lag.div_ceil(1_000);
        let services = random.between(1, 2) as usize;
        let max_lag = random.between(1, 10);
        let mut configs: Vec<Value> =
            (0..services).map(|n| config(&random, n, max_lag, settle)).collect();
        let of_kv = Random::new(seed ^ 0x4B56_D0A7);
        for config in &mut configs {
            config["kv"]["writes_per_day"] = json!(of_kv.of(&[0, 0, 8, 60, 400]));
        }
        let (millis, rest, tick) = match of_runtime.happens(LONG_RUNS) {
            true => {
                (of_runtime.between(1, 6) * 3_600_000, of_runtime.between(1, 15) * 60_000, 30_000)
            }
            false => (120_000, 0, 1_000),
        };
        Self {
            seed,
            millis,
            rest,
            tick,
            traced: true,
            places: random.between(1, 3) as usize,
            isolates: random.between(1, 3) as usize,
            clients: random.between(2, 10) as usize,
            services,
            products: random.between(1, 6),
            pause: *random.of(&[300, 1_500, 1_500]),
            forms: Forms::of_seed(seed),
            faults,
            calls: *of_runtime.of(&CALLS),
            configs,
            max_lag: max_lag * 1_000,
            settle: settle * 1_000,
            validators: *random.of(&Validators::ALL),
        }
    }

    /// The plan, with what its clients of other forms need in the configurations.
    pub(super) fn with_forms(&self) -> Self {
        let mut plan = self.clone();
        plan.forms.extend(plan.seed, &mut plan.configs);
        plan
    }
}

fn config(random: &Random, service: usize, max_lag: u64, settle: u64) -> Value {
    let seconds = |several: &[u64]| *random.of(several);
    json!({
        "service": format!("service{service}"),
        "origin": format!("http://origin{service}"),
        "types": {
            "product": {
                "match": ["graphql:Query.product", "graphql:Query.products", "rest:/api/products/**"],
                "ttl": seconds(&[5, 60, 600]),
                "swr": seconds(&[0, 0, 10, 300]),
                "sie": seconds(&[0, 60, 600]),
            },
            "user": {
                "match": ["graphql:Query.me"],
                "ttl": seconds(&[30, 300]),
                "sie": seconds(&[0, 300]),
                "scope": "user",
            },
        },
        "scopes": { "user": { "by": ["header:authorization"] } },
        "resources": [{ "path": "/api/products/:id", "tags": ["Product", "Product:{id}"] }],
        "mutations": { "policy": random.of(&["entity", "list", "type"]) },
        "kv": {
            "timeout_ms": seconds(&[10, 50, 200]),
            "writes": random.of(&["always", "second-request", "never"]),
        },
        "origin_timeout": {
            "read_ms": seconds(&[0, 1_000, 30_000]),
            "write_ms": seconds(&[0, 2_000]),
        },
        "purge": { "max_lag": max_lag, "settle": settle, "cookie": random.happens(500) },
    })
}
