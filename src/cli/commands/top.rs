//! `evergraph top`

use super::counted_by::why_one_isolate;
use super::shown::{counted, list, number, share, text};
use crate::admin::RowSort;
use crate::cli::arguments::{TopArguments, TopBy};
use crate::cli::client::Client;
use crate::cli::exit_status::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::output::{Output, Tone};
use crate::cli::words::{percent, size, span};
use crate::statistics::OTHER;
use serde_json::Value;
use std::time::Duration;

pub fn run(
    client: &Client,
    arguments: &TopArguments,
    output: &Output,
) -> Result<ExitStatus, Failure> {
    loop {
        let query = [
            ("window", arguments.window.0.to_string()),
            ("by", "operation".to_owned()),
            ("sort", sort_word(arguments.by).to_owned()),
        ];
        let stats = client.get("stats", &query)?;
        if arguments.watch.is_some() && output.is_terminal() {
            output.clear();
        }
        show(&stats, arguments, output);
        let Some(every) = arguments.watch.filter(|_| output.is_open()) else {
            return Ok(ExitStatus::Success);
        };
        std::thread::sleep(Duration::from_secs(every.0));
    }
}

fn show(stats: &Value, arguments: &TopArguments, output: &Output) {
    // What is not listed has no place among operations.
    let is_operation = |row: &&Value| text(row, "name") != OTHER;
    let mut rows: Vec<&Value> = list(stats, "rows").iter().filter(is_operation).collect();
    // A Worker of an earlier version does not sort.
    rows.sort_by_key(|row| std::cmp::Reverse(measure(row, arguments.by)));
    rows.truncate(arguments.limit);
    if output.is_json {
        output.json(&rows);
        return;
    }
    if let Some(why) = why_one_isolate(stats) {
        output.toned(Tone::Warning, &format!("Requests of one isolate, as {why}"));
    }
    let header = ["operation", "requests", "hit rate", "misses", "origin time", "bytes"];
    let rows = rows.iter().map(|row| {
        vec![
            text(row, "name"),
            counted(row, "total_requests"),
            percent(share(row, "hit_rate")),
            counted(row, "misses"),
            span(origin_millis(row)),
            size(number(row, "bytes")),
        ]
    });
    output.table(&header.map(str::to_owned), rows.collect());
}

/// The word for the Worker.
fn sort_word(by: TopBy) -> &'static str {
    let sort = match by {
        TopBy::Traffic => RowSort::Traffic,
        TopBy::Misses => RowSort::Misses,
        TopBy::Time => RowSort::Time,
        TopBy::Bytes => RowSort::Bytes,
    };
    sort.as_str()
}

fn measure(row: &Value, by: TopBy) -> u64 {
    match by {
        TopBy::Traffic => number(row, "total_requests"),
        TopBy::Misses => number(row, "misses"),
        TopBy::Time => origin_millis(row),
        TopBy::Bytes => number(row, "bytes"),
    }
}

/// How long clients waited for the origin, together.
fn origin_millis(row: &Value) -> u64 {
    let uncached = ["misses", "revalidated", "bypass", "errors"].map(|name| number(row, name));
    (share(row, "avg_uncached_ms") * uncached.iter().sum::<u64>() as f64) as u64
}
