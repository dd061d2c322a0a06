//! The section `stats`: what the statistics of all isolates may use.

use super::key::{DefaultValue, Key, ValueType};
use super::section::Section;

/// `stats`
#[derive(Debug, Clone, PartialEq)]
pub struct Stats {
    /// How many requests a day all isolates together may send to the statistics object. 0: none.
    pub requests_per_day: u64,
}

pub(super) const KEYS: &[Key] = &[Key {
    name: "requests_per_day",
    value: ValueType::Number { unit: "requests", least: 0, most: 1_000_000_000 },
    default: DefaultValue::Number(3_000),
    doc: "How many requests a day the statistics of all isolates may use. 0: each isolate has its own.",
}];

pub(super) fn stats(section: &Section<'_>) -> Stats {
    let stats = Stats { requests_per_day: section.number("requests_per_day") };
    section.report_unknown();
    stats
}
