//! The types of the objects that a root field returned.

use super::response_json::{ResponseJson, object_type};
use crate::graphql::document::shape::Shape;
use serde_json::{Map, Value as Json};
use std::collections::BTreeSet;

/// The types of a root field's objects. `None` if it returned no object, or one without a
/// `__typename`.
pub fn types_of_root_field<'a>(
    shown: ResponseJson<'a>,
    data: &'a Map<String, Json>,
    shape: &'a Shape,
    name: &str,
) -> Option<BTreeSet<&'a str>> {
    let mut types = BTreeSet::new();
    for (key, value) in data {
        let Some(field) = shape.field(key) else { continue };
        if field.name.as_deref() == Some(name) {
            add_types(shown, value, field.shape.as_ref()?, &mut types)?;
        }
    }
    (!types.is_empty()).then_some(types)
}

fn add_types<'a>(
    shown: ResponseJson<'a>,
    value: &'a Json,
    shape: &'a Shape,
    types: &mut BTreeSet<&'a str>,
) -> Option<()> {
    match value {
        Json::Array(items) if !items.is_empty() => {
            items.iter().try_for_each(|item| add_types(shown, item, shape, types))
        }
        Json::Object(object) => {
            types.insert(object_type(object, shape, shown.has_additions)?);
            Some(())
        }
        _ => None,
    }
}
