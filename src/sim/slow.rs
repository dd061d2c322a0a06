//! Writes that take minutes, and a log that takes nothing.
//!
//! In the first part of a run an origin commits a write up to five minutes after it was asked, and
//! nobody may be there any more to hear of it: the client has left, the runtime has ended the request
//! with its isolate, a gateway has given up, the log was out of reach. A minute after the commit no
//! answer may be older. In the second part the log takes nothing while an isolate is sent one write
//! after the other: once the first has found out, none waits, and when the log is back it is
//! given what waits without any request.

use super::client::Client;
use super::faults::Faults;
use super::fleet::Fleet;
use super::plan::{Plan, Validators};
use super::random::Random;
use super::requests::{TOUCH, UPDATE, graphql, request};
use super::run::Outcome;
use super::universe::{SlowOrigin, Universe};
use crate::http::Request;
use serde_json::json;
use std::rc::Rc;

/// The number of the slow write among all.
const WRITE: u64 = 1;
const NEVER: u64 = 3_600_000;
/// When the second part begins.
const SECOND_PART: u64 = 700_000;
/// How long a commit may go unseen, but for `max_lag`; intents are recorded in whole seconds.
const SEEN_WITHIN: u64 = 61_000;
/// By when what the log did not take was found in KV, once the log is back.
const FOUND_WITHIN: u64 = 125_000;
/// How long a write's response takes if it does not wait for the log.
const AT_ONCE: u64 = 400;
/// By when the log has what waits once it is back: after the longest pause of a probe.
const PROBED_WITHIN: u64 = 12_000;

/// What happens to the slow write of a run, in milliseconds since it was sent.
#[derive(Debug)]
struct Course {
    origin: SlowOrigin,
    isolate_ends: u64,
    log_fails: (u64, u64),
    /// Which of three ways to write.
    way: u64,
}

impl Course {
    fn of_seed(seed: u64) -> Self {
        let random = Random::new(seed ^ 0x510);
        let gives_up = if random.happens(300) { random.between(6_000, 25_000) } else { NEVER };
        let commits = random.between(6_000, 300_000);
        let isolate_ends = if random.happens(800) { random.between(12_000, 60_000) } else { NEVER };
        let fails = random.between(0, 8_000);
        let lasts = if random.happens(400) { random.between(5_000, 60_000) } else { 0 };
        Self {
            origin: SlowOrigin { commits, gives_up },
            isolate_ends,
            log_fails: (fails, fails + lasts),
            way: random.below(3),
        }
    }

    fn write(&self) -> (Request, String) {
        let mutation = |query: &str| {
            let variables = json!({ "id": "0", "write": WRITE });
            (graphql(None), json!({ "query": query, "variables": variables }).to_string())
        };
        match self.way {
            0 => mutation(UPDATE),
            1 => mutation(TOUCH),
            _ => {
                let mut put = request("PUT", "/api/products/0");
                put.headers.set("x-write", WRITE.to_string());
                (put, "{}".to_owned())
            }
        }
    }
}

/// Runs a seed.
pub fn slow_writes(seed: u64) -> Outcome {
    let mut plan = Plan::of_seed(seed);
    (plan.places, plan.isolates, plan.services, plan.products) = (2, 1, 1, 2);
    (plan.faults, plan.settle, plan.validators) = (Faults::default(), 0, Validators::None);
    plan.max_lag = 2_000;
    plan.configs = vec![json!({
        "service": "service0",
        "origin": "http://origin0",
        "types": { "product": { "match": ["graphql:Query.product", "rest:/api/products/**"], "ttl": 600 } },
        "resources": [{ "path": "/api/products/:id", "tags": ["Product:{id}"] }],
        "purge": { "max_lag": 2 },
    })];
    let universe = Universe::new(&plan);
    let fleet = Fleet::new(universe.clone(), &plan);
    let course = Course::of_seed(seed);
    universe.trace(|| format!("{course:?}"));
    for which in 0..2 {
        let (client, all) = (Client::new(fleet.clone(), which), universe.clone());
        universe.executor.spawn(0, async move {
            while all.now() < SECOND_PART {
                client.read_product(which, "0").await;
                client.read_rest(which, "0").await;
                all.takes(500, 3_000).await;
            }
        });
    }
    first_part(&universe, &fleet, course);
    universe.executor.run_until(SECOND_PART + 60_000);
    second_part(&universe, &fleet);
    Outcome {
        broken: universe.laws.violations(),
        trace: universe.trace_lines(),
        reads: fleet.counts.get(),
        from_table: fleet.from_table.get(),
        faults: universe.faults_done.get(),
        millis: universe.now(),
    }
}

