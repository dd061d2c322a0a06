//! Which `extensions` of a request are forwarded to the origin.

use serde_json::{Map, Value};

/// Extensions that never change a response: what clients say about themselves and the document.
const FORWARDED_EXTENSIONS: [&str; 2] = ["clientLibrary", "persistedQuery"];

/// The members of `persistedQuery` that are forwarded. urql sends `miss`. Other spellings of
/// `sha256Hash` are not forwarded, because a server that ignores case could use them.
const FORWARDED_PERSISTED_QUERY_MEMBERS: [&str; 3] = ["version", "sha256Hash", "miss"];

/// `true` if any extension is neither part of the key nor forwarded.
pub(super) fn has_unkeyed(extensions: &Map<String, Value>) -> bool {
    let persisted = extensions.get("persistedQuery").and_then(Value::as_object);
    let mut of_persisted = persisted.into_iter().flat_map(Map::keys);
    extensions.keys().any(|name| !FORWARDED_EXTENSIONS.contains(&name.as_str()))
        || of_persisted.any(|name| !FORWARDED_PERSISTED_QUERY_MEMBERS.contains(&name.as_str()))
}

/// The forwarded extensions as JSON. `None` if there are none.
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
