//! Counters of a replay: in all, by cache type, by operation and by reason.

use crate::offline::{Answer, Recorded};
use crate::statistics::{Counter, Counts};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// How many names are counted by themselves. What comes later is counted as `(others)`.
const NAMES: usize = 1_000;

/// How a request was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answered {
    Hit,
    Stale,
    Revalidated,
    Miss,
    Bypass,
}

impl Answered {
    /// By `X-Cache`.
    pub fn of(answer: &Answer) -> Self {
        match answer.headers.get("x-cache") {
            Some("HIT") => Self::Hit,
            Some("STALE") => Self::Stale,
            Some("REVALIDATED") => Self::Revalidated,
            Some("MISS") => Self::Miss,
            _ => Self::Bypass,
        }
    }

    /// Whether the client got it without waiting for the origin.
    pub fn is_cached(self) -> bool {
        matches!(self, Self::Hit | Self::Stale)
    }
}

/// Counters.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Counters {
    pub requests: u64,
    pub hits: u64,
    pub stale: u64,
    pub revalidated: u64,
    pub misses: u64,
    pub bypass: u64,
    /// The share of looked-up requests that were answered with something stored, as `GET stats` has it.
    pub hit_rate: f64,
    /// Requests to the origin that clients waited for.
    pub origin_requests: u64,
    /// Bytes of bodies that came from the cache, and from the origin.
    pub cached_bytes: u64,
    pub origin_bytes: u64,
    /// Milliseconds that clients waited less than in the recording.
    pub saved_ms: u64,
}

impl Counters {
    fn add(&mut self, recorded: &Recorded, answer: &Answer) {
        let how = Answered::of(answer);
        self.requests += 1;
        *match how {
            Answered::Hit => &mut self.hits,
            Answered::Stale => &mut self.stale,
            Answered::Revalidated => &mut self.revalidated,
            Answered::Miss => &mut self.misses,
            Answered::Bypass => &mut self.bypass,
        } += 1;
        let bytes = answer.body.len() as u64;
        *if how.is_cached() { &mut self.cached_bytes } else { &mut self.origin_bytes } += bytes;
        self.origin_requests += answer.origin_requests;
        self.saved_ms += recorded.millis.saturating_sub(answer.millis);
        self.hit_rate = self.lookups().hit_rate();
    }

    /// The counters of the requests that were looked up, as the statistics have them.
    fn lookups(&self) -> Counts {
        let mut counts = Counts::default();
        for (counter, number) in [
            (Counter::Hits, self.hits),
            (Counter::Stale, self.stale),
            (Counter::Revalidated, self.revalidated),
            (Counter::Misses, self.misses),
        ] {
            counts.add_to(counter, number);
        }
        counts
    }
}

/// Everything that is counted for one configuration.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub all: Counters,
    pub by_type: BTreeMap<String, Counters>,
    pub by_operation: BTreeMap<String, Counters>,
    /// Why requests were not looked up, with the name of the signal: `cookie-without-scope: sid`.
    pub bypasses: BTreeMap<String, u64>,
    /// Why responses were not stored.
    pub not_stored: BTreeMap<String, u64>,
}

impl Tally {
    /// Counts an answer.
    pub fn add(&mut self, recorded: &Recorded, operation: &str, answer: &Answer) {
        self.all.add(recorded, answer);
        let type_name = type_of(answer);
        named(&mut self.by_type, type_name.as_deref().unwrap_or("-")).add(recorded, answer);
        named(&mut self.by_operation, operation).add(recorded, answer);
        let line = |event: &str| answer.lines.iter().find(|line| line["event"] == event);
        let reason = |line: &Value| line["reason"].as_str().map(str::to_owned);
        if Answered::of(answer) == Answered::Bypass {
            let why = line("bypass").and_then(reason).unwrap_or_else(|| "batch".to_owned());
            *named(&mut self.bypasses, &why) += 1;
        }
        let is_unstored = |line: &&Value| line["event"] == "miss" && line["stored"] == false;
        if let Some(why) = answer.lines.iter().find(is_unstored).and_then(reason) {
            *named(&mut self.not_stored, &why) += 1;
        }
    }
}

/// The cache type of an answer, from its log line.
pub(super) fn type_of(answer: &Answer) -> Option<String> {
    answer.lines.iter().find_map(|line| line["type"].as_str().map(str::to_owned))
}

fn named<'m, V: Default>(map: &'m mut BTreeMap<String, V>, name: &str) -> &'m mut V {
    let name = if map.contains_key(name) || map.len() < NAMES { name } else { "(others)" };
    map.entry(name.to_owned()).or_default()
}
