//! Walks a response's data along its selections, and collects its tags.
//!
//! An object that shows an id is an entity. Any other object may describe entities that it does not
//! show: it may be a count, a page or an aggregate. What it depends on is decided by its position:
//! by the entities in it, or by the schema. If neither helps, the response is untyped.

use super::position::{Contents, FieldPath, LooseScalars, Position};
use super::state::{Walk, shape_address};
use crate::graphql::document::ast::OperationKind;
use crate::graphql::document::shape::{Shape, ShapeField};
use crate::graphql::injection::reserved_keys::RESERVED_PREFIX;
use crate::graphql::response::response_json::object_type;
use crate::graphql::schema::{FieldInfo, Schema, TypeId, TypeKind};
use crate::graphql::types::naming::is_aggregate;
use crate::graphql::types::reachable_entities::few_possible_types;
use crate::tag::Tag;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

impl<'k> Walk<'k> {
    pub(super) fn root(&mut self, data: &Map<String, Value>, shape: &Shape) {
        let root = self.knowledge.schema.and_then(|schema| schema.root(OperationKind::Query));
        for (key, value) in data {
            match shape.field(key) {
                Some(field @ ShapeField { shape: Some(inner), .. }) => {
                    let path = FieldPath::to(field);
                    let info = self.field_of(root, field);
                    let position = Position::of_field(field, info, path);
                    if self.value(value, inner, position).loose != LooseScalars::None {
                        self.note_unknown_type();
                    }
                }
                Some(ShapeField { name: Some(name), .. }) if name == "__typename" => {}
                // A root field without selections depends on something that has no name.
                _ => self.note_unknown_type(),
            }
        }
    }

    fn value(&mut self, value: &Value, shape: &Shape, position: Position<'_>) -> Contents {
        match value {
            Value::Object(object) => return self.object(object, shape, position),
            Value::Array(items) if !items.is_empty() => {
                let mut contents = Contents::default();
                let shows_scalars = |item: &Value| {
                    let object = item.as_object();
                    object.is_some_and(|object| leaves(object, shape).any(|leaf| !leaf.is_null()))
                };
                let siblings_show_scalars = items.iter().any(shows_scalars);
                for item in items {
                    contents.add(self.value(
                        item,
                        shape,
                        Position { siblings_show_scalars, ..position.in_list() },
                    ));
                }
                return contents;
            }
            Value::Null => {
                return Contents::of_loose(self.empty_value(
                    shape,
                    position.info,
                    position.in_list,
                ));
            }
            Value::Array(_) => {
                return Contents::of_loose(self.empty_value(shape, position.info, true));
            }
            // A scalar in the place of an object has no known type.
            _ => self.note_unknown_type(),
        }
        Contents::default()
    }

    fn object(
        &mut self,
        object: &Map<String, Value>,
        shape: &Shape,
        position: Position<'_>,
    ) -> Contents {
        let Position { info, in_list, .. } = position;
        let shown_type = object_type(object, shape, self.has_additions);
        let schema = self.knowledge.schema;
        let name = shown_type.or(self.type_by_schema(shown_type, info));
        let is_entity = match name {
            Some(name) => {
                self.apply_type_hint(name, info);
                let is_aggregate = position.path.field.is_some_and(is_aggregate);
                let is_entity = (self.entity(name, object, shape, in_list) && !is_aggregate)
                    || self.is_entity_by_field_name(name, object, shape, position);
                self.tag_alternatives(name, is_entity, shape, position);
                is_entity
            }
            None => {
                self.note_unknown_type();
                false
            }
        };
        let of = name.and_then(|name| schema?.type_named(name));
        let parent = of.filter(|_| shown_type.is_some()).or_else(|| info.map(|info| info.type_id));
        if let Some(name) = name.filter(|_| is_entity) {
            let path = FieldPath { owner: Some(name), ..position.path };
            let contents = self.fields(object, shape, parent, Position { path, ..position }, true);
            if contents.loose != LooseScalars::None {
                self.tag_reachable_from_entity(of);
            }
            return Contents {
                entities: BTreeSet::from([name.to_owned()]),
                loose: LooseScalars::None,
            };
        }
        let path = FieldPath { wrapper: name, ..position.path };
        let mut contents = self.fields(object, shape, parent, Position { path, ..position }, false);
        if contents.loose != LooseScalars::None && self.attribute(of, &contents, path, shape) {
            contents.loose = LooseScalars::None;
        }
        contents
    }

