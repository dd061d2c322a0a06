//! `evergraph warm`

use super::shown::{list, number, text};
use crate::cli::arguments::WarmArguments;
use crate::cli::client::Client;
use crate::cli::exit_status::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::output::{Output, Tone};
use crate::cli::recording::reads_of;
use crate::cli::words::{count, counted};
use serde_json::{Map, Value, json};
use std::path::Path;

const BAR: &str = "{bar:30} {pos}/{len} {msg}";

/// How many calls a warming makes at most. Each does a part of it.
const CALLS: u64 = 10_000;

/// What was done so far.
#[derive(Default)]
struct Sum {
    warmed: u64,
    already_fresh: u64,
    skipped: u64,
    failed: u64,
    kv_writes: u64,
    results: Vec<Value>,
    /// Why the Worker stopped before everything was done.
    stopped: Option<String>,
}

pub fn run(
    client: &Client,
    arguments: &WarmArguments,
    output: &Output,
) -> Result<ExitStatus, Failure> {
    let mut body = body(arguments)?;
    let total = match body.get("requests") {
        Some(Value::Array(requests)) => requests.len() as u64,
        _ => u64::from(arguments.top.unwrap_or(0)),
    };
    let bar = output.progress(total, BAR);
    let mut sum = Sum::default();
    let mut hint = String::new();
    for calls in 1.. {
        let answer = client.post("warm", &body)?;
        sum.add(&answer);
        hint = text(&answer, "hint");
        bar.set_position(sum.done());
        bar.set_message(format!("{} failed", sum.failed));
        let remaining = answer.get("remaining").filter(|remaining| !remaining.is_null());
        let Some(remaining) = remaining.filter(|_| sum.stopped.is_none()) else { break };
        if calls == CALLS {
            sum.stopped = Some(format!("{} calls", count(CALLS)));
            break;
        }
        body = remaining.clone();
    }
    bar.finish_and_clear();
    sum.show(arguments.top.is_some(), output);
    if !hint.is_empty() && !output.is_json {
        output.toned(Tone::Warning, &hint);
    }
    let is_done = sum.failed == 0 && sum.stopped.is_none();
    Ok(if is_done { ExitStatus::Success } else { ExitStatus::Negative })
}

fn body(arguments: &WarmArguments) -> Result<Value, Failure> {
    let mut body = Map::new();
    if let Some(top) = arguments.top {
        body.insert("top".to_owned(), json!(top));
    }
    if let Some(file) = &arguments.file {
        body.insert("requests".to_owned(), requests_of(file)?);
    }
    if let Some(file) = &arguments.har {
        let reads = reads_of(file, &arguments.host).map_err(Failure::input)?;
        let reads: Vec<Value> = reads.iter().map(|read| read.to_json()).collect();
        body.insert("requests".to_owned(), Value::Array(reads));
    }
    if let Some(concurrency) = arguments.concurrency {
        body.insert("concurrency".to_owned(), json!(concurrency));
    }
    let budget = [("requests", arguments.max_requests), ("kv_writes", arguments.max_kv_writes)];
    let budget: Map<String, Value> = budget
        .into_iter()
        .filter_map(|(name, most)| Some((name.to_owned(), json!(most?))))
        .collect();
    if !budget.is_empty() {
        body.insert("budget".to_owned(), Value::Object(budget));
    }
    Ok(Value::Object(body))
}

/// A list of requests, or an object with the member `requests`.
fn requests_of(file: &Path) -> Result<Value, Failure> {
    let name = file.display();
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::input(format!("{name}: cannot be read: {error}")))?;
    let json: Value = serde_json::from_str(&text)
        .map_err(|error| Failure::input(format!("{name}: not JSON: {error}")))?;
    match json {
        Value::Array(_) => Ok(json),
        Value::Object(mut members) => match members.remove("requests") {
            Some(requests @ Value::Array(_)) => Ok(requests),
            _ => Err(Failure::input(format!("{name}: expected a list of requests"))),
        },
        _ => Err(Failure::input(format!("{name}: expected a list of requests"))),
    }
}

impl Sum {
    fn add(&mut self, answer: &Value) {
        self.warmed += number(answer, "warmed");
        self.already_fresh += number(answer, "already_fresh");
        self.skipped += number(answer, "skipped");
        self.failed += number(answer, "failed");
        self.kv_writes += number(answer, "kv_writes");
        self.results.extend_from_slice(list(answer, "results"));
        self.stopped = Some(text(answer, "stopped")).filter(|why| !why.is_empty());
    }

    fn done(&self) -> u64 {
        self.warmed + self.already_fresh + self.skipped + self.failed
    }

    /// Shows the sum and the requests that need attention; `with_all`: every request, as the caller named none.
    fn show(&self, with_all: bool, output: &Output) {
        let Self { warmed, already_fresh, skipped, failed, kv_writes, results, stopped } = self;
        if output.is_json {
            output.json(&json!({
                "warmed": warmed,
                "already_fresh": already_fresh,
                "skipped": skipped,
                "failed": failed,
                "kv_writes": kv_writes,
                "results": results,
                "stopped": stopped,
            }));
            return;
        }
        let message = format!(
            "{} warmed, {} fresh already, {} skipped, {} failed; {} to KV",
            count(*warmed),
            count(*already_fresh),
            count(*skipped),
            count(*failed),
            counted(*kv_writes, "write")
        );
        output.toned(if *failed == 0 { Tone::Good } else { Tone::Bad }, &message);
        if let Some(why) = stopped {
            output.toned(Tone::Bad, &format!("Stopped before everything was done: {why}"));
        }
        let is_bad = |result: &&Value| {
            !matches!(text(result, "outcome").as_str(), "warmed" | "already_fresh")
        };
        let rows: Vec<Vec<String>> = results
            .iter()
            .filter(|result| with_all || is_bad(result))
            .take(if with_all { usize::MAX } else { 20 })
            .map(|result| {
                ["url", "operation", "outcome", "reason"].map(|name| text(result, name)).to_vec()
            })
            .collect();
        if !rows.is_empty() {
            output.table(&["url", "operation", "outcome", "reason"].map(str::to_owned), rows);
        }
    }
}
