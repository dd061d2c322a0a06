//! Runs the simulated world over many seeds: `npm run sim -- --seeds 1000 --first 1`.
//!
//! It ends with status 1 at the first seed that breaks a law, and shows its trace.
//!
//! - `--hours` runs seeds until so many hours are simulated.
//! - `--trace` shows the trace of a seed that breaks no law.
//! - `--oracle` runs the seeds without faults, and compares the hits with a model.
//! - `--signals` runs clients that send who they are, and looks for leaks.
//! - `--deploys` runs the seeds while the service is deployed with other rules, other names, and back.
//! - `--log-reads` counts how often a data center calls the purge log.
//! - `--slow` runs writes that take minutes, and a log that takes no records.

#![allow(clippy::print_stdout, clippy::print_stderr)]

use evergraph::sim::{
    LogReads, Outcome, Plan, Traffic, compare, deploy, log_reads, run, share, slow_writes,
};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;

/// Lines of a trace that are shown. The file has all of them.
const SHOWN_LINES: usize = 60;
/// Seeds between two lines of progress.
const PROGRESS: u64 = 100;
/// How many seeds there are if the hours decide.
const MANY: u64 = 1 << 40;

struct Arguments {
    seeds: u64,
    first: u64,
    hours: Option<u64>,
    trace: bool,
    oracle: bool,
    signals: bool,
    log_reads: bool,
    kind: Kind,
}

/// What is run with each seed.
#[derive(Clone, Copy)]
enum Kind {
    World,
    Deploys,
    SlowWrites,
}

impl Kind {
    fn run(self, plan: Plan) -> Outcome {
        match self {
            Self::World => run(&plan),
            Self::Deploys => deploy(plan),
            Self::SlowWrites => slow_writes(plan.seed),
        }
    }

    fn argument(self) -> &'static str {
        match self {
            Self::World => "",
            Self::Deploys => "--deploys ",
            Self::SlowWrites => "--slow ",
        }
    }
}

fn main() -> ExitCode {
    let Some(arguments) = arguments() else {
        eprintln!(
            "usage: npm run sim -- [--seeds N | --hours H] [--first S] [--deploys | --slow] [--trace | --oracle | --signals | --log-reads]"
        );
        return ExitCode::from(2);
    };
    let Arguments { seeds, first, .. } = arguments;
    if arguments.oracle {
        return compare_all(seeds, first);
    }
    if arguments.signals {
        return share_all(seeds, first);
    }
    if arguments.log_reads {
        return count_log_reads();
    }
    run_all(&arguments)
}

/// The sum of the outcomes.
#[derive(Default)]
struct Sum {
    seeds: u64,
    reads: [u64; 3],
    faults: u64,
    millis: u64,
}

impl Sum {
    fn add(&mut self, outcome: &Outcome) {
        self.seeds += 1;
        self.faults += outcome.faults;
        self.millis += outcome.millis;
        self.reads.iter_mut().zip(outcome.reads).for_each(|(sum, count)| *sum += count);
    }

    fn hours(&self) -> f64 {
        self.millis as f64 / 3_600_000.0
    }

    fn print(&self, first: u64) {
        let [hits, misses, others] = self.reads;
        println!(
            "{} seeds from {first}: {:.1} simulated hours, {} reads ({hits} hits, {misses} misses, {others} passed through), {} faults; every law held",
            self.seeds,
            self.hours(),
            hits + misses + others,
            self.faults,
        );
    }
}

/// The seeds that threads take, until there are enough.
struct Seeds {
    next: AtomicU64,
    last: u64,
    enough: AtomicBool,
}

impl Seeds {
    fn take(&self) -> Option<u64> {
        let seed = self.next.fetch_add(1, Ordering::Relaxed);
        (seed < self.last && !self.enough.load(Ordering::Relaxed)).then_some(seed)
    }
}

/// Runs the seeds, as many at a time as there are processors.
fn run_all(arguments: &Arguments) -> ExitCode {
    let Arguments { seeds, first, hours, trace, kind, .. } = *arguments;
    let last = first.saturating_add(hours.map_or(seeds, |_| MANY));
    let seeds = Seeds { next: AtomicU64::new(first), last, enough: AtomicBool::new(false) };
    let threads = if trace { 1 } else { thread::available_parallelism().map_or(1, usize::from) };
    thread::scope(|scope| {
        let (outcomes, done) = mpsc::channel();
        for _ in 0..threads {
            let (outcomes, seeds) = (outcomes.clone(), &seeds);
            scope.spawn(move || {
                while let Some(seed) = seeds.take() {
                    let mut plan = Plan::of_seed(seed);
                    plan.traced = trace;
                    let outcome = kind.run(plan);
                    // The receiver is gone once a seed has broken a law.
                    let _ = outcomes.send((seed, outcome));
                }
            });
        }
        drop(outcomes);
        let mut sum = Sum::default();
        for (seed, outcome) in done {
            if !outcome.broken.is_empty() {
                seeds.enough.store(true, Ordering::Relaxed);
                // Runs it again, with a trace.
                print_violations(seed, kind, &kind.run(Plan::of_seed(seed)));
                return ExitCode::FAILURE;
            }
            if trace {
                println!("{}", outcome.trace.join("\n"));
            }
            sum.add(&outcome);
            if hours.is_some_and(|hours| sum.hours() >= hours as f64) {
                seeds.enough.store(true, Ordering::Relaxed);
            }
            if sum.seeds % PROGRESS == 0 {
                println!("{} seeds, {:.1} simulated hours", sum.seeds, sum.hours());
            }
        }
        sum.print(first);
        ExitCode::SUCCESS
    })
}

