//! The types in which two schemas differ.

use super::table::Schema;
use super::type_id::{TypeId, TypeKind};
use crate::graphql::document::ast::OperationKind;
use std::collections::BTreeSet;

/// The names of the objects, interfaces and unions that differ between two schemas: in their kind
/// or cache hint, their fields, the interfaces they implement, their members or their possible
/// types. If a root operation type was replaced, both names are included.
///
/// Differences that the table does not hold cannot be seen: default values, optional arguments,
/// enum values.
pub fn changed_types(old: &Schema, new: &Schema) -> BTreeSet<String> {
    let mut changed = BTreeSet::new();
    for (one, other) in [(old, new), (new, old)] {
        for id in one.types().filter(|id| one.kind(*id).is_composite()) {
            let name = one.name(id);
            let same = other.type_named(name).is_some_and(|there| is_same(one, id, other, there));
            if !same {
                changed.insert(name.to_owned());
            }
        }
    }
    for kind in [OperationKind::Query, OperationKind::Mutation, OperationKind::Subscription] {
        let [before, after] = [old, new].map(|schema| schema.root(kind).map(|id| schema.name(id)));
        if before != after {
            changed.extend([before, after].into_iter().flatten().map(str::to_owned));
        }
    }
    changed
}

/// The types whose entries may be wrong under another schema: the changed types, and the possible
/// types of every null or empty list that could now stand for others. Such a value depends on
/// interfaces, unions and the fields of the query root, which have no tags of their own.
pub fn affected_types(old: &Schema, new: &Schema) -> BTreeSet<String> {
    let mut touched = changed_types(old, new);
    let abstract_ones: Vec<TypeId> = touched
        .iter()
        .filter_map(|name| old.type_named(name))
        .filter(|id| matches!(old.kind(*id), TypeKind::Interface | TypeKind::Union))
        .collect();
    let [before, after] = [old, new].map(|schema| schema.root(OperationKind::Query));
    let of_root = before.into_iter().flat_map(|root| old.fields(root));
    let other_fields = of_root.filter(|(name, info)| {
        let there = after.and_then(|root| new.field(root, name));
        there.is_none_or(|now| {
            let same_type =
                new.name(now.type_id) == old.name(info.type_id) && now.list == info.list;
            !same_type || now.hint != info.hint
        })
    });
    let stood_for = abstract_ones.into_iter().chain(other_fields.map(|(_, info)| info.type_id));
    for id in stood_for {
        touched.extend(old.possible_types(id).map(|of| old.name(of).to_owned()));
    }
    touched
}

fn is_same(old: &Schema, before: TypeId, new: &Schema, after: TypeId) -> bool {
    old.kind(before) == new.kind(after)
        && old.hint(before) == new.hint(after)
        && fields(old, before).eq(fields(new, after))
        && names(old, old.links(before).iter().copied())
            .eq(names(new, new.links(after).iter().copied()))
        && names(old, old.possible_types(before)).eq(names(new, new.possible_types(after)))
}

/// The properties of each field, with names instead of numbers, because each schema has its own
/// numbers.
fn fields(schema: &Schema, id: TypeId) -> impl Iterator<Item = impl PartialEq> {
    schema.fields(id).map(|(name, info)| {
        let of = (schema.name(info.type_id), schema.kind(info.type_id));
        (name, of, info.list, info.nonnull, info.needs_arguments, info.hint)
    })
}

fn names(schema: &Schema, ids: impl Iterator<Item = TypeId>) -> impl Iterator<Item = &str> {
    ids.map(|id| schema.name(id))
}

#[cfg(test)]
mod tests;