    /// The type of an object by its field, if that is an object type. Notes if the type that the
    /// object shows contradicts the schema.
    fn type_by_schema(
        &mut self,
        shown_type: Option<&str>,
        info: Option<FieldInfo>,
    ) -> Option<&'k str> {
        let (schema, info) = self.knowledge.schema.zip(info)?;
        let kind = schema.kind(info.type_id);
        self.facts.contradicts_schema |= kind.is_composite()
            && shown_type.is_some_and(|name| !schema.is_possible_type(info.type_id, name));
        let name = (kind == TypeKind::Object).then(|| schema.name(info.type_id));
        self.facts.by_schema |= shown_type.is_none() && name.is_some();
        name
    }

    /// Walks the fields of an object. The scalars of an entity describe the entity itself.
    fn fields(
        &mut self,
        object: &Map<String, Value>,
        shape: &Shape,
        parent: Option<TypeId>,
        position: Position<'_>,
        is_entity: bool,
    ) -> Contents {
        let mut contents = Contents::default();
        let holds = |key: &String| shape.field(key).is_some_and(|field| field.shape.is_some());
        if !is_entity && !object.keys().any(holds) {
            // The mere presence of the object is information, too.
            contents.loose = LooseScalars::NonNumeric;
        }
        for (key, value) in object {
            match shape.field(key) {
                Some(field @ ShapeField { shape: Some(inner), .. }) => {
                    let above = (!is_entity).then_some(&position.path);
                    let owner = position.path.owner;
                    let path = FieldPath { above, owner, ..FieldPath::to(field) };
                    let info = self.field_of(parent, field);
                    // An object that wraps an entity takes the entity's place in the list.
                    let in_list = position.in_list && !is_entity;
                    let position = Position { in_list, ..Position::of_field(field, info, path) };
                    contents.add(self.value(value, inner, position));
                }
                Some(field) if is_entity || field.name.as_deref() == Some("__typename") => {}
                Some(_) => contents.loose = contents.loose.max(LooseScalars::of(value)),
                None if self.has_additions && key.starts_with(RESERVED_PREFIX) => {}
                None => self.note_unknown_type(),
            }
        }
        contents
    }

    /// Tags an object of a type. Returns `true` if it is an entity.
    fn entity(
        &mut self,
        name: &str,
        object: &Map<String, Value>,
        shape: &Shape,
        in_list: bool,
    ) -> bool {
        self.tag_type(name, in_list);
        let ids = self.knowledge.ids(name, object, shape, self.has_additions);
        let tags = &mut self.facts.tags;
        // A purge may identify it by an id that it does not show.
        if !ids.complete {
            tags.insert(Tag::of(&format!("{name}:"), "?"));
        }
        tags.extend(ids.all.iter().map(|id| Tag::of(&format!("{name}:"), id)));
        !ids.all.is_empty() || self.knowledge.is_entity_type(name)
    }

    /// `true` if an object without an id counts as an entity: no schema knows its type, its field
    /// is named after its type, it has only scalars, none of them is a number, and no wrapper holds
    /// it.
    ///
    /// `{ users { name } }` shows users. `pageInfo` and `pagination` are in wrappers, and counts
    /// are numbers. A single object such as `{ stats { bestSeller } }` does not count, because it
    /// may describe all objects of another type.
    fn is_entity_by_field_name(
        &self,
        name: &str,
        object: &Map<String, Value>,
        shape: &Shape,
        Position { path, siblings_show_scalars, in_list, has_no_arguments, .. }: Position<'_>,
    ) -> bool {
        if has_no_arguments && !in_list && path.owner.is_none() {
            return false;
        }
        let in_schema =
            self.knowledge.schema.is_some_and(|schema| schema.type_named(name).is_some());
        if in_schema || path.above.is_some() || !path.is_named_after(name) {
            return false;
        }
        // A null may be a number the next time, unless other objects of the list show what it is.
        (siblings_show_scalars || leaves(object, shape).any(|leaf| !leaf.is_null()))
            && leaves(object, shape).next().is_some()
            && leaves(object, shape).all(|leaf| LooseScalars::of(leaf) == LooseScalars::NonNumeric)
    }

    /// Tags what a write could put in the object's place: in a list, any possible type; in a root
    /// field also, unless an id selects the object. A link from an entity changes only with the
    /// entity.
    fn tag_alternatives(
        &mut self,
        name: &str,
        is_entity: bool,
        shape: &Shape,
        position: Position<'_>,
    ) {
        if position.is_selected_by_id() || (!position.in_list && position.path.owner.is_some()) {
            return;
        }
        if let Some((schema, info)) = self.knowledge.schema.zip(position.info) {
            if matches!(schema.kind(info.type_id), TypeKind::Interface | TypeKind::Union) {
                self.tag_possible_types(schema, info.type_id, position.in_list);
            }
            return;
        }
        if !is_entity {
            return;
        }
        let entity_types = self.entity_types.entry(shape_address(shape)).or_default();
        if !entity_types.insert(name.to_owned()) {
            return;
        }
        self.facts.untyped |= entity_types.len() > 1
            || shape.has_other_type_condition(name)
            || (position.in_list && !position.path.is_named_after(name));
    }

    /// Tags all possible types of a field's type.
    fn tag_possible_types(&mut self, schema: &Schema, of: TypeId, in_list: bool) {
        if !self.tagged_types.insert((of, in_list)) {
            return;
        }
        let Some(possible) = few_possible_types(schema, of) else {
            self.facts.untyped = true;
            return;
        };
        self.facts.by_schema = true;
        for of in possible {
            self.tag_unseen_entity(schema.name(of), in_list);
        }
    }
}

/// The scalars of an object, except `__typename`.
fn leaves<'v>(object: &'v Map<String, Value>, shape: &'v Shape) -> impl Iterator<Item = &'v Value> {
    let is_leaf =
        |field: &ShapeField| field.shape.is_none() && field.name.as_deref() != Some("__typename");
    object
        .iter()
        .filter(move |(key, _)| shape.field(key).is_some_and(is_leaf))
        .map(|(_, leaf)| leaf)
}
