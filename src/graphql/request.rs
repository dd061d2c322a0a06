//! The forms in which a GraphQL request comes (GraphQL over HTTP, draft).
//!
//! In scope: POST with JSON, alone or as a batch, or with a bare document, compressed or not, and
//! GET; documents by their text, their hash or their id. Any other form is left unread, with a
//! word on whether it may be a mutation.

use super::json_size::JsonSize;
use super::members::{Members, text_to_json};
use super::rewrite::{Sent, has_unkeyed};
use crate::config::Apq;
use crate::http::{Headers, decoded_body, form_pairs, has_one_decoding, percent_decoded};
use crate::json::{Ambiguous, names_are_unique};
use crate::key::sha256_hex;
use crate::limits::{Amounts, Limit};
use serde_json::{Map, Value};

/// A request that was understood, but for its document.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// What names the document.
    pub source: Source,
    /// Which of its operations.
    pub operation_name: Option<String>,
    /// The variables.
    pub variables: Option<Map<String, Value>>,
    /// Whatever else the request says that the origin may heed, as canonical text.
    pub others: String,
    /// Whether it has extensions that are no part of the key.
    pub(super) has_unkeyed_extensions: bool,
    /// Whether its body is compressed, which not every server takes.
    is_coded: bool,
    /// Whether its URL is one that servers may decode in two ways.
    pub(super) is_ambiguous: bool,
    pub(super) sent: Sent,
}

/// What names a document.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// The document itself, and perhaps its hash, which was checked.
    Text {
        /// The document.
        document: String,
        /// SHA-256 in lower-case hexadecimal digits, where the request sends it along.
        hash: Option<String>,
    },
    /// Its SHA-256, in lower-case hexadecimal digits.
    Hash(String),
    /// The id under which it was stored with the origin.
    Id(String),
}

/// What a request is.
#[derive(Debug, Clone, PartialEq)]
pub enum Form {
    /// A document to run.
    Query(Query),
    /// Several, each by itself, in one JSON array.
    Batch(Vec<Query>),
    /// Something that Evergraph leaves to the origin.
    Unread {
        /// Why.
        reason: Unread,
        /// Whether the origin may run a mutation for it.
        may_be_mutation: bool,
    },
}

/// Why a request is left unread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// It is not JSON, or not an object with the right members.
    Unparsable,
    /// Its content type is not one of GraphQL's.
    ContentType,
    /// Its body is compressed in a way that is not known, or damaged.
    ContentEncoding,
    /// It has several operations in a list, and not each of them was read.
    Batch,
    /// It names a document in a way that is not known, or in two.
    Persisted,
    /// It sends a document and the hash of another.
    HashMismatch,
    /// It has parts in its URL and parts in its body.
    QueryInUrl,
    /// It has two JSON members of one name: which of them counts differs by server.
    DuplicateMember,
    /// It is over a limit.
    OverLimit(Limit),
}

impl Unread {
    /// The reason as `Cache-Status`, logs and docs name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unparsable => "unparsable",
            Self::ContentType => "content-type",
            Self::ContentEncoding => "content-encoding",
            Self::Batch => "batch",
            Self::Persisted => "persisted",
            Self::HashMismatch => "hash-mismatch",
            Self::QueryInUrl => "query-in-url",
            Self::DuplicateMember => "duplicate-member",
            Self::OverLimit(_) => "over-limit",
        }
    }
}

/// The members of a request that a URL may hold as well.
pub(super) const MEMBERS: [&str; 7] =
    ["query", "operationName", "variables", "extensions", "documentId", "doc_id", "id"];

/// Members that name a document which the origin has.
const ID_MEMBERS: [&str; 3] = ["documentId", "doc_id", "id"];

