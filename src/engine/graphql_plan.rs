//! Plans a GraphQL query: key, lifetime and tags, before the response is known.

use super::bypass::Bypass;
use super::identity::{Credentials, scope_key, scope_values_digest};
use super::merged_terms::{MergedTerms, merge_terms};
use super::plan::{Plan, RestPlan};
use super::query_parts::QueryParts;
use super::read_types::{query_type_name, type_names};
use super::signals::{SignalCheck, SignalSet};
use crate::config::{CacheType, Config};
use crate::graphql::{Analysis, OperationRequest, accepted_media_types, canonical_variables};
use crate::http::{Headers, Method, Request, form_decoded};
use crate::jwt::Claims;
use crate::key::{DigestBuilder, Key, KeyParts, Kind};
use crate::order;
use crate::policy::LifetimeRule;
use crate::rest::{self, add_headers};
use crate::tag::Tag;
use crate::time::Ttl;

/// The cache types of a query, and their merged terms.
pub(super) struct QueryTerms<'c> {
    /// The types, by the parts of the query.
    pub parts: QueryParts<'c>,
    /// The types whose terms apply.
    pub applied: Vec<&'c CacheType>,
    /// These terms.
    pub merged: MergedTerms,
}

impl<'c> QueryTerms<'c> {
    pub fn of(config: &'c Config, query: &OperationRequest, analysis: &Analysis) -> Self {
        let parts = QueryParts::of(config, query, analysis);
        let applied = parts.applied(config);
        let merged =
            merge_terms(&applied).with_schema_hints(&analysis.expected, parts.types.is_empty());
        Self { parts, applied, merged }
    }
}

/// Plans a GraphQL query that `unsupported_request` does not rule out. If the plan depends on claims and these are not verified yet, the result
/// is [`Bypass::JwtUnverified`].
pub fn plan_graphql(
    config: &Config,
    request: &Request,
    claims: &Claims,
    query: &OperationRequest,
    analysis: &Analysis,
) -> Result<Plan, Bypass> {
    let QueryTerms { parts, applied, merged } = QueryTerms::of(config, query, analysis);
    if analysis.expected.private && !merged.overriding {
        return Err(Bypass::PrivateHint);
    }
    // If only the default type has a ttl of 0, a type in the response may still replace it.
    let is_never = |one: &&CacheType| one.ttl.seconds().is_some_and(Ttl::is_zero);
    let may_be_replaced = parts.may_be_declared && !parts.types.iter().any(is_never);
    if merged.windows.ttl.is_zero() && !may_be_replaced {
        return Err(Bypass::TtlZero);
    }
    let credentials = Credentials { headers: &request.headers, claims };
    let scope_key = scope_key(config, &merged.scopes, credentials)?;
    // A type that only the response reveals may have a scope. The values of such scopes are part of
    // the key in advance, so that clients which the scope would separate do not share an entry.
    let unseen = config.types_by_answer_alone();
    let unseen_values = scope_values_digest(config, &merge_terms(&unseen).scopes, credentials)?;
    let keyed = keyed_headers(config, &[applied, unseen].concat());
    let types = parts.covering.as_slice();
    let check =
        SignalCheck { config, credentials, types, keyed: &keyed, signal_set: SignalSet::All };
    if let Some(signal) = check.uncovered().first() {
        return Err(signal.bypass(config));
    }
    let digest = read_digest(request, query, analysis)
        .part(scope_key.digest.as_bytes())
        .part(unseen_values.as_bytes());
    let digest = add_headers(digest, &keyed, &request.headers).finish();
    let type_name = query_type_name(&parts);
    let key = Key::new(&KeyParts {
        service: &config.service,
        kind: Kind::GraphQl,
        type_name,
        name: analysis.name.as_deref().unwrap_or("anonymous"),
        scope: &scope_key.segment,
        digest: &digest,
    });
    let mut tags = merged.tags;
    tags.extend(scope_key.tags);
    tags.insert(Tag::of("type:", type_name));
    tags.extend(rest::path_tags(config, &request.url));
    tags.insert(Tag::of("op:", analysis.name.as_deref().unwrap_or("anonymous")));
    tags.insert(Tag::of("key:", &digest.to_hex()));
    Ok(Plan {
        key,
        type_name: type_name.to_owned(),
        rule: LifetimeRule::AtMost(merged.windows),
        overriding: merged.overriding,
        client_ttl: merged.client_ttl,
        tags,
        tagging: config.tagging,
        scopes: merged.scopes,
        keyed_headers: keyed,
        type_names: type_names(&parts.types),
        undeclared: parts.undeclared,
        rest: RestPlan::default(),
    })
}

/// Starts the digest of the read. It covers everything but the scopes and the headers of `vary`.
fn read_digest(request: &Request, query: &OperationRequest, analysis: &Analysis) -> DigestBuilder {
    let variables = canonical_variables(query.variables.as_ref(), &analysis.variables);
    DigestBuilder::new("graphql")
        .part(request.method.as_str().as_bytes())
        .part(request.url.scheme.as_bytes())
        .part(request.url.host.as_bytes())
        .part(request.url.path.as_bytes())
        .optional(other_parameters(request).as_deref())
        .part(accepted_media_types(&request.headers).as_bytes())
        .optional(csrf_markers(request).as_deref())
        .part(analysis.digest.as_bytes())
        .part(variables.as_bytes())
        .part(query.other_members.as_bytes())
}

/// The names of the headers whose values are part of the key, sorted and without duplicates.
pub(super) fn keyed_headers(config: &Config, types: &[&CacheType]) -> Vec<String> {
    let of_types = types.iter().flat_map(|one| &one.vary);
    let mut names: Vec<String> = config.vary.iter().chain(of_types).cloned().collect();
    order::sort(&mut names);
    names.dedup();
    names
}

/// The parts of the URL besides the GraphQL request itself. The origin may use them, so they are
/// part of the key.
fn other_parameters(request: &Request) -> Option<String> {
    const MEMBERS: [&str; 4] = ["query", "operationName", "variables", "extensions"];
    let query = request.url.query.as_deref()?;
    if request.method == Method::Post {
        return Some(query.to_owned());
    }
    // Compared as they are written, since servers differ in how they decode them.
    let is_other = |piece: &&str| {
        let name = form_decoded(piece.split('=').next().unwrap_or_default());
        !piece.is_empty() && !name.is_some_and(|name| MEMBERS.contains(&name.as_str()))
    };
    Some(query.split('&').filter(is_other).collect::<Vec<_>>().join("&"))
}

/// What servers with CSRF protection look for in a GET: a preflighted content type, or one of
/// Apollo's headers.
fn csrf_markers(request: &Request) -> Option<String> {
    if request.method == Method::Post {
        return None;
    }
    let has = |headers: &Headers, name| headers.get(name).is_some_and(|value| !value.is_empty());
    let content_type = request.headers.get("content-type").unwrap_or_default();
    Some(format!(
        "{content_type};{}{}",
        has(&request.headers, "apollo-require-preflight"),
        has(&request.headers, "x-apollo-operation-name")
    ))
}

#[cfg(test)]
mod tests;
