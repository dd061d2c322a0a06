//! Resolves `@skip` and `@include` with literal conditions (GraphQL §3.13): `a @skip(if: true)` is
//! removed, and `b @include(if: true)` becomes `b`.

use super::ast::*;

/// Resolves the literal conditions in a document.
pub(crate) fn resolve_literal_directives(document: &mut Document) {
    for operation in &mut document.operations {
        resolve_selections(&mut operation.selections);
    }
    for fragment in &mut document.fragments {
        resolve_selections(&mut fragment.selections);
    }
}

/// Recursion is bounded by the parser's limit on nested selection sets.
fn resolve_selections(selections: &mut Vec<Selection>) {
    selections.retain_mut(|selection| {
        let (directives, inner) = match selection {
            Selection::Field(field) => (&mut field.directives, Some(&mut field.selections)),
            Selection::FragmentSpread { directives, .. } => (directives, None),
            Selection::InlineFragment { directives, selections, .. } => {
                (directives, Some(selections))
            }
        };
        if directives.iter().any(|directive| literal_condition(directive) == Some(false)) {
            return false;
        }
        directives.retain(|directive| literal_condition(directive).is_none());
        if let Some(inner) = inner {
            resolve_selections(inner);
        }
        true
    });
}

/// Whether a directive keeps its selection. `None` if a variable or something else decides.
fn literal_condition(directive: &Directive) -> Option<bool> {
    let [(name, Value::Word(word))] = directive.arguments.as_slice() else { return None };
    let condition = match (name.as_str(), word.as_str()) {
        ("if", "true") => true,
        ("if", "false") => false,
        _ => return None,
    };
    match directive.name.as_str() {
        "include" => Some(condition),
        "skip" => Some(!condition),
        _ => None,
    }
}
