//! What of the configuration is REST's alone: the table `rest`, a type's settings for it, and
//! `resources`.

use super::kinds::Match;
use super::section::{Faults, Section, strings};
use crate::http::PathPattern;
use crate::tag::TagTemplate;
use crate::time::Ttl;
use serde_json::Value;
use std::collections::BTreeMap;

/// `rest`
#[derive(Debug, Clone, PartialEq)]
pub struct Rest {
    /// Whether an answer that says nothing of its lifetime has one by its age (RFC 9111 §4.2.2).
    pub heuristic: bool,
    /// Whether `Cache-Control` and `Pragma` of requests count (RFC 9111 §5.2.1, §5.4).
    pub client_directives: bool,
    /// Who says that the answer to a request with `Authorization` may be shared.
    pub authorization: Authorization,
    /// Whether `CDN-Cache-Control` reaches the client.
    pub cdn_cache_control: CdnCacheControl,
}

/// `rest.cdn_cache_control`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CdnCacheControl {
    /// It is for Evergraph, and does not reach the client.
    Drop,
    /// Another such cache stands before Evergraph, which gets it too (RFC 9213 §2.2).
    Keep,
}

/// `rest.authorization`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authorization {
    /// A scope, and nothing else.
    Scope,
    /// A scope, or where none tells the request apart the origin's `public`, `s-maxage` or
    /// `must-revalidate` (RFC 9111 §3.5).
    Origin,
}

/// What a cache type says of REST alone.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RestSettings {
    /// Which parameters of the query belong to the key; none where it counts as it came.
    pub query: Option<Parameters>,
    /// Whether the path's case does not matter.
    pub ignore_case: bool,
    /// How long answers of other statuses than 200 are fresh.
    pub statuses: BTreeMap<u16, Ttl>,
    /// Whether `Set-Cookie` is taken off the answer.
    pub strip_set_cookie: bool,
}

/// `types.*.query`: which parameters belong to the key. Globs are over decoded names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parameters {
    /// All of them.
    All,
    /// Those that a glob matches.
    Only(Vec<String>),
    /// Those that no glob matches.
    Except(Vec<String>),
}

/// `resources`
#[derive(Debug, Clone, PartialEq, Hash)]
pub struct Resource {
    /// The paths.
    pub path: PathPattern,
    /// The tags of what is there.
    pub tags: Vec<TagTemplate>,
}

/// Reads the table `rest`.
pub(super) fn rest(section: Section<'_>) -> Rest {
    let authorization = [("scope", Authorization::Scope), ("origin", Authorization::Origin)];
    let rest = Rest {
        heuristic: section.flag("heuristic", false),
        client_directives: section.flag("client_directives", true),
        authorization: section
            .one_of("authorization", &authorization)
            .unwrap_or(Authorization::Scope),
        cdn_cache_control: section
            .one_of(
                "cdn_cache_control",
                &[("drop", CdnCacheControl::Drop), ("keep", CdnCacheControl::Keep)],
            )
            .unwrap_or(CdnCacheControl::Drop),
    };
    section.report_unknown();
    rest
}

/// Reads what a cache type says of REST alone.
pub(super) fn settings(section: &Section<'_>, matches: &[Match]) -> RestSettings {
    for key in ["query", "ignore_case", "statuses", "strip_set_cookie"] {
        let is_idle = !matches.iter().any(is_rest) && !matches.is_empty();
        if section.has(key) && is_idle {
            let message =
                "it is of REST alone, and this type has no match of the form \"rest:/path\"";
            section.faults().add(&section.path_of(key), message);
        }
    }
    RestSettings {
        query: parameters(section),
        ignore_case: section.flag("ignore_case", false),
        statuses: statuses(section),
        strip_set_cookie: section.flag("strip_set_cookie", false),
    }
}

/// Adds a fault where a type matches something else than REST, of which the key can say nothing.
pub(super) fn require_rest(section: &Section<'_>, key: &'static str, matches: &[Match]) {
    if !matches.iter().all(is_rest) {
        let message = "it is of REST alone, so each match of this type has the form \"rest:/path\"; give GraphQL a type of its own";
        section.faults().add(&section.path_of(key), message);
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
            let table = Section::new(path, Some(value), section.faults());
            if !table.has("except") {
                let message = "expected the parameters that do not belong to the key";
                table.faults().add(&table.path_of("except"), message);
            }
            let except = table.list("except", parameter_name);
            table.report_unknown();
            Some(Parameters::Except(except))
        }
        other => {
            let message = format!(
                "expected \"all\", a list of parameters or a table with \"except\", found {other}"
            );
            section.faults().add(&path, message);
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

/// A final status (RFC 9110 §15) of a whole answer that is no change of another one.
fn status(text: &str) -> Result<u16, String> {
    let status = text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    match status {
        Some(206) => Err("206 is a part of an answer, and is never stored as the whole".to_owned()),
        Some(304 | 412 | 416) => Err(format!(
            "{text} answers a condition or a range of one request, and is never stored"
        )),
        Some(200) => Err("how long a 200 lives is what \"ttl\" says".to_owned()),
        Some(status @ 203..=599) => Ok(status),
        _ => Err(format!("expected a status from 203 to 599, found {text:?}")),
    }
}

/// Reads `resources`.
pub(super) fn resources(root: &Section<'_>) -> Vec<Resource> {
    let Some(value) = root.value("resources") else { return Vec::new() };
    let Value::Array(items) = value else {
        root.faults().add("resources", format!("expected [[resources]] tables, found {value}"));
        return Vec::new();
    };
    items
        .iter()
        .enumerate()
        .filter_map(|(index, item)| {
            resource(Section::new(format!("resources[{index}]"), Some(item), root.faults()))
        })
        .collect()
}

fn resource(section: Section<'_>) -> Option<Resource> {
    let text = section.text("path");
    if text.is_none() {
        section.faults().add(&section.path_of("path"), "a resource has a path");
    }
    let path = text.and_then(|text| read_path(text, &section.path_of("path"), section.faults()));
    let Some(path) = path else {
        // Which parameters it has is not known, so nothing can be said of its tags.
        section.list("tags", |_| Ok(()));
        section.report_unknown();
        return None;
    };
    let parameters: Vec<&str> = path.parameters().collect();
    let tags = section.list("tags", |text| TagTemplate::parse(text, &parameters));
    section.report_unknown();
    Some(Resource { tags, path })
}

fn read_path(text: &str, place: &str, faults: &Faults) -> Option<PathPattern> {
    PathPattern::parse(text).map_err(|message| faults.add(place, message)).ok()
}

#[cfg(test)]
mod tests;
