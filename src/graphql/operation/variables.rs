//! Declared variables, and the canonical text of their values.

use crate::graphql::document::ast::{self, VariableDefinition};
use crate::order;
use serde_json::{Map, Value};

/// A variable that an operation declares.
#[derive(Debug, Clone, PartialEq)]
pub struct DeclaredVariable {
    /// Its name.
    pub name: String,
    /// Its default as JSON.
    pub default: Option<Value>,
    /// `true` if it has a default that JSON cannot express exactly.
    pub inexact_default: bool,
}

impl DeclaredVariable {
    pub(super) fn of(definition: &VariableDefinition) -> Self {
        let default = definition.default.as_ref().map(ast::Value::to_json);
        let inexact_default = default == Some(None);
        Self { name: definition.name.clone(), default: default.flatten(), inexact_default }
    }
}

/// The values of the declared variables as canonical JSON. Names and the fields of objects are
/// sorted; numbers keep their source text. A variable without a value has its default. Undeclared
/// variables are left out, because the origin does not get them either.
pub fn canonical_variables(
    variables: Option<&Map<String, Value>>,
    declared: &[DeclaredVariable],
) -> String {
    // serde_json's `Map` sorts by key, and its numbers keep their text.
    let counted = declared.iter().filter_map(|one| {
        let value = variables.and_then(|variables| variables.get(&one.name));
        Some((one.name.clone(), value.or(one.default.as_ref())?.clone()))
    });
    Value::Object(order::object_of(counted)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(json: &str) -> String {
        let Ok(Value::Object(map)) = serde_json::from_str(json) else { panic!("{json}") };
        canonical_variables(Some(&map), &[declared("a", None), declared("b", None)])
    }

    fn declared(name: &str, default: Option<Value>) -> DeclaredVariable {
        DeclaredVariable { name: name.to_owned(), default, inexact_default: false }
    }

    #[test]
    fn a_default_stands_for_what_is_left_out() {
        let variables = [declared("a", Some(1.into()))];
        let of = |json: &str| {
            let Ok(Value::Object(map)) = serde_json::from_str(json) else { panic!("{json}") };
            canonical_variables(Some(&map), &variables)
        };
        assert_eq!(canonical_variables(None, &variables), "{\"a\":1}");
        assert_eq!(of("{}"), of("{\"a\":1}"));
        assert_ne!(of("{}"), of("{\"a\":null}"));
    }

    #[test]
    fn order_and_white_space_do_not_count() {
        assert_eq!(
            canonical("{\"b\":{\"y\":1,\"x\":2},\"a\":[1, 2]}"),
            canonical("{ \"a\": [1,2], \"b\": {\"x\":2,\"y\":1} }")
        );
    }

    #[test]
    fn values_count_by_their_own_text() {
        assert_ne!(canonical("{\"a\":1}"), canonical("{\"a\":1.0}"));
        assert_ne!(canonical("{\"a\":1}"), canonical("{\"a\":\"1\"}"));
        assert_ne!(canonical("{\"a\":null}"), canonical("{}"));
        assert_ne!(canonical("{\"a\":[1,2]}"), canonical("{\"a\":[2,1]}"));
        assert_ne!(
            canonical("{\"a\":123456789012345678901}"),
            canonical("{\"a\":123456789012345678902}")
        );
    }

    #[test]
    fn undeclared_variables_do_not_count() {
        assert_eq!(canonical("{\"a\":1,\"z\":2}"), canonical("{\"a\":1}"));
        assert_eq!(canonical_variables(None, &[]), "{}");
    }
}
