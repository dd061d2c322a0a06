//! What of the configuration matches.

use super::kinds::*;
use crate::http::{PathPattern, glob};
use crate::tag::{Tag, TagSet};
use crate::time::Ttl;

impl Config {
    /// Whether the path is never cached.
    pub fn bypasses(&self, path: &str) -> bool {
        any_matches(&self.bypass, path)
    }

    /// Whether the path speaks GraphQL over HTTP.
    pub fn is_graphql(&self, path: &str) -> bool {
        any_matches(&self.graphql.paths, path)
    }

    /// Whether a cookie says nothing about who is asking.
    pub fn ignores_cookie(&self, name: &str) -> bool {
        self.ignore_cookies.iter().any(|pattern| glob(pattern, name))
    }

    /// The cache types of a REST path.
    pub fn types_of_path(&self, path: &str) -> Vec<&CacheType> {
        self.types_matching(|one| matches!(one, Match::Rest(rest) if rest.matches(path).is_some()))
    }

    /// The cache types of a query by its operation's name and root fields.
    pub fn types_of_query(&self, operation: Option<&str>, root_fields: &[&str]) -> Vec<&CacheType> {
        self.types_matching(|one| match one {
            Match::QueryField(field) => root_fields.iter().any(|name| glob(field, name)),
            Match::Operation(name) => operation.is_some_and(|operation| glob(name, operation)),
            _ => false,
        })
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

    /// The tags that `resources` give a path.
    pub fn resource_tags(&self, path: &str) -> TagSet {
        let mut tags = TagSet::new();
        for resource in &self.resources {
            let Some(parameters) = resource.path.matches(path) else { continue };
            tags.extend(resource.tags.iter().map(|template| {
                let filled = parameters.iter().fold(template.clone(), |text, (name, value)| {
                    text.replace(&format!("{{{name}}}"), value)
                });
                Tag::of("", &filled)
            }));
        }
        tags
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

    /// The longest that an entry of a configured type can live.
    pub fn longest_lifetime(&self) -> Ttl {
        let seconds = self
            .types
            .iter()
            .chain([&self.default_type])
            .map(|one| one.ttl.as_seconds() + one.swr.max(one.sie).as_seconds());
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

fn any_matches(patterns: &[PathPattern], path: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matches(path).is_some())
}
