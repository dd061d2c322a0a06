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
    pub plain: bool,
    /// Whether its arguments name what it shows.
    pub chosen: Chosen,
    /// The selections on it; none for a leaf.
    pub shape: Option<Shape>,
}

/// Whether a field's arguments name the objects that it shows, so that no other object can take
/// their place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chosen {
    /// They do not, as far as can be seen.
    No,
    /// One by its id: `node(id: 7)`.
    One,
    /// Several by their ids: `nodes(ids: [7, 8])`.
    Many,
}

impl Chosen {
    fn by(arguments: &[(String, Value)]) -> Self {
        let is = |names: &[&str]| {
            arguments.iter().any(|(argument, _)| names.contains(&argument.as_str()))
        };
        if is(&["ids", "_ids", "uuids", "nodeIds", "pks"]) {
            Self::Many
        } else if is(&["id", "_id", "uuid", "nodeId", "databaseId", "pk"]) {
            Self::One
        } else {
            Self::No
        }
    }
}

/// Fragments nest no deeper than there are fragments; this keeps the walk's stack small.
const FRAGMENT_DEPTH: usize = 64;

/// How deep an answer may nest, fragments spread: what walks it has a stack of its own depth.
const ANSWER_DEPTH: usize = 200;

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
    pub(crate) fn allows_others_than(&self, type_name: &str) -> bool {
        self.conditions.iter().any(|condition| condition != type_name)
    }

    /// How many fields it has in all.
    pub fn size(&self) -> usize {
        let below = |field: &ShapeField| field.shape.as_ref().map_or(0, Shape::size);
        self.fields.values().map(|field| 1 + below(field)).sum()
    }

    /// The names of the fields, each once, in order.
    pub fn names(&self) -> Vec<&str> {
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
            return Err(ShapeFault::Ambiguous);
        }
        let most = limits.of(Limit::Selections);
        let mut merge = Merge { fragments, selections: 0, most, depth: 0, level: 0 };
        let mut shape = Self::default();
        merge.merge_selections(&mut shape, &operation.selections)?;
        Ok((shape, merge.selections))
    }
}

/// Why an operation's answer has no shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ShapeFault {
    /// A fragment is not there.
    Missing,
    /// Two fragments have one name; which of them a server would take is open.
    Ambiguous,
    /// Its fragments spread too far, or in circles.
    TooMany,
}

struct Merge<'d> {
    fragments: HashMap<&'d str, &'d Fragment>,
    selections: usize,
    most: usize,
    depth: usize,
    level: usize,
}

impl<'d> Merge<'d> {
    fn merge_selections(
        &mut self,
        shape: &mut Shape,
        selections: &'d [Selection],
    ) -> Result<(), ShapeFault> {
        for selection in selections {
            self.selections += 1;
            if self.selections > self.most {
                return Err(ShapeFault::TooMany);
            }
            match selection {
                Selection::Field(field) => self.field(shape, field)?,
                Selection::Inline { on, selections, .. } => {
                    shape.conditions.extend(on.clone());
                    self.merge_selections(shape, selections)?;
                }
                Selection::Spread { name, .. } => {
                    if self.depth >= FRAGMENT_DEPTH {
                        return Err(ShapeFault::TooMany);
                    }
                    let fragment = self.fragments.get(name.as_str());
                    let fragment = *fragment.ok_or(ShapeFault::Missing)?;
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
        let chosen = Chosen::by(&field.arguments);
        let entry = shape.fields.entry(field.response_key().to_owned()).or_insert_with(|| {
            ShapeField { name: Some(field.name.clone()), plain: true, chosen, shape: None }
        });
        entry.plain &= field.arguments.is_empty();
        if entry.chosen != chosen {
            entry.chosen = Chosen::No;
        }
        if entry.name.as_deref() != Some(field.name.as_str()) {
            entry.name = None;
        }
        if field.opened_at.is_none() {
            return Ok(());
        }
        if self.level >= ANSWER_DEPTH {
            return Err(ShapeFault::TooMany);
        }
        self.level += 1;
        self.merge_selections(entry.shape.get_or_insert_default(), &field.selections)?;
        self.level -= 1;
        Ok(())
    }
}
