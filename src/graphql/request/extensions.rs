//! Which `extensions` of a request go on to the origin.

use serde_json::{Map, Value};

/// Extensions that change no answer: what clients say of themselves, and of the document.
const FORWARDED_EXTENSIONS: [&str; 2] = ["clientLibrary", "persistedQuery"];

/// What of `persistedQuery` goes on. urql says `miss`. Of two spellings of `sha256Hash` a server
/// that ignores the case of names could take the other.
const FORWARDED_PERSISTED_QUERY_MEMBERS: [&str; 3] = ["version", "sha256Hash", "miss"];

/// Whether extensions hold something that is no part of the key.
pub(super) fn has_unkeyed(extensions: &Map<String, Value>) -> bool {
    let persisted = extensions.get("persistedQuery").and_then(Value::as_object);
    let mut of_persisted = persisted.into_iter().flat_map(Map::keys);
    extensions.keys().any(|name| !FORWARDED_EXTENSIONS.contains(&name.as_str()))
        || of_persisted.any(|name| !FORWARDED_PERSISTED_QUERY_MEMBERS.contains(&name.as_str()))
}

/// The extensions that go on to the origin where not all of them do, as JSON.
pub(super) fn forwarded_extensions(found: Option<Value>, with_hash: bool) -> Option<String> {
    let Some(Value::Object(mut found)) = found else { return None };
    found.retain(|name, _| {
        FORWARDED_EXTENSIONS.contains(&name.as_str()) && (with_hash || name != "persistedQuery")
    });
    if let Some(Value::Object(persisted)) = found.get_mut("persistedQuery") {
        persisted.retain(|name, _| FORWARDED_PERSISTED_QUERY_MEMBERS.contains(&name.as_str()));
    }
    (!found.is_empty()).then(|| Value::Object(found).to_string())
}
