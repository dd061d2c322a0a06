//! Log lines: one JSON object each, with neither secrets nor bodies nor query strings.

use super::handle::Service;
use super::runtime::Runtime;
use crate::purge::{Record, Seq};
use serde::Serialize;
use serde_json::{Value, json};

/// The line of an answer from the cache. It is written for every hit, so it is written quickly.
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

impl<W: Runtime> Service<W> {
    pub(super) fn report_hit(&self, line: &HitLine<'_>) {
        // Strings and numbers are always written.
        self.runtime.line(&serde_json::to_string(line).unwrap_or_default());
    }

    pub(super) fn report(&self, line: &Value) {
        self.runtime.line(&line.to_string());
    }

    pub(super) fn report_failure(&self, part: &str, fault: &str) {
        let fault: String = fault.chars().take(200).collect();
        self.report(&json!({ "event": "failure", "part": part, "fault": fault }));
    }

    pub(super) fn report_purge(&self, seq: Seq, record: &Record, source: &str) {
        self.report(&json!({
            "event": "purge",
            "source": source,
            "seq": seq,
            "tags": record.tags.len(),
            "patterns": record.patterns.len(),
            "all": record.all,
            "soft": record.soft,
        }));
    }
}
