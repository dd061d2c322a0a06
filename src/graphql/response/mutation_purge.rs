//! Decides what a successful mutation purges: the entities in its response, the types that its
//! fields' names mean, or everything.

use super::mutation_entities::{ExecutedMutation, entities_named_by};
use crate::config::{Config, MutationPolicy};
use crate::graphql::types::entity_id::{id_spellings, id_text};
use crate::graphql::types::knowledge::TypeKnowledge;
use crate::graphql::types::naming::{
    TypeNameIndex, candidate_types, is_bulk, is_creation, is_payload_of,
};
use crate::tag::{Tag, TagSet, is_prefix};
use serde_json::Value;
use std::collections::BTreeSet;

/// What a mutation purges.
#[derive(Debug, Clone, PartialEq)]
pub enum MutationPurge {
    /// These tags. There may be none.
    Tags(TagSet),
    /// All entries of the service.
    Everything {
        /// The root field for which nothing narrower is certain. `None` if no single field is the
        /// cause.
        field: Option<String>,
    },
}

impl MutationPurge {
    /// A purge of everything, caused by a root field.
    pub fn everything<'a>(field: impl Into<Option<&'a str>>) -> Self {
        Self::Everything { field: field.into().map(str::to_owned) }
    }
}

/// Decides what a mutation purges. `known` holds the types that its name can mean, as the schema
/// and earlier responses have shown them.
pub fn purge_of_mutation(
    config: &Config,
    mutation: ExecutedMutation<'_>,
    knowledge: &TypeKnowledge<'_>,
    known: &TypeNameIndex,
) -> MutationPurge {
    let shape = &mutation.analysis.shape;
    // Each field may have its own rule, so it must be certain which field a key stands for.
    if shape.is_ambiguous() {
        return MutationPurge::everything(None);
    }
    let policy = config.mutations.policy;
    let mut tags = TagSet::new();
    let mut by_names = TagSet::new();
    for field in shape.field_names().into_iter().filter(|name| *name != "__typename") {
        if let Some(rule) = config.mutation_rule(field) {
            tags.extend(rule.tags.iter().cloned());
            continue;
        }
        if policy == MutationPolicy::All {
            return MutationPurge::everything(field);
        }
        let candidates = candidate_types(field, known);
        let named = entities_named_by(&mutation, field, &candidates, knowledge);
        let unsure = named.entities.is_empty() || named.has_untyped_entity;
        if named.has_unknown_object || (unsure && !candidates.any_known) {
            return MutationPurge::everything(field);
        }
        let many = is_bulk(field);
        // The name of a field adds to what its response names, unless the response names that type.
        let names_candidate =
            !unsure && named.entities.keys().any(|name| candidates.names.contains(name));
        let by_name = candidates.names.iter().map(|name| {
            let ids = argument_ids(&mutation, field, name, knowledge);
            (name.clone(), ids)
        });
        let by_name = by_name.filter(|(_, ids)| !names_candidate || !ids.is_empty());
        // A type that queries have shown is more than a payload, and so is an empty object whose
        // name does not resemble the mutation's.
        let is_shown = |name: &String| known.values().any(|names| names.contains(name));
        let holds_nothing = named.entities.is_empty();
        let payload_types = named
            .payload_types
            .into_iter()
            .filter(|name| is_shown(name) || (holds_nothing && !is_payload_of(field, name)));
        for (name, ids) in by_name.chain(payload_types.map(|name| (name, BTreeSet::new()))) {
            by_names.extend(tags_of(policy, &name, &ids, many));
        }
        for (name, ids) in named.entities {
            tags.extend(tags_of(policy, &name, &ids, many));
        }
    }
    knowledge.extend_reach(&mut tags);
    tags.extend(by_names);
    MutationPurge::Tags(tags)
}

/// The ids of a type's objects in the arguments of a field: `deleteProduct(id: 42)`,
/// `deleteProducts(ids: $ids)`, `updateProduct(input: { productId: 42 })`. Empty if any selection
/// of the field gives none; `None` among them for one that cannot be read.
fn argument_ids(
    mutation: &ExecutedMutation<'_>,
    field: &str,
    type_name: &str,
    knowledge: &TypeKnowledge<'_>,
) -> BTreeSet<Option<String>> {
    // The id of an object that is created is not among the arguments.
    if is_creation(field) {
        return BTreeSet::new();
    }
    let analysis = mutation.analysis;
    let is_this_field =
        |key: &str| analysis.shape.field(key).is_some_and(|of| of.name.as_deref() == Some(field));
    let mut all = BTreeSet::new();
    for (_, arguments) in analysis.arguments.iter().filter(|(key, _)| is_this_field(key)) {
        let mut ids = BTreeSet::new();
        for (name, value) in arguments {
            let Some(value) = analysis.argument_value(value, mutation.variables) else { continue };
            match &value {
                Value::Object(fields) => {
                    for (name, value) in fields {
                        add_ids(&mut ids, type_name, name, value, knowledge);
                    }
                }
                value => add_ids(&mut ids, type_name, name, value, knowledge),
            }
        }
        if ids.is_empty() {
            return BTreeSet::new();
        }
        all.extend(ids);
    }
    all
}

fn add_ids(
    ids: &mut BTreeSet<Option<String>>,
    type_name: &str,
    argument: &str,
    value: &Value,
    knowledge: &TypeKnowledge<'_>,
) {
    if !knowledge.is_id_argument(type_name, argument) {
        return;
    }
    let items = match value {
        Value::Array(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    for item in items.iter().filter(|item| !item.is_null()) {
        match id_text(item) {
            Some(id) => ids.extend(id_spellings(&id).map(|id| Some(id.into_owned()))),
            // Such as a condition, or a number of a hundred digits.
            None => {
                ids.insert(None);
            }
        }
    }
}

/// The tags to purge for one type, and for the ids of it that the response or arguments gave.
fn tags_of(
    policy: MutationPolicy,
    type_name: &str,
    ids: &BTreeSet<Option<String>>,
    many: bool,
) -> TagSet {
    let mut tags = TagSet::new();
    let whole = ids.is_empty()
        || many
        || ids.contains(&None)
        || policy == MutationPolicy::Type
        // The tag of a single one would mean something else.
        || is_prefix(type_name);
    if whole {
        tags.insert(Tag::of("", type_name));
    }
    if policy != MutationPolicy::Type {
        let ids = ids.iter().flatten();
        tags.extend(ids.map(|id| Tag::of(&format!("{type_name}:"), id)));
    }
    if policy == MutationPolicy::List {
        tags.insert(Tag::of("list:", type_name));
    }
    tags
}

#[cfg(test)]
mod tests;
