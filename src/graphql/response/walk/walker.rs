//! The walk over an answer's data, beside the selections that made it, that finds its tags.
//!
//! An object that shows an id is an entity. Any other object may tell of things that it does not
//! show: a count, a page, an aggregate. What it depends on is decided where it stands: by the
//! entities beside it, by what the schema says of its fields, or it is untyped.

use super::position::{Contents, FieldPath, LooseScalars, Position};
use super::state::{Walk, shape_address};
use crate::graphql::document::ast::OperationKind;
use crate::graphql::document::shape::{Shape, ShapeField};
use crate::graphql::injection::reserved_keys::RESERVED_PREFIX;
use crate::graphql::response::response_json::object_type;
use crate::graphql::schema::{Schema, TypeId, TypeKind};
use crate::graphql::types::naming::is_aggregate;
use crate::graphql::types::reachable_entities::few_possible_types;
use crate::tag::Tag;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

impl Walk<'_> {
    pub(super) fn root(&mut self, data: &Map<String, Value>, shape: &Shape) {
        let root = self.knowledge.schema.and_then(|schema| schema.root(OperationKind::Query));
        for (key, value) in data {
            match shape.field(key) {
                Some(field @ ShapeField { shape: Some(inner), .. }) => {
                    let path = FieldPath::to(field);
                    let info = self.field_of(root, field);
                    let (id_arguments, has_no_arguments) =
                        (field.id_arguments, field.has_no_arguments);
                    let position = Position {
                        info,
                        in_list: false,
                        id_arguments,
                        has_no_arguments,
                        siblings_show_scalars: false,
                        path,
                    };
                    if self.value(value, inner, position).loose != LooseScalars::None {
                        self.note_unknown_type();
                    }
                }
                // A leaf of the query itself depends on something that has no name.
                Some(ShapeField { name: Some(name), .. }) if name == "__typename" => {}
                _ => self.note_unknown_type(),
            }
        }
    }

    fn value(&mut self, value: &Value, shape: &Shape, position: Position<'_>) -> Contents {
        match value {
            Value::Object(object) => return self.object(object, shape, position),
            Value::Array(items) if !items.is_empty() => {
                let mut below = Contents::default();
                let shows_words = |item: &Value| {
                    let object = item.as_object();
                    object.is_some_and(|object| leaves(object, shape).any(|leaf| !leaf.is_null()))
                };
                let siblings_show_scalars = items.iter().any(shows_words);
                for item in items {
                    below.add(self.value(
                        item,
                        shape,
                        Position { siblings_show_scalars, ..position.in_list() },
                    ));
                }
                return below;
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
            // A scalar where an object should be: of what type?
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
        let expected = schema.zip(info).map(|(schema, info)| (schema, info.type_id));
        if let (Some(name), Some((schema, of))) = (shown_type, expected)
            && schema.kind(of).is_composite()
            && !schema.is_possible_type(of, name)
        {
            self.facts.contradicts_schema = true;
        }
        let expected = expected
            .filter(|(schema, of)| schema.kind(*of) == TypeKind::Object)
            .map(|(schema, of)| schema.name(of));
        self.facts.by_schema |= shown_type.is_none() && expected.is_some();
        let name = shown_type.or(expected);
        let is_entity = match name {
            Some(name) => {
                self.hint_of_type(name, info);
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
            let below = self.fields(object, shape, parent, Position { path, ..position }, true);
            if below.loose != LooseScalars::None {
                self.tag_reachable_from_entity(of);
            }
            return Contents {
                entities: BTreeSet::from([name.to_owned()]),
                loose: LooseScalars::None,
            };
        }
        let path = FieldPath { wrapper: name, ..position.path };
        let mut below = self.fields(object, shape, parent, Position { path, ..position }, false);
        if below.loose != LooseScalars::None && self.attribute(of, &below, path, shape) {
            below.loose = LooseScalars::None;
        }
        below
    }

    /// Walks the fields of an object. What an entity shows of itself is its own.
    fn fields(
        &mut self,
        object: &Map<String, Value>,
        shape: &Shape,
        parent: Option<TypeId>,
        position: Position<'_>,
        is_entity: bool,
    ) -> Contents {
        let mut below = Contents::default();
        let holds = |key: &String| shape.field(key).is_some_and(|field| field.shape.is_some());
        if !is_entity && !object.keys().any(holds) {
            // That it is there tells something, too.
            below.loose = LooseScalars::NonNumeric;
        }
        for (key, value) in object {
            match shape.field(key) {
                Some(field @ ShapeField { shape: Some(inner), .. }) => {
                    let above = (!is_entity).then_some(&position.path);
                    let position = Position {
                        info: self.field_of(parent, field),
                        // What only wraps a thing stands in the list for it.
                        in_list: position.in_list && !is_entity,
                        id_arguments: field.id_arguments,
                        has_no_arguments: field.has_no_arguments,
                        siblings_show_scalars: false,
                        path: FieldPath {
                            above,
                            owner: position.path.owner,
                            ..FieldPath::to(field)
                        },
                    };
                    below.add(self.value(value, inner, position));
                }
                Some(field) if is_entity || field.name.as_deref() == Some("__typename") => {}
                Some(_) => below.loose = below.loose.max(LooseScalars::of(value)),
                None if self.has_additions && key.starts_with(RESERVED_PREFIX) => {}
                None => self.note_unknown_type(),
            }
        }
        below
    }

    /// Tags an object of a type; true where it is an entity.
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
        // A purge may name it by an id that it does not show.
        if !ids.complete {
            tags.insert(Tag::of(&format!("{name}:"), "?"));
        }
        tags.extend(ids.all.iter().map(|id| Tag::of(&format!("{name}:"), id)));
        !ids.all.is_empty() || self.knowledge.is_entity_type(name)
    }

    /// Whether an object without an id is taken for an entity, where no schema tells: its field is
    /// named after its type, it has words and nothing but words, and no wrapper holds it.
    /// `{ users { name } }` shows users. `pageInfo` and `pagination` stand in wrappers, and counts
    /// are numbers. There is one of `{ stats { bestSeller } }` alone, which may tell of all others.
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
        // What is null may be a number the next time, unless others of its list show what it is.
        (siblings_show_scalars || leaves(object, shape).any(|leaf| !leaf.is_null()))
            && leaves(object, shape).next().is_some()
            && leaves(object, shape).all(|leaf| LooseScalars::of(leaf) == LooseScalars::NonNumeric)
    }

    /// What else could stand in an object's place after a write: in a list that of each possible
    /// type, and under the query itself too unless an id says which object it is. What an entity
    /// links to is its own.
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

    /// Tags each object type that is possible where a type is asked for, seen or not.
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

/// The plain values of an object, without its type's name.
fn leaves<'v>(object: &'v Map<String, Value>, shape: &'v Shape) -> impl Iterator<Item = &'v Value> {
    let is_leaf =
        |field: &ShapeField| field.shape.is_none() && field.name.as_deref() != Some("__typename");
    object
        .iter()
        .filter(move |(key, _)| shape.field(key).is_some_and(is_leaf))
        .map(|(_, leaf)| leaf)
}