/// Reads a GET. Servers must not run a mutation for it, but some do: what cannot be read is possibly
/// one. A document that is named by a hash or an id is none.
pub fn read_get(url_query: Option<&str>) -> Form {
    let url_query = url_query.unwrap_or_default();
    let unread = |reason| Form::Unread { reason, may_be_mutation: url_shows_mutation(url_query) };
    let Some(pairs) = form_pairs(url_query) else {
        return unread(Unread::Unparsable);
    };
    let mut is_ambiguous = false;
    let pieces = url_query.split('&').filter(|piece| !piece.is_empty());
    let mut members = Members::default();
    let mut seen: Vec<String> = Vec::new();
    for ((name, value), piece) in pairs.into_iter().zip(pieces) {
        if !MEMBERS.contains(&name.as_str()) {
            if is_member_in_other_case(&name) {
                return unread(Unread::Persisted);
            }
            continue;
        }
        if seen.contains(&name) {
            return unread(Unread::Unparsable); // which of the two counts differs by server
        }
        seen.push(name.clone());
        is_ambiguous |= !has_one_decoding(piece);
        if hides_a_number(value.as_bytes()) {
            return unread(Unread::Unparsable);
        }
        if value.is_empty() {
            continue;
        }
        let raw = match name.as_str() {
            "variables" | "extensions" => value,
            _ => text_to_json(&value),
        };
        if let Err(reason) = check_names(raw.as_bytes()) {
            return unread(reason);
        }
        if !members.set(&name, raw) {
            return unread(Unread::Unparsable);
        }
    }
    match read_members(&members) {
        Ok(query) => {
            let sent = Sent::Url(url_query.to_owned());
            Form::Query(Query { sent, is_ambiguous, ..query })
        }
        Err(reason) => unread(reason),
    }
}

/// Reads a POST.
pub fn read_post(
    headers: &Headers,
    url_query: Option<&str>,
    body: &[u8],
    limits: &Amounts,
) -> Form {
    let unread = |reason, may_be_mutation| Form::Unread { reason, may_be_mutation };
    let kind = body_kind(headers.get("content-type").unwrap_or_default());
    let Some(kind) = kind else { return unread(Unread::ContentType, true) };
    // Some servers take a semicolon for what divides parameters too.
    let in_url = form_pairs(&url_query.unwrap_or_default().replace(';', "&"));
    let in_url = in_url.is_none_or(|pairs| {
        pairs.iter().any(|(name, _)| MEMBERS.contains(&name.as_str()) && name != "id")
    });
    if in_url {
        return unread(Unread::QueryInUrl, true);
    }
    let coding = headers.joined("content-encoding").unwrap_or_default();
    let is_ambiguous = !matches!(coding.trim().to_ascii_lowercase().as_str(), "" | "identity");
    if !is_ambiguous {
        return read_body(kind, body, limits);
    }
    let Some(plain) = decoded_body(&coding, body, limits.of(Limit::Bytes)) else {
        return unread(Unread::ContentEncoding, true);
    };
    if kind == BodyKind::Json && is_list(&plain) {
        return unread(Unread::ContentEncoding, true);
    }
    match read_body(kind, &plain, limits) {
        // A server that does not know the coding refuses what it would answer without.
        Form::Query(query) => {
            let others = format!("{} {}", coding.to_ascii_lowercase(), query.others);
            Form::Query(Query { is_coded: true, others, ..query })
        }
        form => form,
    }
}

