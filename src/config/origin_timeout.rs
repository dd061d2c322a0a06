//! The section `origin_timeout`: how long the origin may take.

use super::key::{DefaultValue, Key, ValueType};
use super::section::Section;

/// `origin_timeout`: how many milliseconds may pass until the origin's response begins. `None`: no
/// timeout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OriginTimeout {
    /// For requests that could be served from the cache.
    pub read_ms: Option<u64>,
    /// For mutations and REST writes.
    pub write_ms: Option<u64>,
}

const MILLIS: ValueType = ValueType::Number { unit: "milliseconds", least: 0, most: 600_000 };

pub(super) const KEYS: &[Key] = &[
    Key {
        name: "read_ms",
        value: MILLIS,
        default: DefaultValue::Number(30_000),
        doc: "Milliseconds for requests that could be served from the cache; 0 for no timeout.",
    },
    Key {
        name: "write_ms",
        value: MILLIS,
        default: DefaultValue::Number(0),
        doc: "Milliseconds for mutations and REST writes; 0 for no timeout.",
    },
];

pub(super) fn origin_timeout(section: &Section<'_>) -> OriginTimeout {
    let millis = |key| Some(section.number(key)).filter(|millis| *millis > 0);
    let timeout = OriginTimeout { read_ms: millis("read_ms"), write_ms: millis("write_ms") };
    section.report_unknown();
    timeout
}
