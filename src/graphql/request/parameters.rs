//! Reads the parameters of a request from its members, whether these come from a URL or a body.

use super::error::RequestError;
use super::extensions::has_unkeyed;
use super::members::Members;
use super::mutation_keyword::contains;
use super::operation_request::{DocumentSource, OperationRequest, WireForm};
use crate::json::{Ambiguous, names_are_unique};
use crate::key::sha256_hex;
use crate::order;
use serde_json::{Map, Value};

/// The parameters that a URL may hold.
pub(super) const PARAMETERS: [&str; 7] =
    ["query", "operationName", "variables", "extensions", "documentId", "doc_id", "id"];

/// The parameters that identify a document stored at the origin.
pub(super) const ID_MEMBERS: [&str; 3] = ["documentId", "doc_id", "id"];

/// `true` if a name differs from a parameter's only in case. Some servers ignore case, and the last
/// of two parameters then counts.
pub(super) fn is_member_in_other_case(name: &str) -> bool {
    let known = ["query", "operationName", "variables", "extensions"];
    known.iter().any(|member| name.eq_ignore_ascii_case(member) && name != *member)
}

pub(super) fn read_parameters(members: &Members) -> Result<OperationRequest, RequestError> {
    if members.names().any(is_member_in_other_case) {
        return Err(RequestError::Persisted);
    }
    let operation_name = match members.value("operationName").cloned() {
        None => None,
        Some(Value::String(name)) => Some(name).filter(|name| !name.is_empty()),
        Some(_) => return Err(RequestError::Unparsable),
    };
    let variables = match members.value("variables").cloned() {
        None => None,
        Some(Value::Object(variables)) => Some(variables),
        Some(_) => return Err(RequestError::Unparsable),
    };
    let extensions = match members.value("extensions").cloned() {
        None => Map::new(),
        Some(Value::Object(extensions)) => extensions,
        Some(_) => return Err(RequestError::Unparsable),
    };
    let hash = extensions.get("persistedQuery").filter(|value| !value.is_null());
    let hash = hash.map(persisted_hash).transpose()?;
    let document = match members.value("query").cloned() {
        None => None,
        Some(Value::String(document)) => Some(document).filter(|text| !text.trim().is_empty()),
        Some(_) => return Err(RequestError::Unparsable),
    };
    let names: Vec<&str> =
        ID_MEMBERS.into_iter().filter(|name| members.value(name).is_some()).collect();
    let source = match (document, hash, names.as_slice()) {
        // An `id` next to a document belongs to the client. The other two could take precedence
        // over the document.
        (Some(document), hash, [] | ["id"]) => {
            if hash.as_ref().is_some_and(|hash| *hash != sha256_hex(document.as_bytes())) {
                return Err(RequestError::HashMismatch);
            }
            DocumentSource::Text { document, hash }
        }
        (None, Some(hash), []) => DocumentSource::Hash(hash),
        (None, None, [name]) => match members.value(name).cloned() {
            Some(Value::String(id)) if !id.is_empty() => DocumentSource::Id(id),
            Some(Value::Number(id)) => DocumentSource::Id(id.to_string()),
            _ => return Err(RequestError::Persisted),
        },
        _ => return Err(RequestError::Persisted),
    };
    Ok(OperationRequest {
        other_members: other_members(members),
        has_unkeyed_extensions: has_unkeyed(&extensions),
        is_compressed: false,
        has_ambiguous_encoding: false,
        source,
        operation_name,
        variables,
        wire_form: WireForm::Fixed,
    })
}

/// The members that are part of the key in addition to the parameters, without empty objects. An id
/// is one of them: its meaning is up to the origin, so the response is shared only by requests that
/// send it.
pub(super) fn other_members(members: &Members) -> String {
    let understood =
        |name: &str| matches!(name, "query" | "operationName" | "variables" | "extensions");
    let empty = |value: &Value| value.as_object().is_some_and(Map::is_empty);
    let other_members = members
        .names()
        .filter(|name| !understood(name))
        .filter_map(|name| Some((name.to_owned(), members.value(name)?.clone())))
        .filter(|(_, value)| !empty(value));
    Value::Object(order::object_of(other_members)).to_string()
}

/// The hash in `extensions.persistedQuery` (automatic persisted queries).
pub(super) fn persisted_hash(value: &Value) -> Result<String, RequestError> {
    let is_version_1 = value.get("version").is_some_and(|version| version.as_u64() == Some(1));
    let hash = value.get("sha256Hash").and_then(Value::as_str).unwrap_or_default();
    let is_hash =
        hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    (is_version_1 && is_hash).then(|| hash.to_owned()).ok_or(RequestError::Persisted)
}

/// Checks that the names of all members are unique.
pub(super) fn check_member_names(json: &[u8]) -> Result<(), RequestError> {
    names_are_unique(json).map_err(|ambiguous| match ambiguous {
        Ambiguous::DuplicateName => RequestError::DuplicateMember,
        Ambiguous::TooDeep => RequestError::Unparsable,
    })
}

/// `true` if the JSON may contain the object that serde_json reads as an arbitrary-precision
/// number. Two different texts would then have one value.
pub(super) fn holds_serde_number_token(json: &[u8]) -> bool {
    const TOKEN: &[u8] = b"serde_json::private";
    if !contains(json, b"\\u") {
        return contains(json, TOKEN);
    }
    let mut plain = Vec::with_capacity(json.len());
    let mut at = 0;
    while let Some(byte) = json.get(at) {
        let escaped = json.get(at..at + 6).and_then(|escape| {
            let digits = std::str::from_utf8(escape.strip_prefix(b"\\u00")?).ok()?;
            u8::from_str_radix(digits, 16).ok()
        });
        plain.push(escaped.unwrap_or(*byte));
        at += if escaped.is_some() { 6 } else { 1 };
    }
    contains(&plain, TOKEN)
}
