//! The documents that clients name by ids: what an administrator uploads, and what is kept of it.
//!
//! In scope: reading an upload, whole or not at all; the documents as one value for a store. Not
//! in scope: where that is, and who may upload.
//!
//! ```text
//! "EVM" version:u8 checksum:u64 made_at:u64 text_bytes:u32 deflated
//! ```
//!
//! Numbers are little-endian. The checksum (XXH3) covers all that follows it. What is deflated is,
//! for each document, `id_bytes:u32 document_bytes:u32 id document`.

use super::{document, lexer};
use crate::limits::{self, Amounts};
use crate::stored::EnvelopeError;
use crate::time::Timestamp;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::rc::Rc;

const MAGIC: &[u8; 3] = b"EVM";
const VERSION: u8 = 1;
/// Documents compress well, and are written seldom.
const DEFLATE_LEVEL: u8 = 6;
/// Bytes before each document: two lengths.
const LENGTHS: usize = 8;
/// What Apollo's tools call their manifests.
const APOLLO_FORMAT: &str = "apollo-persisted-query-manifest";

/// Documents by their ids.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Manifest {
    /// When it was uploaded.
    pub made_at: Timestamp,
    documents: BTreeMap<String, Rc<str>>,
}

/// What is wrong with an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestError {
    /// Where, such as `operations[1].body`; empty for the whole.
    pub path: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl Manifest {
    /// The document of an id.
    pub fn document(&self, id: &str) -> Option<&Rc<str>> {
        self.documents.get(id)
    }

    /// How many documents there are.
    pub fn count(&self) -> usize {
        self.documents.len()
    }

    /// The bytes of their texts.
    pub fn bytes(&self) -> usize {
        self.documents.values().map(|document| document.len()).sum()
    }

    /// Reads an upload: Apollo's format, or an object from ids to texts, as Relay's tools write it.
    pub fn read(body: &[u8], limits: &Amounts, now: Timestamp) -> Result<Self, ManifestError> {
        let members = match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => members,
            Ok(_) => return Err(bad("", "expected an object")),
            Err(error) => return Err(bad("", &format!("expected JSON: {error}"))),
        };
        let pairs = match members.get("operations") {
            Some(Value::Array(operations)) => apollos(&members, operations)?,
            _ => relays(&members)?,
        };
        let mut documents: BTreeMap<String, Rc<str>> = BTreeMap::new();
        for Pair { path, id, document } in pairs {
            if id.is_empty() || id.len() > limits::MANIFEST_ID_BYTES {
                let message = format!("an id has 1 to {} bytes", limits::MANIFEST_ID_BYTES);
                return Err(bad(&path, &message));
            }
            if let Err(message) = parses(document, limits) {
                return Err(bad(&path, message));
            }
            let before = documents.insert(id.to_owned(), document.into());
            if before.is_some_and(|before| *before != *document) {
                return Err(bad(&path, "another document has this id"));
            }
        }
        let manifest = Self { made_at: now, documents };
        manifest.within_bounds()
    }

    /// These documents and those of `newer`, which count where both have an id; and how many of
    /// those are new or have another text.
    pub fn with(&self, newer: &Self) -> Result<(Self, usize), ManifestError> {
        let mut all = Self { made_at: newer.made_at, documents: self.documents.clone() };
        let mut added = 0;
        for (id, document) in &newer.documents {
            let before = all.documents.insert(id.clone(), document.clone());
            added += usize::from(before.is_none_or(|before| before != *document));
        }
        Ok((all.within_bounds()?, added))
    }

    fn within_bounds(self) -> Result<Self, ManifestError> {
        if self.count() > limits::MANIFEST_DOCUMENTS {
            let message = format!("at most {} documents in all", limits::MANIFEST_DOCUMENTS);
            return Err(bad("", &message));
        }
        if self.bytes() > limits::MANIFEST_BYTES {
            let message = format!("at most {} bytes of documents in all", limits::MANIFEST_BYTES);
            return Err(bad("", &message));
        }
        Ok(self)
    }

    /// The documents as bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut plain = Vec::with_capacity(self.bytes() + self.count() * 64);
        for (id, document) in &self.documents {
            plain.extend_from_slice(&length(id.len()));
            plain.extend_from_slice(&length(document.len()));
            plain.extend_from_slice(id.as_bytes());
            plain.extend_from_slice(document.as_bytes());
        }
        let mut checked = Vec::new();
        checked.extend_from_slice(&self.made_at.as_millis().to_le_bytes());
        checked.extend_from_slice(&length(plain.len()));
        checked.extend_from_slice(&miniz_oxide::deflate::compress_to_vec(&plain, DEFLATE_LEVEL));
        let mut bytes = Vec::with_capacity(checked.len() + 12);
        bytes.extend_from_slice(MAGIC);
        bytes.push(VERSION);
        bytes.extend_from_slice(&checksum(&checked));
        bytes.extend_from_slice(&checked);
        bytes
    }

    /// The documents that were encoded as these bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(EnvelopeError::NotAnEnvelope)?;
        let (version, rest) = rest.split_first().ok_or(EnvelopeError::NotAnEnvelope)?;
        if *version != VERSION {
            return Err(EnvelopeError::Version);
        }
        let (stored_checksum, checked) =
            rest.split_first_chunk::<8>().ok_or(EnvelopeError::NotAnEnvelope)?;
        if *stored_checksum != checksum(checked) {
            return Err(EnvelopeError::Checksum);
        }
        let (made_at, rest) = checked.split_first_chunk::<8>().ok_or(EnvelopeError::Content)?;
        let (plain_bytes, deflated) = number(rest).ok_or(EnvelopeError::Content)?;
        let most = limits::MANIFEST_BYTES
            + limits::MANIFEST_DOCUMENTS * (limits::MANIFEST_ID_BYTES + LENGTHS);
        if plain_bytes > most {
            return Err(EnvelopeError::Content);
        }
        let plain = miniz_oxide::inflate::decompress_to_vec_with_limit(deflated, plain_bytes)
            .map_err(|_| EnvelopeError::Content)?;
        let mut documents = BTreeMap::new();
        let mut rest = plain.as_slice();
        while !rest.is_empty() {
            let (id, document, after) = next_document(rest).ok_or(EnvelopeError::Content)?;
            documents.insert(id.to_owned(), document.into());
            rest = after;
        }
        let made_at = Timestamp::from_millis(u64::from_le_bytes(*made_at));
        Ok(Self { made_at, documents })
    }

    /// When the documents in these bytes were uploaded, without reading them.
    pub fn made_at(bytes: &[u8]) -> Option<Timestamp> {
        let millis = bytes.get(12..)?.first_chunk::<8>()?;
        Some(Timestamp::from_millis(u64::from_le_bytes(*millis)))
    }
}

