//! Manifests of persisted documents: documents by id, which an administrator uploads.
//!
//! In scope: reading an upload, completely or not at all, and encoding all documents as one stored
//! value. Not in scope: where they are stored, and who may upload.
//!
//! ```text
//! "EVM" version:u8 checksum:u64 made_at:u64 text_bytes:u32 deflated
//! ```
//!
//! Numbers are little-endian. The checksum (XXH3) covers all bytes after it. The deflated text
//! holds `id_bytes:u32 document_bytes:u32 id document` for each document.

use crate::graphql::document::{lexer, parser};
use crate::limits::{self, Amounts};
use crate::stored::EnvelopeError;
use crate::time::Timestamp;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::rc::Rc;

const MAGIC: &[u8; 3] = b"EVM";
const VERSION: u8 = 1;
/// Documents compress well and are rarely written.
const DEFLATE_LEVEL: u8 = 6;
/// The bytes before each document: two lengths.
const LENGTHS: usize = 8;
/// The value of `format` in Apollo's manifests.
const APOLLO_FORMAT: &str = "apollo-persisted-query-manifest";

/// Documents by id.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Manifest {
    /// When the last upload was made.
    pub made_at: Timestamp,
    documents: BTreeMap<String, Rc<str>>,
}

/// Why an upload was rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestError {
    /// The path of the error, such as `operations[1].body`. Empty for the whole upload.
    pub path: String,
    /// What is wrong and what is expected.
    pub message: String,
}

impl Manifest {
    /// The document with an id.
    pub fn document(&self, id: &str) -> Option<&Rc<str>> {
        self.documents.get(id)
    }

    /// The number of documents.
    pub fn count(&self) -> usize {
        self.documents.len()
    }

    /// The size of all documents in bytes.
    pub fn bytes(&self) -> usize {
        self.documents.values().map(|document| document.len()).sum()
    }

    /// Reads an upload: Apollo's manifest, or an object that maps ids to documents, as Relay's
    /// compiler writes it.
    pub fn read(body: &[u8], limits: &Amounts, now: Timestamp) -> Result<Self, ManifestError> {
        let members = match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => members,
            Ok(_) => return Err(error_at("", "expected an object")),
            Err(error) => return Err(error_at("", &format!("expected JSON: {error}"))),
        };
        let pairs = match members.get("operations") {
            Some(Value::Array(operations)) => apollo_items(&members, operations)?,
            _ => relay_items(&members)?,
        };
        let mut documents: BTreeMap<String, Rc<str>> = BTreeMap::new();
        for ManifestItem { path, id, document } in pairs {
            if id.is_empty() || id.len() > limits::MANIFEST_ID_BYTES {
                let message = format!("an id must have 1 to {} bytes", limits::MANIFEST_ID_BYTES);
                return Err(error_at(&path, &message));
            }
            if let Err(message) = check_document(document, limits) {
                return Err(error_at(&path, message));
            }
            let before = documents.insert(id.to_owned(), document.into());
            if before.is_some_and(|before| *before != *document) {
                return Err(error_at(&path, "another document has this id"));
            }
        }
        let manifest = Self { made_at: now, documents };
        manifest.within_bounds()
    }

    /// Merges `newer` into these documents. Its documents replace those with the same id. Also
    /// returns the number of documents that are new or changed.
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
            return Err(error_at("", &message));
        }
        if self.bytes() > limits::MANIFEST_BYTES {
            let message = format!("at most {} bytes of documents in all", limits::MANIFEST_BYTES);
            return Err(error_at("", &message));
        }
        Ok(self)
    }

    /// Encodes the documents.
    pub fn encode(&self) -> Vec<u8> {
        let mut plain = Vec::with_capacity(self.bytes() + self.count() * 64);
        for (id, document) in &self.documents {
            plain.extend_from_slice(&length_bytes(id.len()));
            plain.extend_from_slice(&length_bytes(document.len()));
            plain.extend_from_slice(id.as_bytes());
            plain.extend_from_slice(document.as_bytes());
        }
        let mut checked = Vec::new();
        checked.extend_from_slice(&self.made_at.as_millis().to_le_bytes());
        checked.extend_from_slice(&length_bytes(plain.len()));
        checked.extend_from_slice(&miniz_oxide::deflate::compress_to_vec(&plain, DEFLATE_LEVEL));
        let mut bytes = Vec::with_capacity(checked.len() + 12);
        bytes.extend_from_slice(MAGIC);
        bytes.push(VERSION);
        bytes.extend_from_slice(&checksum(&checked));
        bytes.extend_from_slice(&checked);
        bytes
    }

    /// Decodes the documents.
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
        let (plain_bytes, deflated) = read_length(rest).ok_or(EnvelopeError::Content)?;
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

    /// When these encoded documents were uploaded, without decoding them.
    pub fn made_at(bytes: &[u8]) -> Option<Timestamp> {
        let millis = bytes.get(12..)?.first_chunk::<8>()?;
        Some(Timestamp::from_millis(u64::from_le_bytes(*millis)))
    }
}

