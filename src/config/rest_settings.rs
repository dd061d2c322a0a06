//! The settings of a cache type that apply to REST only.

use super::forms;
use super::key::{DefaultValue, Key, SECONDS, ValueType};
use super::matches::Match;
use super::section::{Section, strings};
use crate::time::Ttl;
use serde_json::Value;
use std::collections::BTreeMap;

/// The settings of a cache type that apply to REST only.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RestSettings {
    /// Which query parameters belong to the key. `None`: the whole query string, unchanged.
    pub query: Option<Parameters>,
    /// Whether the path is compared without case.
    pub ignore_case: bool,
    /// The freshness lifetime of responses with a status other than 200.
    pub statuses: BTreeMap<u16, Ttl>,
    /// Whether `Set-Cookie` is removed from the response.
    pub strip_set_cookie: bool,
}

/// `types.*.query`: which query parameters belong to the key. Globs match decoded names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parameters {
    /// All of them.
    All,
    /// Those that a glob matches.
    Only(Vec<String>),
    /// Those that no glob matches.
    Except(Vec<String>),
}

const PARAMETERS: ValueType = ValueType::List(&ValueType::Text(&forms::PARAMETER));

pub(super) const QUERY: Key = Key {
    name: "query",
    value: ValueType::OneOf(&[ValueType::Choice(&["all"]), PARAMETERS, ValueType::Section]),
    default: DefaultValue::Described("the whole query string, unchanged"),
    doc: "Which query parameters belong to the key.",
};

pub(super) const IGNORE_CASE: Key = Key {
    name: "ignore_case",
    value: ValueType::Flag,
    default: DefaultValue::Flag(false),
    doc: "Whether the path, and the type's own `rest:` patterns, are compared without case.",
};

pub(super) const STATUSES: Key = Key {
    name: "statuses",
    value: ValueType::Map { names: &forms::STATUS, values: &SECONDS },
    default: DefaultValue::None,
    doc: "By status other than 200, how many seconds a response is fresh.",
};

pub(super) const STRIP_SET_COOKIE: Key = Key {
    name: "strip_set_cookie",
    value: ValueType::Flag,
    default: DefaultValue::Flag(false),
    doc: "Whether `Set-Cookie` is removed from the response, so that it can be stored.",
};

/// The keys of the table that `query` may be.
pub(super) const QUERY_KEYS: &[Key] = &[Key {
    name: "except",
    value: PARAMETERS,
    default: DefaultValue::Required,
    doc: "Names of the parameters that do not belong to the key, `*` allowed.",
}];

pub(super) fn rest_settings(section: &Section<'_>, matches: &[Match]) -> RestSettings {
    let applies = matches.is_empty() || matches.iter().any(is_rest);
    for key in [QUERY, IGNORE_CASE, STATUSES, STRIP_SET_COOKIE] {
        if section.has(key.name) && !applies {
            let message =
                "it is for REST only, and this type has no match of the form \"rest:/path\"";
            section.fault(key.name, message);
        }
    }
    RestSettings {
        query: parameters(section),
        ignore_case: section.flag("ignore_case"),
        statuses: statuses(section),
        strip_set_cookie: section.flag("strip_set_cookie"),
    }
}

/// Adds a fault if a type matches anything but REST, to which the key cannot apply.
pub(super) fn require_rest(section: &Section<'_>, key: &'static str, matches: &[Match]) {
    if !matches.iter().all(is_rest) {
        let message = "it is for REST only, so each match of this type must have the form \"rest:/path\"; define another type for GraphQL";
        section.fault(key, message);
    }
}

fn is_rest(one: &Match) -> bool {
    matches!(one, Match::Rest(_))
}

fn parameters(section: &Section<'_>) -> Option<Parameters> {
    let value = section.value("query")?;
    let path = section.path_of("query");
    match value {
        Value::String(text) if text == "all" => Some(Parameters::All),
        Value::Array(_) => {
            Some(Parameters::Only(strings(value, &path, section.faults(), parameter_name)))
        }
        Value::Object(_) => {
            let table = Section::new(path, QUERY_KEYS, Some(value), section.faults());
            if !table.has("except") {
                table.fault("except", "expected the parameters that do not belong to the key");
            }
            let except = table.list("except", parameter_name);
            table.report_unknown();
            Some(Parameters::Except(except))
        }
        other => {
            let message = format!(
                "expected \"all\", a list of parameters or a table with \"except\", found {other}"
            );
            section.fault("query", message);
            None
        }
    }
}

fn parameter_name(text: &str) -> Result<String, String> {
    match text {
        "" => Err("expected the name of a parameter, found \"\"".to_owned()),
        name => Ok(name.to_owned()),
    }
}

fn statuses(section: &Section<'_>) -> BTreeMap<u16, Ttl> {
    let path = section.path_of("statuses");
    let mut statuses = BTreeMap::new();
    for (text, value) in section.entries("statuses") {
        let path = format!("{path}.{text}");
        let status = status(text).map_err(|message| section.faults().add(&path, message));
        let most = Ttl::MAX.as_seconds();
        let seconds = value.as_u64().filter(|seconds| *seconds <= most);
        if seconds.is_none() {
            let message =
                format!("expected a whole number of seconds from 0 to {most}, found {value}");
            section.faults().add(&path, message);
        }
        statuses.extend(status.ok().zip(seconds.map(Ttl::from_seconds)));
    }
    statuses
}

/// A final status (RFC 9110 §15) of a complete response that does not update another one.
fn status(text: &str) -> Result<u16, String> {
    let status = text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    match status {
        Some(206) => {
            Err("206 is a partial response, and is never stored as a complete one".to_owned())
        }
        Some(304 | 412 | 416) => Err(format!(
            "{text} answers a condition or a range of one request, and is never stored"
        )),
        Some(200) => Err("\"ttl\" sets the lifetime of a 200".to_owned()),
        Some(status @ 203..=599) => Ok(status),
        _ => Err(format!("expected a status from 203 to 599, found {text:?}")),
    }
}

#[cfg(test)]
mod tests;
