//! Where a value of an answer stands, and what it shows: what the walk hands down and up.

use crate::graphql::document::shape::{IdArguments, ShapeField};
use crate::graphql::schema::{FieldInfo, TypeId};
use crate::graphql::types::naming::is_named_after;
use serde_json::Value;
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// What an object or a list shows.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// The types of the entities in it, without what these hold.
    pub(super) entities: BTreeSet<String>,
    /// Whether it shows something beside them that may tell of other entities.
    pub(super) loose: LooseScalars,
}

impl Contents {
    pub(super) fn add(&mut self, other: Self) {
        self.entities.extend(other.entities);
        self.loose = self.loose.max(other.loose);
    }

    pub(super) fn of_loose(loose: LooseScalars) -> Self {
        Self { loose, ..Self::default() }
    }
}

/// What stands beside the entities of an object that is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum LooseScalars {
    /// Nothing, or nothing that depends on what is not known.
    #[default]
    None,
    /// Words and flags: a cursor, whether there is more.
    NonNumeric,
    /// Numbers, which may count anything.
    Numeric,
}

/// What decides whether it is known of what an object without an id tells.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct AttributionKey {
    pub(super) of: TypeId,
    /// The shape, and the types on the way to it.
    pub(super) position: (usize, u64),
    pub(super) entities: BTreeSet<String>,
    pub(super) loose: LooseScalars,
}

impl LooseScalars {
    pub(super) fn of(leaf: &Value) -> Self {
        match leaf {
            // Large numbers and decimals come as strings.
            Value::String(text) if text.parse::<f64>().is_err() => Self::NonNumeric,
            Value::Bool(_) | Value::Null => Self::NonNumeric,
            _ => Self::Numeric,
        }
    }
}

/// Where a value stands.
#[derive(Clone, Copy)]
pub(super) struct Position<'w> {
    /// What the schema says of its field.
    pub(super) info: Option<FieldInfo>,
    pub(super) in_list: bool,
    pub(super) id_arguments: IdArguments,
    /// Whether its field is asked without arguments.
    pub(super) has_no_arguments: bool,
    /// Whether objects of the same list show plain values that are not null.
    pub(super) siblings_show_scalars: bool,
    pub(super) path: FieldPath<'w>,
}

impl<'w> Position<'w> {
    pub(super) fn in_list(self) -> Self {
        Self { in_list: true, ..self }
    }

    /// Whether the very objects in it are named by ids.
    pub(super) fn is_selected_by_id(self) -> bool {
        self.id_arguments == IdArguments::Many
            || (self.id_arguments == IdArguments::One && !self.in_list)
    }
}

/// The fields that lead to a value from the entity that holds it, or from the query itself.
#[derive(Clone, Copy)]
pub(super) struct FieldPath<'w> {
    pub(super) field: Option<&'w str>,
    /// The type of the object there that is no entity.
    pub(super) wrapper: Option<&'w str>,
    pub(super) above: Option<&'w FieldPath<'w>>,
    /// The type of the entity that holds it.
    pub(super) owner: Option<&'w str>,
}

impl<'w> FieldPath<'w> {
    pub(super) fn to(field: &'w ShapeField) -> Self {
        Self { field: field.name.as_deref(), wrapper: None, above: None, owner: None }
    }

    /// Tells the types on the way from others. The fields are those of the shape.
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

    /// Whether one of the fields, or the type of an object on the way, is named after a type.
    pub(super) fn is_named_after(&self, type_name: &str) -> bool {
        let here = [self.field, self.wrapper].into_iter().flatten();
        let above = || self.above.is_some_and(|above| above.is_named_after(type_name));
        here.into_iter().any(|name| is_named_after(name, type_name, self.owner)) || above()
    }
}
