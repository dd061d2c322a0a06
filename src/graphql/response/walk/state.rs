//! The state of a walk: its findings, and what it remembers about positions that it has seen.

use super::object_kinds::ObjectKinds;
use super::position::{AttributionKey, LooseScalars};
use crate::graphql::document::layout::{Layouts, Prepared};
use crate::graphql::document::shape::{Shape, ShapeField};
use crate::graphql::response::facts::ResponseFacts;
use crate::graphql::schema::{FieldInfo, TypeId};
use crate::graphql::types::knowledge::TypeKnowledge;
use crate::graphql::types::naming::is_aggregate;
use crate::graphql::types::reachable_entities::ReachableFrom;
use crate::json::Object;
use crate::tag::Tag;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::rc::Rc;

/// The greatest number of steps that a walk takes through the schema. If they run out, the response
/// is untyped.
pub(super) const SCHEMA_STEPS: usize = 10_000;

pub(super) struct Walk<'k> {
    pub(super) facts: ResponseFacts,
    pub(super) has_additions: bool,
    pub(super) knowledge: &'k TypeKnowledge<'k>,
    /// What is prepared for the objects seen so far.
    pub(super) layouts: Layouts<'k, ObjectKinds>,
    /// Whether fields are named after aggregate functions, by the addresses of their names.
    pub(super) aggregates: BTreeMap<usize, bool>,
    /// The types of the entities seen so far, by shape.
    pub(super) entity_types: BTreeMap<usize, BTreeSet<String>>,
    /// The interfaces and unions whose possible types have been tagged, and whether as a list.
    pub(super) tagged_types: HashSet<(TypeId, bool)>,
    /// The results of `empty_value`, by shape, type and whether it is in a list.
    pub(super) empty_values: HashMap<(usize, TypeId, bool), LooseScalars>,
    pub(super) reachable: HashMap<ReachableFrom, Option<Rc<[TypeId]>>>,
    /// The results of `attribute`. Long lists hold many objects of one kind in one position.
    pub(super) attributed: HashMap<AttributionKey, bool>,
    pub(super) steps_left: usize,
}

impl<'k> Walk<'k> {
    pub(super) fn new(has_additions: bool, knowledge: &'k TypeKnowledge<'k>) -> Self {
        Self {
            facts: ResponseFacts::default(),
            has_additions,
            knowledge,
            layouts: Layouts::new(),
            aggregates: BTreeMap::new(),
            entity_types: BTreeMap::new(),
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

    /// The layout of an object, and what is prepared for such objects.
    pub(super) fn layout(
        &mut self,
        object: Object<'_>,
        shape: &'k Shape,
    ) -> Rc<Prepared<'k, ObjectKinds>> {
        let has_additions = self.has_additions;
        self.layouts.of(object, shape, |layout| ObjectKinds::of(layout, has_additions))
    }

    /// `true` if a field is named after an aggregate function.
    pub(super) fn is_aggregate(&mut self, field: Option<&str>) -> bool {
        field.is_some_and(|field| {
            let known = self.aggregates.entry(field.as_ptr().addr());
            *known.or_insert_with(|| is_aggregate(field))
        })
    }

    /// A field of a type, by the schema.
    pub(super) fn field_of(&self, parent: Option<TypeId>, field: &ShapeField) -> Option<FieldInfo> {
        self.knowledge.schema?.field(parent?, field.name.as_deref()?)
    }

    /// Adds the tags of an entity that is not shown.
    pub(super) fn tag_unseen_entity(&mut self, name: &str, in_list: bool) {
        let tags = &mut self.facts.tags;
        tags.insert(Tag::of("", name));
        tags.insert(Tag::of(&format!("{name}:"), "?"));
        if in_list {
            tags.insert(Tag::of("list:", name));
        }
    }

    /// Applies the cache hints of an object's type, unless the type of its field already had them.
    pub(super) fn apply_type_hint(&mut self, name: &str, info: Option<FieldInfo>) {
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

    /// Takes one step through the schema. Returns `false` if there are none left.
    pub(super) fn take_step(&mut self) -> bool {
        let left = self.steps_left.checked_sub(1);
        self.steps_left = left.unwrap_or(0);
        left.is_some()
    }
}
