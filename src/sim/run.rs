//! One run: a world, its clients, and what came of it.

use super::clients::{Client, Fleet};
use super::forms::Forms;
use super::origin::Validators;
use super::random::Random;
use super::universe::{Faults, Universe};
use serde_json::{Value, json};
use std::rc::Rc;

/// The token of the admin routes. It is too short to sign with.
pub const TOKEN: &str = "admin-token";

/// What a run is like.
#[derive(Debug, Clone)]
pub struct Plan {
    /// All else follows from it.
    pub seed: u64,
    /// For how many milliseconds things happen.
    pub millis: u64,
    /// Data centres.
    pub places: usize,
    /// Isolates of each service in each data centre.
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

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    /// What did not hold. Empty is good.
    pub broken: Vec<String>,
    /// What happened, line by line.
    pub trace: Vec<String>,
    /// Reads that were answered from the cache, by the origin after a look-up, and without one.
    pub reads: [u64; 3],
    /// Faults that happened.
    pub faults: u64,
    /// Simulated milliseconds.
    pub millis: u64,
}

/// How long everything works again before all is read once more: what was put into the outbox last is seen everywhere after a minute, found within another, and
/// obeyed within `max_lag`.
const CALM_MILLIS: u64 = 200_000;

/// How long all is read once more.
const LAST_MILLIS: u64 = 120_000;

/// How often an isolate is asked meanwhile.
const CALM_READS_MILLIS: u64 = 10_000;

/// How many runs in a thousand take hours.
const LONG_RUNS: u64 = 250;

/// How many calls the runtime allows a request, by plan.
const CALLS: [u64; 3] = [50, 10_000, 10_000];

/// How often the cron trigger fires.
const CRON_MILLIS: u64 = 60_000;

/// How often the log's alarm goes off, where nothing else sets it.
const TEND_MINUTES: u64 = 60;

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
        let configs = (0..services).map(|n| config(&random, n, max_lag, settle)).collect();
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

/// Runs a plan.
pub fn run(plan: &Plan) -> Outcome {
    run_beside(plan, |_, _| {})
}

