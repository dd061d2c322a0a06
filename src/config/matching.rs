//! What of the configuration matches.

use super::kinds::*;
use super::rest::Resource;
use crate::http::{Case, PathPattern, glob, segment_decoded};
use crate::tag::TagSet;
use crate::time::Ttl;

impl Config {
    /// Whether the path is never cached.
    pub fn bypasses(&self, path: &str) -> bool {
        any_matches(&self.bypass, path, self.case_of(path))
    }

    /// Whether a folded path is one that is never cached.
    pub fn bypasses_folded(&self, folded: &str) -> bool {
        any_matches(&self.bypass, folded, Case::Ignored)
    }

    /// Whether the path speaks GraphQL over HTTP.
    pub fn is_graphql(&self, path: &str) -> bool {
        any_matches(&self.graphql.paths, path, Case::Counts)
    }

    /// Whether a folded path is one that speaks GraphQL over HTTP.
    pub fn is_graphql_folded(&self, folded: &str) -> bool {
        any_matches(&self.graphql.paths, folded, Case::Ignored)
    }

    /// Whether the folded path is stored for fewer than the path itself: it has a cache type that the
    /// path does not have, with a scope or a ttl of 0, or without a scope where each type of the path
    /// has one. A type without a scope covers no signal. To an origin that folds paths both are one.
    pub fn is_stricter_folded(&self, path: &str, folded: &str) -> bool {
        let own = self.types_of_path(path);
        let own_are_scoped = !own.is_empty() && own.iter().all(|one| one.scope.is_some());
        let is_strict = |one: &&CacheType| {
            own_are_scoped || one.scope.is_some() || one.ttl.seconds().is_some_and(Ttl::is_zero)
        };
        self.types.iter().filter(is_strict).any(|one| {
            matches_path(one, folded, Case::Ignored) && !matches_path(one, path, one.case())
        })
    }

    /// The cache types of a REST path.
    pub fn types_of_path(&self, path: &str) -> Vec<&CacheType> {
        self.types.iter().filter(|one| matches_path(one, path, one.case())).collect()
    }

    /// Whether the case of a REST path tells it apart. It does not where every cache type says so,
    /// those of the path in lower case included: that is the path which the origin is asked for,
    /// and no spelling may lead around a type that counts case.
    pub fn case_of(&self, path: &str) -> Case {
        if !self.types.iter().any(|one| one.rest.ignore_case) {
            return Case::Counts;
        }
        let mut types = self.types_of_path(path);
        types.extend(self.types_of_path(&path.to_ascii_lowercase()));
        let ignored = !types.is_empty() && types.iter().all(|one| one.rest.ignore_case);
        let is_graphql = any_matches(&self.graphql.paths, path, Case::Ignored);
        if ignored && !is_graphql { Case::Ignored } else { Case::Counts }
    }

    /// The path by which a REST path's entries are tagged: in lower case where case does not matter.
    pub fn tagged_path(&self, path: &str) -> String {
        match self.case_of(path) {
            Case::Counts => path.to_owned(),
            Case::Ignored => path.to_ascii_lowercase(),
        }
    }

    /// The cache types of an operation by its name.
    pub fn types_of_operation(&self, operation: &str) -> Vec<&CacheType> {
        self.types_matching(
            |one| matches!(one, Match::Operation(pattern) if glob(pattern, operation)),
        )
    }

    /// The cache types of an answer by the GraphQL types in it, under every name that they have.
    pub fn types_of_answer(&self, type_names: &[&str]) -> Vec<&CacheType> {
        self.types_matching(|one| match one {
            Match::GraphQlType(wanted) => {
                type_names.iter().any(|name| *name == wanted || self.are_same(name, wanted))
            }
            _ => false,
        })
    }

    /// The cache types that only an answer can show to apply.
    pub fn types_by_answer_alone(&self) -> Vec<&CacheType> {
        self.types_matching(|one| matches!(one, Match::GraphQlType(_)))
    }

    /// The resources that a path is, whatever its case, each with the decoded values of its
    /// parameters: a path and a body name the same thing in the same way.
    pub fn resources_of(&self, path: &str) -> Vec<(&Resource, Vec<(String, String)>)> {
        let found = self.resources.iter().filter_map(|resource| {
            let parameters = resource.path.matches_with(path, Case::Ignored)?;
            let decoded = |(name, value): (String, String)| {
                let value = segment_decoded(&value).unwrap_or(value);
                (name, value)
            };
            Some((resource, parameters.into_iter().map(decoded).collect()))
        });
        found.collect()
    }

    /// The tags that `resources` give a path by itself. Those with a value of the body are not
    /// among them.
    pub fn resource_tags(&self, path: &str) -> TagSet {
        let of = |(resource, parameters): (&Resource, Vec<(String, String)>)| {
            let tags = resource.tags.iter().filter_map(|one| one.of_path(&parameters));
            tags.collect::<Vec<_>>()
        };
        self.resources_of(path).into_iter().flat_map(of).collect()
    }

    /// What replaces the policy for a mutation field: the rule of that very name, or else the one
    /// that says most of it.
    pub fn mutation_rule(&self, field: &str) -> Option<&MutationRule> {
        let literal =
            |rule: &&MutationRule| rule.field.bytes().filter(|byte| *byte != b'*').count();
        let fitting = self.mutations.rules.iter().filter(|rule| glob(&rule.field, field));
        fitting.max_by_key(|rule| (rule.field == field, literal(rule)))
    }

    /// The scope of that name.
    pub fn scope(&self, name: &str) -> Option<&Scope> {
        self.scopes.iter().find(|scope| scope.name == name)
    }

    /// The longest that an entry of a configured type can live, as far as the configuration says it.
    pub fn longest_lifetime(&self) -> Ttl {
        let of = |ttl: Option<Ttl>| ttl.map_or(0, Ttl::as_seconds);
        let seconds = self.types.iter().chain([&self.default_type]).map(|one| {
            let fresh = one.rest.statuses.values().copied().chain(one.ttl.seconds()).max();
            of(fresh) + of(one.swr.max(one.sie))
        });
        Ttl::from_seconds(seconds.max().unwrap_or(0))
    }

    fn are_same(&self, one: &str, other: &str) -> bool {
        self.same.iter().any(|group| {
            group.iter().any(|name| name == one) && group.iter().any(|name| name == other)
        })
    }

    fn types_matching(&self, fits: impl Fn(&Match) -> bool) -> Vec<&CacheType> {
        self.types.iter().filter(|one| one.matches.iter().any(&fits)).collect()
    }
}

impl CacheType {
    /// Whether the case of a path tells it apart for this type.
    fn case(&self) -> Case {
        if self.rest.ignore_case { Case::Ignored } else { Case::Counts }
    }
}

fn matches_path(one: &CacheType, path: &str, case: Case) -> bool {
    let fits =
        |one: &Match| matches!(one, Match::Rest(rest) if rest.matches_with(path, case).is_some());
    one.matches.iter().any(fits)
}

fn any_matches(patterns: &[PathPattern], path: &str, case: Case) -> bool {
    patterns.iter().any(|pattern| pattern.matches_with(path, case).is_some())
}
