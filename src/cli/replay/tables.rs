//! The result of a replay for people.

use super::judging::StaleAnswers;
use super::report::{ConfigurationReport, CountedReason, Report};
use super::tally::Counters;
use crate::cli::output::Output;
use crate::cli::words::{count, percent, size, span};
use std::collections::BTreeMap;

/// How many rows a table has.
const ROWS: usize = 15;

/// Prints the result.
pub(crate) fn show(report: &Report, output: &Output) {
    show_recording(report, output);
    if report.configurations.is_empty() {
        return;
    }
    show_side_by_side(report, output);
    for one in &report.configurations {
        output.heading(&one.config);
        show_counters("type", &one.by_type, output);
        show_counters("operation", &one.by_operation, output);
        show_reasons("Not looked up", &one.bypass_reasons, output);
        show_reasons("Not stored", &one.not_stored, output);
        show_stale(
            "A cache with the same lifetimes and no purges would have served stale, and Evergraph did not:",
            &one.prevented,
            output,
        );
        show_stale(
            "Served from the cache, while the recording has something else. Was there a write that Evergraph does not see, or is a `resources` section missing?",
            &one.stale_answers,
            output,
        );
    }
}

fn show_recording(report: &Report, output: &Output) {
    output.line(&format!(
        "{} of {} entries replayed, over {}",
        count(report.replayed),
        count(report.entries),
        span(report.span_ms)
    ));
    for skipped in &report.skipped {
        let note = if skipped.remedy == "none needed" { "" } else { &skipped.remedy };
        let note = if note.is_empty() { String::new() } else { format!("; {note}") };
        output.line(&format!(
            "{} skipped, {}: {}{note}",
            count(skipped.count),
            skipped.reason,
            skipped.meaning
        ));
    }
    if !report.other_hosts.is_empty() {
        let hosts: Vec<String> =
            report.other_hosts.iter().map(|(host, n)| format!("{host} ({})", count(*n))).collect();
        output.line(&format!("Other hosts: {}", hosts.join(", ")));
    }
    if report.late > 0 {
        let late = count(report.late);
        output.line(&format!("{late} entries are out of order, and were replayed late"));
    }
    if !report.has_identity && report.replayed > 0 {
        output.line(
            "No request has Cookie or Authorization. Browsers leave both out unless you export with sensitive data",
        );
    }
}

fn show_side_by_side(report: &Report, output: &Output) {
    let mut header = vec![String::new()];
    header.extend(report.configurations.iter().map(|one| one.config.clone()));
    type Cell = fn(&ConfigurationReport) -> String;
    let rows: [(&str, Cell); 17] = [
        ("requests", |one| count(one.all.counters.requests)),
        ("hits", |one| count(one.all.counters.hits)),
        ("stale while revalidating", |one| count(one.all.counters.stale)),
        ("revalidated", |one| count(one.all.counters.revalidated)),
        ("misses", |one| count(one.all.counters.misses)),
        ("not looked up", |one| count(one.all.counters.bypass)),
        ("hit rate", |one| percent(one.all.counters.hit_rate)),
        ("requests to the origin", |one| count(one.all.all_origin_requests)),
        ("origin load", |one| percent(one.all.origin_load)),
        ("time that clients saved", |one| span(one.all.counters.saved_ms)),
        ("bytes from the cache", |one| size(one.all.counters.cached_bytes)),
        ("bytes from the origin", |one| size(one.all.all_origin_bytes)),
        ("KV reads, writes", |one| format!("{}, {}", count(one.kv.reads), count(one.kv.writes))),
        ("purges", |one| count(one.purge_log.records)),
        ("USD per million requests", |one| format!("{:.2}", one.usd_per_million.total)),
        ("stale answers prevented", |one| count(sum(&one.prevented))),
        ("stale answers", |one| count(sum(&one.stale_answers))),
    ];
    let rows = rows.iter().map(|(name, cell)| {
        let mut row = vec![(*name).to_owned()];
        row.extend(report.configurations.iter().map(cell));
        row
    });
    output.table(&header, rows.collect());
}

fn sum(answers: &[StaleAnswers]) -> u64 {
    answers.iter().map(|one| one.count).sum()
}

fn show_counters(what: &str, counters: &BTreeMap<String, Counters>, output: &Output) {
    let header = [what, "requests", "hits", "misses", "not looked up", "hit rate", "saved"];
    let header = header.map(str::to_owned);
    let mut sorted: Vec<(&String, &Counters)> = counters.iter().collect();
    sorted.sort_by_key(|(_, counters)| std::cmp::Reverse(counters.requests));
    let left_out = sorted.len().saturating_sub(ROWS);
    let rows = sorted.into_iter().take(ROWS).map(|(name, of)| {
        vec![
            name.clone(),
            count(of.requests),
            count(of.hits + of.stale + of.revalidated),
            count(of.misses),
            count(of.bypass),
            percent(of.hit_rate),
            span(of.saved_ms),
        ]
    });
    output.table(&header, rows.collect());
    if left_out > 0 {
        output.line(&format!("{left_out} more: --json shows all"));
    }
}

fn show_reasons(title: &str, reasons: &[CountedReason], output: &Output) {
    if reasons.is_empty() {
        return;
    }
    let header = [title, "requests", "remedy"].map(str::to_owned);
    let rows = reasons.iter().take(ROWS);
    let rows = rows.map(|one| vec![one.reason.clone(), count(one.count), one.remedy.clone()]);
    output.table(&header, rows.collect());
}

fn show_stale(title: &str, answers: &[StaleAnswers], output: &Output) {
    if answers.is_empty() {
        return;
    }
    output.heading(title);
    let header = ["type", "operation", "responses", "for example", "served", "recorded"];
    let rows = answers.iter().take(ROWS).map(|one| {
        let difference = &one.example.difference;
        vec![
            one.type_name.clone(),
            one.operation.clone(),
            count(one.count),
            if difference.path.is_empty() {
                one.example.url.clone()
            } else {
                difference.path.clone()
            },
            difference.served.clone(),
            difference.recorded.clone(),
        ]
    });
    output.table(&header.map(str::to_owned), rows.collect());
}
