//! The walk over an answer's data, beside the selections that made it, that finds its tags.
//!
//! An object that shows an id is an entity. Any other object may tell of things that it does not
//! show: a count, a page, an aggregate. What it depends on is decided where it stands: by the
//! entities beside it, by what the schema says of its fields, or it is untyped.

use super::answer::{AnswerFacts, type_name};
use super::ast::OperationKind;
use super::entity::Knowledge;
use super::field_names::is_named_after;
use super::inject::TYPENAME_KEY;
use super::injected::RESERVED_PREFIX;
use super::reachable::{Start, possible_types, reachable};
use super::schema::{FieldInfo, Schema, TypeId, TypeKind};
use super::shape::{Chosen, Shape, ShapeField};
use crate::tag::Tag;
use serde_json::{Map, Value};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

/// How many steps a walk takes into what the schema says. Beyond them the answer is untyped.
pub(super) const SCHEMA_STEPS: usize = 10_000;

/// What an object or a list shows.
#[derive(Debug, Default)]
struct Below {
    /// The types of the entities in it, without what these hold.
    entities: BTreeSet<String>,
    /// Whether it shows something beside them that may tell of other entities.
    open: bool,
}

impl Below {
    fn add(&mut self, other: Self) {
        self.entities.extend(other.entities);
        self.open |= other.open;
    }
}

/// Where a value stands.
#[derive(Clone, Copy)]
struct Place<'w> {
    /// What the schema says of its field.
    info: Option<FieldInfo>,
    in_list: bool,
    chosen: Chosen,
    path: Path<'w>,
}

impl<'w> Place<'w> {
    fn in_list(self) -> Self {
        Self { in_list: true, ..self }
    }

    /// Whether the very objects in it are named by ids.
    fn is_chosen(self) -> bool {
        self.chosen == Chosen::Many || (self.chosen == Chosen::One && !self.in_list)
    }
}

/// The fields that lead to a value from the entity that holds it, or from the query itself.
#[derive(Clone, Copy)]
struct Path<'w> {
    field: Option<&'w str>,
    above: Option<&'w Path<'w>>,
    /// The type of the entity that holds it.
    owner: Option<&'w str>,
}

impl Path<'_> {
    /// Whether one of the fields is named after a type.
    fn is_named_after(&self, type_name: &str) -> bool {
        let above = || self.above.is_some_and(|above| above.is_named_after(type_name));
        self.field.is_some_and(|field| is_named_after(field, type_name, self.owner)) || above()
    }
}

pub(super) struct Walk<'k> {
    pub(super) facts: AnswerFacts,
    added: bool,
    knowledge: &'k Knowledge<'k>,
    /// By shape, the types of the entities that were seen there.
    seen: HashMap<usize, BTreeSet<String>>,
    /// The interfaces and unions whose possible types are tagged, and whether as those of a list.
    tagged: HashSet<(TypeId, bool)>,
    /// By shape and type, what became of a null there.
    nothings: HashMap<(usize, TypeId, bool), bool>,
    reached: HashMap<Start, Option<Rc<[TypeId]>>>,
    pub(super) steps_left: usize,
}

impl<'k> Walk<'k> {
    pub(super) fn new(added: bool, knowledge: &'k Knowledge<'k>) -> Self {
        Self {
            facts: AnswerFacts::default(),
            added,
            knowledge,
            seen: HashMap::new(),
            tagged: HashSet::new(),
            nothings: HashMap::new(),
            reached: HashMap::new(),
            steps_left: SCHEMA_STEPS,
        }
    }

    pub(super) fn root(&mut self, data: &Map<String, Value>, shape: &Shape) {
        let root = self.knowledge.schema.and_then(|schema| schema.root(OperationKind::Query));
        for (key, value) in data {
            match shape.field(key) {
                Some(field @ ShapeField { shape: Some(inner), .. }) => {
                    let path = Path { field: field.name.as_deref(), above: None, owner: None };
                    let info = self.field_of(root, field);
                    let place = Place { info, in_list: false, chosen: field.chosen, path };
                    if self.value(value, inner, place).open {
                        self.type_is_unknown();
                    }
                }
                // A leaf of the query itself depends on something that has no name.
                Some(ShapeField { name: Some(name), .. }) if name == "__typename" => {}
                _ => self.type_is_unknown(),
            }
        }
    }

