//! The layout of an object in a response: which field each of its members stands for.
//!
//! The objects of a list have the same members in the same order (GraphQL §7.2.2), so what their names stand for
//! is looked up once for all of them. Not in scope: what the values are.

use super::shape::{Shape, ShapeField};
use crate::json::{Object, Place, Places, Value};
use crate::order;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The members of an object, in its order.
#[derive(Debug)]
pub(crate) struct Layout<'s> {
    members: Vec<Member<'s>>,
}

/// A member of an object.
#[derive(Debug)]
pub(crate) struct Member<'s> {
    pub(crate) name: Box<str>,
    /// The field that the name stands for. `None` if the document does not select it.
    pub(crate) field: Option<&'s ShapeField>,
    /// Whether a later member has the same name, so that this one does not count.
    is_overridden: bool,
}

impl<'s> Layout<'s> {
    /// The layout of an object with that shape.
    pub(crate) fn of(object: Object<'_>, shape: &'s Shape) -> Self {
        let member = |(name, _): (&str, Value<'_>)| {
            let field = shape.field(name);
            Member { name: name.into(), field, is_overridden: false }
        };
        let mut members: Vec<Member<'s>> = object.iter().map(member).collect();
        let mut places: Vec<usize> = (0..members.len()).collect();
        let name_at = |place: usize| members.get(place).map(|member| &*member.name);
        order::sort_by_key(&mut places, |place| (name_at(*place), *place));
        let repeated = |pair: &[usize]| match pair {
            [one, next] => (name_at(*one) == name_at(*next)).then_some(*one),
            _ => None,
        };
        let overridden: Vec<usize> = places.windows(2).filter_map(repeated).collect();
        for place in overridden {
            if let Some(member) = members.get_mut(place) {
                member.is_overridden = true;
            }
        }
        Self { members }
    }

    /// Whether an object has this layout.
    fn fits(&self, object: Object<'_>) -> bool {
        let mut places = object.places();
        for member in &self.members {
            let Some((name, _)) = places.next() else { return false };
            if !name.is_text(&member.name) {
                return false;
            }
        }
        places.next().is_none()
    }

    /// The members that count, with their positions.
    pub(crate) fn members(&self) -> impl Iterator<Item = (usize, &Member<'s>)> {
        self.members.iter().enumerate().filter(|(_, member)| !member.is_overridden)
    }

    /// The members of an object with this layout, with their values.
    pub(crate) fn values<'l, 'v>(
        &'l self,
        object: Object<'v>,
    ) -> impl Iterator<Item = (&'l Member<'s>, Value<'v>)> {
        self.places(object).map(|(member, value)| (member, value.value()))
    }

    /// The members of an object with this layout, whose values are read only if somebody asks.
    #[inline(always)]
    pub(crate) fn places<'l, 'v>(&'l self, object: Object<'v>) -> MemberPlaces<'l, 's, 'v> {
        MemberPlaces { members: self.members.iter(), places: object.places() }
    }
}

/// The members of an object that count, with the places of their values.
pub(crate) struct MemberPlaces<'l, 's, 'v> {
    members: std::slice::Iter<'l, Member<'s>>,
    places: Places<'v>,
}

impl<'l, 's, 'v> Iterator for MemberPlaces<'l, 's, 'v> {
    type Item = (&'l Member<'s>, Place<'v>);

    // It runs for each member of each object of a response.
    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let member = self.members.next()?;
            let (_, value) = self.places.next()?;
            if !member.is_overridden {
                return Some((member, value));
            }
        }
    }
}

impl Member<'_> {
    /// `true` if it certainly stands for a field of that name.
    pub(crate) fn is_field(&self, name: &str) -> bool {
        self.field.is_some_and(|field| field.name.as_deref() == Some(name))
    }
}

/// The layouts of a response's objects, each with what was prepared for it.
#[derive(Debug)]
pub(crate) struct Layouts<'s, P> {
    by_shape: BTreeMap<usize, Vec<Rc<Prepared<'s, P>>>>,
}

/// A layout and what was prepared for it.
#[derive(Debug)]
pub(crate) struct Prepared<'s, P> {
    pub(crate) layout: Layout<'s>,
    pub(crate) prepared: P,
}

