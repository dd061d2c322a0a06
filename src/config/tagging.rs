//! What of the configuration decides which tags an entry gets and which a write names.
//!
//! Entries outlive deploys, and during one two configurations run at once. So entries and purges say
//! by which rules their tags were made ([`Tagging`]). Here each key is in or out; one that is new
//! does not compile before somebody has decided.

use super::kinds::*;
use super::rest::{Resource, RestSettings};
use crate::http::PathPattern;
use crate::tag::{Aliases, Tag, Tagging};
use std::hash::Hash;

/// The configured rules, in the order of the configuration.
#[derive(Hash)]
struct Rules<'a> {
    origin: &'a Option<String>,
    bypass: &'a [PathPattern],
    tag_headers: &'a [String],
    same: &'a Aliases,
    graphql: (&'a [PathPattern], bool, &'a KeyFields),
    default_type: TypeRules<'a>,
    types: Vec<TypeRules<'a>>,
    scopes: Vec<(&'a str, &'a [Identity])>,
    mutations: (MutationPolicy, &'a [MutationRule]),
    resources: &'a [Resource],
}

/// What a cache type says of tags.
#[derive(Hash)]
struct TypeRules<'a> {
    name: &'a str,
    matches: &'a [Match],
    /// A failed write to what the origin decides on purges less (RFC 9111 §4.4).
    is_left_to_origin: bool,
    scope: &'a Option<String>,
    tags: &'a [Tag],
    ignore_case: bool,
}

/// The fingerprint of the rules.
pub(super) fn tagging(config: &Config) -> Tagging {
    let Config {
        // It names the log and begins keys; so does `formerly`.
        service: _,
        formerly: _,
        // A write's `Location` counts where it is at the origin.
        origin,
        // A write to such a path purges nothing.
        bypass,
        // These three say who may share an entry, and what is in its key.
        ignore_cookies: _,
        ignore_headers: _,
        vary: _,
        tag_headers,
        same,
        graphql,
        // Lifetimes, and who may share.
        rest: _,
        default_type,
        types,
        scopes,
        // Which tokens are believed. A scope's tag holds the claim's value, whoever signed it.
        jwt: _,
        mutations,
        resources,
        // What is not answered in time purges everything.
        origin_timeout: _,
        // What is over a limit is not stored; if it may be a mutation it purges everything.
        limits: _,
        // Where entries are kept, and when purges are read, repeated and waited for.
        kv: _,
        purge: _,
        tagging: _,
    } = config;
    let Mutations { policy, rules } = mutations;
    Tagging::of(&Rules {
        origin,
        bypass,
        tag_headers,
        same,
        graphql: of_graphql(graphql),
        default_type: of_type(default_type),
        types: types.iter().map(of_type).collect(),
        scopes: scopes.iter().map(of_scope).collect(),
        mutations: (*policy, rules),
        resources,
    })
}

fn of_graphql(graphql: &GraphQl) -> (&[PathPattern], bool, &KeyFields) {
    let GraphQl {
        paths,
        inject,
        // Who answers an unknown hash. What may be a mutation purges everything, and a query that
        // nothing is added to for it is `untyped` where it shows no types.
        apq: _,
        // Where a schema comes from. Which one is in force the log says, with its own purges.
        schema: _,
        keys,
    } = graphql;
    (paths, *inject, keys)
}

fn of_type(one: &CacheType) -> TypeRules<'_> {
    let CacheType {
        name,
        matches,
        ttl,
        // Lifetimes, what is in the key, and what may be stored.
        swr: _,
        sie: _,
        scope,
        vary: _,
        tags,
        overriding: _,
        client_ttl: _,
        rest,
    } = one;
    let RestSettings {
        // What is in the key: tags of paths have no parameters.
        query: _,
        ignore_case,
        // Lifetimes, and what may be stored.
        statuses: _,
        strip_set_cookie: _,
    } = rest;
    TypeRules {
        name,
        matches,
        is_left_to_origin: *ttl == TypeTtl::Origin,
        scope,
        tags,
        ignore_case: *ignore_case,
    }
}

fn of_scope(scope: &Scope) -> (&str, &[Identity]) {
    // What is set aside changes neither a scope's values nor its tags.
    let Scope { name, by, ignore: _ } = scope;
    (name, by)
}

#[cfg(test)]
mod tests;