fn read_body(kind: BodyKind, body: &[u8], limits: &Amounts) -> Form {
    let unread = |reason| Form::Unread { reason, may_be_mutation: may_hide_mutation(body) };
    if kind == BodyKind::Document {
        return match std::str::from_utf8(body) {
            Ok(document) if !document.trim().is_empty() => Form::Query(Query {
                source: Source::Text { document: document.to_owned(), hash: None },
                operation_name: None,
                variables: None,
                others: "application/graphql".to_owned(),
                has_unkeyed_extensions: false,
                is_coded: false,
                is_ambiguous: false,
                sent: Sent::Document,
            }),
            _ => unread(Unread::Unparsable),
        };
    }
    if hides_a_number(body) {
        return unread(Unread::Unparsable);
    }
    if JsonSize::of(body).values > limits.of(Limit::Values) {
        return unread(Unread::OverLimit(Limit::Values));
    }
    match check_names(body) {
        // What the origin takes it for, nobody knows.
        Err(Unread::DuplicateMember) => {
            return Form::Unread { reason: Unread::DuplicateMember, may_be_mutation: true };
        }
        Err(reason) => return unread(reason),
        Ok(()) => {}
    }
    if is_list(body) {
        return read_batch(body, limits);
    }
    let Ok(members) = serde_json::from_slice::<Members>(body) else {
        return unread(Unread::Unparsable);
    };
    match read_members(&members) {
        Ok(query) => Form::Query(Query { sent: Sent::Json(members), ..query }),
        // It names a document that is not here: what that does, nobody knows.
        Err(reason @ (Unread::Persisted | Unread::HashMismatch)) => {
            Form::Unread { reason, may_be_mutation: true }
        }
        Err(reason) => unread(reason),
    }
}

/// Why JSON is left unread for the names of its members, if it is.
fn check_names(json: &[u8]) -> Result<(), Unread> {
    names_are_unique(json).map_err(|ambiguous| match ambiguous {
        Ambiguous::DuplicateName => Unread::DuplicateMember,
        Ambiguous::TooDeep => Unread::Unparsable,
    })
}

/// Whether a body begins as a JSON list does.
fn is_list(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"[")
}

fn read_batch(body: &[u8], limits: &Amounts) -> Form {
    let unread = |reason, may_be_mutation| Form::Unread { reason, may_be_mutation };
    let Ok(items) = serde_json::from_slice::<Vec<&serde_json::value::RawValue>>(body) else {
        return unread(Unread::Unparsable, may_hide_mutation(body));
    };
    if items.len() > limits.of(Limit::Batch) {
        return unread(Unread::OverLimit(Limit::Batch), true);
    }
    let read = |item: &&serde_json::value::RawValue| {
        let members: Members = serde_json::from_str(item.get()).map_err(|_| Unread::Batch)?;
        read_members(&members).map(|query| Query { sent: Sent::Element(members), ..query })
    };
    let queries: Result<Vec<Query>, Unread> = items.iter().map(read).collect();
    match queries {
        Ok(queries) if !queries.is_empty() => Form::Batch(queries),
        Ok(_) => unread(Unread::Batch, false),
        Err(Unread::Persisted | Unread::HashMismatch) => unread(Unread::Batch, true),
        Err(_) => unread(Unread::Batch, may_hide_mutation(body)),
    }
}

/// Whether bytes that were not understood can hold a mutation: the keyword has no other spelling
/// in GraphQL, and in JSON only one with escapes.
pub fn may_hide_mutation(body: &[u8]) -> bool {
    may_show_mutation(body) || contains(body, b"\\u")
}

/// The same of the query of a URL.
pub fn url_shows_mutation(url_query: &str) -> bool {
    may_show_mutation(&percent_decoded(url_query.as_bytes()))
}

/// The same of bytes in which the document is not written as JSON, as it is in a URL.
fn may_show_mutation(bytes: &[u8]) -> bool {
    // In UTF-16 or UTF-32 every letter has a zero beside it.
    contains(bytes, b"mutation") || bytes.contains(&0)
}

fn contains(body: &[u8], what: &[u8]) -> bool {
    body.windows(what.len()).any(|window| window == what)
}

/// Whether a name is that of a member but for its case. Some servers take members in any case, and then
/// the last one counts.
fn is_member_in_other_case(name: &str) -> bool {
    let known = ["query", "operationName", "variables", "extensions"];
    known.iter().any(|member| name.eq_ignore_ascii_case(member) && name != *member)
}

