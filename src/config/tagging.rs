//! The tagging fingerprint of a configuration: a hash of everything that decides which tags an entry
//! gets and which tags a write purges.
//!
//! Entries outlive deploys, and during a deploy two configurations are in use. So entries and purges
//! carry the fingerprint of the rules by which their tags were made ([`Tagging`]). The functions below
//! name every field of the configuration: a new one does not compile until it is included or left out.

use super::cache_types::{CacheType, TypeTtl};
use super::graphql::{GraphQl, KeyFields};
use super::matches::Match;
use super::mutations::{MutationPolicy, MutationRule, Mutations};
use super::resources::Resource;
use super::rest_settings::RestSettings;
use super::root::Config;
use super::scopes::{Identity, Scope};
use crate::http::PathPattern;
use crate::tag::{Aliases, Tag, Tagging};
use std::hash::Hash;

/// The rules of a configuration.
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

/// The part of a cache type that decides on tags.
#[derive(Hash)]
struct TypeRules<'a> {
    name: &'a str,
    matches: &'a [Match],
    /// Whether the origin sets the lifetime. A failed write then purges less (RFC 9111 §4.4).
    is_left_to_origin: bool,
    scope: &'a Option<String>,
    tags: &'a [Tag],
    ignore_case: bool,
}

/// The fingerprint of the rules.
pub(super) fn tagging(config: &Config) -> Tagging {
    let Config {
        // Names of the log and of keys.
        service: _,
        formerly: _,
        // A write also purges the URL in its `Location` if that is at the origin.
        origin,
        // A write to such a path purges nothing.
        bypass,
        // Who may share an entry, and what is in its key.
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
        // Which tokens are accepted. A scope's tag holds the claim's value, whoever signed it.
        jwt: _,
        mutations,
        resources,
        // A write without a response in time purges everything, whatever its tags.
        origin_timeout: _,
        // A request over a limit is not stored; if it may be a mutation it purges everything.
        limits: _,
        // Where entries are stored, and when purges are read, repeated and waited for.
        kv: _,
        purge: _,
        log: _,
        shadow: _,
        // What a deploy purges by itself, whatever made the tags.
        on_deploy: _,
        // Who learns that something fails.
        alerts: _,
        // What is counted.
        stats: _,
        // When the cache is warmed. Warming reads as clients do.
        warm: _,
        // Who may use admin routes.
        admin: _,
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
        // Who knows documents by their hash. A request that may be a mutation purges everything, and
        // a query to which nothing was added is `untyped` if it shows no types.
        apq: _,
        // Where a schema comes from. A change of the schema in force is in the log, with its purges.
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
        // What is in the key. Tags of paths have no parameters.
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
    // Ignored signals change neither a scope's values nor its tags.
    let Scope { name, by, ignore: _ } = scope;
    (name, by)
}

#[cfg(test)]
mod tests;
