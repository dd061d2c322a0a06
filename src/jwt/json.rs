//! JSON objects without duplicate members.
//!
//! RFC 7515 §4 and RFC 7519 §4 permit readers to use the last of two members with the same name. If
//! the origin used the first, Evergraph and the origin would see different users in the same token.

use crate::json::names_are_unique;
use serde_json::{Map, Value};

/// Parses a JSON object. `None` for any other value, and if a name is repeated.
pub(super) fn object(bytes: &[u8]) -> Option<Map<String, Value>> {
    names_are_unique(bytes).ok()?;
    match serde_json::from_slice(bytes).ok()? {
        Value::Object(members) => Some(members),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_objects_alone() {
        let read =
            object(br#"{"a":[1,-2.5e+300,{"b":null}],"c":true,"d":"\u00e9","e":{}}"#).unwrap();
        assert_eq!(
            Value::Object(read).to_string(),
            r#"{"a":[1,-2.5e+300,{"b":null}],"c":true,"d":"é","e":{}}"#
        );
        for bad in ["", "[]", "1", "null", "{", "{}x", "{\"a\":1,}", "\u{feff}{}", "{'a':1}"] {
            assert_eq!(object(bad.as_bytes()), None, "{bad:?}");
        }
        assert_eq!(object(b"{\"a\":\"\xff\"}"), None);
    }

    #[test]
    fn refuses_a_member_that_comes_twice_wherever_it_is() {
        for twice in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"x":{"a":1,"b":2,"a":3}}"#,
            r#"{"x":[1,[{"a":1,"a":2}]]}"#,
        ] {
            assert_eq!(object(twice.as_bytes()), None, "{twice}");
        }
        assert!(object(br#"{"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]}"#).is_some());
    }

    #[test]
    fn deep_nesting_ends_as_a_refusal() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(object(deep.as_bytes()), None);
    }
}
