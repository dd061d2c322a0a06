//! The section `purge`: how purges are recorded and read.

use super::key::{DefaultValue, Key, ValueType};
use super::section::Section;

/// `purge`
#[derive(Debug, Clone, PartialEq)]
pub struct Purge {
    /// A purge takes effect everywhere within this many seconds: no hit is served from a replica
    /// that is further behind the log.
    pub max_lag: u64,
    /// Whether a write is answered only after its purge is recorded.
    pub wait: bool,
    /// After how many seconds each purge is repeated, once. 0: never.
    pub settle: u64,
    /// What happens if the log cannot be read for `max_lag`.
    pub unreadable: Unreadable,
    /// Whether the token of a client's own write is also set as a cookie.
    pub cookie: bool,
    /// Whether requests with the methods `PURGE` and `BAN` purge, with an admin token.
    pub methods: bool,
}

/// `purge.unreadable`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Unreadable {
    /// Every entry counts as a miss.
    #[default]
    Miss,
    /// Entries are served according to the last successful read.
    Serve,
}

pub(super) const KEYS: &[Key] = &[
    Key {
        name: "max_lag",
        value: ValueType::Number { unit: "seconds", least: 1, most: 86_400 },
        default: DefaultValue::Number(5),
        doc: "Seconds within which a purge takes effect in every isolate.",
    },
    Key {
        name: "wait",
        value: ValueType::Flag,
        default: DefaultValue::Flag(true),
        doc: "Whether the response to a write waits until its purge is recorded.",
    },
    Key {
        name: "settle",
        value: ValueType::Number { unit: "seconds", least: 0, most: 60 },
        default: DefaultValue::Number(0),
        doc: "Seconds after which each purge is repeated once, for an origin with lagging replicas.",
    },
    Key {
        name: "unreadable",
        value: ValueType::Choice(&["miss", "serve"]),
        default: DefaultValue::Text("miss"),
        doc: "What happens while the log cannot be read for `max_lag`.",
    },
    Key {
        name: "cookie",
        value: ValueType::Flag,
        default: DefaultValue::Flag(false),
        doc: "Whether the token of a client's own write is also set as a cookie.",
    },
    Key {
        name: "methods",
        value: ValueType::Flag,
        default: DefaultValue::Flag(false),
        doc: "Whether `PURGE` and `BAN` requests purge their path, with an admin token.",
    },
];

pub(super) fn purge(section: &Section<'_>) -> Purge {
    let purge = Purge {
        max_lag: section.number("max_lag"),
        wait: section.flag("wait"),
        settle: section.number("settle"),
        unreadable: section.choice("unreadable", &[Unreadable::Miss, Unreadable::Serve]),
        cookie: section.flag("cookie"),
        methods: section.flag("methods"),
    };
    section.report_unknown();
    purge
}
