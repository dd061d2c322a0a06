//! Which entries of `match` matched.

use crate::admin::MatchedType;
use crate::config::{CacheType, Config, Match};
use crate::engine::query_parts::QueryParts;
use crate::graphql::{Analysis, ArgumentMatch, OperationRequest};
use crate::http::{Request, glob};

/// The cache types of a query.
pub(super) fn types_of_query(
    config: &Config,
    query: &OperationRequest,
    analysis: &Analysis,
    parts: &QueryParts<'_>,
) -> Vec<MatchedType> {
    let matches = |one: &Match| match one {
        Match::GraphQlType(wanted) => {
            let is_it = |name: &String| name == wanted || config.are_same(name, wanted);
            let of_roots = analysis.roots.values().filter_map(|field| field.object_type.as_ref());
            of_roots.chain(&analysis.expected.types).any(is_it)
        }
        Match::QueryField(pattern) => analysis.roots.iter().any(|(name, field)| {
            let fits = |place| {
                let variables = query.variables.as_ref();
                let agreement = analysis.match_arguments(place, &pattern.arguments, variables);
                agreement != ArgumentMatch::No
            };
            name != "__typename" && glob(&pattern.name, name) && field.occurrences.iter().any(fits)
        }),
        Match::Operation(pattern) => {
            analysis.name.as_deref().is_some_and(|name| glob(pattern, name))
        }
        Match::Rest(_) => false,
    };
    let matched = |one: &&CacheType| MatchedType {
        name: one.name.clone(),
        matched_by: one.matches.iter().filter(|one| matches(one)).map(Match::to_text).collect(),
    };
    let mut types: Vec<MatchedType> = parts.types.iter().map(matched).collect();
    if !parts.undeclared.is_empty() {
        let fields = parts.undeclared.iter().map(|name| format!("Query.{name}"));
        types.push(MatchedType { name: "default".to_owned(), matched_by: fields.collect() });
    }
    types
}

/// The cache types of a path.
pub(super) fn types_of_path(request: &Request, types: &[&CacheType]) -> Vec<MatchedType> {
    let path = request.url.comparable_path();
    let matched = types.iter().map(|one| MatchedType {
        name: one.name.clone(),
        matched_by: one.matches_of_path(&path).map(Match::to_text).collect(),
    });
    matched.collect()
}
