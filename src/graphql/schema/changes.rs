//! Which types two schemas differ in.

use super::table::Schema;
use super::type_id::{TypeId, TypeKind};
use crate::graphql::document::ast::OperationKind;
use std::collections::BTreeSet;

/// The names of the objects, interfaces and unions that are in one of two schemas only, or are
/// not the same in both: their kind or hint, their fields with all that is known of them, what
/// they implement, their members, or what is possible there. Of a root operation type that is
/// another, both names.
///
/// What the table does not have cannot be seen: a default value, an optional argument, the values
/// of an enum.
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

/// The types whose entries another schema makes doubtful: those that changed, and those that the
/// old one took a null or an empty list for, where that may now stand for others. Nothing else in
/// such an entry tells of an interface, a union or the query's own fields.
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

/// All that is known of each field, with names in the place of numbers, which are a schema's own.
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
