//! What the origin's answer to a write says of whether the write ran.
//!
//! A write counts as run unless its answer proves that nothing ran. In scope: the proof. Not in
//! scope: what is purged where there is none (`write`).

use super::write::WriteResponse;
use crate::config::{Config, RestRules, RestTtl};
use crate::graphql::{Outcome, outcome};
use crate::http::{AnswerCoding, Headers, Url, folded_path};
use serde_json::Value;

/// Whether a write ran, as far as its answer shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing ran.
    Nothing,
    /// It ran, or may have, and the origin is done with it when its answer ends.
    Something,
    /// It may still be running: nobody who knows has answered.
    Unknown,
}

/// The effect of a GraphQL request. `operations` is how many it holds, where that is known.
///
/// | answer | effect |
/// |---|---|
/// | none; 5xx but for those below | `Unknown` if a gateway may have given it, else `Something` |
/// | 521, 523, 525, 526, 530 | `Nothing`: no connection was made |
/// | below 500, `errors` without `data` (or with `data: null`), and no error has a `path` | `Nothing` |
/// | a list of such answers, as long as the request's where it is no 4xx | `Nothing` |
/// | 4xx whose body is no GraphQL answer | `Nothing` |
/// | anything else, unreadable bodies included | `Something` |
pub fn graphql_effect(answer: Option<WriteResponse<'_>>, operations: Option<usize>) -> Effect {
    let Some(answer) = answer else { return Effect::Unknown };
    if let Some(effect) = effect_of_status(answer.status) {
        return effect;
    }
    let refuses = is_client_error(answer.status);
    let proven = match json_of(answer) {
        Json::Value(Value::Array(answers)) => {
            let fits = !answers.is_empty() && operations.is_none_or(|count| count == answers.len());
            (refuses || fits) && answers.iter().all(|answer| element_proves(answer, refuses))
        }
        Json::Value(answer) => element_proves(&answer, refuses),
        Json::None => refuses,
        Json::Unreadable => false,
    };
    if proven { Effect::Nothing } else { Effect::Something }
}

/// Whether one answer, or an element of a list of answers, proves that its operation did not run.
/// With `refuses` the status is a 4xx: then what is no GraphQL answer proves it too.
pub(super) fn element_proves(answer: &Value, refuses: bool) -> bool {
    match answer {
        Value::Array(answers) => {
            refuses && answers.iter().all(|answer| element_proves(answer, refuses))
        }
        answer => outcome(answer) == Outcome::NothingRan || (refuses && !is_graphql_answer(answer)),
    }
}

/// Whether JSON is an answer as GraphQL §7.1 has it, well formed or not.
fn is_graphql_answer(json: &Value) -> bool {
    let has = |name: &str| json.get(name).is_some();
    let errors = json.get("errors").and_then(Value::as_array);
    has("data") || has("incremental") || has("hasNext") || errors.is_some_and(|all| !all.is_empty())
}

/// The effect of a REST request of an unsafe method. Where the origin's own headers decide on
/// lifetimes, and no resource ties the path to anything else, a 5xx of the origin itself has none
/// (RFC 9111 §4.4: only a non-error response invalidates).
pub fn rest_effect(config: &Config, url: &Url, status: Option<u16>) -> Effect {
    let Some(status) = status else { return Effect::Unknown };
    match effect_of_status(status) {
        Some(Effect::Something) if is_left_to_the_origin(config, url) => Effect::Nothing,
        Some(effect) => effect,
        None if is_client_error(status) => Effect::Nothing,
        None => Effect::Something,
    }
}

/// What a status says by itself, whatever was asked.
fn effect_of_status(status: u16) -> Option<Effect> {
    match status {
        ..500 => None,
        // Cloudflare made no connection to the origin, or none over TLS: refused, unreachable,
        // handshake failed, certificate invalid, name not resolved. See
        // developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors
        521 | 523 | 525 | 526 | 530 => Some(Effect::Nothing),
        // By these an origin itself says that it failed (RFC 9110 §15.6).
        500 | 501 | 505..=508 | 510 | 511 => Some(Effect::Something),
        // A gateway gave up, or says something that has no meaning of its own. 522 is among them:
        // it is also what is said where a connection was made and the request not acknowledged.
        _ => Some(Effect::Unknown),
    }
}

/// Whether nothing but the origin's own headers says what of a path is stored.
fn is_left_to_the_origin(config: &Config, url: &Url) -> bool {
    let is_left = |path: &str| {
        RestRules::of(&config.types_of_path(path)).ttl == RestTtl::Origin
            && config.resources_of(path).is_empty()
    };
    let path = url.comparable_path();
    // To the origin another spelling may be the same path.
    is_left(&path) && is_left(&config.tagged_path(&path)) && is_left(&folded_path(&url.path))
}

pub(super) fn is_client_error(status: u16) -> bool {
    (400..500).contains(&status)
}

/// The body of an answer as JSON.
enum Json {
    Value(Value),
    /// It is none.
    None,
    /// It could be, and was not read whole, or in a coding that is not known, or is not quite JSON.
    Unreadable,
}

fn json_of(answer: WriteResponse<'_>) -> Json {
    let body = answer.body.filter(|_| AnswerCoding::of(answer.headers).is_decoded());
    match (body, Format::of(answer.headers)) {
        // What is sent in parts is no JSON text, and may hold many.
        (_, Format::Parts) => Json::Unreadable,
        (Some(body), _) => match serde_json::from_slice(body) {
            Ok(value) => Json::Value(value),
            Err(_) if begins_as_json(body) => Json::Unreadable,
            Err(_) => Json::None,
        },
        (None, Format::Other) => Json::None,
        (None, Format::Json | Format::Unnamed) => Json::Unreadable,
    }
}

/// Whether a body that is no JSON begins as an answer does. Some servers write `NaN`, or a mark of the
/// byte order before it.
fn begins_as_json(body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start();
    body.starts_with(b"{") || body.starts_with(b"[")
}

/// How an answer's body is written, by its content type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON text.
    Json,
    /// Several texts or events that follow each other, each when it is there.
    Parts,
    /// Something else, such as a page.
    Other,
    /// Nothing says how.
    Unnamed,
}

impl Format {
    /// The format that the headers name.
    pub fn of(headers: &Headers) -> Self {
        let content_type = headers.get("content-type").unwrap_or_default().to_ascii_lowercase();
        let kind = content_type.split(';').next().unwrap_or_default().trim();
        let of_parts = ["event-stream", "ndjson", "jsonl", "json-seq", "stream+json", "jsonlines"];
        if kind.is_empty() {
            Self::Unnamed
        } else if kind.starts_with("multipart/") || of_parts.iter().any(|one| kind.contains(one)) {
            Self::Parts
        } else if kind.contains("json") {
            Self::Json
        } else {
            Self::Other
        }
    }
}

#[cfg(test)]
mod tests;
