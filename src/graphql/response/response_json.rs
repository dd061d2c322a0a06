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
    /// Finds the members that stand for `__typename`: the added one before those that the client selected, and of
    /// these one without an alias before others. Which one counts does not depend on their order.
    pub(crate) fn of(layout: &Layout<'_>, added: bool) -> Self {
        let rank = |member: &Member<'_>| match &*member.name {
            TYPENAME_KEY if added => Some(0),
            _ if !member.is_field(TYPENAME) => None,
            TYPENAME => Some(1),
            _ => Some(2),
        };
        let ranked = |(at, member)| Some((rank(member)?, &*member.name, at));
        let mut all: Vec<(u8, &str, usize)> = layout.members().filter_map(ranked).collect();
        order::sort_by_key(&mut all, |one| *one);
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
