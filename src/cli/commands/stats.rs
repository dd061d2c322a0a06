//! `evergraph stats`

use super::counted_by::why_one_isolate;
use super::shown::{counted, date, list, millis, number, share, text};
use crate::cli::arguments::{By, StatsArguments};
use crate::cli::client::Client;
use crate::cli::exit_status::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::words::{self, count, percent, size, span};
use serde_json::Value;

pub fn run(
    client: &Client,
    arguments: &StatsArguments,
    output: &Output,
) -> Result<ExitStatus, Failure> {
    let window = arguments.window.map(|window| ("window", window.0.to_string()));
    let by = arguments.by.map(|by| ("by", by.as_str().to_owned()));
    let query: Vec<(&str, String)> = window.into_iter().chain(by).collect();
    let stats = client.get("stats", &query)?;
    if output.is_json {
        output.json(&stats);
        return Ok(ExitStatus::Success);
    }
    show(&stats, output);
    if let Some(by) = arguments.by {
        show_rows(by, list(&stats, "rows"), output);
    }
    Ok(ExitStatus::Success)
}

fn show(stats: &Value, output: &Output) {
    let (since, until) = (number(stats, "since"), number(stats, "until"));
    let of = why_one_isolate(stats)
        .map_or_else(|| "the service".to_owned(), |why| format!("one isolate, as {why}"));
    let over = if until > since && since > 0 {
        format!(", over {}", span(until - since))
    } else {
        String::new()
    };
    output.line(&format!("{} requests of {of}{over}", counted(stats, "total_requests")));
    let mut rows = vec![
        row("hit rate", percent(share(stats, "hit_rate"))),
        row("hits", counted(stats, "hits")),
        row("stale", counted(stats, "stale")),
        row("revalidated", counted(stats, "revalidated")),
        row("misses", counted(stats, "misses")),
        row("passed through", counted(stats, "bypass")),
        row("errors", counted(stats, "errors")),
        row("average from the cache", millis(stats, "avg_response_time_cached_ms")),
        row("average from the origin", millis(stats, "avg_response_time_uncached_ms")),
        row("origin time saved", millis(stats, "origin_ms_saved")),
        row("purges", counted(stats, "purges")),
    ];
    if let Some(bytes) = stats.get("bytes") {
        rows.push(row("bytes from the cache", size(number(bytes, "cached"))));
        rows.push(row("bytes from the origin", size(number(bytes, "uncached"))));
    }
    if let Some(tiers) = stats.get("by_tier").and_then(Value::as_object) {
        let tiers = tiers.keys().map(|tier| format!("{tier} {}", counted(&stats["by_tier"], tier)));
        rows.push(row("hits by tier", tiers.collect::<Vec<_>>().join(", ")));
    }
    if let Some(entries) = stats.get("entries").filter(|entries| entries.is_object()) {
        let (entries, bytes) = (number(entries, "count"), number(entries, "bytes"));
        rows.push(row("entries in KV", format!("{}, {}", count(entries), size(bytes))));
    }
    let everything = stats.get("purges_of_everything").map_or(0, |of| number(of, "total"));
    if everything > 0 {
        rows.push(row("purges of everything", count(everything)));
    }
    output.table(&[String::new(), String::new()], rows);
    show_reasons(stats.get("bypass_reasons"), output);
    let purges = list(stats, "recent_purges").iter().take(5).map(|purge| {
        let what = match purge.get("all").and_then(Value::as_bool) {
            Some(true) => "everything".to_owned(),
            _ => {
                format!(
                    "{}, {}",
                    words::counted(number(purge, "tags"), "tag"),
                    words::counted(number(purge, "patterns"), "pattern")
                )
            }
        };
        vec![date(purge, "at"), text(purge, "source"), text(purge, "cause"), what]
    });
    let purges: Vec<Vec<String>> = purges.collect();
    if !purges.is_empty() {
        output.table(&["last purges", "source", "cause", "what"].map(str::to_owned), purges);
    }
}

fn show_reasons(reasons: Option<&Value>, output: &Output) {
    let Some(reasons) = reasons.and_then(Value::as_object).filter(|all| !all.is_empty()) else {
        return;
    };
    let mut counts: Vec<(&String, u64)> =
        reasons.iter().map(|(reason, count)| (reason, count.as_u64().unwrap_or(0))).collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let rows = counts.into_iter().map(|(reason, number)| vec![reason.clone(), count(number)]);
    output.table(&["passed through because of", "requests"].map(str::to_owned), rows.collect());
}

fn show_rows(by: By, rows: &[Value], output: &Output) {
    let header = [
        by.as_str(),
        "requests",
        "hit rate",
        "hits",
        "stale",
        "misses",
        "passed",
        "errors",
        "bytes",
    ];
    let rows = rows.iter().map(|row| {
        vec![
            text(row, "name"),
            counted(row, "total_requests"),
            percent(share(row, "hit_rate")),
            counted(row, "hits"),
            counted(row, "stale"),
            counted(row, "misses"),
            counted(row, "bypass"),
            counted(row, "errors"),
            size(number(row, "bytes")),
        ]
    });
    output.table(&header.map(str::to_owned), rows.collect());
}

fn row(name: &str, value: String) -> Vec<String> {
    vec![name.to_owned(), value]
}