/// A document, its id, and its path in the upload.
struct ManifestItem<'a> {
    path: String,
    id: &'a str,
    document: &'a str,
}

fn apollo_items<'a>(
    members: &Map<String, Value>,
    operations: &'a [Value],
) -> Result<Vec<ManifestItem<'a>>, ManifestError> {
    if members.get("format").and_then(Value::as_str) != Some(APOLLO_FORMAT) {
        return Err(error_at("format", &format!("expected {APOLLO_FORMAT:?}")));
    }
    if members.get("version").and_then(Value::as_u64) != Some(1) {
        return Err(error_at("version", "expected 1"));
    }
    let pair = |(index, operation): (usize, &'a Value)| {
        let text = |member: &str| {
            operation.get(member).and_then(Value::as_str).ok_or_else(|| {
                error_at(&format!("operations[{index}].{member}"), "expected a string")
            })
        };
        let path = format!("operations[{index}]");
        Ok(ManifestItem { path, id: text("id")?, document: text("body")? })
    };
    operations.iter().enumerate().map(pair).collect()
}

fn relay_items(members: &Map<String, Value>) -> Result<Vec<ManifestItem<'_>>, ManifestError> {
    let mut pairs = Vec::with_capacity(members.len());
    for (id, document) in members {
        let Some(document) = document.as_str() else {
            return Err(error_at(id, "expected a document's text"));
        };
        pairs.push(ManifestItem { path: id.clone(), id, document });
    }
    Ok(pairs)
}

/// Checks that a text is an executable document within the limits.
fn check_document(source: &str, limits: &Amounts) -> Result<(), &'static str> {
    let tokens = lexer::tokens(source, limits, &mut Amounts::ZERO.clone());
    match tokens {
        Err(lexer::LexError::Limit(_)) => Err("the document is over a limit"),
        Err(lexer::LexError::Syntax) => Err("expected a GraphQL document"),
        Ok(tokens) => match parser::parse(&tokens) {
            Some(document) if !document.operations.is_empty() => Ok(()),
            Some(_) => Err("the document has no operation"),
            None => Err("expected a GraphQL document"),
        },
    }
}

fn next_document(bytes: &[u8]) -> Option<(&str, &str, &[u8])> {
    let (id_bytes, rest) = read_length(bytes)?;
    let (document_bytes, rest) = read_length(rest)?;
    let (id, rest) = rest.split_at_checked(id_bytes)?;
    let (document, rest) = rest.split_at_checked(document_bytes)?;
    Some((std::str::from_utf8(id).ok()?, std::str::from_utf8(document).ok()?, rest))
}

fn checksum(checked: &[u8]) -> [u8; 8] {
    xxhash_rust::xxh3::xxh3_64(checked).to_le_bytes()
}

fn length_bytes(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes()
}

fn read_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (read_length, rest) = bytes.split_first_chunk::<4>()?;
    Some((usize::try_from(u32::from_le_bytes(*read_length)).ok()?, rest))
}

fn error_at(path: &str, message: &str) -> ManifestError {
    // A path may be an id, which is untrusted input.
    let path = path.chars().take(limits::MANIFEST_ID_BYTES).collect();
    ManifestError { path, message: message.to_owned() }
}

#[cfg(test)]
mod tests;
