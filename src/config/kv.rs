//! The section `kv`: how Workers KV is used.

use super::key::{DefaultValue, Key, SECONDS, ValueType};
use super::section::Section;

/// `kv`
#[derive(Debug, Clone, PartialEq)]
pub struct Kv {
    /// After this many milliseconds the origin is asked in parallel.
    pub timeout_ms: u64,
    /// Which entries are written.
    pub writes: KvWrites,
    /// Entries with a shorter lifetime, in seconds, are not written.
    pub min_ttl: u64,
    /// How many values all isolates of the service may write in a day. `None`: any number.
    pub writes_per_day: Option<u64>,
}

/// `kv.writes`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum KvWrites {
    /// Every entry is written.
    Always,
    /// An entry is written when it is requested a second time.
    #[default]
    SecondRequest,
    /// Nothing is written.
    Never,
}

pub(super) const KEYS: &[Key] = &[
    Key {
        name: "timeout_ms",
        value: ValueType::Number { unit: "milliseconds", least: 1, most: 30_000 },
        default: DefaultValue::Number(50),
        doc: "Milliseconds after which the origin is asked as well.",
    },
    Key {
        name: "writes",
        value: ValueType::Choice(&["always", "second-request", "never"]),
        default: DefaultValue::Text("second-request"),
        doc: "Which entries are written to KV.",
    },
    Key {
        name: "min_ttl",
        value: SECONDS,
        default: DefaultValue::Number(0),
        doc: "Entries that live shorter than this are not written to KV.",
    },
    Key {
        name: "writes_per_day",
        value: ValueType::Number { unit: "writes", least: 0, most: 1_000_000_000 },
        default: DefaultValue::Number(0),
        doc: "How many values the service may write to KV in a day (UTC). 0: any number.",
    },
];

pub(super) fn kv(section: &Section<'_>) -> Kv {
    let writes = [KvWrites::Always, KvWrites::SecondRequest, KvWrites::Never];
    let kv = Kv {
        timeout_ms: section.number("timeout_ms"),
        writes: section.choice("writes", &writes),
        min_ttl: section.number("min_ttl"),
        writes_per_day: Some(section.number("writes_per_day")).filter(|number| *number > 0),
    };
    section.report_unknown();
    kv
}
