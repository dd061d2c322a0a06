//! Whether a write ran, judged by the origin's response.
//!
//! A write counts as run unless the response proves that nothing ran. In scope: that proof. Not in
//! scope: what is purged without it ([`super::write_purge`]).

use super::body_format::BodyFormat;
use crate::config::{Config, RestRules, RestTtl};
use crate::graphql::{Outcome, outcome};
use crate::http::{Headers, ResponseCoding, Url, folded_path};
use crate::json::{Index, Value};

/// The origin's response to a write.
#[derive(Debug, Clone, Copy)]
pub struct WriteResponse<'a> {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: &'a Headers,
    /// The body, if it was read. For a REST write it only matters if [`crate::rest::needs_body`]
    /// says so.
    pub body: Option<&'a [u8]>,
}

/// Whether a write ran, as far as the response shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteEffect {
    /// Nothing ran.
    Nothing,
    /// It ran, or may have, and has ended when the response ends.
    Completed,
    /// It may still be running: the response is not the origin's own.
    Unknown,
}

/// The effect of a GraphQL request with this number of operations, if it is known.
///
/// | response | effect |
/// |---|---|
/// | none, or 5xx other than below | `Unknown` if a gateway may have sent it, otherwise `Completed` |
/// | 521, 523, 525, 526, 530 | `Nothing`: no connection was made |
/// | below 500, `errors` without `data` (or with `data: null`), and no error with a `path` | `Nothing` |
/// | a list of such responses; unless it is a 4xx, as long as the list of operations | `Nothing` |
/// | 4xx whose body is no GraphQL response | `Nothing` |
/// | anything else, including unreadable bodies | `Completed` |
pub fn graphql_effect(
    response: Option<WriteResponse<'_>>,
    operations: Option<usize>,
) -> WriteEffect {
    let Some(response) = response else { return WriteEffect::Unknown };
    if let Some(effect) = effect_of_status(response.status) {
        return effect;
    }
    let refuses = is_client_error(response.status);
    let proven = match json_body(response) {
        JsonBody::Json(json) => match json.root() {
            Value::Array(responses) => {
                let count = responses.iter().count();
                let fits = count > 0 && operations.is_none_or(|operations| operations == count);
                (refuses || fits)
                    && responses.iter().all(|response| element_proves(response, refuses))
            }
            response => element_proves(response, refuses),
        },
        JsonBody::None => refuses,
        JsonBody::Unreadable => false,
    };
    if proven { WriteEffect::Nothing } else { WriteEffect::Completed }
}

/// Whether a response, or an element of a batch response, proves that its operation did not run.
/// `refuses` is `true` for a 4xx, where a body that is no GraphQL response is a proof as well.
pub(super) fn element_proves(response: Value<'_>, refuses: bool) -> bool {
    match response {
        Value::Array(responses) => {
            refuses && responses.iter().all(|response| element_proves(response, refuses))
        }
        response => {
            matches!(outcome(response), Outcome::NothingRan)
                || (refuses && !is_graphql_response(response))
        }
    }
}

/// Whether JSON is meant as a GraphQL response (§7.1), well formed or not.
fn is_graphql_response(json: Value<'_>) -> bool {
    let has = |name: &str| json.get(name).is_some();
    let errors = json.get("errors").and_then(Value::as_array);
    has("data") || has("incremental") || has("hasNext") || errors.is_some_and(|all| !all.is_empty())
}

/// The effect of a REST write. If the origin's own headers decide lifetimes and no resource ties
/// the path to other entries, a 5xx of the origin itself has no effect (RFC 9111 §4.4: only a
/// non-error response invalidates).
pub fn rest_effect(config: &Config, url: &Url, status: Option<u16>) -> WriteEffect {
    let Some(status) = status else { return WriteEffect::Unknown };
    match effect_of_status(status) {
        Some(WriteEffect::Completed) if is_left_to_origin(config, url) => WriteEffect::Nothing,
        Some(effect) => effect,
        None if is_client_error(status) => WriteEffect::Nothing,
        None => WriteEffect::Completed,
    }
}

/// The effect that a status has by itself, for any request.
fn effect_of_status(status: u16) -> Option<WriteEffect> {
    match status {
        ..500 => None,
        // Cloudflare made no connection to the origin, or no TLS connection: refused, unreachable,
        // handshake failed, invalid certificate, name not resolved. See
        // developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors
        521 | 523 | 525 | 526 | 530 => Some(WriteEffect::Nothing),
        // With these an origin itself reports that it failed (RFC 9110 §15.6).
        500 | 501 | 505..=508 | 510 | 511 => Some(WriteEffect::Completed),
        // A gateway gave up, or the status has no defined meaning. 522 is among them: it is also
        // used if a connection was made and the request was not acknowledged.
        _ => Some(WriteEffect::Unknown),
    }
}

/// Whether only the origin's own headers decide what is stored for a path.
fn is_left_to_origin(config: &Config, url: &Url) -> bool {
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

/// The body of a response as JSON.
enum JsonBody {
    Json(Index),
    /// It is not JSON.
    None,
    /// It may be JSON, but was not read completely, has an unknown coding, or is malformed.
    Unreadable,
}

fn json_body(response: WriteResponse<'_>) -> JsonBody {
    let body = response.body.filter(|_| ResponseCoding::of(response.headers).is_decoded());
    match (body, BodyFormat::of(response.headers)) {
        // A response in parts is not one JSON text, and may contain several.
        (_, BodyFormat::Parts) => JsonBody::Unreadable,
        (Some(body), _) => match Index::of(body) {
            Some(json) => JsonBody::Json(json),
            None if begins_like_json(body) => JsonBody::Unreadable,
            None => JsonBody::None,
        },
        (None, BodyFormat::Other) => JsonBody::None,
        (None, BodyFormat::Json | BodyFormat::Unnamed) => JsonBody::Unreadable,
    }
}

/// Whether a malformed body begins like a JSON response. Some servers write `NaN`, or a byte order
/// mark at the start.
fn begins_like_json(body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start();
    body.starts_with(b"{") || body.starts_with(b"[")
}

#[cfg(test)]
mod tests;
