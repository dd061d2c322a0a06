//! One run: a world with its clients, from the first request to the last check.

use super::client::Client;
use super::faults::Faults;
use super::fleet::Fleet;
use super::forms;
use super::plan::Plan;
use super::universe::Universe;
use std::rc::Rc;

/// The result of a run.
#[derive(Debug)]
pub struct Outcome {
    /// The violations of laws. Empty is good.
    pub broken: Vec<String>,
    /// What happened, line by line.
    pub trace: Vec<String>,
    /// Reads that were answered from the cache, by the origin after a look-up, and without one.
    pub reads: [u64; 3],
    /// Responses that isolates gave from their tables, without the service.
    pub from_table: u64,
    /// Faults that happened.
    pub faults: u64,
    /// Simulated milliseconds.
    pub millis: u64,
}

/// How long everything works again before all is read again: what was put into the outbox last is
/// visible everywhere after a minute, found within another, and known to all within `max_lag`.
const CALM_MILLIS: u64 = 200_000;

/// How long the last reads take.
const LAST_MILLIS: u64 = 120_000;

/// How often an isolate is asked meanwhile.
const CALM_READS_MILLIS: u64 = 10_000;

/// How often the cron trigger fires.
const CRON_MILLIS: u64 = 60_000;

/// How often the log's alarm goes off, where nothing else sets it.
const TEND_MINUTES: u64 = 60;

/// Runs a plan.
pub fn run(plan: &Plan) -> Outcome {
    run_beside(plan, |_, _| {})
}

/// Runs a plan, with further work in parallel.
pub(super) fn run_beside(plan: &Plan, begin: impl FnOnce(&Rc<Universe>, &Rc<Fleet>)) -> Outcome {
    let plan = &plan.with_forms();
    let universe = Universe::new(plan);
    let fleet = Fleet::new(universe.clone(), plan);
    begin(&universe, &fleet);
    for number in 0..plan.clients {
        let client = Client::new(fleet.clone(), number);
        universe.executor.spawn(0, client.live(plan.millis, plan.pause, plan.rest));
    }
    forms::live(&fleet, plan);
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
                log.fail_until(chaos.now() + millis, &chaos.random, chaos.faults.get().drift);
                chaos.trace(|| format!("log{service} is out of reach for {millis} ms"));
            }
            if chaos.fails(|faults| faults.log_forgets) {
                let kept = chaos.random.between(0, 10) as usize;
                log.forget_all_but(kept);
                chaos.trace(|| format!("log{service} keeps only its last {kept} records"));
            }
            if chaos.faults.get().log_without_pages > 0
                && chaos.fails(|faults| faults.log_without_pages)
            {
                let kept = chaos.random.between(0, 10) as usize;
                log.run_without_pages(kept);
                chaos.trace(|| {
                    format!("log{service} has run without pages and kept {kept} records")
                });
            }
            if chaos.faults.get().log_rolled_back > 0
                && chaos.fails(|faults| faults.log_rolled_back)
            {
                log.roll_back(chaos.now());
                chaos.trace(|| format!("log{service} has an older storage"));
            }
            if chaos.faults.get().log_loses_storage > 0
                && chaos.fails(|faults| faults.log_loses_storage)
            {
                log.lose_storage(chaos.now());
                chaos.trace(|| format!("log{service} has lost its storage"));
            }
            if chaos.fails(|faults| faults.log_replaced) {
                of_chaos.replace_log(service);
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
                clock.logs.iter().for_each(|log| log.run_alarm(clock.now()));
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
        of_all.expect_all_writes();
        of_all.universe.takes(of_all.grace, of_all.grace).await;
        for which in 0..of_all.isolates() {
            last.read_all(which).await;
        }
    });
    universe.executor.run_until(calm + LAST_MILLIS);
    universe.laws.all_promised_are_recorded(|service| universe.logs[service].received());
    for (config, log) in plan.configs.iter().zip(&universe.logs) {
        let per_day = config["kv"]["writes_per_day"].as_u64().filter(|per_day| *per_day > 0);
        let broken = per_day.and_then(|per_day| log.kv_writes.broken(per_day));
        broken.into_iter().for_each(|broken| universe.laws.report(broken));
    }
    for (service, api) in universe.apis.iter().enumerate() {
        for (write, times) in api.entities.arrivals.borrow().iter().filter(|(_, times)| **times > 1)
        {
            universe
                .laws
                .report(format!("write {write} arrived {times} times at service {service}"));
        }
    }
    universe.executor.clear();
    fleet.in_flight.take();
    Outcome {
        broken: universe.laws.violations(),
        trace: universe.trace_lines(),
        reads: fleet.counts.get(),
        from_table: fleet.from_table.get(),
        faults: universe.faults_done.get(),
        millis: universe.now(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::cell::Cell;

    #[test]
    fn no_seed_breaks_a_law() {
        let mut from_table = 0;
        for plan in Plan::short().take(20) {
            let (seed, outcome) = (plan.seed, run(&plan));
            from_table += outcome.from_table;
            assert!(
                outcome.broken.is_empty(),
                "{:#?}\nshow how: npm run sim -- --seeds 1 --first {seed}",
                outcome.broken
            );
            assert!(outcome.reads.iter().sum::<u64>() > 0);
        }
        assert!(from_table > 100, "{from_table}");
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
        let recorded =
            universe.trace_lines().iter().filter(|line| line.contains("is recorded")).count();
        assert_eq!(recorded, 1);
        let of_kv = universe.clone();
        universe.executor.spawn(0, async move {
            let keys = of_kv.kv.list(&of_kv, 0, "outbox/", 10).await.unwrap();
            of_kv.trace(|| format!("left: {keys:?}"));
        });
        universe.executor.run_until(430_000);
        assert!(universe.trace_lines().last().unwrap().ends_with(&format!("left: [{key:?}]")));
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
            assert!(universe.laws.violations().is_empty());
        }
    }

    /// The law itself is checked at the end of each run. Here isolates would write more than they may.
    #[test]
    fn isolates_share_the_days_writes_to_kv() {
        let mut made = 0;
        for mut plan in Plan::short().take(4) {
            for config in &mut plan.configs {
                config["kv"] = json!({ "writes": "always", "writes_per_day": 60 });
            }
            let universe = Cell::new(None);
            let outcome = run_beside(&plan, |all, _| universe.set(Some(all.clone())));
            assert_eq!(outcome.broken, Vec::<String>::new());
            let logs = universe.take().map(|all| all.logs[0].kv_writes.made());
            made += logs.unwrap_or_default();
        }
        assert!(made > 60, "{made}");
    }

    #[test]
    fn no_stored_response_is_served_while_the_cache_is_paused() {
        let paused = Plan::short().filter(|plan| plan.forms.pauses);
        for plan in paused.take(4) {
            let outcome = run(&plan);
            assert!(outcome.broken.is_empty(), "seed {}: {:#?}", plan.seed, outcome.broken);
            let has = |what: &str| outcome.trace.iter().any(|line| line.contains(what));
            assert!(has("detail=paused") && has("hit; "), "seed {}", plan.seed);
        }
    }

    #[test]
    fn a_seed_is_the_same_run_each_time() {
        let mut lines = 0;
        for seed in 7..=9 {
            let [one, other] = [(); 2].map(|()| run(&Plan::of_seed(seed)).trace);
            lines += one.len();
            assert_eq!(one, other);
        }
        assert!(lines > 1_000, "{lines}");
    }
}
