//! How often isolates read the log: many requests at once, and many isolates that start at once.

use super::faults::Faults;
use super::fleet::Fleet;
use super::plan::{Plan, Validators};
use super::requests::{PRODUCT, graphql, request};
use super::scenarios::calm_world;
use super::universe::Universe;
use crate::http::Request;
use serde_json::{Value, json};
use std::cell::Cell;
use std::rc::Rc;

const MAX_LAG: u64 = 5;

/// One isolate, or more, of one place.
fn world(isolates: usize) -> (Rc<Universe>, Rc<Fleet>) {
    let config = json!({
        "types": { "product": { "match": ["graphql:Query.product"], "ttl": 3_600 } },
        "purge": { "max_lag": MAX_LAG },
    });
    let (universe, client) = calm_world(1, isolates, &config);
    (universe, client.fleet())
}

fn query() -> Vec<u8> {
    json!({ "query": PRODUCT, "variables": { "id": "0" } }).to_string().into_bytes()
}

/// Asks an isolate so often at once; returns how many answers came from the cache.
fn at_once(
    (universe, fleet): &(Rc<Universe>, Rc<Fleet>),
    count: usize,
    what: impl Fn() -> (Request, Vec<u8>),
) -> u64 {
    let hits = Rc::new(Cell::new(0));
    for _ in 0..count {
        let (fleet, hits) = (fleet.clone(), hits.clone());
        let (request, body) = what();
        universe.executor.spawn(0, async move {
            let got = fleet.ask(0, request, body).await.unwrap();
            let is_hit = got.headers.get("x-cache") == Some("HIT");
            hits.set(hits.get() + u64::from(is_hit));
        });
    }
    universe.executor.run_until(universe.now() + 2_000);
    hits.get()
}

fn product() -> (Request, Vec<u8>) {
    (graphql(None), query())
}

fn reads(world: &(Rc<Universe>, Rc<Fleet>)) -> u64 {
    world.0.logs[0].reads.get()
}

#[test]
fn requests_of_a_cold_isolate_share_one_read() {
    let world = world(1);
    at_once(&world, 100, product);
    assert_eq!(reads(&world), 1);
    assert_eq!(at_once(&world, 100, product), 100, "and then they are hits");
    assert_eq!(reads(&world), 1);
}

#[test]
fn requests_after_a_pause_share_one_read() {
    let world = world(1);
    at_once(&world, 100, product);
    world.0.executor.run_until(MAX_LAG * 1_000 * 3);
    assert_eq!(at_once(&world, 100, product), 100, "what was not purged is a hit again");
    assert_eq!(reads(&world), 2);
}

#[test]
fn numbers_that_nobody_was_given_cost_a_read_or_two() {
    let world = world(1);
    at_once(&world, 100, product);
    let before = reads(&world);
    let forged = || {
        let (mut request, body) = product();
        request.headers.set("evergraph-purge", "7");
        (request, body)
    };
    assert_eq!(at_once(&world, 100, forged), 100, "there is no such number");
    assert!((1..=2).contains(&(reads(&world) - before)), "{}", reads(&world) - before);
    // Many clients, for ten seconds.
    let before = reads(&world);
    let (universe, fleet) = &world;
    let until = universe.now() + 10_000;
    for _ in 0..20 {
        let (all, fleet) = (universe.clone(), fleet.clone());
        universe.executor.spawn(0, async move {
            while all.now() < until {
                let (request, body) = forged();
                fleet.ask(0, request, body).await;
            }
        });
    }
    universe.executor.run_until(until + 2_000);
    let read = reads(&world) - before;
    assert!((10..=51).contains(&read), "{read} reads in ten seconds");
}

#[test]
fn health_is_asked_for_by_many_and_the_log_once_or_twice() {
    let world = world(1);
    at_once(&world, 100, || (request("GET", "/__evergraph/health"), Vec::new()));
    assert!((1..=2).contains(&reads(&world)), "{}", reads(&world));
}

/// The same write is seen by the client that made it, however many ask at once.
#[test]
fn a_client_that_shows_its_write_is_never_served_from_before_it() {
    let config = json!({
        "types": { "product": { "match": ["graphql:Query.product"], "ttl": 3_600 } },
        "purge": { "max_lag": MAX_LAG },
    });
    for seed in 1..=20 {
        let (universe, client) = calm_world(seed, 2, &config);
        let all = universe.clone();
        universe.executor.spawn(0, async move {
            for _ in 0..10 {
                client.read_product(0, "0").await;
                client.read_product(1, "0").await;
                client.update_product(1, "0").await;
                for _ in 0..10 {
                    let (client, isolate) = (client.clone(), all.random.below(2) as usize);
                    all.executor.spawn(0, async move { client.read_product(isolate, "0").await });
                }
                all.takes(0, 400).await;
            }
        });
        universe.executor.run_until(60_000);
        assert_eq!(universe.laws.violations(), Vec::<String>::new(), "seed {seed}");
    }
}

