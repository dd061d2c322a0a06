//! The entities that a mutation's response names.

use super::response_json::type_name;
use crate::graphql::document::ast::OperationKind;
use crate::graphql::document::layout::Layout;
use crate::graphql::document::shape::Shape;
use crate::graphql::operation::analysis::Analysis;
use crate::graphql::schema::{FieldInfo, TypeId, TypeKind};
use crate::graphql::types::knowledge::TypeKnowledge;
use crate::graphql::types::naming::{CandidateTypes, TypeNameIndex, candidate_types};
use crate::graphql::types::reachable_entities::few_possible_types;
use crate::json::{Object, Value};
use serde_json::Map;
use std::collections::{BTreeMap, BTreeSet};

/// A mutation that the origin has executed.
#[derive(Debug, Clone, Copy)]
pub struct ExecutedMutation<'a> {
    /// Its analysis.
    pub analysis: &'a Analysis,
    /// Its variables.
    pub variables: Option<&'a Map<String, serde_json::Value>>,
    /// The `data` of its response. `None` if it could not be read.
    pub data: Option<Object<'a>>,
}

/// What the response names under all selections of one root field.
pub(super) fn entities_named_by<'k>(
    mutation: &ExecutedMutation<'_>,
    field: &str,
    candidates: &'k CandidateTypes,
    knowledge: &'k TypeKnowledge<'k>,
) -> MutationEntities<'k> {
    let root = knowledge.schema.and_then(|schema| schema.root(OperationKind::Mutation));
    let mut named = MutationEntities {
        entities: BTreeMap::new(),
        payload_types: BTreeSet::new(),
        has_untyped_entity: false,
        has_unknown_object: false,
        candidates,
        knowledge,
    };
    let Some(data) = mutation.data else { return named };
    for (member, value) in Layout::of(data, &mutation.analysis.shape).values(data) {
        let selected = member.field.filter(|_| member.is_field(field));
        if let Some(inner) = selected.and_then(|field| field.shape.as_ref()) {
            named.at_root(value, inner, named.field_of(root, field));
        }
    }
    named
}

/// What a mutation's response names under one root field.
pub(super) struct MutationEntities<'k> {
    /// The ids of entities, by type. An entity without an id is `None`.
    pub(super) entities: BTreeMap<String, BTreeSet<Option<String>>>,
    /// The types of the root field's own objects that show no id.
    pub(super) payload_types: BTreeSet<String>,
    /// `true` if the root field returns an entity of unknown type.
    pub(super) has_untyped_entity: bool,
    /// `true` if a nested object has an unknown type, so that it is not known what else was
    /// changed.
    pub(super) has_unknown_object: bool,
    /// The types that the root field's name may mean.
    pub(super) candidates: &'k CandidateTypes,
    pub(super) knowledge: &'k TypeKnowledge<'k>,
}

impl MutationEntities<'_> {
    /// A field of a type, by the schema.
    fn field_of(&self, parent: Option<TypeId>, field: &str) -> Option<FieldInfo> {
        self.knowledge.schema?.field(parent?, field)
    }

    /// Reads the value of a root field. An object without an id only wraps the result.
    fn at_root(&mut self, value: Value<'_>, shape: &Shape, info: Option<FieldInfo>) {
        match value {
            Value::Object(object) => {
                let layout = Layout::of(object, shape);
                if self.knowledge.shows_any_id(object, &layout) {
                    self.has_untyped_entity |= !self.object(object, &layout, info);
                } else {
                    let type_name = self.type_of(object, &layout, info);
                    self.fields(object, &layout, type_name.as_deref(), info);
                    self.payload_types.extend(type_name);
                }
            }
            Value::Array(items) => {
                items.iter().for_each(|item| self.at_root(item, shape, info));
            }
            _ => {}
        }
    }

    /// Records an entity and what it holds. Returns `false` if its type is not known.
    fn object(&mut self, object: Object<'_>, layout: &Layout<'_>, info: Option<FieldInfo>) -> bool {
        let type_name = self.type_of(object, layout, info);
        if let Some(name) = &type_name {
            let ids = self.knowledge.ids(name, object, layout);
            let entity = self.entities.entry(name.clone()).or_default();
            if !ids.complete {
                entity.insert(None);
            }
            entity.extend(ids.all.into_iter().map(Some));
        }
        let possible = self.few_possible_types(info).filter(|_| type_name.is_none());
        let is_known = type_name.is_some() || possible.is_some();
        for name in possible.into_iter().flatten() {
            self.entities.entry(name).or_default().insert(None);
        }
        self.fields(object, layout, type_name.as_deref(), info);
        is_known
    }

    /// The possible types of an interface or a union, if they are few.
    fn few_possible_types(&self, info: Option<FieldInfo>) -> Option<Vec<String>> {
        let (schema, info) = self.knowledge.schema.zip(info)?;
        let possible = few_possible_types(schema, info.type_id)?;
        Some(possible.into_iter().map(|of| schema.name(of).to_owned()).collect())
    }

    /// The object's `__typename`, or else its type by the schema.
    fn type_of(
        &self,
        object: Object<'_>,
        layout: &Layout<'_>,
        info: Option<FieldInfo>,
    ) -> Option<String> {
        let of_schema = || {
            let (schema, info) = self.knowledge.schema.zip(info)?;
            (schema.kind(info.type_id) == TypeKind::Object).then(|| schema.name(info.type_id))
        };
        type_name(object, layout).or_else(of_schema).map(str::to_owned)
    }

    fn fields(
        &mut self,
        object: Object<'_>,
        layout: &Layout<'_>,
        type_name: Option<&str>,
        info: Option<FieldInfo>,
    ) {
        let named = type_name.and_then(|name| self.knowledge.schema?.type_named(name));
        let parent = named.or(info.map(|info| info.type_id));
        for (member, value) in layout.values(object) {
            let Some(field) = member.field else { continue };
            if let Some(inner) = &field.shape {
                let name = field.name.as_deref().unwrap_or_default();
                self.in_payload(value, inner, name, self.field_of(parent, name));
            }
        }
    }

    /// Reads the value of a field in a payload.
    fn in_payload(
        &mut self,
        value: Value<'_>,
        shape: &Shape,
        field: &str,
        info: Option<FieldInfo>,
    ) {
        match value {
            Value::Object(object) => {
                let is_known = self.object(object, &Layout::of(object, shape), info);
                // In `createProduct { product { id } }` the field's name confirms the type.
                self.has_unknown_object |= !is_known && !self.is_candidate(field);
                self.has_untyped_entity |= !is_known;
            }
            Value::Array(items) => {
                items.iter().for_each(|item| self.in_payload(item, shape, field, info));
            }
            _ => {}
        }
    }

    /// `true` if a field's name may mean the same types as the mutation's.
    fn is_candidate(&self, field: &str) -> bool {
        let means = candidate_types(field, &TypeNameIndex::new()).names;
        means.iter().any(|name| self.candidates.names.contains(name))
    }
}
