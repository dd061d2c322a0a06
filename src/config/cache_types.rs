//! Cache types (`types.*` and `default`): what they match, and how that is cached.

use super::forms;
use super::key::{DefaultValue, Key, SECONDS, ValueType};
use super::matches::{Match, parse_match};
use super::names::{header_names, name, parse_tag};
use super::rest_settings::{
    IGNORE_CASE, QUERY, RestSettings, STATUSES, STRIP_SET_COOKIE, require_rest, rest_settings,
};
use super::section::Section;
use crate::tag::Tag;
use crate::time::Ttl;
use serde_json::Value;

/// A cache type.
#[derive(Debug, Clone, PartialEq)]
pub struct CacheType {
    /// Its name.
    pub name: String,
    /// What it matches.
    pub matches: Vec<Match>,
    /// How long its responses are fresh.
    pub ttl: TypeTtl,
    /// How much longer they are served stale while one request refreshes them. `None`: not at all,
    /// or with the origin's ttl, as long as the origin allows.
    pub swr: Option<Ttl>,
    /// How much longer they are served stale while the origin fails. `None`: as for `swr`.
    pub sie: Option<Ttl>,
    /// The name of its scope. `None` for `public`.
    pub scope: Option<String>,
    /// Names of request headers that belong to its keys, in lower case and sorted.
    pub vary: Vec<String>,
    /// Additional tags of its entries.
    pub tags: Vec<Tag>,
    /// Whether `no-store`, `private`, `Set-Cookie` and `Vary: Cookie` are overridden.
    pub overriding: bool,
    /// The `max-age` that the client gets. `None`: the origin's `Cache-Control`.
    pub client_ttl: Option<Ttl>,
    /// The settings that apply to REST only.
    pub rest: RestSettings,
}

/// `types.*.ttl`, the stricter value first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TypeTtl {
    /// This long. Zero: never stored.
    Seconds(Ttl),
    /// As long as the origin's headers say (RFC 9111 §4.2.1). REST only.
    Origin,
}

impl TypeTtl {
    /// The configured time. `None` if the origin sets it.
    pub fn seconds(self) -> Option<Ttl> {
        match self {
            Self::Seconds(ttl) => Some(ttl),
            Self::Origin => None,
        }
    }
}

/// The default `ttl` of GraphQL responses.
const DEFAULT_TTL_SECONDS: u64 = 300;

/// The scope that everybody belongs to.
const PUBLIC: &str = "public";

/// The names of the cache types that are always there.
pub(super) const RESERVED_NAMES: [&str; 2] = ["default", "introspection"];

/// The keys of `types.*`.
pub(super) const TYPE_KEYS: &[Key] = &[
    Key {
        name: "match",
        value: ValueType::List(&ValueType::Text(&forms::MATCH)),
        default: DefaultValue::Required,
        doc: "What the type matches.",
    },
    Key {
        name: "ttl",
        value: ValueType::OneOf(&[SECONDS, ValueType::Choice(&["origin"])]),
        default: DefaultValue::Required,
        doc: "How long a response is fresh.",
    },
    SWR,
    SIE,
    SCOPE,
    VARY,
    TAGS,
    OVERRIDE,
    CLIENT_TTL,
    QUERY,
    IGNORE_CASE,
    STATUSES,
    STRIP_SET_COOKIE,
];

/// The keys of `default`.
pub(super) const DEFAULT_KEYS: &[Key] = &[
    Key {
        name: "ttl",
        value: SECONDS,
        default: DefaultValue::Number(DEFAULT_TTL_SECONDS),
        doc: "How long a response is fresh.",
    },
    SWR,
    SIE,
    SCOPE,
    VARY,
    TAGS,
    OVERRIDE,
    CLIENT_TTL,
];

const SWR: Key = Key {
    name: "swr",
    value: SECONDS,
    default: DefaultValue::Number(0),
    doc: "How many seconds longer it is served stale while one request refreshes it.",
};

const SIE: Key = Key {
    name: "sie",
    value: SECONDS,
    default: DefaultValue::Number(0),
    doc: "How many seconds longer it is served stale while the origin fails.",
};