/// An id and its document, and where in an upload they stand.
struct Pair<'a> {
    path: String,
    id: &'a str,
    document: &'a str,
}

fn apollos<'a>(
    members: &Map<String, Value>,
    operations: &'a [Value],
) -> Result<Vec<Pair<'a>>, ManifestError> {
    if members.get("format").and_then(Value::as_str) != Some(APOLLO_FORMAT) {
        return Err(bad("format", &format!("expected {APOLLO_FORMAT:?}")));
    }
    if members.get("version").and_then(Value::as_u64) != Some(1) {
        return Err(bad("version", "expected 1"));
    }
    let pair = |(index, operation): (usize, &'a Value)| {
        let text = |member: &str| {
            operation
                .get(member)
                .and_then(Value::as_str)
                .ok_or_else(|| bad(&format!("operations[{index}].{member}"), "expected a string"))
        };
        let path = format!("operations[{index}]");
        Ok(Pair { path, id: text("id")?, document: text("body")? })
    };
    operations.iter().enumerate().map(pair).collect()
}

fn relays(members: &Map<String, Value>) -> Result<Vec<Pair<'_>>, ManifestError> {
    let mut pairs = Vec::with_capacity(members.len());
    for (id, document) in members {
        let Some(document) = document.as_str() else {
            return Err(bad(id, "expected a document's text"));
        };
        pairs.push(Pair { path: id.clone(), id, document });
    }
    Ok(pairs)
}

/// Whether a text is an executable document within the limits, or why not.
fn parses(source: &str, limits: &Amounts) -> Result<(), &'static str> {
    let tokens = lexer::tokens(source, limits, &mut Amounts::ZERO.clone());
    match tokens {
        Err(lexer::LexError::Limit(_)) => Err("the document is over a limit"),
        Err(lexer::LexError::Syntax) => Err("expected a GraphQL document"),
        Ok(tokens) => match document::parse(&tokens) {
            Some(document) if !document.operations.is_empty() => Ok(()),
            Some(_) => Err("the document has no operation"),
            None => Err("expected a GraphQL document"),
        },
    }
}

fn next_document(bytes: &[u8]) -> Option<(&str, &str, &[u8])> {
    let (id_bytes, rest) = number(bytes)?;
    let (document_bytes, rest) = number(rest)?;
    let (id, rest) = rest.split_at_checked(id_bytes)?;
    let (document, rest) = rest.split_at_checked(document_bytes)?;
    Some((std::str::from_utf8(id).ok()?, std::str::from_utf8(document).ok()?, rest))
}

fn checksum(checked: &[u8]) -> [u8; 8] {
    xxhash_rust::xxh3::xxh3_64(checked).to_le_bytes()
}

fn length(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes()
}

fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<4>()?;
    Some((usize::try_from(u32::from_le_bytes(*number)).ok()?, rest))
}

fn bad(path: &str, message: &str) -> ManifestError {
    // A path may be an id, which may be anything.
    let path = path.chars().take(limits::MANIFEST_ID_BYTES).collect();
    ManifestError { path, message: message.to_owned() }
}

#[cfg(test)]
mod tests;