/// The write is sent at ten seconds.
fn first_part(universe: &Rc<Universe>, fleet: &Rc<Fleet>, course: Course) {
    const SENT: u64 = 10_000;
    universe.executor.run_until(SENT);
    universe.slow.set(Some(course.origin));
    let (request, body) = course.write();
    let (of_write, of_end, of_log, of_law) =
        (fleet.clone(), fleet.clone(), universe.clone(), universe.clone());
    universe.executor.spawn(0, async move {
        let got = of_write.ask(0, request, body.into_bytes()).await;
        of_write.universe.trace(|| match got {
            Some(got) => format!("the slow write is answered with {}", got.status),
            None => "the slow write has no answer".to_owned(),
        });
    });
    universe.executor.spawn(0, async move {
        of_end.universe.executor.sleep(course.isolate_ends).await;
        of_end.end(0);
    });
    let (fails, works) = course.log_fails;
    universe.executor.spawn(0, async move {
        of_log.executor.sleep(fails).await;
        of_log.logs[0].fail_until(SENT + works, &of_log.random, 0);
    });
    universe.executor.spawn(0, async move {
        of_law.executor.sleep(course.origin.commits + 100).await;
        let made = of_law.apis[0].entities.made.borrow().get(&WRITE).cloned();
        let Some((entity, version)) = made else {
            return of_law.laws.report("the slow write did not arrive".to_owned());
        };
        let mut due = SENT + course.origin.commits + SEEN_WITHIN;
        if works > fails {
            due = due.max(SENT + works + FOUND_WITHIN);
        }
        of_law.laws.note_recorded(0, &entity, version, due);
    });
    let (of_cron, services) = (fleet.clone(), universe.clone());
    universe.executor.spawn(0, async move {
        while services.now() < SECOND_PART - 60_000 {
            services.executor.sleep(60_000).await;
            of_cron.tend(0);
        }
    });
    universe.executor.run_until(SENT + 1);
}

/// Both isolates are idle, and nothing is on its way.
fn second_part(universe: &Rc<Universe>, fleet: &Rc<Fleet>) {
    universe.slow.set(None);
    let back = universe.now() + 30_000;
    universe.logs[0].fail_until(back, &universe.random, 0);
    let (all, of_writes) = (universe.clone(), fleet.clone());
    universe.executor.spawn(0, async move {
        let mut is_known = false;
        let mut write = WRITE;
        while all.now() < back - 2_000 {
            write += 1;
            let mut put = request("PUT", "/api/products/1");
            put.headers.set("x-write", write.to_string());
            let asked_at = all.now();
            let Some(got) = of_writes.ask(0, put, b"{}".to_vec()).await else { continue };
            let took = all.now() - asked_at;
            let how = got.headers.get("cache-status").unwrap_or_default().to_owned();
            all.trace(|| format!("write {write} is answered after {took} ms: {how}"));
            if !how.ends_with("purge-pending") {
                all.laws.report(format!("write {write} is not pending: {how}"));
            }
            if is_known && took > AT_ONCE {
                all.laws
                    .report(format!("write {write} waited {took} ms for a log that takes nothing"));
            }
            is_known = true;
            all.takes(200, 1_500).await;
        }
    });
    universe.executor.run_until(back + PROBED_WITHIN);
    let given = universe.logs[0].received();
    if !given.iter().any(|(at, _)| *at >= back) {
        universe.laws.report(format!("the log is back at {back}, and nobody gives it what waits"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_committed_within_five_minutes_is_seen_within_one() {
        let mut hits = 0;
        for seed in 1..=25 {
            let outcome = slow_writes(seed);
            let again = format!("npm run sim -- --slow --seeds 1 --first {seed}");
            assert_eq!(outcome.broken, Vec::<String>::new(), "{again}");
            hits += outcome.reads[0];
        }
        assert!(hits > 5_000, "{hits}");
    }

    /// A slow write that is answered, in a world where nothing fails.
    fn answered(commits: u64, way: u64) -> (Rc<Universe>, usize) {
        let mut plan = Plan::of_seed(1);
        (plan.places, plan.isolates, plan.services, plan.products) = (1, 1, 1, 2);
        (plan.faults, plan.settle, plan.validators) = (Faults::default(), 0, Validators::None);
        plan.configs = vec![json!({
            "service": "service0",
            "origin": "http://origin0",
            "types": { "product": { "match": ["graphql:Query.product"], "ttl": 600 } },
        })];
        let universe = Universe::new(&plan);
        let fleet = Fleet::new(universe.clone(), &plan);
        let client = Client::new(fleet.clone(), 0);
        let origin = SlowOrigin { commits, gives_up: NEVER };
        let course = Course { origin, isolate_ends: NEVER, log_fails: (0, 0), way };
        let all = universe.clone();
        universe.executor.spawn(0, async move {
            client.read_product(0, "0").await;
            all.slow.set(Some(course.origin));
            let (request, body) = course.write();
            fleet.ask(0, request, body.into_bytes()).await.unwrap();
            all.slow.set(None);
            // The log repeats what is due when it is asked.
            for _ in 0..50 {
                all.executor.sleep(10_000).await;
                client.read_product(0, "1").await;
            }
        });
        universe.executor.run_until(600_000);
        let noted = universe
            .trace_lines()
            .iter()
            .filter(|line| line.contains("an intent is noted"))
            .count();
        (universe, noted)
    }

    #[test]
    fn a_fast_write_has_no_intent_and_one_that_is_answered_closes_it() {
        for way in 0..3 {
            for (commits, intents, records) in [(4_800, 0, 1), (6_000, 1, 1), (50_000, 1, 1)] {
                let (universe, noted) = answered(commits, way);
                assert_eq!(noted, intents, "{commits} {way}");
                assert_eq!(universe.logs[0].received().len(), records, "{commits} {way}");
                assert!(!universe.logs[0].intends());
            }
        }
    }
}
