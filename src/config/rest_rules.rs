//! The rules of all cache types of a REST path, combined. The strictest rule wins.

use super::cache_types::{CacheType, TypeTtl};
use super::rest_settings::Parameters;
use crate::http::glob;
use crate::order;
use crate::time::Ttl;
use std::collections::BTreeMap;

/// The rules of all cache types of a REST path, combined.
///
/// The strictest rule wins: the shortest time, all headers, each parameter that any of them keeps.
/// What relaxes a rule, such as `strip_set_cookie`, holds only if every type has it.
#[derive(Debug, Clone, PartialEq)]
pub struct RestRules {
    /// How long a response with status 200 is fresh.
    pub ttl: RestTtl,
    /// How much longer it is served stale while one request refreshes it. `None`: as long as the
    /// origin allows. With [`RestTtl::OriginAtMost`]: as long as the origin allows, but at most this.
    pub swr: Option<Ttl>,
    /// How much longer it is served stale while the origin fails. `None`: as for `swr`.
    pub sie: Option<Ttl>,
    /// Names of request headers that belong to the key, in lower case and sorted.
    pub vary: Vec<String>,
    /// Which query parameters belong to the key.
    pub query: QueryRules,
    /// How long responses with other statuses than 200 are fresh. Zero: never stored.
    pub statuses: BTreeMap<u16, Ttl>,
    /// Whether `Set-Cookie` is removed from the response, so that it can be stored.
    pub strip_set_cookie: bool,
}

/// What sets the freshness lifetime of a REST response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestTtl {
    /// The configuration. Zero: never stored.
    Seconds(Ttl),
    /// The origin's headers.
    Origin,
    /// The origin's headers, but at most this long: some types of the path leave it to the origin, and
    /// others do not. Zero: never stored.
    OriginAtMost(Ttl),
}

/// Which parameters of a query string belong to the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueryRules {
    /// The whole query string, byte for byte.
    Unchanged,
    /// The parameters that at least one of these rules keeps, in any order.
    KeptBy(Vec<Parameters>),
}

impl RestRules {
    /// The rules of these types. Without a type the origin's headers decide, and the key has the whole
    /// query string.
    pub fn of(types: &[&CacheType]) -> Self {
        let rest = || types.iter().map(|one| &one.rest);
        let mut vary: Vec<String> = types.iter().flat_map(|one| one.vary.iter().cloned()).collect();
        order::sort(&mut vary);
        vary.dedup();
        let kept: Option<Vec<_>> = rest().map(|one| one.query.clone()).collect();
        Self {
            ttl: ttl(types),
            swr: stale(types, |one| one.swr),
            sie: stale(types, |one| one.sie),
            vary,
            query: match kept {
                Some(kept) if !kept.is_empty() => QueryRules::KeptBy(kept),
                _ => QueryRules::Unchanged,
            },
            statuses: statuses(types),
            strip_set_cookie: !types.is_empty() && rest().all(|one| one.strip_set_cookie),
        }
    }
}

impl QueryRules {
    /// Whether the parameter of this decoded name belongs to the key.
    pub fn keeps(&self, name: &str) -> bool {
        match self {
            Self::Unchanged => true,
            Self::KeptBy(rules) => rules.iter().any(|rule| rule.keeps(name)),
        }
    }
}

impl Parameters {
    fn keeps(&self, name: &str) -> bool {
        let is_in = |globs: &[String]| globs.iter().any(|one| glob(one, name));
        match self {
            Self::All => true,
            Self::Only(globs) => is_in(globs),
            Self::Except(globs) => !is_in(globs),
        }
    }
}

fn ttl(types: &[&CacheType]) -> RestTtl {
    let by_origin = types.is_empty() || types.iter().any(|one| one.ttl == TypeTtl::Origin);
    let smallest = types.iter().filter_map(|one| one.ttl.seconds()).min();
    match smallest {
        None => RestTtl::Origin,
        Some(ttl) if by_origin => RestTtl::OriginAtMost(ttl),
        Some(ttl) => RestTtl::Seconds(ttl),
    }
}

/// The smallest of the types' times. A type that does not set it counts as zero if its own ttl is a
/// number of seconds.
fn stale(types: &[&CacheType], given: fn(&CacheType) -> Option<Ttl>) -> Option<Ttl> {
    let of = |one: &&CacheType| given(one).or(one.ttl.seconds().map(|_| Ttl::ZERO));
    types.iter().filter_map(of).min()
}

/// The statuses that every type names, with the smallest time of each.
fn statuses(types: &[&CacheType]) -> BTreeMap<u16, Ttl> {
    let Some((first, others)) = types.split_first() else { return BTreeMap::new() };
    let smallest = |(status, ttl): (&u16, &Ttl)| {
        let of_others = others.iter().map(|one| one.rest.statuses.get(status).copied());
        let of_others: Option<Vec<Ttl>> = of_others.collect();
        Some((*status, of_others?.into_iter().min().map_or(*ttl, |other| other.min(*ttl))))
    };
    order::map_of(first.rest.statuses.iter().filter_map(smallest))
}

#[cfg(test)]
mod tests;
