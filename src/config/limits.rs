//! The section `limits`: how large a GraphQL request may be, and the memory for bodies.

use super::key::{DefaultValue, Key, ValueType};
use super::section::Section;
use crate::limits::{Amounts, Limit, MEMORY_IN_FLIGHT, MEMORY_IN_FLIGHT_RANGE};

/// `limits`
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// The limit of each measure.
    pub amounts: Amounts,
    /// Whether a request over a limit is refused instead of passed through.
    pub refuse: bool,
    /// How many bytes the bodies in flight may take in one isolate, counting every copy.
    pub memory_in_flight: usize,
}

pub(super) const KEYS: &[Key] = &[
    limit(Limit::Bytes, "Bytes of a POST's body."),
    limit(Limit::Tokens, "Lexical tokens of a document."),
    limit(Limit::Depth, "How deep brackets nest in a document."),
    limit(Limit::Aliases, "Aliases in a document."),
    limit(Limit::Selections, "Selections of an operation after its fragments are expanded."),
    limit(Limit::Operations, "Operations in a document."),
    limit(Limit::Batch, "Requests in one batch."),
    limit(Limit::Values, "JSON values in a POST's body."),
    Key {
        name: "memory_in_flight",
        value: ValueType::Number {
            unit: "bytes",
            least: MEMORY_IN_FLIGHT_RANGE.0 as u64,
            most: MEMORY_IN_FLIGHT_RANGE.1 as u64,
        },
        default: DefaultValue::Number(MEMORY_IN_FLIGHT as u64),
        doc: "Bytes that the bodies in flight may take in one isolate, counting every copy.",
    },
    Key {
        name: "refuse",
        value: ValueType::Flag,
        default: DefaultValue::Flag(false),
        doc: "Whether a request over a limit gets a 400 instead of being passed through.",
    },
];

const fn limit(limit: Limit, doc: &'static str) -> Key {
    let (default, most) = limit.default_and_maximum();
    Key {
        name: limit.as_str(),
        value: ValueType::Number { unit: limit.as_str(), least: 1, most: most as u64 },
        default: DefaultValue::Number(default as u64),
        doc,
    }
}

pub(super) fn limits(section: &Section<'_>) -> Limits {
    let size = |key| usize::try_from(section.number(key)).unwrap_or(usize::MAX);
    let mut amounts = Amounts::ZERO;
    for limit in Limit::ALL {
        amounts.set(limit, size(limit.as_str()));
    }
    let memory_in_flight = size("memory_in_flight");
    let limits = Limits { amounts, refuse: section.flag("refuse"), memory_in_flight };
    section.report_unknown();
    limits
}
