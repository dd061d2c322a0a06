//! A response as JSON, and the `__typename` of its objects.

use crate::graphql::document::layout::{Layout, Member};
use crate::graphql::injection::reserved_keys::TYPENAME_KEY;
use crate::json::{Object, Value};
use crate::order;

const TYPENAME: &str = "__typename";

/// A response, and whether the document had additions.
#[derive(Debug, Clone, Copy)]
pub struct ResponseJson<'a> {
    /// The response, with all additions still in it.
    pub json: Value<'a>,
    /// `true` if the origin was sent the document with additions.
    pub has_additions: bool,
}

/// Where objects of one layout show their type: prepared once for all of them.
#[derive(Debug)]
pub(crate) struct TypeMembers(Vec<usize>);

impl TypeMembers {
    /// Finds the members that stand for `__typename`: the added one before those that the client selected, and
    /// these by their names. Which one counts does not depend on the order in the response.
    pub(crate) fn of(layout: &Layout<'_>, added: bool) -> Self {
        let is_added = |member: &Member<'_>| added && *member.name == *TYPENAME_KEY;
        let ranked = |(at, member): (usize, &Member<'_>)| {
            let counts = is_added(member) || member.is_field(TYPENAME);
            counts.then(|| (!is_added(member), member.name.to_string(), at))
        };
        let mut all: Vec<(bool, String, usize)> = layout.members().filter_map(ranked).collect();
        order::sort_by_key(&mut all, Clone::clone);
        Self(all.into_iter().map(|(_, _, at)| at).collect())
    }

    /// The type of an object with that layout.
    pub(crate) fn read<'a>(&self, object: Object<'a>) -> Option<&'a str> {
        let value = |at: &usize| object.places().nth(*at).map(|(_, value)| value.value());
        self.0.iter().filter_map(value).find_map(Value::as_str)
    }
}

/// The object's type, from a key that certainly stands for `__typename`.
pub(crate) fn type_name<'a>(object: Object<'a>, layout: &Layout<'_>) -> Option<&'a str> {
    TypeMembers::of(layout, false).read(object)
}
