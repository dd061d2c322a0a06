//! The result of a replay, as `--json` prints it.

use super::judging::StaleAnswers;
use super::lane::Lane;
use super::prices::{Cost, cost};
use super::tally::{Counters, Tally};
use crate::cli::recording::Skip;
use crate::cli::words::plain;
use crate::engine::bypass_reasons;
use crate::policy::{NotStored, Reason};
use crate::statistics::ratio;
use serde::Serialize;
use std::collections::BTreeMap;

/// The result of a replay.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub files: Vec<String>,
    /// Whether all files were read to their ends.
    pub is_complete: bool,
    /// Why not.
    pub fault: Option<String>,
    pub entries: u64,
    pub replayed: u64,
    /// Entries that came later in the file than their time says, beyond the window in which they are
    /// sorted.
    pub late: u64,
    pub skipped: Vec<Skipped>,
    /// Requests to other hosts, by host.
    pub other_hosts: BTreeMap<String, u64>,
    /// From the first request to the last.
    pub span_ms: u64,
    /// Whether any request has `Cookie` or `Authorization`.
    pub has_identity: bool,
    pub configurations: Vec<ConfigurationReport>,
}

/// Entries that were not replayed, by reason.
#[derive(Debug, Serialize)]
pub(crate) struct Skipped {
    pub reason: &'static str,
    pub count: u64,
    pub meaning: String,
    pub remedy: String,
}

impl Skipped {
    pub(super) fn new(skip: Skip, count: u64) -> Self {
        let reason = Skip::REASONS.iter().find(|reason| reason.word == skip.as_str());
        let text = |of: fn(&Reason) -> &'static str| plain(reason.map_or("", of));
        let (meaning, remedy) = (text(|reason| reason.meaning), text(|reason| reason.remedy));
        Self { reason: skip.as_str(), count, meaning, remedy }
    }
}

/// The result of one configuration.
#[derive(Debug, Serialize)]
pub(crate) struct ConfigurationReport {
    pub config: String,
    #[serde(flatten)]
    pub all: CountersWithOrigin,
    pub kv: Kv,
    pub purge_log: PurgeLog,
    pub usd_per_million: Cost,
    pub by_type: BTreeMap<String, Counters>,
    pub by_operation: BTreeMap<String, Counters>,
    /// Why requests were not looked up.
    pub bypass_reasons: Vec<CountedReason>,
    /// Why responses were not stored.
    pub not_stored: Vec<CountedReason>,
    /// What a cache that only knows lifetimes would have served stale, and Evergraph did not.
    pub prevented: Vec<StaleAnswers>,
    /// What Evergraph would have served stale.
    pub stale_answers: Vec<StaleAnswers>,
    /// Answers that differ from the recording while a write was under way.
    pub undecided: u64,
    /// Stored values that were dropped for lack of memory during the replay.
    pub dropped_values: u64,
}

/// The counters of all requests, with everything that the origin was asked, also in the background.
#[derive(Debug, Serialize)]
pub(crate) struct CountersWithOrigin {
    #[serde(flatten)]
    pub counters: Counters,
    pub all_origin_requests: u64,
    /// Requests to the origin for each request of a client.
    pub origin_load: f64,
    pub origin_ms: u64,
    pub all_origin_bytes: u64,
}

/// What was used of Workers KV.
#[derive(Debug, Serialize)]
pub(crate) struct Kv {
    pub reads: u64,
    pub writes: u64,
}

/// What was used of the purge log.
#[derive(Debug, Serialize)]
pub(crate) struct PurgeLog {
    pub requests: u64,
    pub records: u64,
    pub rows: u64,
}

/// A named reason, and how often it applied.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct CountedReason {
    pub reason: String,
    pub count: u64,
    pub meaning: String,
    pub remedy: String,
}

impl Report {
    #[expect(clippy::too_many_arguments, reason = "each is one member of the report")]
    pub(super) fn new(
        files: Vec<String>,
        (entries, replayed, late): (u64, u64, u64),
        skipped: Vec<Skipped>,
        other_hosts: BTreeMap<String, u64>,
        span_ms: u64,
        has_identity: bool,
        fault: Option<String>,
        lanes: &[Lane],
    ) -> Self {
        let configurations = lanes.iter().map(ConfigurationReport::of).collect();
        let is_complete = fault.is_none();
        Self {
            files,
            is_complete,
            fault,
            entries,
            replayed,
            late,
            skipped,
            other_hosts,
            span_ms,
            has_identity,
            configurations,
        }
    }
}

impl ConfigurationReport {
    fn of(lane: &Lane) -> Self {
        let usage = lane.usage();
        let Tally { all, by_type, by_operation, bypasses, not_stored } = &lane.tally;
        let (prevented, stale_answers) = lane.judging.found();
        let all = CountersWithOrigin {
            counters: all.clone(),
            all_origin_requests: usage.origin_requests,
            origin_load: ratio(usage.origin_requests, all.requests),
            origin_ms: usage.origin_millis,
            all_origin_bytes: usage.origin_bytes,
        };
        Self {
            config: lane.name.clone(),
            kv: Kv { reads: usage.kv_reads, writes: usage.kv_writes },
            purge_log: PurgeLog {
                requests: usage.log_calls,
                records: usage.log_records,
                rows: usage.log_rows,
            },
            usd_per_million: cost(all.counters.requests, &usage),
            by_type: by_type.clone(),
            by_operation: by_operation.clone(),
            bypass_reasons: counted(bypasses, &bypass_reasons()),
            not_stored: counted(not_stored, NotStored::REASONS),
            all,
            prevented,
            stale_answers,
            undecided: lane.judging.undecided,
            dropped_values: usage.dropped_values,
        }
    }
}

/// The reasons with their documentation, the most frequent ones first.
fn counted(counts: &BTreeMap<String, u64>, reasons: &[Reason]) -> Vec<CountedReason> {
    let describe = |(reason, count): (&String, &u64)| {
        let word = reason.split(':').next().unwrap_or_default();
        let found = reasons.iter().find(|known| known.word == word);
        CountedReason {
            reason: reason.clone(),
            count: *count,
            meaning: plain(found.map_or("", |known| known.meaning)),
            remedy: plain(found.map_or("", |known| known.remedy)),
        }
    };
    let mut list: Vec<CountedReason> = counts.iter().map(describe).collect();
    list.sort_by_key(|one| std::cmp::Reverse(one.count));
    list
}
