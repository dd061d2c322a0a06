//! What a successful mutation purges: by its answer, by its fields' names, or everything.

use super::analysis::Analysis;
use super::answer::type_name;
use super::ast::OperationKind;
use super::entity::{TypeKnowledge, id_text, spellings};
use super::field_names::{Meant, is_payload_of, makes_something, speaks_of_many, types_meant_by};
use super::reachable::possible_types;
use super::schema::{FieldInfo, TypeId, TypeKind};
use super::shape::Shape;
use crate::config::{Config, MutationPolicy};
use crate::tag::{Tag, TagSet};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// What a mutation purges.
#[derive(Debug, Clone, PartialEq)]
pub enum MutationPurge {
    /// These tags; there may be none.
    Tags(TagSet),
    /// Everything of the service.
    Everything {
        /// The mutation's field for which nothing narrower is certain; none where no single field
        /// is the cause.
        field: Option<String>,
    },
}

impl MutationPurge {
    /// A purge of everything, and the mutation's field that caused it.
    pub fn everything<'a>(field: impl Into<Option<&'a str>>) -> Self {
        Self::Everything { field: field.into().map(str::to_owned) }
    }
}

/// A mutation that the origin has answered.
#[derive(Debug, Clone, Copy)]
pub struct Mutated<'a> {
    /// The mutation.
    pub analysis: &'a Analysis,
    /// Its variables.
    pub variables: Option<&'a Map<String, Value>>,
    /// The answer's data; none where it could not be read.
    pub data: Option<&'a Map<String, Value>>,
}

/// GraphQL types that are known to exist, by their names in lower case without underscores.
pub type SeenTypes = BTreeMap<String, BTreeSet<String>>;

/// What a mutation purges. `known` says which GraphQL types a name can mean, as a schema and
/// answers have shown them.
pub fn purge_of(
    config: &Config,
    mutated: Mutated<'_>,
    knowledge: &TypeKnowledge<'_>,
    known: &SeenTypes,
) -> MutationPurge {
    let shape = &mutated.analysis.shape;
    // Which field a key is must be certain, for every field may have its own rule.
    if shape.is_ambiguous() {
        return MutationPurge::everything(None);
    }
    let policy = config.mutations.policy;
    let mut tags = TagSet::new();
    let mut by_names = TagSet::new();
    for field in shape.names().into_iter().filter(|name| *name != "__typename") {
        if let Some(rule) = config.mutation_rule(field) {
            tags.extend(rule.tags.iter().cloned());
            continue;
        }
        if policy == MutationPolicy::All {
            return MutationPurge::everything(field);
        }
        let meant = types_meant_by(field, known);
        let named = named_by(&mutated, field, &meant, knowledge);
        let unsure = named.entities.is_empty() || named.untyped;
        if named.doubtful || (unsure && !meant.any_known) {
            return MutationPurge::everything(field);
        }
        let many = speaks_of_many(field);
        // A field's name adds to what its answer names, unless the answer names that very type.
        let told = !unsure && named.entities.keys().any(|name| meant.names.contains(name));
        let by_name = meant.names.iter().map(|name| {
            let ids = argument_ids(&mutated, field, name, knowledge);
            (name.clone(), ids)
        });
        let by_name = by_name.filter(|(_, ids)| !told || !ids.is_empty());
        // What queries show is no mere payload, nor is what bears another name and holds nothing.
        let is_shown = |name: &String| known.values().any(|names| names.contains(name));
        let holds_nothing = named.entities.is_empty();
        let own = named
            .own
            .into_iter()
            .filter(|name| is_shown(name) || (holds_nothing && !is_payload_of(field, name)));
        for (name, ids) in by_name.chain(own.map(|name| (name, BTreeSet::new()))) {
            by_names.extend(tags_of(policy, &name, &ids, many));
        }
        for (name, ids) in named.entities {
            tags.extend(tags_of(policy, &name, &ids, many));
        }
    }
    knowledge.reach(&mut tags);
    tags.extend(by_names);
    MutationPurge::Tags(tags)
}

/// What the answer to all calls of a mutation's field names.
fn named_by<'k>(
    mutated: &Mutated<'_>,
    field: &str,
    meant: &'k Meant,
    knowledge: &'k TypeKnowledge<'k>,
) -> Named<'k> {
    let root = knowledge.schema.and_then(|schema| schema.root(OperationKind::Mutation));
    let mut named = Named {
        entities: BTreeMap::new(),
        own: BTreeSet::new(),
        untyped: false,
        doubtful: false,
        meant,
        knowledge,
    };
    for (key, value) in mutated.data.into_iter().flatten() {
        match mutated.analysis.shape.field(key) {
            Some(of) if of.name.as_deref() == Some(field) => {
                if let Some(inner) = &of.shape {
                    named.under_mutation(value, inner, named.field_of(root, field));
                }
            }
            _ => {}
        }
    }
    named
}

