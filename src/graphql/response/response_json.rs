//! A response as JSON, and the types that its objects show.

use crate::graphql::document::shape::Shape;
use crate::graphql::injection::reserved_keys::TYPENAME_KEY;
use serde_json::{Map, Value};

/// An answer and what was asked.
#[derive(Debug, Clone, Copy)]
pub struct ResponseJson<'a> {
    /// The answer, before anything was taken out of it.
    pub json: &'a Value,
    /// Whether it is that to the document with what was added to it.
    pub has_additions: bool,
}

/// The object's type as the answer shows it, by what was added to the document or by what the client
/// asked for.
pub(crate) fn object_type<'a>(
    object: &'a Map<String, Value>,
    shape: &Shape,
    added: bool,
) -> Option<&'a str> {
    let by_addition = object.get(TYPENAME_KEY).filter(|_| added).and_then(Value::as_str);
    by_addition.or_else(|| type_name(object, shape))
}

/// The object's type, where a key that is surely `__typename` says it.
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
