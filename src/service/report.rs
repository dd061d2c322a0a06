//! Log lines: one JSON object each, without secrets, bodies or query strings.

use super::runtime::LogSink;
use crate::admin::WarmReport;
use crate::purge::{Pause, Record, Seq};
use serde::Serialize;
use serde_json::{Value, json};

/// The longest text of a fault in a log line, in characters.
const FAULT_CHARS: usize = 200;

/// The line of a response from the cache. Every hit writes one, so it avoids building a [`Value`].
#[derive(Serialize)]
pub(super) struct HitLine<'a> {
    pub event: &'a str,
    pub tier: &'a str,
    #[serde(rename = "type")]
    pub type_name: &'a str,
    pub key: &'a str,
    pub age: u64,
    pub ms: u64,
}

/// Logs a response from the cache.
pub(super) fn report_hit(log: &impl LogSink, line: &HitLine<'_>) {
    // Strings and numbers can always be serialized.
    log.line(&serde_json::to_string(line).unwrap_or_default());
}

/// Logs an event.
pub(super) fn report(log: &impl LogSink, line: &Value) {
    log.line(&line.to_string());
}

/// Logs why a part failed.
pub(super) fn report_failure(log: &impl LogSink, part: &str, fault: &str) {
    let fault: String = fault.chars().take(FAULT_CHARS).collect();
    report(log, &json!({ "event": "failure", "part": part, "fault": fault }));
}

/// Logs a purge that the log has recorded as `seq`.
pub(super) fn report_purge(log: &impl LogSink, seq: Seq, record: &Record, source: &str) {
    let line = json!({
        "event": "purge",
        "source": source,
        "seq": seq,
        "tags": record.tags.len(),
        "patterns": record.patterns.len(),
        "all": record.all,
        "soft": record.soft,
    });
    report(log, &line);
}

/// Logs a part of what is warmed by itself: `done` of `all` reads are done.
pub(super) fn report_warming(log: &impl LogSink, warmed: &WarmReport, (done, all): (usize, usize)) {
    let line = json!({
        "event": "warm",
        "warmed": warmed.warmed,
        "already_fresh": warmed.already_fresh,
        "skipped": warmed.skipped,
        "failed": warmed.failed,
        "done": done,
        "of": all,
    });
    report(log, &line);
}

/// Logs that the purge log has paused the cache, or has ended the pause, by the record `seq`.
pub(super) fn report_pause(log: &impl LogSink, seq: Seq, pause: Pause) {
    let line = match pause {
        Pause::NONE => json!({ "event": "resume", "seq": seq }),
        pause => {
            let until = pause.ends_at().map(|at| at.as_millis());
            json!({ "event": "pause", "seq": seq, "until": until })
        }
    };
    report(log, &line);
}