fn read_members(members: &Members) -> Result<Query, Unread> {
    if members.names().any(is_member_in_other_case) {
        return Err(Unread::Persisted);
    }
    let operation_name = match members.value("operationName").cloned() {
        None => None,
        Some(Value::String(name)) => Some(name).filter(|name| !name.is_empty()),
        Some(_) => return Err(Unread::Unparsable),
    };
    let variables = match members.value("variables").cloned() {
        None => None,
        Some(Value::Object(variables)) => Some(variables),
        Some(_) => return Err(Unread::Unparsable),
    };
    let extensions = match members.value("extensions").cloned() {
        None => Map::new(),
        Some(Value::Object(extensions)) => extensions,
        Some(_) => return Err(Unread::Unparsable),
    };
    let hash = extensions.get("persistedQuery").filter(|value| !value.is_null());
    let hash = hash.map(persisted_hash).transpose()?;
    let document = match members.value("query").cloned() {
        None => None,
        Some(Value::String(document)) => Some(document).filter(|text| !text.trim().is_empty()),
        Some(_) => return Err(Unread::Unparsable),
    };
    let names: Vec<&str> =
        ID_MEMBERS.into_iter().filter(|name| members.value(name).is_some()).collect();
    let source = match (document, hash, names.as_slice()) {
        // An `id` beside a document is the client's own; the others could be what counts.
        (Some(document), hash, [] | ["id"]) => {
            if hash.as_ref().is_some_and(|hash| *hash != sha256_hex(document.as_bytes())) {
                return Err(Unread::HashMismatch);
            }
            Source::Text { document, hash }
        }
        (None, Some(hash), []) => Source::Hash(hash),
        (None, None, [name]) => match members.value(name).cloned() {
            Some(Value::String(id)) if !id.is_empty() => Source::Id(id),
            Some(Value::Number(id)) => Source::Id(id.to_string()),
            _ => return Err(Unread::Persisted),
        },
        _ => return Err(Unread::Persisted),
    };
    Ok(Query {
        others: others(members),
        has_unkeyed_extensions: has_unkeyed(&extensions),
        is_coded: false,
        is_ambiguous: false,
        source,
        operation_name,
        variables,
        sent: Sent::Fixed,
    })
}

/// The members that are part of the key beside those that are understood. Empty ones say nothing.
/// An id is among them: what it means is the origin's to say, so its answer is for those alone who
/// send it.
fn others(members: &Members) -> String {
    let understood =
        |name: &str| matches!(name, "query" | "operationName" | "variables" | "extensions");
    let empty = |value: &Value| value.as_object().is_some_and(Map::is_empty);
    let others: Map<String, Value> = members
        .names()
        .filter(|name| !understood(name))
        .filter_map(|name| Some((name.to_owned(), members.value(name)?.clone())))
        .filter(|(_, value)| !empty(value))
        .collect();
    Value::Object(others).to_string()
}

/// `extensions.persistedQuery`, as automatic persisted queries have it.
fn persisted_hash(value: &Value) -> Result<String, Unread> {
    let is_version_1 = value.get("version").is_some_and(|version| version.as_u64() == Some(1));
    let hash = value.get("sha256Hash").and_then(Value::as_str).unwrap_or_default();
    let is_hash =
        hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    (is_version_1 && is_hash).then(|| hash.to_owned()).ok_or(Unread::Persisted)
}

impl Query {
    /// Whether the origin may be asked with another document: one that it has by its hash or its
    /// id, or is to learn by its hash, stays as it is, and so does a compressed one.
    pub fn may_be_injected(&self, apq: Apq) -> bool {
        match &self.source {
            _ if self.is_coded => false,
            Source::Text { hash: None, .. } => true,
            Source::Text { hash: Some(_), .. } | Source::Hash(_) => apq == Apq::Own,
            Source::Id(_) => false,
        }
    }

    /// The request as one whose hash is the id of a document that the origin has.
    pub fn with_hash_as_id(mut self) -> Self {
        if let Source::Hash(hash) = self.source {
            self.others = format!("{} {hash}", self.others);
            self.source = Source::Id(hash);
        }
        self
    }

