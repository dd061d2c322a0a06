//! Whether an answer can be stripped: what was added shows only where `strip` takes it out, and
//! `strip` takes out nothing else.
//!
//! Servers tell of a document in messages, traces and paths, and a scalar can be an object with
//! keys of any name. Not in scope: strings in `data`, which no addition changes.

use super::reserved_keys::RESERVED_PREFIX;
use crate::graphql::document::shape::Shape;
use serde_json::Value;

/// Whether `strip` makes of an answer what the client would have got without additions, as far as
/// their names tell. The shape is that of the client's own document.
pub fn is_strippable(answer: &Value, shape: &Shape) -> bool {
    match answer {
        Value::Object(members) => members.iter().all(|(name, value)| match name.as_str() {
            "data" => has_only_additions(value, Some(shape)),
            _ => !is_reserved(name) && !mentions_reserved_prefix(value),
        }),
        // Nobody answers one document so; whoever does says the whole of it in `data`.
        Value::Array(_) | Value::String(_) => !mentions_reserved_prefix(answer),
        _ => true,
    }
}

/// Whether the reserved keys in a value of `data` are all additions. Below a leaf none is.
fn has_only_additions(value: &Value, shape: Option<&Shape>) -> bool {
    match (value, shape) {
        (Value::Object(members), Some(shape)) => members.iter().all(|(key, value)| {
            if is_reserved(key) {
                // What is added are leaves.
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

/// Whether a value names an addition anywhere.
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
    use crate::graphql::analysed;

    fn strippable(answer: &str) -> bool {
        let analysis = analysed("{ a { b c: d { e } } f }");
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