/// How many layouts are remembered for a shape: as many as there are types in most lists. An object of a ninth is
/// compared with eight, mostly in their first names, and then has its own names looked up.
const MAX_LAYOUTS_OF_A_SHAPE: usize = 8;

impl<'s, P> Layouts<'s, P> {
    pub(crate) fn new() -> Self {
        Self { by_shape: BTreeMap::new() }
    }

    /// The layout of an object with that shape, and what `prepare` has made for it.
    pub(crate) fn of(
        &mut self,
        object: Object<'_>,
        shape: &'s Shape,
        prepare: impl FnOnce(&Layout<'s>) -> P,
    ) -> Rc<Prepared<'s, P>> {
        let known = self.by_shape.entry(std::ptr::from_ref(shape).addr()).or_default();
        if let Some(fitting) = known.iter().find(|one| one.layout.fits(object)) {
            return fitting.clone();
        }
        let layout = Layout::of(object, shape);
        let prepared = prepare(&layout);
        let made = Rc::new(Prepared { layout, prepared });
        if known.len() >= MAX_LAYOUTS_OF_A_SHAPE {
            known.remove(0);
        }
        known.push(made.clone());
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graphql::analysis_of;
    use crate::json::Index;

    /// The names that count, each with its field and its value.
    fn read(layout: &Layout<'_>, object: Object<'_>) -> Vec<String> {
        let text = |(member, value): (&Member<'_>, Value<'_>)| {
            let field = member.field.and_then(|field| field.name.as_deref());
            format!("{}:{}={value:?}", member.name, field.unwrap_or("-"))
        };
        layout.values(object).map(text).collect()
    }

    #[test]
    fn a_layout_is_found_again_for_objects_with_the_same_members() {
        let analysis = analysis_of("{ a b: c }");
        let mut layouts = Layouts::new();
        let mut prepared = 0;
        let mut of = |json: &str| {
            let index = Index::of(json.as_bytes()).unwrap();
            let object = index.root().as_object().unwrap();
            let found = layouts.of(object, &analysis.shape, |_| prepared += 1);
            (read(&found.layout, object).join(" "), prepared)
        };
        assert_eq!(of("{\"a\":1,\"b\":2}"), ("a:a=Number(\"1\") b:c=Number(\"2\")".to_owned(), 1));
        assert_eq!(of("{\"a\":true,\"b\":null}").1, 1);
        assert_eq!(of("{\"a\":1,\"\\u0062\":2}").1, 1);
        // Another order, fewer members, more of them, and other names.
        assert_eq!(of("{\"b\":2,\"a\":1}"), ("b:c=Number(\"2\") a:a=Number(\"1\")".to_owned(), 2));
        assert_eq!(of("{\"a\":1}").1, 3);
        assert_eq!(of("{\"a\":1,\"b\":2,\"c\":3}").1, 4);
        assert_eq!(of("{\"x\":1,\"b\":2}"), ("x:-=Number(\"1\") b:c=Number(\"2\")".to_owned(), 5));
        assert_eq!(of("{\"a\":1,\"b\":2}").1, 5);
        for (count, name) in ["l", "m", "n"].into_iter().enumerate() {
            assert_eq!(of(&format!("{{\"{name}\":1}}")).1, 6 + count);
        }
        assert_eq!(of("{\"b\":2,\"a\":1}").1, 8, "the last eight are remembered");
        assert_eq!(of("{\"o\":1}").1, 9);
        assert_eq!(of("{\"a\":1,\"b\":2}").1, 10);
    }

    #[test]
    fn of_members_with_one_name_the_last_counts() {
        let analysis = analysis_of("{ a b }");
        let index = Index::of(br#"{"a":1,"b":2,"a":3,"a":4,"x":5,"x":6}"#).unwrap();
        let object = index.root().as_object().unwrap();
        let layout = Layout::of(object, &analysis.shape);
        let expected = ["b:b=Number(\"2\")", "a:a=Number(\"4\")", "x:-=Number(\"6\")"];
        assert_eq!(read(&layout, object), expected);
        assert_eq!(layout.members().map(|(at, _)| at).collect::<Vec<_>>(), [1, 3, 5]);
    }
}