/// One entry of a batch comes from KV, which takes its time; another one, from memory, is purged
/// meanwhile.
#[test]
fn what_is_purged_while_a_batch_is_looked_up_is_not_in_its_answer() {
    let config = json!({
        "types": { "product": { "match": ["graphql:Query.product"], "ttl": 3_600 } },
        "purge": { "max_lag": MAX_LAG },
        "kv": { "timeout_ms": 10_000, "writes": "always" },
        "mutations": { "policy": "entity" },
    });
    let mut late = 0;
    for seed in 1..=20 {
        let (universe, client) = calm_world(seed, 2, &config);
        let (all, fleet) = (universe.clone(), client.fleet());
        let (answered, written) = (Rc::new(Cell::new(None)), Rc::new(Cell::new(None)));
        let (of_batch, of_write) = (answered.clone(), written.clone());
        universe.executor.spawn(0, async move {
            client.read_product(0, "1").await;
            client.read_product(1, "0").await;
            all.executor.sleep(1_000).await;
            let query = |id| json!({ "query": PRODUCT, "variables": { "id": id } });
            let body = json!([query("0"), query("1")]).to_string().into_bytes();
            let control = fleet.ask(0, graphql(None), body.clone()).await.unwrap();
            assert_eq!(control.headers.get("x-cache"), Some("HIT"));
            // The edge cache has forgotten all, and KV is slow.
            all.faults.set(Faults { edge_evicts: 1_000, kv_slow: 1_000, ..Faults::default() });
            let now = all.clone();
            all.executor.spawn(0, async move {
                let got = fleet.ask(1, graphql(None), body).await.unwrap();
                let shown: Value = serde_json::from_slice(&got.body).unwrap();
                let version = shown[0]["data"]["product"]["v"].as_u64();
                of_batch.set(Some((now.now(), version)));
            });
            all.executor.sleep(20).await;
            client.update_product(1, "0").await;
            of_write.set(Some(all.now()));
        });
        universe.executor.run_until(30_000);
        let (at, version) = answered.get().unwrap();
        if at > written.get().unwrap() {
            late += 1;
            // The origin of this world takes no batches: what is not stored has no answer.
            assert_ne!(version, Some(0), "seed {seed}");
        }
    }
    assert!(late > 5, "{late} batches were answered after the write");
}

/// What came of isolates that all start at once.
#[derive(Debug)]
struct Herd {
    /// Of those who asked in each second, how many in a hundred were served from the cache.
    hits: Vec<u64>,
    /// How often the log was read in each second.
    reads: Vec<u64>,
}

/// A deployment: every isolate starts cold within half a second, on a log with many tags, and is
/// asked once a second.
fn herd(places: usize, isolates: usize, tags: u64, seconds: u64, calls_go_on: bool) -> Herd {
    let mut plan = Plan::of_seed(1);
    (plan.places, plan.isolates, plan.services, plan.products) = (places, isolates, 1, 1);
    (plan.faults, plan.settle, plan.validators) = (Faults::default(), 0, Validators::Date);
    plan.max_lag = MAX_LAG * 1_000;
    plan.configs = vec![json!({
        "service": "service0",
        "origin": "http://origin0",
        "types": { "product": { "match": ["graphql:Query.product"], "ttl": 3_600 } },
        "purge": { "max_lag": MAX_LAG },
    })];
    let universe = Universe::new(&plan);
    universe.logs[0].counted_tags.set(tags);
    universe.calls_go_on.set(calls_go_on);
    let fleet = Fleet::new(universe.clone(), &plan);
    let asked = Rc::new(Cell::new((0, 0)));
    for which in 0..places * isolates {
        let (all, fleet, asked) = (universe.clone(), fleet.clone(), asked.clone());
        universe.executor.spawn(0, async move {
            all.takes(0, 500).await;
            while all.now() < seconds * 1_000 {
                let (request, body) = product();
                let begun = all.now();
                if let Some(got) = fleet.ask(which, request, body).await {
                    let hit = u64::from(got.headers.get("x-cache") == Some("HIT"));
                    let (hits, count) = asked.get();
                    asked.set((hits + hit, count + 1));
                }
                all.executor.sleep((begun + 1_000).saturating_sub(all.now())).await;
            }
        });
    }
    let mut herd = Herd { hits: Vec::new(), reads: Vec::new() };
    for second in 1..=seconds {
        let before = universe.logs[0].reads.get();
        universe.executor.run_until(second * 1_000);
        let (hits, count) = asked.replace((0, 0));
        herd.hits.push(hits * 100 / count.max(1));
        herd.reads.push(universe.logs[0].reads.get() - before);
    }
    herd
}

/// The figures of docs/simulation.md: `cargo test --lib isolates_that_start_at_once -- --nocapture`.
#[test]
fn isolates_that_start_at_once_serve_hits_within_ten_seconds() {
    for calls_go_on in [false, true] {
        let herd = herd(300, 10, 195_000, 25, calls_go_on);
        println!("{herd:?}");
        assert!(herd.hits[10..].iter().all(|hits| *hits == 100), "{herd:?}");
        // Decision 20: 180 a second at 300 data centers of 10.
        let read: u64 = herd.reads[15..].iter().sum();
        assert!((600..=2_000).contains(&read), "{read} reads in ten seconds");
    }
}