    /// Whether it names its document, and does not hold it.
    pub fn names_its_document(&self) -> bool {
        !matches!(self.source, Source::Text { .. })
    }
}

#[cfg(test)]
impl Query {
    /// A document with its variables and nothing else, for tests.
    pub(crate) fn of(document: &str, variables: &str) -> Self {
        Self {
            source: Source::Text { document: document.to_owned(), hash: None },
            operation_name: None,
            variables: serde_json::from_str(variables).unwrap(),
            others: String::new(),
            has_unkeyed_extensions: false,
            is_coded: false,
            is_ambiguous: false,
            sent: Sent::Fixed,
        }
    }
}

/// Whether JSON could spell the object that serde_json takes for a number of any length: then two
/// different texts would be one value.
fn hides_a_number(json: &[u8]) -> bool {
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

/// What a body is by its content type.
#[derive(Debug, Clone, Copy, PartialEq)]
enum BodyKind {
    Json,
    Document,
}

/// `application/json` or `application/graphql`, in UTF-8 where it says so.
fn body_kind(content_type: &str) -> Option<BodyKind> {
    let mut parts = content_type.split(';').map(str::trim);
    let kind = match parts.next()?.to_ascii_lowercase().as_str() {
        "application/json" => BodyKind::Json,
        "application/graphql" => BodyKind::Document,
        _ => return None,
    };
    let is_utf8 = |value: &str| {
        value.trim().trim_matches('"').to_ascii_lowercase().replace('-', "") == "utf8"
    };
    parts
        .filter_map(|parameter| parameter.split_once('='))
        .all(|(name, value)| !name.trim().eq_ignore_ascii_case("charset") || is_utf8(value))
        .then_some(kind)
}

/// Whether a browser asks for a page (GraphiQL).
pub fn wants_html(headers: &Headers) -> bool {
    headers.members("accept").any(|range| {
        let kind = range.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        kind == "text/html" || kind == "application/xhtml+xml"
    })
}

/// The kinds of answer that a request accepts, in the order of its wishes: requests that share
/// it get the same kind from any server. White space, case and the weights' own numbers do not
/// count.
pub fn accepted_kinds(headers: &Headers) -> String {
    let mut ranges: Vec<(u32, String)> = headers
        .members("accept")
        .map(|range| {
            let mut weight = 1000;
            let mut kind = String::new();
            for part in range.split(';').map(str::trim) {
                match part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")) {
                    Some(q) => weight = thousandths(q),
                    None => {
                        kind.push_str(&part.to_ascii_lowercase());
                        kind.push(';');
                    }
                }
            }
            if weight == 0 {
                kind.push_str("q=0");
            }
            (weight, kind)
        })
        .collect();
    ranges.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    ranges.into_iter().map(|(_, kind)| kind).collect::<Vec<_>>().join(",")
}

/// The content type for a GraphQL answer of Evergraph's own: the newer one where the request
/// wishes for it first (GraphQL over HTTP, draft, §6.4).
pub fn answer_kind(headers: &Headers) -> &'static str {
    const NEWER: &str = "application/graphql-response+json";
    let kinds = accepted_kinds(headers);
    let wished = kinds.split(',').filter(|kind| !kind.ends_with("q=0"));
    let mut wished = wished.filter_map(|kind| kind.split(';').next());
    let first =
        wished.find(|kind| [NEWER, "application/json", "application/*", "*/*"].contains(kind));
    match first {
        Some(NEWER) => "application/graphql-response+json; charset=utf-8",
        _ => "application/json; charset=utf-8",
    }
}

/// A weight (RFC 9110 §12.4.2) in thousandths; a broken one counts as whole.
fn thousandths(q: &str) -> u32 {
    let weight: f32 = q.trim().parse().unwrap_or(1.0);
    // Clamped to 0..=1 before, so the number fits.
    (weight.clamp(0.0, 1.0) * 1000.0) as u32
}

#[cfg(test)]
mod tests;