    fn type_is_unknown(&mut self) {
        self.facts.untyped = true;
        self.facts.types_unknown = true;
    }

    /// What the schema says of a field on a type.
    fn field_of(&self, parent: Option<TypeId>, field: &ShapeField) -> Option<FieldInfo> {
        self.knowledge.schema?.field(parent?, field.name.as_deref()?)
    }

    fn value(&mut self, value: &Value, shape: &Shape, place: Place<'_>) -> Below {
        match value {
            Value::Object(object) => return self.object(object, shape, place),
            Value::Array(items) if !items.is_empty() => {
                let mut below = Below::default();
                for item in items {
                    below.add(self.value(item, shape, place.in_list()));
                }
                return below;
            }
            Value::Null => {
                let open = self.nothing(shape, place.info, place.in_list);
                return Below { open, ..Below::default() };
            }
            Value::Array(_) => {
                let open = self.nothing(shape, place.info, true);
                return Below { open, ..Below::default() };
            }
            // A scalar where an object should be: of what type?
            _ => self.type_is_unknown(),
        }
        Below::default()
    }

    fn object(&mut self, object: &Map<String, Value>, shape: &Shape, place: Place<'_>) -> Below {
        let Place { info, in_list, .. } = place;
        let added = object.get(TYPENAME_KEY).filter(|_| self.added).and_then(Value::as_str);
        let told = added.or_else(|| type_name(object, shape));
        let schema = self.knowledge.schema;
        let expected = schema.zip(info).map(|(schema, info)| (schema, info.of));
        if let (Some(name), Some((schema, of))) = (told, expected)
            && schema.kind(of).is_composite()
            && !schema.is_possible(of, name)
        {
            self.facts.contradicts_schema = true;
        }
        let foreseen = expected
            .filter(|(schema, of)| schema.kind(*of) == TypeKind::Object)
            .map(|(schema, of)| schema.name(of));
        self.facts.by_schema |= told.is_none() && foreseen.is_some();
        let name = told.or(foreseen);
        let is_entity = match name {
            Some(name) => {
                self.hint_of_type(name, info);
                let is_entity = self.entity(name, object, shape, in_list);
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
        let owner = name.filter(|_| is_entity);
        let mut below = Below::default();
        for (key, value) in object {
            match shape.field(key) {
                Some(field @ ShapeField { shape: Some(inner), .. }) => {
                    let path = Path {
                        field: field.name.as_deref(),
                        above: (!is_entity).then_some(&place.path),
                        owner: owner.or(place.path.owner),
                    };
                    // What only wraps a thing stands in the list for it.
                    let in_list = in_list && !is_entity;
                    let info = self.field_of(parent, field);
                    below.add(self.value(
                        value,
                        inner,
                        Place { info, in_list, chosen: field.chosen, path },
                    ));
                }
                Some(field) => {
                    below.open |= !is_entity && field.name.as_deref() != Some("__typename");
                }
                None if self.added && key.starts_with(RESERVED_PREFIX) => {}
                None => self.type_is_unknown(),
            }
        }
        match owner {
            Some(name) => {
                if below.open {
                    self.open_in_entity(of);
                }
                Below { entities: BTreeSet::from([name.to_owned()]), open: false }
            }
            None => {
                below.open = below.open && !self.is_closed(of, &below.entities, place);
                below
            }
        }
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

    fn type_tags(&mut self, name: &str, in_list: bool) {
        self.facts.types.insert(name.to_owned());
        self.facts.tags.insert(Tag::of("", name));
        if in_list {
            self.facts.tags.insert(Tag::of("list:", name));
        }
    }

    /// The tags of an entity that is not shown.
    fn unseen_tags(&mut self, name: &str, in_list: bool) {
        let tags = &mut self.facts.tags;
        tags.insert(Tag::of("", name));
        tags.insert(Tag::of(&format!("{name}:"), "?"));
        if in_list {
            tags.insert(Tag::of("list:", name));
        }
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

    /// Null or an empty list. What would fill it has types that only a schema knows: its own, and
    /// those of all that was asked below it. True where it may tell of still others.
    fn nothing(&mut self, shape: &Shape, info: Option<FieldInfo>, in_list: bool) -> bool {
        let Some((schema, info)) = self.knowledge.schema.zip(info) else {
            self.type_is_unknown();
            return false;
        };
        let in_list = in_list || info.list;
        let place = (address(shape), info.of, in_list);
        if let Some(open) = self.nothings.get(&place) {
            return *open;
        }
        let Some(possible) = possible_types(schema, info.of).filter(|_| self.step()) else {
            self.type_is_unknown();
            return false;
        };
        // It rests on the schema alone.
        self.facts.by_schema = true;
        for of in &possible {
            self.facts.types.insert(schema.name(*of).to_owned());
            self.unseen_tags(schema.name(*of), in_list);
        }
        let mut open: BTreeSet<TypeId> = BTreeSet::new();
        for field in shape.fields() {
            let Some(below) = &field.shape else { continue };
            let mut known = false;
            for of in &possible {
                if let Some(info) = self.field_of(Some(*of), field).filter(|_| self.step()) {
                    known = true;
                    if self.nothing(below, Some(info), in_list) {
                        open.insert(*of);
                    }
                }
            }
            if !known {
                self.type_is_unknown();
            }
        }
        let mut is_open = false;
        for of in possible {
            if !self.knowledge.is_entity_type(schema.name(of)) {
                is_open |= !self.reaches(Start::Wrapper(of), &BTreeSet::new());
            } else if open.contains(&of) {
                self.open_in_entity(Some(of));
            }
        }
        self.nothings.insert(place, is_open);
        is_open
    }

    /// Whether another step into the schema may be taken.
    fn step(&mut self) -> bool {
        let left = self.steps_left.checked_sub(1);
        self.steps_left = left.unwrap_or(0);
        left.is_some()
    }

    /// An entity holds what may tell of others: of those that it has many of.
    fn open_in_entity(&mut self, of: Option<TypeId>) {
        match of.filter(|_| self.knowledge.schema.is_some()) {
            // Where it has many of nothing, what it holds is its own.
            Some(of) => _ = self.reaches(Start::Entity(of), &BTreeSet::new()),
            None => self.facts.untyped = true,
        }
    }

    /// Whether it is known of what an object without an id tells, beside the entities in it. It gets
    /// their tags.
    fn is_closed(
        &mut self,
        of: Option<TypeId>,
        shown: &BTreeSet<String>,
        place: Place<'_>,
    ) -> bool {
        if let Some(of) = of {
            return self.reaches(Start::Wrapper(of), shown);
        }
        let named: Vec<&String> =
            shown.iter().filter(|name| place.path.is_named_after(name)).collect();
        self.facts.tags.extend(named.iter().map(|name| Tag::of("list:", name)));
        !named.is_empty()
    }

    /// Tags the entities to which the schema's fields lead from there; false where there are none.
    fn reaches(&mut self, start: Start, shown: &BTreeSet<String>) -> bool {
        let Some(schema) = self.knowledge.schema else { return false };
        let reached = match self.reached.get(&start) {
            Some(reached) => reached.clone(),
            None => {
                let found = reachable(self.knowledge, schema, start, &mut self.steps_left);
                let found = found.map(Rc::from);
                self.reached.insert(start, found.clone());
                found
            }
        };
        let Some(reached) = reached else {
            self.facts.untyped = true;
            return true;
        };
        for of in reached.iter() {
            let name = schema.name(*of);
            if matches!(start, Start::Wrapper(_)) {
                // What is counted is there.
                self.facts.types.insert(name.to_owned());
            }
            if shown.contains(name) {
                self.facts.tags.insert(Tag::of("list:", name));
            } else {
                self.facts.by_schema = true;
                self.unseen_tags(name, true);
            }
        }
        !reached.is_empty()
    }

    /// Heeds what the schema says of caching a type, where the field that led to it could not tell
    /// that it would.
    fn hint_of_type(&mut self, name: &str, info: Option<FieldInfo>) {
        let Some(schema) = self.knowledge.schema else { return };
        let Some(of) = schema.type_named(name).filter(|of| info.map(|info| info.of) != Some(*of))
        else {
            return;
        };
        let hint = schema.hint(of);
        self.facts.hint.private |= hint.private;
        let max_age = hint.max_age.filter(|_| !hint.inherit).map(u64::from);
        self.facts.hint.max_age = self.facts.hint.max_age.into_iter().chain(max_age).min();
    }
}

/// What tells a shape from others while the walk lasts.
fn address(shape: &Shape) -> usize {
    std::ptr::from_ref(shape).addr()
}
