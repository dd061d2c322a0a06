//! Tags the objects that a response shows. A long list has many objects of one type in one position, so what
//! does not depend on the single object is prepared once.

use crate::graphql::document::layout::Layout;
use crate::graphql::response::entity_ids::IdMembers;
use crate::graphql::response::facts::ResponseFacts;
use crate::graphql::response::response_json::TypeMembers;
use crate::graphql::types::entity_id::id_spellings;
use crate::graphql::types::knowledge::TypeKnowledge;
use crate::json::Object;
use crate::limits;
use crate::tag::Tag;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

/// The kinds of objects with one layout that a walk has seen: by type, outside lists and in lists.
#[derive(Debug)]
pub(super) struct ObjectKinds {
    /// Where they show their type.
    pub(super) types: TypeMembers,
    kinds: RefCell<[BTreeMap<String, Rc<Kind>>; 2]>,
}

/// What is prepared for the objects of one type with one layout. The tags of the type and of its lists are there.
#[derive(Debug)]
struct Kind {
    ids: IdMembers,
    /// Whether the tag for ids that are not shown is there.
    unknown_id_tagged: Cell<bool>,
}

/// An object that is tagged.
pub(super) struct ShownObject<'o> {
    pub(super) type_name: &'o str,
    pub(super) object: Object<'o>,
    pub(super) layout: &'o Layout<'o>,
    pub(super) in_list: bool,
    /// Whether the document had additions.
    pub(super) has_additions: bool,
}

impl ObjectKinds {
    pub(super) fn of(layout: &Layout<'_>, has_additions: bool) -> Self {
        Self { types: TypeMembers::of(layout, has_additions), kinds: RefCell::default() }
    }

    /// Tags an object with its type and its ids. Returns `true` if it shows an id.
    pub(super) fn tag(
        &self,
        facts: &mut ResponseFacts,
        knowledge: &TypeKnowledge<'_>,
        shown: &ShownObject<'_>,
    ) -> bool {
        let kind = self.kind(facts, knowledge, shown);
        let (name, tags) = (shown.type_name, &mut facts.tags);
        let mut shows_id = false;
        let complete = kind.ids.visit(shown.object, |id| {
            shows_id = true;
            // With more tags than the limit, those of single entities are dropped in the end.
            if tags.len() <= limits::ENTRY_TAGS || !is_dropped_beyond_limit(name) {
                tags.extend(id_spellings(id).map(|id| Tag::of_entity(name, &id)));
            }
        });
        // A purge may identify it by an id that it does not show.
        if !complete && !kind.unknown_id_tagged.replace(true) {
            tags.insert(Tag::of_entity(name, "?"));
        }
        shows_id
    }

    /// The kind of an object. If it is the first one, its type is tagged.
    fn kind(
        &self,
        facts: &mut ResponseFacts,
        knowledge: &TypeKnowledge<'_>,
        shown: &ShownObject<'_>,
    ) -> Rc<Kind> {
        let ShownObject { type_name, layout, in_list, has_additions, .. } = *shown;
        let [outside, inside] = &mut *self.kinds.borrow_mut();
        let known = if in_list { inside } else { outside };
        if let Some(kind) = known.get(type_name) {
            return kind.clone();
        }
        facts.types.insert(type_name.to_owned());
        facts.tags.insert(Tag::of("", type_name));
        if in_list {
            facts.tags.insert(Tag::of("list:", type_name));
        }
        let ids = IdMembers::of(knowledge, type_name, layout, has_additions);
        let kind = Rc::new(Kind { ids, unknown_id_tagged: Cell::new(false) });
        known.insert(type_name.to_owned(), kind.clone());
        kind
    }
}

/// `true` if `ResponseFacts::coarsen` drops the tags of single entities of this type.
fn is_dropped_beyond_limit(type_name: &str) -> bool {
    type_name.len() < 256 && !type_name.contains(':')
}
