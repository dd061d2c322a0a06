//! The walk over an answer's data, beside the selections that made it, that finds its tags.
//!
//! An object that shows an id is an entity. Any other object may tell of things that it does not
//! show: a count, a page, an aggregate. What it depends on is decided where it stands: by the
//! entities beside it, by what the schema says of its fields, or it is untyped.

use super::position::{Below, Open, Path, Place};
use super::state::{Walk, address};
use crate::graphql::document::ast::OperationKind;
use crate::graphql::document::shape::{Shape, ShapeField};
use crate::graphql::injection::reserved_keys::RESERVED_PREFIX;
use crate::graphql::response::response_json::object_type;
use crate::graphql::schema::{Schema, TypeId, TypeKind};
use crate::graphql::types::naming::is_aggregate;
use crate::graphql::types::reachable::possible_types;
use crate::tag::Tag;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

impl Walk<'_> {
    pub(super) fn root(&mut self, data: &Map<String, Value>, shape: &Shape) {
        let root = self.knowledge.schema.and_then(|schema| schema.root(OperationKind::Query));
        for (key, value) in data {
            match shape.field(key) {
                Some(field @ ShapeField { shape: Some(inner), .. }) => {
                    let path = Path::to(field);
                    let info = self.field_of(root, field);
                    let (chosen, plain) = (field.chosen, field.plain);
                    let place = Place { info, in_list: false, chosen, plain, words: false, path };
                    if self.value(value, inner, place).open != Open::No {
                        self.type_is_unknown();
                    }
                }
                // A leaf of the query itself depends on something that has no name.
                Some(ShapeField { name: Some(name), .. }) if name == "__typename" => {}
                _ => self.type_is_unknown(),
            }
        }
    }

    fn value(&mut self, value: &Value, shape: &Shape, place: Place<'_>) -> Below {
        match value {
            Value::Object(object) => return self.object(object, shape, place),
            Value::Array(items) if !items.is_empty() => {
                let mut below = Below::default();
                let shows_words = |item: &Value| {
                    let object = item.as_object();
                    object.is_some_and(|object| leaves(object, shape).any(|leaf| !leaf.is_null()))
                };
                let words = items.iter().any(shows_words);
                for item in items {
                    below.add(self.value(item, shape, Place { words, ..place.in_list() }));
                }
                return below;
            }
            Value::Null => return Below::open(self.nothing(shape, place.info, place.in_list)),
            Value::Array(_) => return Below::open(self.nothing(shape, place.info, true)),
            // A scalar where an object should be: of what type?
            _ => self.type_is_unknown(),
        }
        Below::default()
    }

    fn object(&mut self, object: &Map<String, Value>, shape: &Shape, place: Place<'_>) -> Below {
        let Place { info, in_list, .. } = place;
        let told = object_type(object, shape, self.added);
        let schema = self.knowledge.schema;
        let expected = schema.zip(info).map(|(schema, info)| (schema, info.of));
        if let (Some(name), Some((schema, of))) = (told, expected)
            && schema.kind(of).is_composite()
            && !schema.is_possible(of, name)
        {
            self.facts.contradicts_schema = true;
        }
        let expected = expected
            .filter(|(schema, of)| schema.kind(*of) == TypeKind::Object)
            .map(|(schema, of)| schema.name(of));
        self.facts.by_schema |= told.is_none() && expected.is_some();
        let name = told.or(expected);
        let is_entity = match name {
            Some(name) => {
                self.hint_of_type(name, info);
                let is_aggregate = place.path.field.is_some_and(is_aggregate);
                let is_entity = (self.entity(name, object, shape, in_list) && !is_aggregate)
                    || self.is_called_as_it_is(name, object, shape, place);
                self.alternatives(name, is_entity, shape, place);
                is_entity
            }
            None => {
                self.type_is_unknown();
                false
            }
        };
        let of = name.and_then(|name| schema?.type_named(name));
        let parent = of.filter(|_| told.is_some()).or_else(|| info.map(|info| info.of));
        if let Some(name) = name.filter(|_| is_entity) {
            let path = Path { owner: Some(name), ..place.path };
            let below = self.fields(object, shape, parent, Place { path, ..place }, true);
            if below.open != Open::No {
                self.open_in_entity(of);
            }
            return Below { entities: BTreeSet::from([name.to_owned()]), open: Open::No };
        }
        let path = Path { wrapper: name, ..place.path };
        let mut below = self.fields(object, shape, parent, Place { path, ..place }, false);
        if below.open != Open::No && self.is_closed(of, &below, path, shape) {
            below.open = Open::No;
        }
        below
    }

    /// Walks the fields of an object. What an entity shows of itself is its own.
    fn fields(
        &mut self,
        object: &Map<String, Value>,
        shape: &Shape,
        parent: Option<TypeId>,
        place: Place<'_>,
        is_entity: bool,
    ) -> Below {
        let mut below = Below::default();
        let holds = |key: &String| shape.field(key).is_some_and(|field| field.shape.is_some());
        if !is_entity && !object.keys().any(holds) {
            // That it is there tells something, too.
            below.open = Open::Words;
        }
        for (key, value) in object {
            match shape.field(key) {
                Some(field @ ShapeField { shape: Some(inner), .. }) => {
                    let above = (!is_entity).then_some(&place.path);
                    let place = Place {
                        info: self.field_of(parent, field),
                        // What only wraps a thing stands in the list for it.
                        in_list: place.in_list && !is_entity,
                        chosen: field.chosen,
                        plain: field.plain,
                        words: false,
                        path: Path { above, owner: place.path.owner, ..Path::to(field) },
                    };
                    below.add(self.value(value, inner, place));
                }
                Some(field) if is_entity || field.name.as_deref() == Some("__typename") => {}
                Some(_) => below.open = below.open.max(Open::of(value)),
                None if self.added && key.starts_with(RESERVED_PREFIX) => {}
                None => self.type_is_unknown(),
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
        self.type_tags(name, in_list);
        let ids = self.knowledge.ids(name, object, shape, self.added);
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
    fn is_called_as_it_is(
        &self,
        name: &str,
        object: &Map<String, Value>,
        shape: &Shape,
        Place { path, words, in_list, plain, .. }: Place<'_>,
    ) -> bool {
        if plain && !in_list && path.owner.is_none() {
            return false;
        }
        let in_schema =
            self.knowledge.schema.is_some_and(|schema| schema.type_named(name).is_some());
        if in_schema || path.above.is_some() || !path.is_named_after(name) {
            return false;
        }
        // What is null may be a number the next time, unless others of its list show what it is.
        (words || leaves(object, shape).any(|leaf| !leaf.is_null()))
            && leaves(object, shape).next().is_some()
            && leaves(object, shape).all(|leaf| Open::of(leaf) == Open::Words)
    }

    /// What else could stand in an object's place after a write: in a list that of each possible
    /// type, and under the query itself too unless an id says which object it is. What an entity
    /// links to is its own.
    fn alternatives(&mut self, name: &str, is_entity: bool, shape: &Shape, place: Place<'_>) {
        if place.is_chosen() || (!place.in_list && place.path.owner.is_some()) {
            return;
        }
        if let Some((schema, info)) = self.knowledge.schema.zip(place.info) {
            if matches!(schema.kind(info.of), TypeKind::Interface | TypeKind::Union) {
                self.possible_tags(schema, info.of, place.in_list);
            }
            return;
        }
        if !is_entity {
            return;
        }
        let seen = self.seen.entry(address(shape)).or_default();
        if !seen.insert(name.to_owned()) {
            return;
        }
        self.facts.untyped |= seen.len() > 1
            || shape.allows_others_than(name)
            || (place.in_list && !place.path.is_named_after(name));
    }

    /// Tags each object type that is possible where a type is asked for, seen or not.
    fn possible_tags(&mut self, schema: &Schema, of: TypeId, in_list: bool) {
        if !self.tagged.insert((of, in_list)) {
            return;
        }
        let Some(possible) = possible_types(schema, of) else {
            self.facts.untyped = true;
            return;
        };
        self.facts.by_schema = true;
        for of in possible {
            self.unseen_tags(schema.name(of), in_list);
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
