//! The types of the objects that a root field returned.

use super::response_json::{ResponseJson, TypeMembers};
use crate::graphql::document::layout::{Layout, Layouts};
use crate::graphql::document::shape::Shape;
use crate::json::{Object, Value};
use std::collections::BTreeSet;

/// The types of a root field's objects. `None` if it returned no object, or one without a
/// `__typename`.
pub fn types_of_root_field<'a>(
    shown: ResponseJson<'a>,
    data: Object<'a>,
    shape: &Shape,
    name: &str,
) -> Option<BTreeSet<&'a str>> {
    let (mut types, mut layouts) = (BTreeSet::new(), Layouts::new());
    for (member, value) in Layout::of(data, shape).values(data) {
        if member.is_field(name) {
            let shape = member.field?.shape.as_ref()?;
            add_types(shown, value, shape, &mut layouts, &mut types)?;
        }
    }
    (!types.is_empty()).then_some(types)
}

fn add_types<'a, 's>(
    shown: ResponseJson<'a>,
    value: Value<'a>,
    shape: &'s Shape,
    layouts: &mut Layouts<'s, TypeMembers>,
    types: &mut BTreeSet<&'a str>,
) -> Option<()> {
    match value {
        Value::Array(items) if !items.is_empty() => {
            let mut items = items.iter();
            items.try_for_each(|item| add_types(shown, item, shape, layouts, types))
        }
        Value::Object(object) => {
            let found =
                layouts.of(object, shape, |layout| TypeMembers::of(layout, shown.has_additions));
            types.insert(found.prepared.read(object)?);
            Some(())
        }
        _ => None,
    }
}
