//! Chooses the fields that are added to a query on a miss, so that its response shows which
//! entities it holds: `__typename` in every selection set that lacks it, and the key fields that
//! the schema has. All get reserved response keys.
//!
//! Not in scope: inserting them into the text (`injected_document`) and taking them out of the
//! response (`strip`).

use super::injected_document::InjectedDocument;
use super::reserved_keys::{RESERVED_PREFIX, TYPENAME_KEY, key_of_added};
use crate::graphql::document::ast::*;
use crate::graphql::types::knowledge::TypeKnowledge;
use crate::graphql::types::typed_fields::{TypedField, visit_fields};
use crate::order;

/// The document with additions to its operation and fragments. `None` if there is nothing to add,
/// or if the document itself uses the reserved prefix.
pub(crate) fn inject(
    source: &str,
    document: &Document,
    operation: &Operation,
    knowledge: &TypeKnowledge<'_>,
) -> Option<InjectedDocument> {
    if source.contains(RESERVED_PREFIX) {
        return None;
    }
    let mut insertions = Vec::new();
    visit_fields(document, operation, knowledge.schema, |TypedField { field, info, .. }| {
        let Some(inside) = field.selection_set_start else { return };
        let mut text = String::new();
        if !always_selects(&field.selections, "__typename", true) {
            text.push_str(TYPENAME_KEY);
            text.push_str(":__typename ");
        }
        if let (Some(info), Some(schema)) = (info, knowledge.schema) {
            for key in knowledge.fields_to_add(info.type_id) {
                if !always_selects(&field.selections, key, false) {
                    let response_key = key_of_added(key, schema.name(info.type_id));
                    text.push_str(&format!("{response_key}:{key} "));
                }
            }
        }
        if !text.is_empty() {
            insertions.push((inside, text));
        }
    });
    order::sort(&mut insertions);
    if insertions.is_empty() { None } else { InjectedDocument::new(source, &insertions) }
}

/// `true` if every response to these selections has the field. If `plainly`, it must not be
/// aliased.
fn always_selects(selections: &[Selection], name: &str, plainly: bool) -> bool {
    selections.iter().any(|selection| {
        matches!(selection, Selection::Field(field)
            if field.name == name && field.directives.is_empty()
                && !(plainly && field.alias.is_some()))
    })
}

#[cfg(test)]
mod tests {
    use crate::graphql::Schema;
    use crate::graphql::{analysis_of, analysis_with_schema};

    fn injected(source: &str) -> Option<String> {
        analysis_of(source).injected.map(|injected| injected.text().to_owned())
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

    #[test]
    fn a_schema_adds_what_identifies() {
        let schema = Schema::from_sdl(
            "type Query { a: A, u: U, b: [B!]!, n: N, c: C }
             union U = A | B
             interface N { id: ID! }
             type A implements N { id: ID!, uuid: ID, b: B }
             type B { _id: Int, name: String }
             type C { id(of: Int!): ID, uuid: ID }",
        )
        .unwrap();
        for (source, expected) in [
            (
                "{a{b{name}}}",
                "{a{evergraph__typename:__typename evergraph__key_id__A:id \
                 b{evergraph__typename:__typename evergraph__key__id__B:_id name}}}",
            ),
            ("{a{x:id}}", "{a{evergraph__typename:__typename x:id}}"),
            (
                "{u{...on B{name}}n{__typename}}",
                "{u{evergraph__typename:__typename ...on B{name}}n{evergraph__key_id__N:id __typename}}",
            ),
            ("{c{uuid}}", "{c{evergraph__typename:__typename uuid}}"),
        ] {
            let analysis = analysis_with_schema(source, &schema);
            assert_eq!(analysis.injected.unwrap().text(), expected, "{source}");
        }
    }
}
