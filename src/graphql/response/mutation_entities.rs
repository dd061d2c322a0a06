//! The entities that a mutation's response names.

use super::response_json::type_name;
use crate::graphql::document::ast::OperationKind;
use crate::graphql::document::shape::Shape;
use crate::graphql::operation::analysis::Analysis;
use crate::graphql::schema::{FieldInfo, TypeId, TypeKind};
use crate::graphql::types::knowledge::TypeKnowledge;
use crate::graphql::types::naming::{Meant, SeenTypes, types_meant_by};
use crate::graphql::types::reachable::possible_types;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

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

/// What the answer to all calls of a mutation's field names.
pub(super) fn named_by<'k>(
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

/// What a mutation's answer names.
pub(super) struct Named<'k> {
    /// The entities, by type; one without an id as none.
    pub(super) entities: BTreeMap<String, BTreeSet<Option<String>>>,
    /// The types of what stands right under the mutation and shows no id.
    pub(super) own: BTreeSet<String>,
    /// Whether what stands right under the mutation is an entity of a type that is not known.
    pub(super) untyped: bool,
    /// Whether an object below that has a type that is not known: what else was changed?
    pub(super) doubtful: bool,
    /// The types that the mutation's name may mean.
    pub(super) meant: &'k Meant,
    pub(super) knowledge: &'k TypeKnowledge<'k>,
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
