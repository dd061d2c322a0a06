//! What a walk over a response has found so far.

use super::position::{AttributionKey, LooseScalars};
use crate::graphql::document::shape::{Shape, ShapeField};
use crate::graphql::response::facts::ResponseFacts;
use crate::graphql::schema::{FieldInfo, TypeId};
use crate::graphql::types::knowledge::TypeKnowledge;
use crate::graphql::types::reachable_entities::ReachableFrom;
use crate::tag::Tag;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

/// How many steps a walk takes into what the schema says. Beyond them the answer is untyped.
pub(super) const SCHEMA_STEPS: usize = 10_000;

pub(super) struct Walk<'k> {
    pub(super) facts: ResponseFacts,
    pub(super) has_additions: bool,
    pub(super) knowledge: &'k TypeKnowledge<'k>,
    /// By shape, the types of the entities that were seen there.
    pub(super) entity_types: HashMap<usize, BTreeSet<String>>,
    /// The interfaces and unions whose possible types are tagged, and whether as those of a list.
    pub(super) tagged_types: HashSet<(TypeId, bool)>,
    /// By shape and type, what became of a null there.
    pub(super) empty_values: HashMap<(usize, TypeId, bool), LooseScalars>,
    pub(super) reachable: HashMap<ReachableFrom, Option<Rc<[TypeId]>>>,
    /// What `attribute` has found. Long lists hold many objects of one kind in one place.
    pub(super) attributed: HashMap<AttributionKey, bool>,
    pub(super) steps_left: usize,
}

impl<'k> Walk<'k> {
    pub(super) fn new(has_additions: bool, knowledge: &'k TypeKnowledge<'k>) -> Self {
        Self {
            facts: ResponseFacts::default(),
            has_additions,
            knowledge,
            entity_types: HashMap::new(),
            tagged_types: HashSet::new(),
            empty_values: HashMap::new(),
            reachable: HashMap::new(),
            attributed: HashMap::new(),
            steps_left: SCHEMA_STEPS,
        }
    }

    pub(super) fn note_unknown_type(&mut self) {
        self.facts.untyped = true;
        self.facts.types_unknown = true;
    }

    /// What the schema says of a field on a type.
    pub(super) fn field_of(&self, parent: Option<TypeId>, field: &ShapeField) -> Option<FieldInfo> {
        self.knowledge.schema?.field(parent?, field.name.as_deref()?)
    }

    pub(super) fn tag_type(&mut self, name: &str, in_list: bool) {
        self.facts.types.insert(name.to_owned());
        self.facts.tags.insert(Tag::of("", name));
        if in_list {
            self.facts.tags.insert(Tag::of("list:", name));
        }
    }

    /// The tags of an entity that is not shown.
    pub(super) fn tag_unseen_entity(&mut self, name: &str, in_list: bool) {
        let tags = &mut self.facts.tags;
        tags.insert(Tag::of("", name));
        tags.insert(Tag::of(&format!("{name}:"), "?"));
        if in_list {
            tags.insert(Tag::of("list:", name));
        }
    }

    /// Heeds what the schema says of caching a type, where the field that led to it could not tell
    /// that it would.
    pub(super) fn hint_of_type(&mut self, name: &str, info: Option<FieldInfo>) {
        let Some(schema) = self.knowledge.schema else { return };
        let Some(of) =
            schema.type_named(name).filter(|of| info.map(|info| info.type_id) != Some(*of))
        else {
            return;
        };
        let hint = schema.hint(of);
        self.facts.hint.private |= hint.private;
        let max_age = hint.max_age.filter(|_| !hint.inherit).map(u64::from);
        self.facts.hint.max_age = self.facts.hint.max_age.into_iter().chain(max_age).min();
    }

    /// Whether another step into the schema may be taken.
    pub(super) fn take_step(&mut self) -> bool {
        let left = self.steps_left.checked_sub(1);
        self.steps_left = left.unwrap_or(0);
        left.is_some()
    }
}

/// What tells a shape from others while the walk lasts.
pub(super) fn shape_address(shape: &Shape) -> usize {
    std::ptr::from_ref(shape).addr()
}
