//! A response as JSON, and the `__typename` of its objects.

use crate::graphql::document::shape::Shape;
use crate::graphql::injection::reserved_keys::TYPENAME_KEY;
use serde_json::{Map, Value};

/// A response, and whether the document had additions.
#[derive(Debug, Clone, Copy)]
pub struct ResponseJson<'a> {
    /// The response, with all additions still in it.
    pub json: &'a Value,
    /// `true` if the origin was sent the document with additions.
    pub has_additions: bool,
}

/// The object's type, from the added `__typename` or from one that the client selected.
pub(crate) fn object_type<'a>(
    object: &'a Map<String, Value>,
    shape: &Shape,
    added: bool,
) -> Option<&'a str> {
    let by_addition = object.get(TYPENAME_KEY).filter(|_| added).and_then(Value::as_str);
    by_addition.or_else(|| type_name(object, shape))
}

/// The object's type, from a key that certainly stands for `__typename`.
pub(crate) fn type_name<'a>(object: &'a Map<String, Value>, shape: &Shape) -> Option<&'a str> {
    keys_of(object, shape, &["__typename"]).find_map(|value| value.as_str())
}

fn keys_of<'a>(
    object: &'a Map<String, Value>,
    shape: &Shape,
    fields: &[&str],
) -> impl Iterator<Item = &'a Value> {
    object.iter().filter_map(move |(key, value)| {
        let name = shape.field(key)?.name.as_deref()?;
        fields.contains(&name).then_some(value)
    })
}