/// Runs a plan, and what else is begun beside it.
pub(super) fn run_beside(plan: &Plan, begin: impl FnOnce(&Rc<Universe>, &Rc<Fleet>)) -> Outcome {
    let plan = &plan.forms.extend(plan);
    let universe = Universe::new(plan);
    let fleet = Fleet::new(universe.clone(), plan);
    begin(&universe, &fleet);
    for number in 0..plan.clients {
        let client = Client::new(fleet.clone(), number);
        universe.executor.spawn(0, client.live(plan.millis, plan.pause, plan.rest));
    }
    plan.forms.live(&fleet, plan);
    let (chaos, of_chaos, until) = (universe.clone(), fleet.clone(), plan.millis);
    let tick = plan.tick;
    universe.executor.spawn(0, async move {
        while chaos.now() < until {
            chaos.executor.sleep(tick).await;
            if chaos.fails(|faults| faults.isolate_ends) {
                of_chaos.end_one();
            }
            let service = chaos.random.below(of_chaos.configs.len() as u64) as usize;
            let log = &chaos.logs[service];
            if chaos.fails(|faults| faults.log_outages) {
                let millis = chaos.random.between(500, 20_000);
                log.fails_until(chaos.now() + millis, &chaos.random, chaos.faults.get().drift);
                chaos.tell(|| format!("log{service} is out of reach for {millis} ms"));
            }
            if chaos.fails(|faults| faults.log_forgets) {
                let kept = chaos.random.between(0, 10) as usize;
                log.forgets(kept);
                chaos.tell(|| format!("log{service} keeps only its last {kept} records"));
            }
            if chaos.faults.get().log_without_pages > 0
                && chaos.fails(|faults| faults.log_without_pages)
            {
                let kept = chaos.random.between(0, 10) as usize;
                log.runs_without_pages(kept);
                chaos
                    .tell(|| format!("log{service} has run without pages and kept {kept} records"));
            }
            if chaos.faults.get().log_rolled_back > 0
                && chaos.fails(|faults| faults.log_rolled_back)
            {
                log.is_rolled_back(chaos.now());
                chaos.tell(|| format!("log{service} has an older storage"));
            }
            if chaos.faults.get().log_loses_storage > 0
                && chaos.fails(|faults| faults.log_loses_storage)
            {
                log.loses_storage(chaos.now());
                chaos.tell(|| format!("log{service} has lost its storage"));
            }
            if chaos.fails(|faults| faults.log_replaced) {
                of_chaos.deploy_anew(service);
            }
            if chaos.fails(|faults| faults.clock_steps) {
                chaos.step_clock();
            }
        }
    });
    let (clock, of_clock, services) = (universe.clone(), fleet.clone(), fleet.configs.len());
    universe.executor.spawn(0, async move {
        for minute in 1.. {
            clock.executor.sleep(CRON_MILLIS).await;
            if minute % TEND_MINUTES == 0 {
                clock.logs.iter().for_each(|log| log.tends(clock.now()));
            }
            (0..services).for_each(|service| of_clock.tend(service));
        }
    });
    universe.executor.run_until(plan.millis + 60_000);
    // Once everything works again, nothing old is left anywhere.
    universe.faults.set(Faults::default());
    let calm = plan.millis + 60_000 + CALM_MILLIS;
    universe.laws.settle(universe.now(), |isolate| fleet.lives(isolate));
    // An isolate that nobody asks records nothing of what waits in its memory.
    let asking = Client::new(fleet.clone(), plan.clients + 1);
    let (slow, of_slow) = (universe.clone(), fleet.clone());
    universe.executor.spawn(0, async move {
        while slow.now() < calm {
            for which in 0..of_slow.isolates() {
                asking.read_product(which, "0").await;
            }
            slow.executor.sleep(CALM_READS_MILLIS).await;
        }
    });
    universe.executor.run_until(calm);
    let last = Client::new(fleet.clone(), plan.clients);
    let of_all = fleet.clone();
    universe.executor.spawn(0, async move {
        // The first requests bring the log what it did not take before.
        for which in 0..of_all.isolates() {
            last.read_all(which).await;
        }
        of_all.all_writes_are_due();
        of_all.universe.takes(of_all.grace, of_all.grace).await;
        for which in 0..of_all.isolates() {
            last.read_all(which).await;
        }
    });
    universe.executor.run_until(calm + LAST_MILLIS);
    universe.laws.all_promised_are_recorded(|service| universe.logs[service].given());
    for (service, api) in universe.apis.iter().enumerate() {
        for (write, times) in api.arrivals.borrow().iter().filter(|(_, times)| **times > 1) {
            universe
                .laws
                .broken(format!("write {write} arrived {times} times at service {service}"));
        }
    }
    universe.executor.clear();
    fleet.in_flight.take();
    Outcome {
        broken: universe.laws.all_broken(),
        trace: universe.trace(),
        reads: fleet.counts.get(),
        faults: universe.faults_done.get(),
        millis: universe.now(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_seed_breaks_a_law() {
        for plan in Plan::short().take(20) {
            let (seed, outcome) = (plan.seed, run(&plan));
            assert!(
                outcome.broken.is_empty(),
                "{:#?}\nshow how: npm run sim -- --seeds 1 --first {seed}",
                outcome.broken
            );
            assert!(outcome.reads.iter().sum::<u64>() > 0);
        }
    }

    #[test]
    fn a_value_of_a_later_version_purges_everything_once_and_stays() {
        let mut plan = Plan::of_seed(1);
        (plan.places, plan.isolates, plan.services) = (1, 1, 1);
        plan.faults = Faults::default();
        plan.configs = vec![json!({ "service": "service0" })];
        let universe = Universe::new(&plan);
        let fleet = Fleet::new(universe.clone(), &plan);
        let checksum = xxhash_rust::xxh3::xxh3_64_with_seed(b"new", 3).to_le_bytes();
        let value = [b"EGO\x03".as_slice(), &checksum, b"new"].concat();
        let key = "outbox/service0/1700000000000-0123456789abcdef";
        let of_kv = universe.clone();
        universe.executor.spawn(0, async move {
            of_kv.kv.put(&of_kv, 0, key, &value, 86_400).await.unwrap();
        });
        for minute in 1..=6 {
            universe.executor.run_until(minute * 60_000);
            fleet.tend(0);
        }
        universe.executor.run_until(420_000);
        let recorded = universe.trace().iter().filter(|line| line.contains("is recorded")).count();
        assert_eq!(recorded, 1);
        let of_kv = universe.clone();
        universe.executor.spawn(0, async move {
            let keys = of_kv.kv.list(&of_kv, 0, "outbox/", 10).await.unwrap();
            of_kv.tell(|| format!("left: {keys:?}"));
        });
        universe.executor.run_until(430_000);
        assert!(universe.trace().last().unwrap().ends_with(&format!("left: [{key:?}]")));
    }

    /// The figures of docs/decisions/0020: `cargo test --lib share_reads -- --nocapture`.
    #[test]
    fn isolates_of_a_data_centre_share_reads_of_the_log() {
        const SECONDS: u64 = 60;
        for isolates in [1, 10, 30] {
            let mut plan = Plan::of_seed(1);
            (plan.places, plan.isolates, plan.services) = (1, isolates, 1);
            plan.faults = Faults { drift: 2_000, ..Faults::default() };
            (plan.configs, plan.max_lag) = (vec![json!({ "service": "service0" })], 5_000);
            let universe = Universe::new(&plan);
            let fleet = Fleet::new(universe.clone(), &plan);
            // Nobody writes: the answer to an append would be as good as a read.
            for which in 0..isolates {
                let client = Client::new(fleet.clone(), which);
                let universe = universe.clone();
                universe.executor.clone().spawn(0, async move {
                    while universe.now() < SECONDS * 1_000 {
                        universe.takes(1, 200).await;
                        client.read_product(which, "0").await;
                    }
                });
            }
            universe.executor.run_until(SECONDS * 1_000);
            let reads = universe.logs[0].reads.get();
            println!("{isolates} isolates: {:.2} reads a second", reads as f64 / SECONDS as f64);
            // Alone an isolate reads once in half of `max_lag`.
            let alone = isolates as u64 * SECONDS * 2 / 5;
            assert!(reads <= alone && (isolates == 1 || reads < alone / 3), "{reads} of {alone}");
            assert!(universe.laws.all_broken().is_empty());
        }
    }

    #[test]
    fn a_seed_is_the_same_run_each_time() {
        let (one, other) = (run(&Plan::of_seed(7)), run(&Plan::of_seed(7)));
        assert_eq!(one.trace, other.trace);
        assert!(one.trace.len() > 1_000);
    }
}
