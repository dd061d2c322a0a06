//! What the walk passes down (the position of a value) and up (what was found in it).

use crate::graphql::document::shape::{IdArguments, Shape, ShapeField};
use crate::graphql::schema::{FieldInfo, TypeId};
use crate::graphql::types::naming::is_named_after;
use crate::json::Value;
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// What an object or a list shows.
#[derive(Debug, Default)]
pub(super) struct Contents<'v> {
    /// The types of the entities in it. What an entity contains belongs to the entity.
    pub(super) entities: TypeNames<'v>,
    /// Scalars outside these entities, which may describe other entities.
    pub(super) loose: LooseScalars,
}

impl Contents<'_> {
    pub(super) fn add(&mut self, other: Self) {
        self.entities.add(other.entities);
        self.loose = self.loose.max(other.loose);
    }

    pub(super) fn of_loose(loose: LooseScalars) -> Self {
        Self { loose, ..Self::default() }
    }
}

/// A set of type names. Most have one, which takes no memory of its own: a long list adds up one for each
/// of its objects.
#[derive(Debug, Default)]
pub(super) struct TypeNames<'v> {
    first: Option<&'v str>,
    others: BTreeSet<&'v str>,
}

impl<'v> TypeNames<'v> {
    pub(super) fn of(name: &'v str) -> Self {
        Self { first: Some(name), others: BTreeSet::new() }
    }

    fn insert(&mut self, name: &'v str) {
        match self.first {
            None => self.first = Some(name),
            Some(first) if first == name => {}
            Some(_) => {
                self.others.insert(name);
            }
        }
    }

    fn add(&mut self, other: Self) {
        other.iter().for_each(|name| self.insert(name));
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &'v str> {
        self.first.into_iter().chain(self.others.iter().copied())
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.first == Some(name) || self.others.contains(name)
    }
}

/// Scalars of an object without an id. They may describe entities that the response does not show:
/// `totalCount`, `hasNextPage`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum LooseScalars {
    /// None, or none that could describe an unknown entity.
    #[default]
    None,
    /// Strings and booleans: a cursor, whether there is a next page.
    NonNumeric,
    /// Numbers, which may count anything.
    Numeric,
}

/// Everything that decides whether loose scalars can be attributed to entities.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct AttributionKey {
    pub(super) of: TypeId,
    /// The address of the shape, and a digest of the types on the path to it.
    pub(super) position: (usize, u64),
    pub(super) entities: BTreeSet<String>,
    pub(super) loose: LooseScalars,
}

impl LooseScalars {
    pub(super) fn of(leaf: Value<'_>) -> Self {
        match leaf {
            // Servers send large numbers and decimals as strings.
            Value::String(text) if text.parse::<f64>().is_err() => Self::NonNumeric,
            Value::Bool(_) | Value::Null => Self::NonNumeric,
            _ => Self::Numeric,
        }
    }
}

/// The position of a value.
#[derive(Clone, Copy)]
pub(super) struct Position<'w> {
    /// The value's field in the schema.
    pub(super) info: Option<FieldInfo>,
    pub(super) in_list: bool,
    pub(super) id_arguments: IdArguments,
    /// `true` if the field is selected without arguments.
    pub(super) has_no_arguments: bool,
    /// `true` if any object of the same list shows a scalar that is not null.
    pub(super) siblings_show_scalars: bool,
    pub(super) path: FieldPath<'w>,
}

impl<'w> Position<'w> {
    /// The position of a field's value, outside any list.
    pub(super) fn of_field(
        field: &ShapeField,
        info: Option<FieldInfo>,
        path: FieldPath<'w>,
    ) -> Self {
        let (id_arguments, has_no_arguments) = (field.id_arguments, field.has_no_arguments);
        let (in_list, siblings_show_scalars) = (false, false);
        Self { info, in_list, id_arguments, has_no_arguments, siblings_show_scalars, path }
    }

    pub(super) fn in_list(self) -> Self {
        Self { in_list: true, ..self }
    }

    /// `true` if the field's arguments give the ids of these objects.
    pub(super) fn is_selected_by_id(self) -> bool {
        self.id_arguments == IdArguments::Many
            || (self.id_arguments == IdArguments::One && !self.in_list)
    }
}

/// The fields on the path to a value, from the entity that holds it or from the root.
#[derive(Clone, Copy)]
pub(super) struct FieldPath<'w> {
    pub(super) field: Option<&'w str>,
    /// The type of the object here, if it is not an entity.
    pub(super) wrapper: Option<&'w str>,
    pub(super) above: Option<&'w FieldPath<'w>>,
    /// The type of the entity that holds the value.
    pub(super) owner: Option<&'w str>,
}

impl<'w> FieldPath<'w> {
    pub(super) fn to(field: &'w ShapeField) -> Self {
        Self { field: field.name.as_deref(), wrapper: None, above: None, owner: None }
    }

    /// A digest of the types on the path. The shape determines the fields.
    pub(super) fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.owner.hash(&mut hasher);
        let mut next = Some(self);
        while let Some(path) = next {
            path.wrapper.hash(&mut hasher);
            next = path.above;
        }
        hasher.finish()
    }

    /// `true` if a field on the path, or the type of an object on it, is named after a type.
    pub(super) fn is_named_after(&self, type_name: &str) -> bool {
        let here = [self.field, self.wrapper].into_iter().flatten();
        let above = || self.above.is_some_and(|above| above.is_named_after(type_name));
        here.into_iter().any(|name| is_named_after(name, type_name, self.owner)) || above()
    }
}

/// Identifies a shape for the duration of the walk.
pub(super) fn shape_address(shape: &Shape) -> usize {
    std::ptr::from_ref(shape).addr()
}
