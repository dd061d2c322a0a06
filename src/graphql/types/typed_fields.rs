//! A walk over an operation's fields with what a schema knows of each.
//!
//! Fragments are visited once each and not where they are spread, so that the walk takes no
//! longer than the document is long.

use crate::graphql::document::ast::*;
use crate::graphql::schema::{FieldInfo, Schema, TypeId};

/// A field of an operation or of a fragment.
#[derive(Clone, Copy)]
pub(crate) struct TypedField<'d> {
    pub field: &'d Field,
    /// What the schema says of it; none where there is no schema, or where it does not have it.
    pub info: Option<FieldInfo>,
    /// Whether it is a field of the operation itself.
    pub at_root: bool,
}

/// Visits the fields of the operation and of all fragments, but for what a schema says of itself.
pub(crate) fn visit_fields<'d>(
    document: &'d Document,
    operation: &'d Operation,
    schema: Option<&Schema>,
    mut visitor: impl FnMut(TypedField<'d>),
) {
    let root = schema.and_then(|schema| schema.root(operation.kind));
    let named = |name: &str| schema.and_then(|schema| schema.type_named(name));
    let mut pending: Vec<(Option<TypeId>, &'d [Selection])> = vec![(root, &operation.selections)];
    pending.extend(document.fragments.iter().map(|f| (named(&f.on), f.selections.as_slice())));
    while let Some((parent, selections)) = pending.pop() {
        for selection in selections {
            match selection {
                Selection::Field(field) if field.name.starts_with("__") => {}
                Selection::Field(field) => {
                    let of_schema = schema.zip(parent);
                    let info = of_schema.and_then(|(schema, of)| schema.field(of, &field.name));
                    // A fragment on the root's type may stand there.
                    let at_root = parent.is_some() && parent == root;
                    visitor(TypedField { field, info, at_root });
                    pending.push((info.map(|info| info.type_id), &field.selections));
                }
                Selection::InlineFragment { on, selections, .. } => {
                    let on = on.as_deref().map_or(parent, named);
                    pending.push((on, selections));
                }
                Selection::FragmentSpread { .. } => {}
            }
        }
    }
}
