//! The section `scopes`: who shares an entry.

use super::forms;
use super::key::{DefaultValue, Key, ValueType};
use super::names::name;
use super::section::Section;
use serde_json::Value;

/// One of `scopes.*`.
#[derive(Debug, Clone, PartialEq)]
pub struct Scope {
    /// Its name.
    pub name: String,
    /// What tells clients apart. Empty: nothing does, and all share.
    pub by: Vec<Identity>,
    /// Signals that do not change the responses of this scope.
    pub ignore: Vec<SignalPattern>,
}

/// An entry of `scopes.*.ignore`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignalPattern {
    /// `header:x-client-*`: a glob that matches names in lower case.
    Header(String),
    /// `cookie:theme`: a glob that matches names.
    Cookie(String),
}

/// An entry of `scopes.*.by`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Identity {
    /// `header:authorization`, in lower case.
    Header(String),
    /// `cookie:session`.
    Cookie(String),
    /// `jwt:sub`: a claim of a verified token, or a path to one with dots.
    Claim(String),
}

/// The keys of `scopes.*`.
pub(super) const KEYS: &[Key] = &[
    Key {
        name: "by",
        value: ValueType::List(&ValueType::Text(&forms::IDENTITY)),
        default: DefaultValue::Required,
        doc: "What tells clients apart: `header:<name>`, `cookie:<name>` and `jwt:<claim>`.",
    },
    Key {
        name: "ignore",
        value: ValueType::List(&ValueType::Text(&forms::SIGNAL)),
        default: DefaultValue::List(&[]),
        doc: "Signals that do not change the responses of this scope.",
    },
];

/// Reads `scopes`.
pub(super) fn scopes(root: &Section<'_>) -> Vec<Scope> {
    let has_tokens = root.has("jwt");
    let read = |(scope_name, value): (&str, &Value)| {
        let path = format!("scopes.{scope_name}");
        if scope_name == "public" {
            root.faults().add(&path, "this name is reserved; choose another");
        }
        name(root.faults(), &path, scope_name);
        let section = Section::new(path, KEYS, Some(value), root.faults());
        if section.value("by").is_none() {
            section.fault("by", "required: what tells clients apart; [] if nothing does");
        }
        let by = section.list("by", |text| parse_identity(text, has_tokens));
        let ignore = section.list("ignore", parse_signal_pattern);
        section.report_unknown();
        Scope { name: scope_name.to_owned(), by, ignore }
    };
    root.entries("scopes").into_iter().map(read).collect()
}

fn parse_identity(text: &str, has_tokens: bool) -> Result<Identity, String> {
    match text.split_once(':') {
        Some(("header", header)) if !header.is_empty() => {
            Ok(Identity::Header(header.to_ascii_lowercase()))
        }
        Some(("cookie", cookie)) if !cookie.is_empty() => Ok(Identity::Cookie(cookie.to_owned())),
        Some(("jwt", claim)) if claim.split('.').all(|name| !name.is_empty()) => {
            let without =
                format!("{text:?} needs the table jwt, which says how tokens are verified");
            has_tokens.then(|| Identity::Claim(claim.to_owned())).ok_or(without)
        }
        _ => Err(format!(
            "expected \"header:<name>\", \"cookie:<name>\" or \"jwt:<claim>\", found {text:?}"
        )),
    }
}

fn parse_signal_pattern(text: &str) -> Result<SignalPattern, String> {
    match text.split_once(':') {
        Some(("header", header)) if !header.is_empty() => {
            Ok(SignalPattern::Header(header.to_ascii_lowercase()))
        }
        Some(("cookie", cookie)) if !cookie.is_empty() => {
            Ok(SignalPattern::Cookie(cookie.to_owned()))
        }
        _ => Err(format!(
            "expected \"header:<name>\" or \"cookie:<name>\", \"*\" allowed, found {text:?}"
        )),
    }
}
