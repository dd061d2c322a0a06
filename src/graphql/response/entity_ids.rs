//! Reads the ids of entities from a response.

use crate::graphql::document::layout::{Layout, Member};
use crate::graphql::injection::reserved_keys::KEY_PREFIX;
use crate::graphql::types::entity_id::{id_spellings, id_text_shown};
use crate::graphql::types::knowledge::{ID_FIELDS, TypeKnowledge};
use crate::json::Object;
use std::collections::BTreeSet;

/// The ids that an object shows.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct EntityIds {
    /// All ids, in every spelling.
    pub all: BTreeSet<String>,
    /// `true` if they include the key fields, by which purges identify such objects.
    pub complete: bool,
}

/// Where objects of one type and one layout show their ids: prepared once for all of them.
#[derive(Debug)]
pub(crate) struct IdMembers {
    /// The positions of the members that are ids, in order. Each with the number of its key field, if it is one.
    members: Vec<(usize, Option<usize>)>,
    /// The bits of the type's key fields. `None` if it has none, or too many.
    key_fields: Option<u64>,
}

impl IdMembers {
    /// Prepares the ids of a type's objects that have this layout. If the document had additions, added key
    /// fields count too.
    pub(crate) fn of(
        knowledge: &TypeKnowledge<'_>,
        type_name: &str,
        layout: &Layout<'_>,
        added: bool,
    ) -> Self {
        // Fields that are ids by convention count too, unless the configuration says which do.
        let others: &[&str] = if knowledge.keys.contains_key(type_name) { &[] } else { &ID_FIELDS };
        let key_fields = knowledge.key_fields(type_name);
        let member = |(at, member): (usize, &Member<'_>)| {
            let shows: &dyn Fn(&str) -> bool = match member.name.strip_prefix(KEY_PREFIX) {
                Some(rest) if added => &|field| is_addition_of(rest, field),
                // Arguments could change how the id is written.
                _ if member.field.is_some_and(|of| of.has_no_arguments) => {
                    &|field| member.is_field(field)
                }
                _ => return None,
            };
            let number = key_fields.iter().position(|field| shows(field));
            let counts = number.is_some() || others.iter().any(|field| shows(field));
            counts.then_some((at, number))
        };
        let members = layout.members().filter_map(member).collect();
        // Whoever configures a field twice means it once.
        let first = |field| key_fields.iter().position(|other| other == field).and_then(bit);
        let bits = key_fields.iter().map(first).try_fold(0, |bits, bit| Some(bits | bit?));
        Self { members, key_fields: bits.filter(|bits| *bits != 0) }
    }

    /// Passes every id that an object shows to `visit`, and tells whether they include the key fields.
    pub(crate) fn visit(&self, object: Object<'_>, mut visit: impl FnMut(&str)) -> bool {
        let mut shown = 0_u64;
        let mut values = object.places().enumerate();
        for (at, number) in &self.members {
            let value = values.find(|(place, _)| place == at).map(|(_, (_, value))| value.value());
            let Some(id) = value.and_then(id_text_shown) else { continue };
            visit(&id);
            shown |= number.and_then(bit).unwrap_or(0);
        }
        self.key_fields.is_some_and(|all| shown == all)
    }
}

/// The bit of a key field. There are 64.
fn bit(number: usize) -> Option<u64> {
    1_u64.checked_shl(u32::try_from(number).ok()?)
}

/// `true` if an added key, without its prefix, stands for this field.
fn is_addition_of(rest: &str, field: &str) -> bool {
    rest.strip_prefix(field).is_some_and(|rest| rest.starts_with("__"))
}

impl TypeKnowledge<'_> {
    /// The ids of an object in the response to a document without additions.
    pub(crate) fn ids(
        &self,
        type_name: &str,
        object: Object<'_>,
        layout: &Layout<'_>,
    ) -> EntityIds {
        let mut all = BTreeSet::new();
        let complete = IdMembers::of(self, type_name, layout, false).visit(object, |id| {
            all.extend(id_spellings(id).map(std::borrow::Cow::into_owned));
        });
        EntityIds { all, complete }
    }

    /// `true` if an object shows any id, whatever its type.
    pub(crate) fn shows_any_id(&self, object: Object<'_>, layout: &Layout<'_>) -> bool {
        layout.values(object).any(|(member, value)| {
            let field = member.field.filter(|of| of.has_no_arguments);
            field.and_then(|of| of.name.as_deref()).is_some_and(|name| {
                ID_FIELDS.contains(&name) || self.keys.values().flatten().any(|key| key == name)
            }) && id_text_shown(value).is_some()
        })
    }
}
