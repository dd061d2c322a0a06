//! What a walk over a response has found so far.

use super::position::{Open, Openness};
use crate::graphql::document::shape::{Shape, ShapeField};
use crate::graphql::response::facts::AnswerFacts;
use crate::graphql::schema::{FieldInfo, TypeId};
use crate::graphql::types::knowledge::TypeKnowledge;
use crate::graphql::types::reachable::Start;
use crate::tag::Tag;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

/// How many steps a walk takes into what the schema says. Beyond them the answer is untyped.
pub(super) const SCHEMA_STEPS: usize = 10_000;

pub(super) struct Walk<'k> {
    pub(super) facts: AnswerFacts,
    pub(super) added: bool,
    pub(super) knowledge: &'k TypeKnowledge<'k>,
    /// By shape, the types of the entities that were seen there.
    pub(super) seen: HashMap<usize, BTreeSet<String>>,
    /// The interfaces and unions whose possible types are tagged, and whether as those of a list.
    pub(super) tagged: HashSet<(TypeId, bool)>,
    /// By shape and type, what became of a null there.
    pub(super) nothings: HashMap<(usize, TypeId, bool), Open>,
    pub(super) reached: HashMap<Start, Option<Rc<[TypeId]>>>,
    /// What `is_closed` has found. Long lists hold many objects of one kind in one place.
    pub(super) closed: HashMap<Openness, bool>,
    pub(super) steps_left: usize,
}

impl<'k> Walk<'k> {
    pub(super) fn new(added: bool, knowledge: &'k TypeKnowledge<'k>) -> Self {
        Self {
            facts: AnswerFacts::default(),
            added,
            knowledge,
            seen: HashMap::new(),
            tagged: HashSet::new(),
            nothings: HashMap::new(),
            reached: HashMap::new(),
            closed: HashMap::new(),
            steps_left: SCHEMA_STEPS,
        }
    }

    pub(super) fn type_is_unknown(&mut self) {
        self.facts.untyped = true;
        self.facts.types_unknown = true;
    }

    /// What the schema says of a field on a type.
    pub(super) fn field_of(&self, parent: Option<TypeId>, field: &ShapeField) -> Option<FieldInfo> {
        self.knowledge.schema?.field(parent?, field.name.as_deref()?)
    }

    pub(super) fn type_tags(&mut self, name: &str, in_list: bool) {
        self.facts.types.insert(name.to_owned());
        self.facts.tags.insert(Tag::of("", name));
        if in_list {
            self.facts.tags.insert(Tag::of("list:", name));
        }
    }

    /// The tags of an entity that is not shown.
    pub(super) fn unseen_tags(&mut self, name: &str, in_list: bool) {
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
        let Some(of) = schema.type_named(name).filter(|of| info.map(|info| info.of) != Some(*of))
        else {
            return;
        };
        let hint = schema.hint(of);
        self.facts.hint.private |= hint.private;
        let max_age = hint.max_age.filter(|_| !hint.inherit).map(u64::from);
        self.facts.hint.max_age = self.facts.hint.max_age.into_iter().chain(max_age).min();
    }

    /// Whether another step into the schema may be taken.
    pub(super) fn step(&mut self) -> bool {
        let left = self.steps_left.checked_sub(1);
        self.steps_left = left.unwrap_or(0);
        left.is_some()
    }
}

/// What tells a shape from others while the walk lasts.
pub(super) fn address(shape: &Shape) -> usize {
    std::ptr::from_ref(shape).addr()
}
