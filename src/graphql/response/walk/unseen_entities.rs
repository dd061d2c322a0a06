//! Tags the entities that a response depends on but does not show.

use super::position::{AttributionKey, Contents, FieldPath, LooseScalars, shape_address};
use super::state::Walk;
use crate::graphql::document::shape::Shape;
use crate::graphql::schema::{FieldInfo, Schema, TypeId};
use crate::graphql::types::naming::is_aggregate;
use crate::graphql::types::reachable_entities::{
    ReachableFrom, few_possible_types, reachable_entities,
};
use crate::tag::Tag;
use std::collections::BTreeSet;
use std::rc::Rc;

impl Walk<'_> {
    /// Tags what could fill a null or an empty list: by the schema the possible types of the value,
    /// and those of everything that is selected below it. Without a schema the response is untyped.
    ///
    /// Returns the loose scalars that an object in its place could show, if it is not known which
    /// entities they describe.
    pub(super) fn empty_value(
        &mut self,
        shape: &Shape,
        info: Option<FieldInfo>,
        in_list: bool,
    ) -> LooseScalars {
        let Some((schema, info)) = self.knowledge.schema.zip(info) else {
            self.note_unknown_type();
            return LooseScalars::None;
        };
        let in_list = in_list || info.list;
        let position = (shape_address(shape), info.type_id, in_list);
        if let Some(loose) = self.empty_values.get(&position) {
            return *loose;
        }
        let Some(possible) = few_possible_types(schema, info.type_id).filter(|_| self.take_step())
        else {
            self.note_unknown_type();
            return LooseScalars::None;
        };
        self.facts.by_schema = true;
        for of in &possible {
            self.facts.types.insert(schema.name(*of).to_owned());
            self.tag_unseen_entity(schema.name(*of), in_list);
        }
        let with_loose = self.empty_fields(schema, shape, &possible, in_list);
        let loose = self.attribute_empty(schema, shape, &possible, &with_loose);
        self.empty_values.insert(position, loose);
        loose
    }

    /// Tags what the selected fields of objects that are not there could hold. Returns the types
    /// whose objects could show loose scalars.
    fn empty_fields(
        &mut self,
        schema: &Schema,
        shape: &Shape,
        possible: &[TypeId],
        in_list: bool,
    ) -> BTreeSet<TypeId> {
        let mut with_loose = BTreeSet::new();
        for (_, field) in shape.fields() {
            let Some(inner) = &field.shape else {
                let is_entity = |of: &TypeId| self.knowledge.is_entity_type(schema.name(*of));
                with_loose.extend(possible.iter().filter(|of| !is_entity(of)));
                continue;
            };
            if field.name.as_deref().is_some_and(is_aggregate) {
                with_loose.extend(possible);
            }
            let mut is_known = false;
            for of in possible {
                if let Some(info) = self.field_of(Some(*of), field).filter(|_| self.take_step()) {
                    is_known = true;
                    if self.empty_value(inner, Some(info), in_list) != LooseScalars::None {
                        with_loose.insert(*of);
                    }
                }
            }
            if !is_known {
                self.note_unknown_type();
            }
        }
        with_loose
    }

    /// Attributes the loose scalars of objects that are not there, type by type.
    fn attribute_empty(
        &mut self,
        schema: &Schema,
        shape: &Shape,
        possible: &[TypeId],
        with_loose: &BTreeSet<TypeId>,
    ) -> LooseScalars {
        let mut loose = LooseScalars::None;
        for of in possible {
            if self.knowledge.is_entity_type(schema.name(*of)) {
                if with_loose.contains(of) {
                    self.tag_reachable_from_entity(Some(*of));
                }
                continue;
            }
            let wrapper = Some(schema.name(*of));
            let path = FieldPath { field: None, wrapper, above: None, owner: None };
            // They could be numbers, which are the hardest to attribute.
            let contents = Contents::of_loose(LooseScalars::Numeric);
            if !self.attribute(Some(*of), &contents, path, shape) && with_loose.contains(of) {
                loose = LooseScalars::Numeric;
            }
        }
        loose
    }

    /// Tags the entities that an entity's loose scalars may describe: those it has lists of.
    pub(super) fn tag_reachable_from_entity(&mut self, of: Option<TypeId>) {
        match self.knowledge.schema.zip(of) {
            // If it has no lists, its scalars describe the entity itself.
            Some((schema, of)) => match self.reachable(schema, ReachableFrom::Entity(of)) {
                Some(reachable) => {
                    self.facts.by_schema = true;
                    for of in reachable.iter() {
                        self.tag_unseen_entity(schema.name(*of), true);
                    }
                }
                None => self.facts.untyped = true,
            },
            None => self.facts.untyped = true,
        }
    }

    /// Attributes the loose scalars of an object without an id to entities, and adds tags for
    /// these: the entities in the object, and with a schema those that its fields can lead to.
    /// Returns `false` if it is not known what they describe. A number also needs a name that says
    /// what it counts.
    pub(super) fn attribute(
        &mut self,
        of: Option<TypeId>,
        contents: &Contents<'_>,
        path: FieldPath<'_>,
        shape: &Shape,
    ) -> bool {
        let Some((schema, of)) = self.knowledge.schema.zip(of) else {
            let named: Vec<&str> =
                contents.entities.iter().filter(|name| path.is_named_after(name)).collect();
            self.facts.tags.extend(named.iter().map(|name| Tag::of("list:", name)));
            return !named.is_empty();
        };
        let position = (shape_address(shape), path.digest());
        let key = AttributionKey {
            of,
            position,
            entities: contents.entities.iter().map(str::to_owned).collect(),
            loose: contents.loose,
        };
        if let Some(is_attributed) = self.attributed.get(&key) {
            return *is_attributed;
        }
        let is_attributed = self.attribute_by_schema(schema, of, contents, path);
        self.attributed.insert(key, is_attributed);
        is_attributed
    }

    /// Attributes loose scalars by the schema.
    fn attribute_by_schema(
        &mut self,
        schema: &Schema,
        of: TypeId,
        contents: &Contents<'_>,
        path: FieldPath<'_>,
    ) -> bool {
        let Some(reachable) = self.reachable(schema, ReachableFrom::Wrapper(of)) else {
            self.facts.untyped = true;
            return true;
        };
        for of in reachable.iter() {
            let name = schema.name(*of);
            // What is counted exists.
            self.facts.types.insert(name.to_owned());
            if contents.entities.contains(name) {
                self.facts.tags.insert(Tag::of("list:", name));
            } else {
                self.facts.by_schema = true;
                self.tag_unseen_entity(name, true);
            }
        }
        let says_which = || reachable.iter().any(|of| path.is_named_after(schema.name(*of)));
        !reachable.is_empty() && (contents.loose != LooseScalars::Numeric || says_which())
    }

    /// The entities that the schema's fields lead to from here.
    fn reachable(&mut self, schema: &Schema, start: ReachableFrom) -> Option<Rc<[TypeId]>> {
        if let Some(reachable) = self.reachable.get(&start) {
            return reachable.clone();
        }
        let found =
            reachable_entities(self.knowledge, schema, start, &mut self.steps_left).map(Rc::from);
        self.reachable.insert(start, found.clone());
        found
    }
}
