//! The entities that an object without an id may describe: those that its fields can lead to.
//!
//! `{ products { totalCount } }` shows no product. But `ProductConnection` has `nodes` and `edges`,
//! so the count is one of products.

use super::knowledge::TypeKnowledge;
use super::naming::is_aggregate;
use crate::graphql::document::ast::OperationKind;
use crate::graphql::schema::{FieldInfo, Schema, TypeId};
use std::collections::BTreeSet;

/// The greatest number of possible types that get tags of their own. With more, the response counts
/// as untyped.
const MAX_POSSIBLE_TYPES: usize = 20;

/// Where to start following fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum ReachableFrom {
    /// An object without an id. All its fields are followed.
    Wrapper(TypeId),
    /// An entity. Only its list fields and wrappers are followed, because a single entity in a
    /// field is a link, which no scalar counts.
    Entity(TypeId),
}

/// The entities that fields lead to, through objects without ids. `None` if there are more than
/// [`MAX_POSSIBLE_TYPES`], or if `steps` run out: each field takes one.
pub(crate) fn reachable_entities(
    knowledge: &TypeKnowledge<'_>,
    schema: &Schema,
    start: ReachableFrom,
    steps: &mut usize,
) -> Option<Vec<TypeId>> {
    let mut found = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut pending = Vec::new();
    let query = schema.root(OperationKind::Query);
    let is_entity = |of: TypeId| knowledge.is_entity_type(schema.name(of));
    let is_link =
        |info: FieldInfo| !info.list && schema.possible_types(info.type_id).any(is_entity);
    let (first, links_count) = match start {
        ReachableFrom::Wrapper(first) => (first, true),
        ReachableFrom::Entity(first) => (first, false),
    };
    let fields = schema.fields(first).filter(|(_, info)| links_count || !is_link(*info));
    pending.extend(fields.filter(|(name, _)| !is_aggregate(name)).map(|(_, info)| info.type_id));
    while let Some(of) = pending.pop() {
        if !seen.insert(of) {
            continue;
        }
        for object in schema.possible_types(of).filter(|object| Some(*object) != query) {
            *steps = steps.checked_sub(1)?;
            if is_entity(object) {
                found.insert(object);
                if found.len() > MAX_POSSIBLE_TYPES {
                    return None;
                }
            } else if object == of || seen.insert(object) {
                for (name, info) in schema.fields(object) {
                    *steps = steps.checked_sub(1)?;
                    if !is_aggregate(name) {
                        pending.push(info.type_id);
                    }
                }
            }
        }
    }
    Some(found.into_iter().collect())
}

/// The possible types of a type (GraphQL §5.5.2.3). `None` if there are none, or more than
/// [`MAX_POSSIBLE_TYPES`].
pub(crate) fn few_possible_types(schema: &Schema, of: TypeId) -> Option<Vec<TypeId>> {
    let possible: Vec<TypeId> = schema.possible_types(of).take(MAX_POSSIBLE_TYPES + 1).collect();
    (!possible.is_empty() && possible.len() <= MAX_POSSIBLE_TYPES).then_some(possible)
}
