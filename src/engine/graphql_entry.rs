//! The entry for a GraphQL response, or the reason why it is not stored.

use super::configured_lifetime::limit_by_possible_types;
use super::entry::{EntryTerms, FetchedResponse, build_entry};
use super::merged_terms::merge_terms;
use super::plan::Plan;
use crate::config::{CacheType, Config};
use crate::graphql::{
    Analysis, Outcome, ResponseJson, TypeKnowledge, facts, outcome, types_of_root_field,
};
use crate::http::{Headers, ResponseCoding};
use crate::policy::{LifetimeRule, NotStored, Permission, ReceivedHead, storable};
use crate::stored::{Entry, LifetimeSource};
use crate::time::Ttl;
use std::collections::BTreeSet;

/// An entry, and what the response revealed while it was built.
#[derive(Debug, Clone, PartialEq)]
pub struct StorableEntry {
    /// The entry.
    pub entry: Entry,
    /// The GraphQL types in the response.
    pub types: BTreeSet<String>,
    /// Whether the response contradicts the schema.
    pub contradicts_schema: bool,
}

/// Whether the head of a GraphQL response allows it to be stored. This is all that can be decided
/// before the body is read, since types in the body may override `no-store`, `private`,
/// `Set-Cookie` and `Vary: Cookie`.
pub fn graphql_storable(received: ReceivedHead<'_>) -> Result<(), NotStored> {
    if !is_graphql_json(received.headers) {
        return Err(NotStored::ContentType);
    }
    if !ResponseCoding::of(received.headers).is_decoded() {
        return Err(NotStored::ContentEncoding);
    }
    let permission = Permission { overriding: true, ..Permission::default() };
    storable(received.status, received.headers, permission)
}

/// Builds the entry for a GraphQL response. The types in the response may shorten its lifetime, add
/// tags, or forbid storing it.
pub fn graphql_entry(
    config: &Config,
    plan: &Plan,
    analysis: &Analysis,
    knowledge: &TypeKnowledge<'_>,
    shown: ResponseJson<'_>,
    fetched: FetchedResponse<'_>,
) -> Result<StorableEntry, NotStored> {
    graphql_storable(fetched.received)?;
    let ReceivedHead { status, headers, .. } = fetched.received;
    if status != 200 {
        return Err(NotStored::Status);
    }
    let Outcome::Data(data) = outcome(shown.json) else { return Err(NotStored::Errors) };
    let facts = facts(shown, data, &analysis.shape, knowledge);

    let declares = |name: &str| !config.types_of_answer(&[name]).is_empty();
    let is_declared = |field: &String| {
        let own = types_of_root_field(shown, data, &analysis.shape, field);
        own.is_some_and(|own| own.into_iter().all(declares))
    };
    let has_default = !plan.undeclared.iter().all(is_declared);
    let types = applied_types(config, plan, &facts.types, has_default);
    let is_default_only = types.iter().all(|one| std::ptr::eq(*one, &config.default_type));
    let mut merged = merge_terms(&types).with_schema_hints(&analysis.expected, is_default_only);
    if facts.hint.private && !merged.overriding {
        return Err(NotStored::Private);
    }
    if let Some(seconds) = facts.hint.max_age.filter(|_| !merged.overriding) {
        merged.windows.ttl = merged.windows.ttl.min(Ttl::from_seconds(seconds));
    }
    if facts.types_unknown {
        limit_by_possible_types(config, has_default, &mut merged.windows)
            .map_err(|()| NotStored::TypesUnknown)?;
    }
    if merged.windows.ttl.is_zero() {
        return Err(NotStored::TtlZero);
    }
    if merged.scopes.iter().any(|scope| !plan.scopes.contains(scope)) {
        return Err(NotStored::ScopeOfAnswer);
    }
    let permission = Permission { overriding: merged.overriding, ..Permission::default() };
    storable(status, headers, permission)?;
    let rule = match merged.overriding {
        true => LifetimeRule::Configured(merged.windows),
        false => LifetimeRule::AtMost(merged.windows),
    };
    let mut tags = plan.tags.clone();
    tags.extend(merged.tags);
    tags.extend(facts.tags);
    let limits = LifetimeSource {
        types: types.iter().map(|one| one.name.clone()).collect(),
        types_unknown: facts.types_unknown,
        ..LifetimeSource::default()
    };
    let terms = EntryTerms { rule, client_ttl: merged.client_ttl, tags, limits };
    let contradicts_schema = facts.contradicts_schema;
    build_entry(plan, fetched, terms).map(|entry| StorableEntry {
        entry,
        types: facts.types,
        contradicts_schema,
    })
}

/// The cache types that apply to a response: those of the query, those of the types in the response,
/// and the default type if a root field still has it.
fn applied_types<'c>(
    config: &'c Config,
    plan: &Plan,
    shown_types: &BTreeSet<String>,
    has_default: bool,
) -> Vec<&'c CacheType> {
    let shown_types: Vec<&str> = shown_types.iter().map(String::as_str).collect();
    let is_of_query = |one: &CacheType| plan.type_names.contains(&one.name);
    let mut types: Vec<&CacheType> = config.types.iter().filter(|one| is_of_query(one)).collect();
    let by_response = config.types_of_answer(&shown_types);
    types.extend(by_response.into_iter().filter(|one| !is_of_query(one)));
    types.extend(has_default.then_some(&config.default_type));
    types
}

/// Whether the response's `Content-Type` is one of GraphQL over HTTP: `application/json`,
/// `application/graphql-response+json` or `application/graphql+json`.
pub fn is_graphql_json(headers: &Headers) -> bool {
    let content_type = headers.get("content-type").unwrap_or_default().to_ascii_lowercase();
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    ["application/json", "application/graphql-response+json", "application/graphql+json"]
        .contains(&kind)
}

#[cfg(test)]
mod tests;