/// The ids of a type's objects that the arguments of a field name: `deleteProduct(id: 42)`,
/// `deleteProducts(ids: $ids)`, `updateProduct(input: { productId: 42 })`. Empty where any of the
/// calls of that field names none.
fn argument_ids(
    mutated: &Mutated<'_>,
    field: &str,
    type_name: &str,
    knowledge: &TypeKnowledge<'_>,
) -> BTreeSet<Option<String>> {
    // What is made anew has an id that no argument names.
    if makes_something(field) {
        return BTreeSet::new();
    }
    let analysis = mutated.analysis;
    let is_this_field =
        |key: &str| analysis.shape.field(key).is_some_and(|of| of.name.as_deref() == Some(field));
    let mut all = BTreeSet::new();
    for (_, arguments) in analysis.arguments.iter().filter(|(key, _)| is_this_field(key)) {
        let mut ids = BTreeSet::new();
        for (name, value) in arguments {
            let Some(value) = analysis.input(value, mutated.variables) else { continue };
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
        all.extend(ids.into_iter().map(Some));
    }
    all
}

fn add_ids(
    ids: &mut BTreeSet<String>,
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
    ids.extend(items.iter().filter_map(id_text).flat_map(|id| spellings(&id)));
}

/// The tags for one type that a mutation touched, and the entities of it that it named.
fn tags_of(
    policy: MutationPolicy,
    type_name: &str,
    ids: &BTreeSet<Option<String>>,
    many: bool,
) -> TagSet {
    let mut tags = TagSet::new();
    let whole = ids.is_empty() || many || ids.contains(&None) || policy == MutationPolicy::Type;
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

/// What a mutation's answer names.
struct Named<'k> {
    /// The entities, by type; one without an id as none.
    entities: BTreeMap<String, BTreeSet<Option<String>>>,
    /// The types of what stands right under the mutation and shows no id.
    own: BTreeSet<String>,
    /// Whether what stands right under the mutation is an entity of a type that is not known.
    untyped: bool,
    /// Whether an object below that has a type that is not known: what else was changed?
    doubtful: bool,
    /// The types that the mutation's name may mean.
    meant: &'k Meant,
    knowledge: &'k TypeKnowledge<'k>,
}

impl Named<'_> {
    /// What the schema says of a field on a type.
    fn field_of(&self, parent: Option<TypeId>, field: &str) -> Option<FieldInfo> {
        self.knowledge.schema?.field(parent?, field)
    }

    /// An object without an id right under the mutation only wraps the answer.
    fn under_mutation(&mut self, value: &Value, shape: &Shape, info: Option<FieldInfo>) {
        match value {
            Value::Object(object) if !self.knowledge.shows_any_id(object, shape) => {
                let type_name = self.type_of(object, shape, info);
                self.fields(object, shape, type_name.as_deref(), info);
                self.own.extend(type_name);
            }
            Value::Object(object) => self.untyped |= !self.object(object, shape, info),
            Value::Array(items) => {
                items.iter().for_each(|item| self.under_mutation(item, shape, info));
            }
            _ => {}
        }
    }

    /// Names an entity and what is in it; false where its type is not known.
    fn object(
        &mut self,
        object: &Map<String, Value>,
        shape: &Shape,
        info: Option<FieldInfo>,
    ) -> bool {
        let type_name = self.type_of(object, shape, info);
        if let Some(name) = &type_name {
            let ids = self.knowledge.ids(name, object, shape, false);
            let entity = self.entities.entry(name.clone()).or_default();
            if !ids.complete {
                entity.insert(None);
            }
            entity.extend(ids.all.into_iter().map(Some));
        }
        let possible = self.possible_types(info).filter(|_| type_name.is_none());
        let is_known = type_name.is_some() || possible.is_some();
        for name in possible.into_iter().flatten() {
            self.entities.entry(name).or_default().insert(None);
        }
        self.fields(object, shape, type_name.as_deref(), info);
        is_known
    }

    /// The types that an object of an interface or a union may have, where they are few.
    fn possible_types(&self, info: Option<FieldInfo>) -> Option<Vec<String>> {
        let (schema, info) = self.knowledge.schema.zip(info)?;
        let possible = possible_types(schema, info.of)?;
        Some(possible.into_iter().map(|of| schema.name(of).to_owned()).collect())
    }

    /// The object's type, as it says itself or else as the schema does.
    fn type_of(
        &self,
        object: &Map<String, Value>,
        shape: &Shape,
        info: Option<FieldInfo>,
    ) -> Option<String> {
        let of_schema = || {
            let (schema, info) = self.knowledge.schema.zip(info)?;
            (schema.kind(info.of) == TypeKind::Object).then(|| schema.name(info.of))
        };
        type_name(object, shape).or_else(of_schema).map(str::to_owned)
    }

    fn fields(
        &mut self,
        object: &Map<String, Value>,
        shape: &Shape,
        type_name: Option<&str>,
        info: Option<FieldInfo>,
    ) {
        let named = type_name.and_then(|name| self.knowledge.schema?.type_named(name));
        let parent = named.or(info.map(|info| info.of));
        for (key, value) in object {
            let Some(field) = shape.field(key) else { continue };
            if let Some(inner) = &field.shape {
                let name = field.name.as_deref().unwrap_or_default();
                self.below(value, inner, name, self.field_of(parent, name));
            }
        }
    }

    /// What stands in a payload, under a field of that name.
    fn below(&mut self, value: &Value, shape: &Shape, field: &str, info: Option<FieldInfo>) {
        match value {
            Value::Object(object) => {
                let is_known = self.object(object, shape, info);
                // `createProduct { product { id } }` says twice what it is.
                self.doubtful |= !is_known && !self.is_meant(field);
                self.untyped |= !is_known;
            }
            Value::Array(items) => {
                items.iter().for_each(|item| self.below(item, shape, field, info));
            }
            _ => {}
        }
    }

    /// Whether a field's name means the same types as that of the mutation.
    fn is_meant(&self, field: &str) -> bool {
        let means = types_meant_by(field, &SeenTypes::new()).names;
        means.iter().any(|name| self.meant.names.contains(name))
    }
}

#[cfg(test)]
mod tests;
