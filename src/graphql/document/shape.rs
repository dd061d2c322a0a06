//! The shape of an answer: for each response key, which field it is, fragments merged in.
//!
//! A client may call any field `id` or `kind: __typename`; the shape tells what a key really
//! holds. Where fragments on different types give one key two fields, the key is ambiguous and
//! proves nothing.

use super::ast::*;
use crate::limits::{Amounts, Limit};
use std::collections::{BTreeSet, HashMap};

/// What the selections on one object ask.
#[derive(Debug, Default, PartialEq)]
pub struct Shape {
    fields: HashMap<String, ShapeField>,
    /// The types on which fragments stand here.
    conditions: BTreeSet<String>,
}

/// What stands under one response key.
#[derive(Debug, PartialEq)]
pub struct ShapeField {
    /// The field's name; none where the key is ambiguous.
    pub name: Option<String>,
    /// Whether it is asked without arguments.
    pub has_no_arguments: bool,
    /// Whether its arguments name what it shows.
    pub id_arguments: IdArguments,
    /// The selections on it; none for a leaf.
    pub shape: Option<Shape>,
}

/// Whether a field's arguments name the objects that it shows, so that no other object can take
/// their place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdArguments {
    /// They do not, as far as can be seen.
    None,
    /// One by its id: `node(id: 7)`.
    One,
    /// Several by their ids: `nodes(ids: [7, 8])`.
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

/// Fragments nest no deeper than there are fragments; this keeps the walk's stack small.
const FRAGMENT_DEPTH: usize = 64;

/// How deep an answer may nest, fragments spread: what walks it has a stack of its own depth.
const RESPONSE_DEPTH: usize = 200;

impl Shape {
    /// The field under a response key.
    pub fn field(&self, response_key: &str) -> Option<&ShapeField> {
        self.fields.get(response_key)
    }

    /// All fields, by their response keys.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &ShapeField)> {
        self.fields.iter().map(|(key, field)| (key.as_str(), field))
    }

    /// Whether a fragment stands here on another type than that one.
    pub(crate) fn has_other_type_condition(&self, type_name: &str) -> bool {
        self.conditions.iter().any(|condition| condition != type_name)
    }

    /// How many fields it has in all.
    pub fn size(&self) -> usize {
        let below = |field: &ShapeField| field.shape.as_ref().map_or(0, Shape::size);
        self.fields.values().map(|field| 1 + below(field)).sum()
    }

    /// The names of the fields, each once, in order.
    pub fn field_names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.fields.values().filter_map(|f| f.name.as_deref()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Whether any key is ambiguous.
    pub fn is_ambiguous(&self) -> bool {
        self.fields.values().any(|field| field.name.is_none())
    }

    /// The shape of an operation's answer, and how many selections make it.
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

/// Why an operation's answer has no shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ShapeFault {
    /// A fragment is not there.
    MissingFragment,
    /// Two fragments have one name; which of them a server would take is open.
    DuplicateFragment,
    /// Its fragments spread too far, or in circles.
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
