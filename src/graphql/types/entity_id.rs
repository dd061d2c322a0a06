//! Ids of entities: their text, and equivalent spellings.

use crate::http::from_base64url;
use crate::json::{self, plain_decimal};
use serde_json::Value;
use std::borrow::Cow;

/// The text of an id in an argument, `42` for the number `42.0` too. `None` if the value cannot be one.
pub(crate) fn id_text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(id) if !id.is_empty() => Some(Cow::Borrowed(id)),
        Value::Number(id) => plain_decimal(id.as_str()),
        _ => None,
    }
}

/// The text of an id that a response shows, like that of one in an argument. `None` if the value cannot be one.
pub(crate) fn id_text_shown(value: json::Value<'_>) -> Option<Cow<'_, str>> {
    match value {
        json::Value::String(id) if !id.is_empty() => Some(Cow::Borrowed(id)),
        json::Value::Number(id) => plain_decimal(id),
        _ => None,
    }
}

/// The spellings of an id: itself, and the local id within a global one. `UHJvZHVjdDo0Mg==`
/// (Relay's base64 of `Product:42`) and `gid://shop/Product/42` are also spelled `42`, because a
/// client that purges by database row knows only that.
pub(crate) fn id_spellings(id: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let local = match id.strip_prefix("gid://") {
        Some(rest) => rest.rsplit('/').next().map(Cow::Borrowed),
        None => from_base64(id).and_then(|text| {
            let (type_name, local) = text.split_once(':')?;
            let is_global = !type_name.is_empty() && type_name.bytes().all(is_name_byte);
            is_global.then(|| Cow::Owned(local.to_owned()))
        }),
    };
    std::iter::once(Cow::Borrowed(id)).chain(local.filter(|local| !local.is_empty()))
}

fn is_name_byte(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric()
}

/// Decodes base64 in either alphabet (RFC 4648 §4, §5), padded or not, if it holds printable ASCII that
/// begins like a name. Most ids do not, which their first two digits show.
fn from_base64(text: &str) -> Option<String> {
    const ID_BYTES: usize = 500;
    let digits = text.trim_end_matches('=');
    if text.len() - digits.len() > 2 || digits.len() < 4 || digits.len() > ID_BYTES {
        return None;
    }
    let [first, second, ..] = digits.as_bytes() else { return None };
    let begins_name = (sextet(*first)? << 2) | (sextet(*second)? >> 4);
    if !is_name_byte(begins_name) {
        return None;
    }
    let decoded = from_base64url(&digits.replace('+', "-").replace('/', "_"))?;
    let printable = decoded.iter().all(|byte| (b' '..=b'~').contains(byte));
    printable.then(|| String::from_utf8(decoded).ok())?
}

/// The six bits of a digit of base64, in either alphabet.
fn sextet(digit: u8) -> Option<u8> {
    match digit {
        b'A'..=b'Z' => Some(digit - b'A'),
        b'a'..=b'z' => Some(digit - b'a' + 26),
        b'0'..=b'9' => Some(digit - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
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
            let expected: Vec<&str> = [Some(id), local].into_iter().flatten().collect();
            assert_eq!(id_spellings(id).collect::<Vec<_>>(), expected, "{id}");
        }
    }
}
