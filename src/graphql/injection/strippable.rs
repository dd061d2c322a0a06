//! Checks that a response can be stripped: that additions show only where `strip` removes them, and
//! that `strip` removes nothing else.
//!
//! Servers quote documents in error messages, traces and paths, and a scalar may be an object with
//! keys of any name. Not in scope: strings in `data`, which additions do not change.

use super::reserved_keys::RESERVED_PREFIX;
use crate::graphql::document::layout::Layouts;
use crate::graphql::document::shape::{Shape, ShapeField};
use crate::json::Value;

/// `true` if `strip` turns this response into the one that the client would have got without
/// additions, as far as the names of keys show. The shape is that of the client's document.
pub fn is_strippable(answer: Value<'_>, shape: &Shape) -> bool {
    match answer {
        Value::Object(members) => members.iter().all(|(name, value)| match name {
            "data" => has_only_additions(value, shape),
            _ => !is_reserved(name) && !mentions_reserved_prefix(value),
        }),
        // Not a response to a single document, but it could still quote one.
        Value::Array(_) | Value::String(_) => !mentions_reserved_prefix(answer),
        _ => true,
    }
}

/// `true` if all reserved keys in a value of `data` are additions: if there are as many of them in the value as
/// along its selections.
fn has_only_additions(value: Value<'_>, shape: &Shape) -> bool {
    match value.names().filter(|name| is_reserved(name)).count() {
        0 => true,
        all => all == additions(value, shape, &mut Layouts::new()),
    }
}

/// The number of additions in a value: they are leaves of objects that have selections.
fn additions<'s>(value: Value<'_>, shape: &'s Shape, layouts: &mut Layouts<'s, ()>) -> usize {
    match value {
        Value::Object(object) => {
            let found = layouts.of(object, shape, |_| ());
            let members = found.layout.places(object).map(|(member, place)| match member.field {
                Some(ShapeField { shape: Some(inner), .. }) => {
                    additions(place.value(), inner, layouts)
                }
                None if is_reserved(&member.name) => usize::from(is_leaf(place.value())),
                _ => 0,
            });
            members.sum()
        }
        Value::Array(items) => items.iter().map(|item| additions(item, shape, layouts)).sum(),
        _ => 0,
    }
}

fn is_leaf(value: Value<'_>) -> bool {
    value.as_object().is_none() && value.as_array().is_none()
}

/// `true` if any key or string in a value contains the reserved prefix.
fn mentions_reserved_prefix(value: Value<'_>) -> bool {
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
    use crate::json::Index;

    fn strippable(answer: &str) -> bool {
        let analysis = analysis_of("{ a { b c: d { e } } f }");
        is_strippable(Index::of(answer.as_bytes()).unwrap().root(), &analysis.shape)
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
            r#"{"data":{"a":{"evergraph__typename":"A","b":{"evergraph__typename":"B"}}}}"#,
            r#"{"data":{"a":{"evergraph__typename":"A","evergraph__typename":"A"}}}"#,
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
