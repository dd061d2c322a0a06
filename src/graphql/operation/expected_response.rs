//! What the schema says about a response before it is fetched.

use crate::graphql::document::ast::{Document, Operation};
use crate::graphql::schema::{Schema, TypeKind};
use crate::graphql::types::typed_fields::visit_fields;
use std::collections::BTreeSet;

/// The types and cache hints that the schema gives for a response.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExpectedResponse {
    /// The object types of its fields, where the schema leaves only one possible type.
    pub types: BTreeSet<String>,
    /// The smallest `maxAge` of its hints, in seconds.
    pub max_age: Option<u32>,
    /// `true` if every root field has a `maxAge` hint.
    pub all_hinted: bool,
    /// `true` if any hint has the scope `PRIVATE`.
    pub private: bool,
}

impl ExpectedResponse {
    pub(crate) fn of(document: &Document, operation: &Operation, schema: &Schema) -> Self {
        let mut expected = Self { all_hinted: true, ..Self::default() };
        visit_fields(document, operation, Some(schema), |visited| {
            let Some(info) = visited.info else {
                expected.all_hinted &= !visited.at_root;
                return;
            };
            if schema.kind(info.type_id) == TypeKind::Object {
                expected.types.insert(schema.name(info.type_id).to_owned());
            }
            // The hint on a field takes precedence over that on its type.
            let of_type = schema.hint(info.type_id);
            let inherits = info.hint.inherit || (info.hint.max_age.is_none() && of_type.inherit);
            let max_age = info.hint.max_age.or(of_type.max_age).filter(|_| !inherits);
            expected.all_hinted &= !visited.at_root || max_age.is_some();
            expected.max_age = expected.max_age.into_iter().chain(max_age).min();
            expected.private |= info.hint.private || of_type.private;
        });
        expected
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graphql::analysis_with_schema;

    const SDL: &str = "
        type Query { me: User, posts: [Post] @cacheControl(maxAge: 60), node: Node, now: Int }
        interface Node { id: ID }
        type User implements Node @cacheControl(scope: PRIVATE, maxAge: 30) { id: ID }
        type Post implements Node @cacheControl(maxAge: 10) {
            id: ID, author: User @cacheControl(inheritMaxAge: true), votes: Int @cacheControl(maxAge: 5)
        }";

    fn expected(document: &str) -> (Vec<String>, Option<u32>, bool) {
        let schema = Schema::from_sdl(SDL).unwrap();
        let expected = analysis_with_schema(document, &schema).expected;
        (expected.types.into_iter().collect(), expected.max_age, expected.private)
    }

    #[test]
    fn types_and_hints_are_known_beforehand() {
        for (document, types, max_age, private) in [
            ("{ now }", vec![], None, false),
            ("{ me { id } }", vec!["User"], Some(30), true),
            ("{ posts { id } }", vec!["Post"], Some(60), false),
            ("{ posts { votes } }", vec!["Post"], Some(5), false),
            ("{ posts { author { id } } }", vec!["Post", "User"], Some(60), true),
            ("{ node { id } }", vec![], None, false),
            ("{ node { ... on Post { author { id } } } }", vec!["User"], None, true),
            ("{ ...F } fragment F on Query { posts { id } }", vec!["Post"], Some(60), false),
            ("{ unknown { id } }", vec![], None, false),
        ] {
            let types: Vec<String> = types.into_iter().map(str::to_owned).collect();
            assert_eq!(expected(document), (types, max_age, private), "{document}");
        }
    }
}
