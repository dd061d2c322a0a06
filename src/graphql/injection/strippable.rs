//! Checks that a response can be stripped: that additions show only where `strip` removes them, and
//! that `strip` removes nothing else.
//!
//! Servers quote documents in error messages, traces and paths, and a scalar may be an object with
//! keys of any name. Not in scope: strings in `data`, which additions do not change.

use super::reserved_keys::RESERVED_PREFIX;
use crate::graphql::document::shape::Shape;
use serde_json::Value;

/// `true` if `strip` turns this response into the one that the client would have got without
/// additions, as far as the names of keys show. The shape is that of the client's document.
pub fn is_strippable(answer: &Value, shape: &Shape) -> bool {
    match answer {
        Value::Object(members) => members.iter().all(|(name, value)| match name.as_str() {
            "data" => has_only_additions(value, Some(shape)),
            _ => !is_reserved(name) && !mentions_reserved_prefix(value),
        }),
        // Not a response to a single document, but it could still quote one.
        Value::Array(_) | Value::String(_) => !mentions_reserved_prefix(answer),
        _ => true,
    }
}

/// `true` if all reserved keys in a value of `data` are additions. There are none below a leaf.
fn has_only_additions(value: &Value, shape: Option<&Shape>) -> bool {
    match (value, shape) {
        (Value::Object(members), Some(shape)) => members.iter().all(|(key, value)| {
            if is_reserved(key) {
                // Added fields are leaves.
                return !value.is_object() && !value.is_array();
            }
            has_only_additions(value, shape.field(key).and_then(|field| field.shape.as_ref()))
        }),
        (Value::Object(members), None) => {
            members.iter().all(|(key, value)| !is_reserved(key) && has_only_additions(value, None))
        }
        (Value::Array(items), shape) => items.iter().all(|item| has_only_additions(item, shape)),
        _ => true,
    }
}

/// `true` if any key or string in a value contains the reserved prefix.
fn mentions_reserved_prefix(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(RESERVED_PREFIX),
        Value::Array(items) => items.iter().any(mentions_reserved_prefix),
        Value::Object(members) => members
            .iter()
            .any(|(name, value)| name.contains(RESERVED_PREFIX) || mentions_reserved_prefix(value)),
        _ => false,
    }
}

fn is_reserved(key: &str) -> bool {
    key.starts_with(RESERVED_PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graphql::analysis_of;

    fn strippable(answer: &str) -> bool {
        let analysis = analysis_of("{ a { b c: d { e } } f }");
        is_strippable(&serde_json::from_str(answer).unwrap(), &analysis.shape)
    }

    #[test]
    fn additions_are_members_of_what_has_selections() {
        for answer in [
            r#"{"data":{"a":{"evergraph__typename":"A","b":1,"c":[[{"evergraph__typename":"C"}]]}}}"#,
            r#"{"data":{"a":{"evergraph__typename":null,"b":{"x":["evergraph__typename"]}}}}"#,
            r#"{"data":null,"errors":[{"message":"no"}],"extensions":{"a":[1]}}"#,
            r#"{"data":{"f":"evergraph__"}}"#,
            "7",
        ] {
            assert!(strippable(answer), "{answer}");
        }
    }

    #[test]
    fn a_client_has_its_own_keys_below_a_leaf() {
        for answer in [
            r#"{"data":{"f":{"evergraph__typename":"A"}}}"#,
            r#"{"data":{"a":{"b":[[{"x":{"evergraph__":1}}]]}}}"#,
            r#"{"data":{"a":{"evergraph__typename":{"e":1}}}}"#,
            r#"{"data":{"unknown":{"evergraph__typename":"A"}}}"#,
        ] {
            assert!(!strippable(answer), "{answer}");
        }
    }

    #[test]
    fn an_addition_that_shows_elsewhere_stays() {
        for answer in [
            r#"{"data":{},"errors":[{"message":"in { a {evergraph__typename:__typename b } }"}]}"#,
            r#"{"data":{},"errors":[{"message":"m","path":["a","evergraph__typename"]}]}"#,
            r#"{"data":{},"extensions":{"trace":[{"a.evergraph__typename":1}]}}"#,
            r#"{"data":{},"evergraph__typename":1}"#,
            r#"[{"data":{"a":{"evergraph__typename":"A"}}}]"#,
            r#""evergraph__typename""#,
        ] {
            assert!(!strippable(answer), "{answer}");
        }
    }
}