fn arguments() -> Option<Arguments> {
    let mut read = Arguments {
        seeds: 300,
        first: 1,
        hours: None,
        trace: false,
        oracle: false,
        signals: false,
        log_reads: false,
        kind: Kind::World,
    };
    let mut given = std::env::args().skip(1);
    while let Some(name) = given.next() {
        match name.as_str() {
            "--seeds" => read.seeds = given.next()?.parse().ok()?,
            "--first" => read.first = given.next()?.parse().ok()?,
            "--hours" => read.hours = Some(given.next()?.parse().ok()?),
            "--trace" => read.trace = true,
            "--oracle" => read.oracle = true,
            "--signals" => read.signals = true,
            "--log-reads" => read.log_reads = true,
            "--deploys" => read.kind = Kind::Deploys,
            "--slow" => read.kind = Kind::SlowWrites,
            _ => return None,
        }
    }
    Some(read)
}

fn compare_all(seeds: u64, first: u64) -> ExitCode {
    let (mut reads, mut hits) = (0, 0);
    for seed in first..first.saturating_add(seeds) {
        let compared = compare(seed);
        let differing = &compared.differing;
        if let Some(what) = differing.first() {
            println!("seed {seed} breaks the model {} times. The first:", differing.len());
            println!("- {what}");
            println!("to repeat it: npm run sim -- --oracle --seeds 1 --first {seed}");
            return ExitCode::FAILURE;
        }
        reads += compared.reads;
        hits += compared.hits;
    }
    println!(
        "{seeds} seeds from {first}: {hits} of {reads} reads from the cache, as the model says"
    );
    ExitCode::SUCCESS
}

fn share_all(seeds: u64, first: u64) -> ExitCode {
    let (mut reads, mut hits) = (0, 0);
    for seed in first..first.saturating_add(seeds) {
        let sharing = share(seed);
        if let Some(what) = sharing.broken.first() {
            println!(
                "seed {seed} breaks the rules of sharing {} times. The first:",
                sharing.broken.len()
            );
            println!("- {what}");
            println!("to repeat it: npm run sim -- --signals --seeds 1 --first {seed}");
            return ExitCode::FAILURE;
        }
        reads += sharing.reads;
        hits += sharing.hits;
    }
    println!("{seeds} seeds from {first}: {hits} of {reads} reads from the cache, and no leak");
    ExitCode::SUCCESS
}

/// Durable Object requests per day on the free plan, and as many requests to the Worker
/// (<https://developers.cloudflare.com/durable-objects/platform/pricing/>).
const FREE_REQUESTS: u64 = 100_000;
/// Data centers that share the free plan's requests.
const FREE_PLACES: u64 = 5;

/// Prints how often a data center calls the log, busy and with its share of the free plan's requests.
fn count_log_reads() -> ExitCode {
    println!(
        "calls to the purge log; `free` is one of {FREE_PLACES} data centers that together get"
    );
    println!("{FREE_REQUESTS} requests a day\n");
    println!(
        "| max_lag | isolates | first 2 minutes | busy, per day | free, per day | {FREE_PLACES} of these |"
    );
    println!("|---|---|---|---|---|---|");
    for max_lag in [5, 10, 15, 30, 60] {
        for isolates in [1, 10, 100] {
            let LogReads { starting, per_day } = log_reads(isolates, max_lag, Traffic::Busy);
            let traffic = Traffic::PerDay(FREE_REQUESTS / FREE_PLACES);
            let free = log_reads(isolates, max_lag, traffic).per_day;
            let all = free * FREE_PLACES;
            println!("| {max_lag} s | {isolates} | {starting} | {per_day} | {free} | {all} |");
        }
    }
    ExitCode::SUCCESS
}

fn print_violations(seed: u64, kind: Kind, outcome: &Outcome) {
    let file = format!("target/sim-{seed}.txt");
    let shown = outcome.trace.len().saturating_sub(SHOWN_LINES);
    for line in outcome.trace.iter().skip(shown) {
        println!("{line}");
    }
    println!("\nseed {seed} breaks the laws {} times. The first:", outcome.broken.len());
    for what in outcome.broken.iter().take(5) {
        println!("- {what}");
    }
    match std::fs::write(&file, outcome.trace.join("\n")) {
        Ok(()) => println!("the whole trace is in {file}"),
        Err(error) => eprintln!("{file}: {error}"),
    }
    println!("to repeat it: npm run sim -- {}--seeds 1 --first {seed}", kind.argument());
}
