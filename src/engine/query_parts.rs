//! The cache types of a GraphQL query, by its root fields.
//!
//! Each root field is a part of the query. Its cache types are those that match the field by name
//! and, with a schema, those that match its object type. A field that no type matches has the
//! default type. Anything else that is known about the query can only restrict it: types deeper in
//! the query (known with a schema), and types that match the operation's name (which the client
//! chooses).

use crate::config::{CacheType, Config, Match};
use crate::graphql::{Analysis, ArgumentMatch, OperationRequest, RootField};
use crate::http::glob;

/// The meta field that every type has (GraphQL §4.4). It reveals nothing, so it needs no type.
const TYPENAME: &str = "__typename";

/// The cache types of a query.
#[derive(Debug)]
pub(super) struct QueryParts<'c> {
    /// All matching types but the default, in the order of the configuration.
    pub types: Vec<&'c CacheType>,
    /// The types that must each cover every signal of the request, including the default.
    pub covering: Vec<&'c CacheType>,
    /// The root fields with the default type, in order.
    pub undeclared: Vec<String>,
    /// Whether types in the response may still match all root fields that have the default type.
    pub may_be_declared: bool,
    /// Whether the query is introspection only.
    pub is_introspection: bool,
}

impl<'c> QueryParts<'c> {
    /// Determines the cache types of a query.
    pub fn of(config: &'c Config, query: &OperationRequest, analysis: &Analysis) -> Self {
        let fields = || analysis.roots.iter().filter(|(name, _)| *name != TYPENAME);
        let mut own: Vec<&CacheType> = Vec::new();
        let mut undeclared = Vec::new();
        let mut may_be_declared = !config.types_by_answer_alone().is_empty();
        for (name, field) in fields() {
            let matching = FieldTypes::of(config, query, analysis, name, field);
            add(&mut own, &matching.types);
            if !matching.declares {
                undeclared.push(name.clone());
                may_be_declared &= field.object_type.is_none();
            }
        }
        // A query without a root field is treated like a field that no type matches.
        if fields().next().is_none() {
            undeclared.push(TYPENAME.to_owned());
            may_be_declared = false;
        }
        let expected: Vec<&str> = analysis.expected.types.iter().map(String::as_str).collect();
        let deeper = config.types_of_answer(&expected);
        let of_operation = analysis
            .name
            .as_deref()
            .map(|name| config.types_of_operation(name))
            .unwrap_or_default();
        let mut covering = own.clone();
        let scoped: Vec<_> = deeper.iter().copied().filter(|one| one.scope.is_some()).collect();
        add(&mut covering, &scoped);
        if !undeclared.is_empty() {
            covering.push(&config.default_type);
        }
        add(&mut own, &deeper);
        add(&mut own, &of_operation);
        Self {
            types: config.types.iter().filter(|one| has(&own, one)).collect(),
            covering,
            is_introspection: fields().next().is_some()
                && fields().all(|(name, _)| name.starts_with("__")),
            undeclared,
            may_be_declared,
        }
    }

    /// The matching types, and the default type if a root field has it.
    pub fn applied(&self, config: &'c Config) -> Vec<&'c CacheType> {
        let default = (!self.undeclared.is_empty()).then_some(&config.default_type);
        self.types.iter().copied().chain(default).collect()
    }
}

/// The cache types that match a root field.
struct FieldTypes<'c> {
    types: Vec<&'c CacheType>,
    /// Whether a type is certain to match wherever the query has the field.
    declares: bool,
}

impl<'c> FieldTypes<'c> {
    fn of(
        config: &'c Config,
        query: &OperationRequest,
        analysis: &Analysis,
        name: &str,
        field: &RootField,
    ) -> Self {
        let object_type: Vec<&str> = field.object_type.iter().map(String::as_str).collect();
        let mut types = config.types_of_answer(&object_type);
        let mut declared: Vec<bool> = vec![!types.is_empty(); field.occurrences.len()];
        for one in &config.types {
            let patterns = one.matches.iter().filter_map(|one| match one {
                Match::QueryField(pattern) if glob(&pattern.name, name) => Some(pattern),
                _ => None,
            });
            for pattern in patterns {
                for (place, declared) in field.occurrences.iter().zip(&mut declared) {
                    let variables = query.variables.as_ref();
                    let agreement = analysis.match_arguments(place, &pattern.arguments, variables);
                    // A possible match restricts the query, but does not declare the field.
                    if agreement != ArgumentMatch::No {
                        add(&mut types, &[one]);
                    }
                    *declared |= agreement == ArgumentMatch::Yes;
                }
            }
        }
        Self { types, declares: declared.into_iter().all(|declared| declared) }
    }
}

fn has(types: &[&CacheType], one: &CacheType) -> bool {
    types.iter().any(|known| known.name == one.name)
}

fn add<'c>(types: &mut Vec<&'c CacheType>, more: &[&'c CacheType]) {
    for one in more {
        if !has(types, one) {
            types.push(one);
        }
    }
}

#[cfg(test)]
mod tests;
