//! Ids of entities: their text, and equivalent spellings.

use crate::http::from_base64url;
use serde_json::Value;
use std::collections::BTreeSet;

/// The text of an id. `None` if the value cannot be one.
pub(crate) fn id_text(value: &Value) -> Option<String> {
    match value {
        Value::String(id) if !id.is_empty() => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

/// The spellings of an id: itself, and the local id within a global one. `UHJvZHVjdDo0Mg==`
/// (Relay's base64 of `Product:42`) and `gid://shop/Product/42` are also spelled `42`, because a
/// client that purges by database row knows only that.
pub(crate) fn id_spellings(id: &str) -> BTreeSet<String> {
    let mut id_spellings = BTreeSet::from([id.to_owned()]);
    let decoded = from_base64(id);
    let local = match id.strip_prefix("gid://") {
        Some(rest) => rest.rsplit('/').next(),
        None => decoded.as_deref().and_then(|text| {
            let (type_name, local) = text.split_once(':')?;
            let is_name = |byte: u8| byte == b'_' || byte.is_ascii_alphanumeric();
            (!type_name.is_empty() && type_name.bytes().all(is_name)).then_some(local)
        }),
    };
    id_spellings.extend(local.filter(|local| !local.is_empty()).map(str::to_owned));
    id_spellings
}

/// Decodes base64 in either alphabet (RFC 4648 §4, §5), padded or not, if it holds printable ASCII.
fn from_base64(text: &str) -> Option<String> {
    const ID_BYTES: usize = 500;
    let digits = text.trim_end_matches('=');
    if text.len() - digits.len() > 2 || digits.len() < 4 || digits.len() > ID_BYTES {
        return None;
    }
    let decoded = from_base64url(&digits.replace('+', "-").replace('/', "_"))?;
    let printable = decoded.iter().all(|byte| (b' '..=b'~').contains(byte));
    printable.then(|| String::from_utf8(decoded).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_global_id_is_known_by_its_row_too() {
        for (id, local) in [
            ("UHJvZHVjdDo0Mg==", Some("42")),
            ("UHJvZHVjdDo0Mg", Some("42")),
            ("UHJvZHVjdFR5cGU6YS1iLWM=", Some("a-b-c")),
            ("gid://shopify/Product/42", Some("42")),
            ("42", None),
            ("product", None),
            ("c2lsbHk=", None),
            ("OjQy", None),
            ("UHJvZHVjdDo=", None),
            ("////", None),
        ] {
            let expected: BTreeSet<String> =
                [Some(id), local].into_iter().flatten().map(str::to_owned).collect();
            assert_eq!(id_spellings(id), expected, "{id}");
        }
    }
}
