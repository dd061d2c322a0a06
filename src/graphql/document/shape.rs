//! The shape of a response: which field each response key stands for, with fragments merged in
//! (GraphQL §6.3.2 CollectFields).
//!
//! A client may alias any field to `id`, or write `kind: __typename`; the shape says which field a
//! key really holds. If fragments on different types select two fields under one key, the key is
//! ambiguous and proves nothing.

use super::ast::*;
use crate::limits::{Amounts, Limit};
use crate::order;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The merged selections on one object.
#[derive(Debug, Default, PartialEq)]
pub struct Shape {
    fields: BTreeMap<String, ShapeField>,
    /// The type conditions of the fragments here.
    conditions: BTreeSet<String>,
}

/// The field under one response key.
#[derive(Debug, PartialEq)]
pub struct ShapeField {
    /// The field's name. `None` if the key is ambiguous.
    pub name: Option<String>,
    /// `true` if it is selected without arguments.
    pub has_no_arguments: bool,
    /// Whether its arguments give the ids of the objects it returns.
    pub id_arguments: IdArguments,
    /// Its selections. `None` for a leaf.
    pub shape: Option<Shape>,
}

/// Whether a field's arguments give the ids of the objects it returns. If so, no other object can
/// take their place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdArguments {
    /// No argument is known to be an id.
    None,
    /// One id: `node(id: 7)`.
    One,
    /// Several ids: `nodes(ids: [7, 8])`.
    Many,
}

impl IdArguments {
    fn by(arguments: &[(String, Value)]) -> Self {
        let is = |names: &[&str]| {
            arguments.iter().any(|(argument, _)| names.contains(&argument.as_str()))
        };
        if is(&["ids", "_ids", "uuids", "nodeIds", "pks"]) {
            Self::Many
        } else if is(&["id", "_id", "uuid", "nodeId", "databaseId", "pk"]) {
            Self::One
        } else {
            Self::None
        }
    }
}

/// The greatest depth of nested fragment spreads, which bounds recursion.
const FRAGMENT_DEPTH: usize = 64;

/// The greatest depth of a response, fragments included, because walks over it recurse.
const RESPONSE_DEPTH: usize = 200;

impl Shape {
    /// The field under a response key, if there is one.
    pub fn field(&self, response_key: &str) -> Option<&ShapeField> {
        self.fields.get(response_key)
    }

    /// All fields, with their response keys.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &ShapeField)> {
        self.fields.iter().map(|(key, field)| (key.as_str(), field))
    }

    /// `true` if a fragment here has a type condition other than this type.
    pub(crate) fn has_other_type_condition(&self, type_name: &str) -> bool {
        self.conditions.iter().any(|condition| condition != type_name)
    }

    /// The number of fields, nested ones included.
    pub fn size(&self) -> usize {
        let below = |field: &ShapeField| field.shape.as_ref().map_or(0, Shape::size);
        self.fields.values().map(|field| 1 + below(field)).sum()
    }

    /// The sorted names of the fields, without duplicates.
    pub fn field_names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.fields.values().filter_map(|f| f.name.as_deref()).collect();
        order::sort(&mut names);
        names.dedup();
        names
    }

    /// `true` if any key of this object is ambiguous.
    pub fn is_ambiguous(&self) -> bool {
        self.fields.values().any(|field| field.name.is_none())
    }

    /// The shape of an operation's response, and the number of selections that were merged.
    pub(crate) fn of(
        document: &Document,
        operation: &Operation,
        limits: &Amounts,
    ) -> Result<(Self, usize), ShapeFault> {
        let fragments: HashMap<&str, &Fragment> =
            document.fragments.iter().map(|f| (f.name.as_str(), f)).collect();
        if fragments.len() < document.fragments.len() {
            return Err(ShapeFault::DuplicateFragment);
        }
        let most = limits.of(Limit::Selections);
        let mut builder = ShapeBuilder { fragments, selections: 0, most, depth: 0, level: 0 };
        let mut shape = Self::default();
        builder.merge_selections(&mut shape, &operation.selections)?;
        Ok((shape, builder.selections))
    }
}

/// Why a response has no shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ShapeFault {
    /// A fragment is not defined.
    MissingFragment,
    /// Two fragments have one name, and servers differ in which one they use.
    DuplicateFragment,
    /// There are too many selections, or fragments that spread each other.
    OverLimit,
}

struct ShapeBuilder<'d> {
    fragments: HashMap<&'d str, &'d Fragment>,
    selections: usize,
    most: usize,
    depth: usize,
    level: usize,
}

impl<'d> ShapeBuilder<'d> {
    fn merge_selections(
        &mut self,
        shape: &mut Shape,
        selections: &'d [Selection],
    ) -> Result<(), ShapeFault> {
        for selection in selections {
            self.selections += 1;
            if self.selections > self.most {
                return Err(ShapeFault::OverLimit);
            }
            match selection {
                Selection::Field(field) => self.field(shape, field)?,
                Selection::InlineFragment { on, selections, .. } => {
                    shape.conditions.extend(on.clone());
                    self.merge_selections(shape, selections)?;
                }
                Selection::FragmentSpread { name, .. } => {
                    if self.depth >= FRAGMENT_DEPTH {
                        return Err(ShapeFault::OverLimit);
                    }
                    let fragment = self.fragments.get(name.as_str());
                    let fragment = *fragment.ok_or(ShapeFault::MissingFragment)?;
                    shape.conditions.insert(fragment.on.clone());
                    self.depth += 1;
                    self.merge_selections(shape, &fragment.selections)?;
                    self.depth -= 1;
                }
            }
        }
        Ok(())
    }

    fn field(&mut self, shape: &mut Shape, field: &'d Field) -> Result<(), ShapeFault> {
        let id_arguments = IdArguments::by(&field.arguments);
        let entry =
            shape.fields.entry(field.response_key().to_owned()).or_insert_with(|| ShapeField {
                name: Some(field.name.clone()),
                has_no_arguments: true,
                id_arguments,
                shape: None,
            });
        entry.has_no_arguments &= field.arguments.is_empty();
        if entry.id_arguments != id_arguments {
            entry.id_arguments = IdArguments::None;
        }
        if entry.name.as_deref() != Some(field.name.as_str()) {
            entry.name = None;
        }
        if field.selection_set_start.is_none() {
            return Ok(());
        }
        if self.level >= RESPONSE_DEPTH {
            return Err(ShapeFault::OverLimit);
        }
        self.level += 1;
        self.merge_selections(entry.shape.get_or_insert_default(), &field.selections)?;
        self.level -= 1;
        Ok(())
    }
}
