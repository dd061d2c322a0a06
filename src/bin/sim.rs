//! Runs the simulated world over many seeds: `npm run sim -- --seeds 1000 --first 1`.
//!
//! Ends with status 1 at the first seed that breaks a law, with its trace; `--trace` shows that of
//! a seed that breaks none; `--oracle` runs the seeds without faults and compares how often the cache
//! answers with a model; `--signals` runs clients that say who they are, and looks for leaks; `--slow`
//! runs writes that take minutes, and a log that takes nothing.

#![allow(clippy::print_stdout, clippy::print_stderr)]

use evergraph::sim::{Outcome, Plan, compare, run, share, slow_writes};
use std::process::ExitCode;

/// Lines of a trace that are shown; the file has all.
const SHOWN_LINES: usize = 60;
/// Seeds between two words on how far it is.
const PROGRESS: u64 = 100;

struct Arguments {
    seeds: u64,
    first: u64,
    trace: bool,
    oracle: bool,
    signals: bool,
    slow: bool,
}

fn main() -> ExitCode {
    let Some(Arguments { seeds, first, trace, oracle, signals, slow }) = arguments() else {
        eprintln!(
            "usage: npm run sim -- [--seeds N] [--first S] [--trace] [--oracle | --signals | --slow]"
        );
        return ExitCode::from(2);
    };
    if oracle {
        return compare_all(seeds, first);
    }
    if signals {
        return share_all(seeds, first);
    }
    let mut reads = [0; 3];
    let (mut faults, mut millis) = (0, 0);
    for seed in first..first.saturating_add(seeds) {
        let outcome = if slow { slow_writes(seed) } else { run(&Plan::of_seed(seed)) };
        if !outcome.broken.is_empty() {
            tell(seed, &outcome, slow);
            return ExitCode::FAILURE;
        }
        if trace {
            println!("{}", outcome.trace.join("\n"));
        }
        faults += outcome.faults;
        millis += outcome.millis;
        reads.iter_mut().zip(outcome.reads).for_each(|(sum, count)| *sum += count);
        let done = seed - first + 1;
        if done % PROGRESS == 0 && done < seeds {
            println!("{done} of {seeds} seeds, {:.1} simulated hours", hours(millis));
        }
    }
    let [hits, misses, others] = reads;
    println!(
        "{seeds} seeds from {first}: {:.1} simulated hours, {} reads ({hits} from the cache, {misses} looked up in vain, {others} passed through), {faults} faults; every law held",
        hours(millis),
        hits + misses + others,
    );
    ExitCode::SUCCESS
}

fn arguments() -> Option<Arguments> {
    let (trace, oracle, signals, slow) = Default::default();
    let mut read = Arguments { seeds: 300, first: 1, trace, oracle, signals, slow };
    let mut given = std::env::args().skip(1);
    while let Some(name) = given.next() {
        match name.as_str() {
            "--seeds" => read.seeds = given.next()?.parse().ok()?,
            "--first" => read.first = given.next()?.parse().ok()?,
            "--trace" => read.trace = true,
            "--oracle" => read.oracle = true,
            "--signals" => read.signals = true,
            "--slow" => read.slow = true,
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
            println!("seed {seed} breaks {} times what the model says; first:", differing.len());
            println!("- {what}");
            println!("again: npm run sim -- --oracle --seeds 1 --first {seed}");
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
            println!("seed {seed} breaks {} times who may share; first:", sharing.broken.len());
            println!("- {what}");
            println!("again: npm run sim -- --signals --seeds 1 --first {seed}");
            return ExitCode::FAILURE;
        }
        reads += sharing.reads;
        hits += sharing.hits;
    }
    println!("{seeds} seeds from {first}: {hits} of {reads} reads from the cache, and no leak");
    ExitCode::SUCCESS
}

fn tell(seed: u64, outcome: &Outcome, slow: bool) {
    let file = format!("target/sim-{seed}.txt");
    let shown = outcome.trace.len().saturating_sub(SHOWN_LINES);
    for line in outcome.trace.iter().skip(shown) {
        println!("{line}");
    }
    println!("\nseed {seed} breaks {} times what must hold; first:", outcome.broken.len());
    for what in outcome.broken.iter().take(5) {
        println!("- {what}");
    }
    match std::fs::write(&file, outcome.trace.join("\n")) {
        Ok(()) => println!("the whole trace is in {file}"),
        Err(error) => eprintln!("{file}: {error}"),
    }
    let kind = if slow { "--slow " } else { "" };
    println!("again: npm run sim -- {kind}--seeds 1 --first {seed}");
}

fn hours(millis: u64) -> f64 {
    millis as f64 / 3_600_000.0
}
