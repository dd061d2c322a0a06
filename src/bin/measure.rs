//! How fast GraphQL is parsed, analyzed and stripped, compared with other libraries on the same input in the
//! same run.
//! `npm run bench` runs it natively and in Wasm.
//!
//! Prints one JSON object for each measure: its name and unit, and for each round Evergraph's figure and
//! the other library's.

use evergraph::config::{self, Config};
use evergraph::engine::{Plan, plan_graphql};
use evergraph::graphql::{
    Analysis, InjectedDocument, OperationRequest, RequestForm, TypeKnowledge, analyze,
    parses_with_graphql_parser, read_post, strip, token_count,
};
use evergraph::http::{Headers, Method, Request, Url};
use evergraph::jwt::Claims;
use evergraph::limits::Amounts;
use serde_json::{Value, json};
use std::hint::black_box;

const ROUNDS: usize = 9;
const ROUND_MILLIS: f64 = 40.0;

/// How many variants of each document are lexed.
const VARIANTS: u32 = 64;

/// An operation of 1 KB.
const OPERATION: &str = include_str!("../../bench/documents/catalog.graphql");

/// Documents as people and programs write them.
const DOCUMENTS: [&str; 5] = [
    OPERATION,
    include_str!("../../bench/documents/product.graphql"),
    include_str!("../../bench/documents/search.graphql"),
    include_str!("../../bench/documents/account.graphql"),
    include_str!("../../bench/documents/mutation.graphql"),
];

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
    let documents: Vec<String> =
        (0..VARIANTS).flat_map(|n| DOCUMENTS.map(|document| varied(document, n))).collect();
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
    measure("analysis", Unit::Microseconds, || analysed(black_box(OPERATION)), parse);
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
        || strip(black_box(answer.as_bytes()), injected),
        || serde_json::from_slice::<Value>(black_box(answer.as_bytes())),
    );
    Ok(())
}

/// The document with digits after its names, different ones for each variant. Otherwise the processor
/// would learn the input, because it reads the same bytes again and again.
fn varied(document: &str, variant: u32) -> String {
    const KEYWORDS: [&str; 7] =
        ["query", "mutation", "fragment", "on", "true", "false", "__typename"];
    let is_name = |c: char| c == '_' || c.is_ascii_alphanumeric();
    let mut text = String::new();
    let mut chance = variant;
    let mut rest = document;
    while let Some(first) = rest.chars().next() {
        let end = if is_name(first) { rest.find(|c| !is_name(c)) } else { rest.find(is_name) };
        let (run, after) = rest.split_at(end.unwrap_or(rest.len()));
        text.push_str(run);
        if first.is_ascii_alphabetic() && !KEYWORDS.contains(&run) {
            chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            text.extend(std::iter::repeat_n('7', (chance >> 29) as usize));
        }
        rest = after;
    }
    text
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

fn analysed(document: &str) -> Option<Analysis> {
    let knowledge = TypeKnowledge { schema: None, keys: &Default::default() };
    analyze(document, None, &Amounts::default_limits(), &knowledge).ok()
}

/// A request for a document that the isolate has already analyzed.
struct Known {
    config: Config,
    request: Request,
    query: OperationRequest,
    analysis: Analysis,
}

impl Known {
    fn new() -> Option<Self> {
        let variables = json!({ "first": 20, "after": -1_000_000_007, "category": "7", "text": "oak", "withUsers": true });
        let body =
            json!({ "operationName": "Catalog", "variables": variables, "query": OPERATION });
        let headers: Headers = [
            ("content-type", "application/json"),
            ("accept", "application/graphql-response+json,application/json;q=0.9"),
        ]
        .into_iter()
        .collect();
        let limits = Amounts::default_limits();
        let form = read_post(&headers, None, body.to_string().as_bytes(), &limits);
        let RequestForm::Single(query) = form else { return None };
        let config = config::parse(&json!({
            "service": "shop",
            "types": {
                "user": { "match": ["graphql:User", "graphql:Query.user*"], "ttl": 1800 },
                "product": {
                    "match": ["rest:/api/products/**", "graphql:Product", "graphql:Query.product*"],
                    "ttl": 7200,
                },
                "search": { "match": ["graphql:Query.search", "operation:Search*"], "ttl": 3600 },
            },
        }));
        let url = Url::parse("https://shop.example/graphql")?;
        let request = Request { method: Method::Post, url, headers };
        let known = Self { config: config.ok()?, request, query, analysis: analysed(OPERATION)? };
        known.key().is_some().then_some(known)
    }

    fn key(&self) -> Option<Plan> {
        let Self { config, request, query, analysis } = black_box(self);
        plan_graphql(config, request, &Claims::NotChecked, query, analysis).ok()
    }
}

/// A response of about 100 KB to the operation with its additions.
fn answer() -> String {
    let product = |n: usize| {
        let added = "\"evergraph__typename\":";
        let reviews: Vec<String> = (0..n * 5 % 7)
            .map(|review| {
                format!(
                    "{{{added}\"Review\",\"id\":\"{n}{review}\",\"stars\":{},\"text\":\"{}\",\"author\":{{{added}\"User\",\"__typename\":\"User\",\"id\":\"{n}\",\"name\":\"Ada \\u00e9 {n}\",\"email\":\"user{n}@shop.example\"}}}}",
                    review + 2,
                    "good, and \\\"sturdy\\\" ".repeat((n * 7 + review * 3) % 5)
                )
            })
            .collect();
        format!(
            "{{{added}\"Product\",\"__typename\":\"Product\",\"id\":\"{n}\",\"title\":\"Oak Lamp {n}\",\"price\":{n}.25,\"stock\":{n},\"category\":{{{added}\"Category\",\"id\":\"7\",\"name\":\"Lamps\"}},\"reviews\":[{}]}}",
            reviews.join(",")
        )
    };
    let products: Vec<String> = (1..=112).map(product).collect();
    format!("{{\"data\":{{\"products\":[{}],\"productCount\":112}}}}", products.join(","))
}

fn is_stripped(answer: &str, injected: &InjectedDocument) -> bool {
    let stripped = strip(answer.as_bytes(), injected);
    let stripped = stripped.and_then(|stripped| String::from_utf8(stripped).ok());
    stripped
        .is_some_and(|stripped| stripped.len() < answer.len() && !stripped.contains("evergraph__"))
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
