//! Which parts of the configuration match a request or a response.

use super::cache_types::{CacheType, RESERVED_NAMES};
use super::matches::Match;
use super::mutations::MutationRule;
use super::nearest::nearest;
use super::resources::Resource;
use super::root::Config;
use super::scopes::Scope;
use crate::http::{Case, PathPattern, glob, segment_decoded};
use crate::tag::TagSet;
use crate::time::Ttl;

impl Config {
    /// Whether the path is never cached.
    pub fn bypasses(&self, path: &str) -> bool {
        any_matches(&self.bypass, path, self.case_of(path))
    }

    /// Whether a folded path (`http::spelling`) is never cached.
    pub fn bypasses_folded(&self, folded: &str) -> bool {
        any_matches(&self.bypass, folded, Case::Ignored)
    }

    /// Whether the path speaks GraphQL over HTTP.
    pub fn is_graphql(&self, path: &str) -> bool {
        any_matches(&self.graphql.paths, path, Case::Counts)
    }

    /// Whether a folded path speaks GraphQL over HTTP.
    pub fn is_graphql_folded(&self, folded: &str) -> bool {
        any_matches(&self.graphql.paths, folded, Case::Ignored)
    }

    /// Whether the folded path is shared by fewer clients than the path itself. An origin that folds
    /// paths treats both as one, so the stricter rules have to apply.
    ///
    /// That is so if the folded path has a cache type that the path does not have, and that type has
    /// a scope, or a ttl of 0, or no scope while every type of the path has one. (A type without a
    /// scope covers no signal.)
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

    /// Whether case matters in a REST path.
    ///
    /// It does not if every cache type of the path has `ignore_case`, and also every type of the path
    /// in lower case: that is what the origin is asked for, and no spelling may lead around a type
    /// in which case matters.
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

    /// The path that entries of a REST path are tagged with: in lower case if case does not matter.
    pub fn tagged_path(&self, path: &str) -> String {
        match self.case_of(path) {
            Case::Counts => path.to_owned(),
            Case::Ignored => path.to_ascii_lowercase(),
        }
    }

    /// The cache types that match an operation's name.
    pub fn types_of_operation(&self, operation: &str) -> Vec<&CacheType> {
        self.types_matching(
            |one| matches!(one, Match::Operation(pattern) if glob(pattern, operation)),
        )
    }

    /// The cache types that match the GraphQL types of a response, including types that `same` puts
    /// into one group with them.
    pub fn types_of_answer(&self, type_names: &[&str]) -> Vec<&CacheType> {
        self.types_matching(|one| match one {
            Match::GraphQlType(wanted) => {
                type_names.iter().any(|name| *name == wanted || self.are_same(name, wanted))
            }
            _ => false,
        })
    }

    /// The cache types that may match only once the response is known.
    pub fn types_by_answer_alone(&self) -> Vec<&CacheType> {
        self.types_matching(|one| matches!(one, Match::GraphQlType(_)))
    }

    /// The resources that a path stands for, compared without case, each with the decoded values of
    /// its parameters. They are decoded so that a path and a body name an object in the same way.
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

    /// The tags that `resources` give a path. Tags with a value of the body are left out.
    pub fn resource_tags(&self, path: &str) -> TagSet {
        let of = |(resource, parameters): (&Resource, Vec<(String, String)>)| {
            let tags = resource.tags.iter().filter_map(|one| one.of_path(&parameters));
            tags.collect::<Vec<_>>()
        };
        self.resources_of(path).into_iter().flat_map(of).collect()
    }

    /// The rule that replaces the policy for a mutation field: the one of exactly that name, or else
    /// the one with the most literal characters.
    pub fn mutation_rule(&self, field: &str) -> Option<&MutationRule> {
        let literal =
            |rule: &&MutationRule| rule.field.bytes().filter(|byte| *byte != b'*').count();
        let fitting = self.mutations.rules.iter().filter(|rule| glob(&rule.field, field));
        fitting.max_by_key(|rule| (rule.field == field, literal(rule)))
    }

    /// Whether entries may have a cache type of that name. If not, returns a message with the nearest
    /// name.
    pub fn check_type_name(&self, name: &str) -> Result<(), String> {
        let known = || self.types.iter().map(|one| one.name.as_str()).chain(RESERVED_NAMES);
        match known().any(|known| known == name) {
            true => Ok(()),
            false => Err(unknown("type", name, known())),
        }
    }

    /// The scope of that name. If there is none, returns a message with the nearest name.
    pub fn scope_or_message(&self, name: &str) -> Result<&Scope, String> {
        let names = self.scopes.iter().map(|scope| scope.name.as_str());
        self.scope(name).ok_or_else(|| unknown("scope", name, names))
    }

    /// The scope of that name.
    pub fn scope(&self, name: &str) -> Option<&Scope> {
        self.scopes.iter().find(|scope| scope.name == name)
    }

    /// The longest time that an entry of a configured type can live, stale time included. Lifetimes
    /// that the origin sets are not known here.
    pub fn longest_lifetime(&self) -> Ttl {
        let of = |ttl: Option<Ttl>| ttl.map_or(0, Ttl::as_seconds);
        let seconds = self.types.iter().chain([&self.default_type]).map(|one| {
            let fresh = one.rest.statuses.values().copied().chain(one.ttl.seconds()).max();
            of(fresh) + of(one.swr.max(one.sie))
        });
        Ttl::from_seconds(seconds.max().unwrap_or(0))
    }

    /// Whether `same` puts two GraphQL types into one group.
    pub fn are_same(&self, one: &str, other: &str) -> bool {
        self.same.iter().any(|group| {
            group.iter().any(|name| name == one) && group.iter().any(|name| name == other)
        })
    }

    fn types_matching(&self, fits: impl Fn(&Match) -> bool) -> Vec<&CacheType> {
        self.types.iter().filter(|one| one.matches.iter().any(&fits)).collect()
    }
}

impl CacheType {
    /// Whether case matters in the paths of this type.
    fn case(&self) -> Case {
        if self.rest.ignore_case { Case::Ignored } else { Case::Counts }
    }

    /// The matches of this type that match a REST path.
    pub fn matches_of_path<'a>(&'a self, path: &'a str) -> impl Iterator<Item = &'a Match> {
        self.matches.iter().filter(|one| fits_path(one, path, self.case()))
    }
}

fn matches_path(one: &CacheType, path: &str, case: Case) -> bool {
    one.matches.iter().any(|one| fits_path(one, path, case))
}

fn fits_path(one: &Match, path: &str, case: Case) -> bool {
    matches!(one, Match::Rest(rest) if rest.matches_with(path, case).is_some())
}

fn any_matches(patterns: &[PathPattern], path: &str, case: Case) -> bool {
    patterns.iter().any(|pattern| pattern.matches_with(path, case).is_some())
}

/// A message about a name that is not configured.
fn unknown<'a>(kind: &str, name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let message = format!("no {kind} is named {name:?}");
    match nearest(name, known) {
        Some(nearest) => format!("{message}; did you mean {nearest:?}?"),
        None => message,
    }
}
