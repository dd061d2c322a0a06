//! What is added to a query on a miss, so that its answer tells what is in it: `__typename` in
//! every selection set that lacks it, under a reserved key.
//!
//! In scope: what is added where. Not in scope: putting it into the text (`injected`), and taking
//! it out of the answer (`strip`).

use super::ast::*;
use super::injected::{Injected, RESERVED_PREFIX};

/// The response key of an added `__typename`.
pub(super) const TYPENAME_KEY: &str = "evergraph__typename";

/// The document with what is added to its selected operation and its fragments. None where there
/// is nothing to add, or where the document uses the reserved prefix itself.
pub(super) fn inject(source: &str, document: &Document, operation: &Operation) -> Option<Injected> {
    if source.contains(RESERVED_PREFIX) {
        return None;
    }
    let mut insertions = Vec::new();
    let mut pending: Vec<&Selection> = operation.selections.iter().collect();
    pending.extend(document.fragments.iter().flat_map(|fragment| &fragment.selections));
    while let Some(selection) = pending.pop() {
        match selection {
            // What a schema says of itself has types that nobody purges.
            Selection::Field(field) if field.name.starts_with("__") => {}
            Selection::Field(field) => {
                if let Some(inside) = field.opened_at.filter(|_| !shows_type(&field.selections)) {
                    insertions.push((inside, format!("{TYPENAME_KEY}:__typename ")));
                }
                pending.extend(&field.selections);
            }
            Selection::Inline { selections, .. } => pending.extend(selections),
            Selection::Spread { .. } => {}
        }
    }
    insertions.sort_unstable();
    if insertions.is_empty() { None } else { Injected::new(source, &insertions) }
}

/// Whether every answer to these selections has `__typename` under its own name.
fn shows_type(selections: &[Selection]) -> bool {
    selections.iter().any(|selection| {
        matches!(selection, Selection::Field(field)
            if field.name == "__typename" && field.alias.is_none() && field.directives.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use crate::graphql::analysis::analysed;

    fn injected(source: &str) -> Option<String> {
        analysed(source).injected.map(|injected| injected.text().to_owned())
    }

    #[test]
    fn each_selection_set_on_a_field_gets_a_type() {
        for (source, expected) in [
            ("{ a { b } }", "{ a {evergraph__typename:__typename  b } }"),
            (
                "{a(x:{y:1}){b{c}...on T{d{e}}...F}} fragment F on T{f{__typename g}h{i}}",
                "{a(x:{y:1}){evergraph__typename:__typename b{evergraph__typename:__typename c}\
                 ...on T{d{evergraph__typename:__typename e}}...F}} \
                 fragment F on T{f{__typename g}h{evergraph__typename:__typename i}}",
            ),
            (
                "{ a { t: __typename } b { __typename @include(if: $v) } }",
                "{ a {evergraph__typename:__typename  t: __typename } \
                 b {evergraph__typename:__typename  __typename @include(if: $v) } }",
            ),
        ] {
            assert_eq!(injected(source).as_deref(), Some(expected), "{source}");
        }
    }

    #[test]
    fn what_needs_nothing_is_left_alone() {
        for source in [
            "{ a b }",
            "{ a { __typename b } }",
            "{ __schema { types { name } } }",
            "{ a { evergraph__x: b } }",
            "mutation { a { b } }",
        ] {
            assert_eq!(injected(source), None, "{source}");
        }
    }
}
