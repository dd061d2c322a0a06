//! A walk over an operation's fields, with their types.
//!
//! It visits each fragment once, instead of wherever it is spread, so that it takes linear time.

use crate::graphql::document::ast::*;
use crate::graphql::schema::{FieldInfo, Schema, TypeId};

/// A field of an operation or of a fragment.
#[derive(Clone, Copy)]
pub(crate) struct TypedField<'d> {
    pub field: &'d Field,
    /// The field in the schema. `None` if there is no schema, or no such field in it.
    pub info: Option<FieldInfo>,
    /// `true` if it is a root field of the operation.
    pub at_root: bool,
}

/// Visits the fields of the operation and of all fragments, except introspection fields.
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
                    // A fragment on the root type may be spread there.
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
