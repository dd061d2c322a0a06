//! What a response depends on and does not show.

use super::position::{Below, Open, Openness, Path};
use super::state::{Walk, address};
use crate::graphql::document::shape::Shape;
use crate::graphql::schema::{FieldInfo, Schema, TypeId};
use crate::graphql::types::naming::is_aggregate;
use crate::graphql::types::reachable::{Start, possible_types, reachable};
use crate::tag::Tag;
use std::collections::BTreeSet;
use std::rc::Rc;

impl Walk<'_> {
    /// Null or an empty list. What would fill it has types that only a schema knows: its own, and
    /// those of all that was asked below it. It may tell of still others, as an object may.
    pub(super) fn nothing(
        &mut self,
        shape: &Shape,
        info: Option<FieldInfo>,
        in_list: bool,
    ) -> Open {
        let Some((schema, info)) = self.knowledge.schema.zip(info) else {
            self.type_is_unknown();
            return Open::No;
        };
        let in_list = in_list || info.list;
        let place = (address(shape), info.of, in_list);
        if let Some(open) = self.nothings.get(&place) {
            return *open;
        }
        let Some(possible) = possible_types(schema, info.of).filter(|_| self.step()) else {
            self.type_is_unknown();
            return Open::No;
        };
        // It rests on the schema alone.
        self.facts.by_schema = true;
        for of in &possible {
            self.facts.types.insert(schema.name(*of).to_owned());
            self.unseen_tags(schema.name(*of), in_list);
        }
        let knowledge = self.knowledge;
        let is_entity = |of: TypeId| knowledge.is_entity_type(schema.name(of));
        let mut open: BTreeSet<TypeId> = BTreeSet::new();
        for (_, field) in shape.fields() {
            let Some(below) = &field.shape else {
                open.extend(possible.iter().filter(|of| !is_entity(**of)));
                continue;
            };
            if field.name.as_deref().is_some_and(is_aggregate) {
                open.extend(&possible);
            }
            let mut known = false;
            for of in &possible {
                if let Some(info) = self.field_of(Some(*of), field).filter(|_| self.step()) {
                    known = true;
                    if self.nothing(below, Some(info), in_list) != Open::No {
                        open.insert(*of);
                    }
                }
            }
            if !known {
                self.type_is_unknown();
            }
        }
        let mut is_open = Open::No;
        for of in possible {
            if is_entity(of) {
                if open.contains(&of) {
                    self.open_in_entity(Some(of));
                }
                continue;
            }
            let wrapper = Some(schema.name(of));
            let path = Path { field: None, wrapper, above: None, owner: None };
            // Whether it counts nobody knows.
            let below = Below::open(Open::Numbers);
            if !self.is_closed(Some(of), &below, path, shape) && open.contains(&of) {
                is_open = Open::Numbers;
            }
        }
        self.nothings.insert(place, is_open);
        is_open
    }

    /// An entity holds what may tell of others: of those that it has many of.
    pub(super) fn open_in_entity(&mut self, of: Option<TypeId>) {
        match self.knowledge.schema.zip(of) {
            // Where it has many of nothing, what it holds is its own.
            Some((schema, of)) => match self.reached(schema, Start::Entity(of)) {
                Some(reached) => {
                    self.facts.by_schema = true;
                    for of in reached.iter() {
                        self.unseen_tags(schema.name(*of), true);
                    }
                }
                None => self.facts.untyped = true,
            },
            None => self.facts.untyped = true,
        }
    }

    /// Whether it is known of what an object without an id tells: of the entities in it, and with
    /// a schema of those that its fields can lead to. It gets their tags. A number needs a name that
    /// says what it counts.
    pub(super) fn is_closed(
        &mut self,
        of: Option<TypeId>,
        below: &Below,
        path: Path<'_>,
        shape: &Shape,
    ) -> bool {
        let Some((schema, of)) = self.knowledge.schema.zip(of) else {
            let named: Vec<&String> =
                below.entities.iter().filter(|name| path.is_named_after(name)).collect();
            self.facts.tags.extend(named.iter().map(|name| Tag::of("list:", name)));
            return !named.is_empty();
        };
        let place = (address(shape), path.digest());
        let openness = Openness { of, place, entities: below.entities.clone(), open: below.open };
        if let Some(is_closed) = self.closed.get(&openness) {
            return *is_closed;
        }
        let is_closed = self.is_closed_by(schema, of, below, path);
        self.closed.insert(openness, is_closed);
        is_closed
    }

    /// The same by what the schema says.
    fn is_closed_by(&mut self, schema: &Schema, of: TypeId, below: &Below, path: Path<'_>) -> bool {
        let Some(reached) = self.reached(schema, Start::Wrapper(of)) else {
            self.facts.untyped = true;
            return true;
        };
        for of in reached.iter() {
            let name = schema.name(*of);
            // What is counted is there.
            self.facts.types.insert(name.to_owned());
            if below.entities.contains(name) {
                self.facts.tags.insert(Tag::of("list:", name));
            } else {
                self.facts.by_schema = true;
                self.unseen_tags(name, true);
            }
        }
        let says_which = || reached.iter().any(|of| path.is_named_after(schema.name(*of)));
        !reached.is_empty() && (below.open != Open::Numbers || says_which())
    }

    /// The entities to which the schema's fields lead from there.
    fn reached(&mut self, schema: &Schema, start: Start) -> Option<Rc<[TypeId]>> {
        if let Some(reached) = self.reached.get(&start) {
            return reached.clone();
        }
        let found = reachable(self.knowledge, schema, start, &mut self.steps_left).map(Rc::from);
        self.reached.insert(start, found.clone());
        found
    }
}
