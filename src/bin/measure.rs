//! How fast GraphQL is parsed, analyzed and stripped in Wasm, compared with other libraries on the same input
//! in the same run. `npm run bench` runs it. Natively, benches/guides.rs measures the same.
//!
//! Prints one JSON object for each measure: its name and unit, and for each round Evergraph's figure and
//! the other library's.

#[path = "../../benches/inputs/mod.rs"]
mod inputs;

use evergraph::graphql::{parses_with_graphql_parser, token_count};
use inputs::{Known, OPERATION, analyzed, answer, documents, is_stripped};
use serde_json::{Value, json};
use std::hint::black_box;

const ROUNDS: usize = 9;
const ROUND_MILLIS: f64 = 40.0;

/// The unit of a measure's figures, which are made from the seconds that one run took.
#[derive(Debug, Clone, Copy)]
enum Unit {
    /// Millions of bytes of the input per second.
    MegabytesASecond(usize),
    Microseconds,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::MegabytesASecond(_) => "MB/s",
            Self::Microseconds => "µs",
        }
    }

    fn of(self, seconds: f64) -> f64 {
        match self {
            // Inputs are far smaller than the largest integer that a double represents exactly.
            Self::MegabytesASecond(bytes) => bytes as f64 / seconds / 1e6,
            Self::Microseconds => seconds * 1e6,
        }
    }
}

fn main() {
    if let Err(fault) = measure_all() {
        platform::say(&format!("{{\"fault\":{fault:?}}}"));
    }
}

fn measure_all() -> Result<(), &'static str> {
    let documents = documents();
    let readable =
        |document: &String| token_count(document).is_some() && parses_with_graphql_parser(document);
    if !documents.iter().all(readable) {
        return Err("a document cannot be read");
    }
    let bytes = documents.iter().map(String::len).sum();
    measure(
        "lexing",
        Unit::MegabytesASecond(bytes),
        || documents.iter().filter_map(|document| token_count(black_box(document))).sum::<usize>(),
        || {
            documents
                .iter()
                .filter(|document| parses_with_graphql_parser(black_box(document)))
                .count()
        },
    );
    let parse = || parses_with_graphql_parser(black_box(OPERATION));
    measure("analysis", Unit::Microseconds, || analyzed(black_box(OPERATION)), parse);
    let known = Known::new().ok_or("the operation cannot be planned")?;
    measure("key", Unit::Microseconds, || known.key(), parse);
    let injected = known.analysis.injected.as_ref().ok_or("nothing is added to the operation")?;
    let answer = answer();
    if !is_stripped(&answer, injected) {
        return Err("the answer cannot be stripped");
    }
    measure(
        "strip",
        Unit::MegabytesASecond(answer.len()),
        || is_stripped(black_box(&answer), injected),
        || serde_json::from_slice::<Value>(black_box(answer.as_bytes())),
    );
    Ok(())
}

/// Measures Evergraph and the other library alternately, in a different order each round.
fn measure<T, U>(name: &str, unit: Unit, ours: impl Fn() -> T, theirs: impl Fn() -> U) {
    let [ours_runs, their_runs] = [runs_in_a_round(&ours), runs_in_a_round(&theirs)];
    let rounds: Vec<[f64; 2]> = (0..ROUNDS)
        .map(|round| {
            let ours = || seconds_of(&ours, ours_runs);
            let theirs = || seconds_of(&theirs, their_runs);
            let (ours, theirs) = if round % 2 == 0 {
                let first = ours();
                (first, theirs())
            } else {
                let first = theirs();
                (ours(), first)
            };
            [unit.of(ours), unit.of(theirs)]
        })
        .collect();
    platform::say(&json!({ "name": name, "unit": unit.name(), "rounds": rounds }).to_string());
}

/// How often something runs in a round, after it has run for as long to warm up.
fn runs_in_a_round<T>(work: &impl Fn() -> T) -> u32 {
    let started = platform::now();
    let mut runs = 0;
    while platform::now() - started < ROUND_MILLIS {
        black_box(work());
        runs += 1;
    }
    runs
}

fn seconds_of<T>(work: &impl Fn() -> T, runs: u32) -> f64 {
    let started = platform::now();
    for _ in 0..runs {
        black_box(work());
    }
    (platform::now() - started) / 1e3 / f64::from(runs)
}

/// A clock, and where lines go.
#[cfg(not(target_arch = "wasm32"))]
mod platform {
    use std::sync::LazyLock;
    use std::time::Instant;

    // Measuring needs a clock. No decision depends on it.
    #[allow(clippy::disallowed_methods)]
    static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

    pub fn now() -> f64 {
        STARTED.elapsed().as_secs_f64() * 1e3
    }

    pub fn say(line: &str) {
        println!("{line}");
    }
}

/// A clock, and where lines go, as bench/graphql.mjs gives them.
#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code)]
mod platform {
    #[link(wasm_import_module = "measure")]
    unsafe extern "C" {
        #[link_name = "now"]
        safe fn clock() -> f64;
        #[link_name = "say"]
        fn say_bytes(start: *const u8, length: usize);
    }

    pub fn now() -> f64 {
        clock()
    }

    pub fn say(line: &str) {
        // SAFETY: the bytes are only read, before this returns.
        unsafe { say_bytes(line.as_ptr(), line.len()) }
    }
}