const SCOPE: Key = Key {
    name: "scope",
    value: ValueType::Text(&forms::SCOPE),
    default: DefaultValue::Text(PUBLIC),
    doc: "The scope that says who shares an entry.",
};

const VARY: Key = Key {
    name: "vary",
    value: ValueType::List(&ValueType::Text(&forms::HEADER)),
    default: DefaultValue::List(&[]),
    doc: "Names of request headers that belong to the type's keys.",
};

const TAGS: Key = Key {
    name: "tags",
    value: ValueType::List(&ValueType::Text(&forms::TAG)),
    default: DefaultValue::List(&[]),
    doc: "Additional tags of the type's entries.",
};

const OVERRIDE: Key = Key {
    name: "override",
    value: ValueType::Flag,
    default: DefaultValue::Flag(false),
    doc: "Whether to store what the origin or a hint forbids to store.",
};

const CLIENT_TTL: Key = Key {
    name: "client_ttl",
    value: SECONDS,
    default: DefaultValue::None,
    doc: "The `max-age` in the `Cache-Control` that the client gets.",
};

/// Reads `types`.
pub(super) fn types(root: &Section<'_>) -> Vec<CacheType> {
    let read = |(type_name, value): (&str, &Value)| {
        let path = format!("types.{type_name}");
        if RESERVED_NAMES.contains(&type_name) {
            root.faults().add(&path, "this name is reserved; choose another");
        }
        name(root.faults(), &path, type_name);
        named_type(type_name, &Section::new(path, TYPE_KEYS, Some(value), root.faults()))
    };
    root.entries("types").into_iter().map(read).collect()
}

/// Reads `default`: the type of root fields of GraphQL queries that no other type matches.
pub(super) fn default_type(section: &Section<'_>) -> CacheType {
    let ttl = TypeTtl::Seconds(Ttl::from_seconds(section.number("ttl")));
    let default = cache_type("default", section, ttl);
    section.report_unknown();
    default
}

fn named_type(type_name: &str, section: &Section<'_>) -> CacheType {
    if section.value("match").is_none() {
        section.fault("match", "required: what the cache type matches");
    }
    let matches = section.list("match", parse_match);
    let ttl = ttl(section, &matches);
    let rest = rest_settings(section, &matches);
    let one = CacheType { matches, rest, ..cache_type(type_name, section, ttl) };
    section.report_unknown();
    one
}

fn ttl(section: &Section<'_>, matches: &[Match]) -> TypeTtl {
    let default = Ttl::from_seconds(DEFAULT_TTL_SECONDS);
    match section.value("ttl") {
        Some(Value::String(text)) if text == "origin" => {
            require_rest(section, "ttl", matches);
            return TypeTtl::Origin;
        }
        None => section.fault("ttl", "required: how many seconds a response is fresh"),
        Some(Value::String(text)) => {
            let message =
                format!("expected a whole number of seconds or \"origin\", found {text:?}");
            section.fault("ttl", message);
        }
        Some(value) => {
            let most = Ttl::MAX.as_seconds();
            if let Some(seconds) = value.as_u64().filter(|seconds| *seconds <= most) {
                return TypeTtl::Seconds(Ttl::from_seconds(seconds));
            }
            let message =
                format!("expected a whole number of seconds from 0 to {most}, found {value}");
            section.fault("ttl", message);
        }
    }
    TypeTtl::Seconds(default)
}

/// The scope. `None`: everybody shares an entry.
fn scope(section: &Section<'_>) -> Option<String> {
    Some(section.text_or_default("scope")).filter(|scope| *scope != PUBLIC).map(str::to_owned)
}

/// Reads the keys that a named type and the default have in common.
fn cache_type(type_name: &str, section: &Section<'_>, ttl: TypeTtl) -> CacheType {
    CacheType {
        name: type_name.to_owned(),
        matches: Vec::new(),
        ttl,
        swr: section.configured_seconds("swr"),
        sie: section.configured_seconds("sie"),
        scope: scope(section),
        vary: header_names(section, "vary"),
        tags: section.list("tags", parse_tag),
        overriding: section.flag("override"),
        client_ttl: section.configured_seconds("client_ttl"),
        rest: RestSettings::default(),
    }
}
