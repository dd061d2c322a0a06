//! The root fields of an operation, and their arguments.

use crate::graphql::document::ast::*;
use crate::graphql::schema::{Schema, TypeKind};
use std::collections::{BTreeMap, BTreeSet};

/// A root field of an operation, including those in fragments.
#[derive(Debug, Default)]
pub struct RootField {
    /// Its type by the schema. `None` without a schema, or if it is not an object type.
    pub object_type: Option<String>,
    /// The arguments of each selection of the field.
    pub occurrences: Vec<RootArguments>,
}

/// The arguments of one selection of a root field.
#[derive(Debug, Default, PartialEq)]
pub struct RootArguments(pub(super) Vec<(String, Value)>);

/// The root fields of an operation, by name.
pub(crate) fn root_fields(
    document: &Document,
    operation: &Operation,
    schema: Option<&Schema>,
) -> BTreeMap<String, RootField> {
    let mut found: BTreeMap<String, RootField> = BTreeMap::new();
    each_root_field(document, operation, |field| {
        let root = found.entry(field.name.clone()).or_insert_with(|| RootField {
            object_type: schema.and_then(|schema| object_type_of(schema, operation, field)),
            occurrences: Vec::new(),
        });
        let arguments = RootArguments(field.arguments.clone());
        if root.occurrences.last() != Some(&arguments) {
            root.occurrences.push(arguments);
        }
    });
    found
}

/// Visits the root fields of an operation, including those in fragments.
pub(crate) fn each_root_field<'d>(
    document: &'d Document,
    operation: &'d Operation,
    mut visitor: impl FnMut(&'d Field),
) {
    let mut pending: Vec<&[Selection]> = vec![&operation.selections];
    let mut spread: BTreeSet<&str> = BTreeSet::new();
    while let Some(selections) = pending.pop() {
        for selection in selections {
            match selection {
                Selection::Field(field) => visitor(field),
                Selection::InlineFragment { selections, .. } => pending.push(selections),
                Selection::FragmentSpread { name, .. } => {
                    if spread.insert(name) {
                        let named = document.fragments.iter().filter(|one| one.name == *name);
                        pending.extend(named.map(|fragment| fragment.selections.as_slice()));
                    }
                }
            }
        }
    }
}

fn object_type_of(schema: &Schema, operation: &Operation, field: &Field) -> Option<String> {
    let of = schema.field(schema.root(operation.kind)?, &field.name)?.type_id;
    (schema.kind(of) == TypeKind::Object).then(|| schema.name(of).to_owned())
}

/// The arguments of root fields, by response key.
pub(crate) type ArgumentsByKey = Vec<(String, Vec<(String, Value)>)>;

/// The arguments of an operation's root fields, including those in fragments.
pub(super) fn arguments_by_key(document: &Document, operation: &Operation) -> ArgumentsByKey {
    let mut found = Vec::new();
    each_root_field(document, operation, |field| {
        found.push((field.response_key().to_owned(), field.arguments.clone()));
    });
    found
}
