//! Merges the terms of several cache types into one. Merging is restrictive.

use crate::config::CacheType;
use crate::graphql::ExpectedResponse;
use crate::order;
use crate::policy::FreshnessWindows;
use crate::tag::{Tag, TagSet};
use crate::time::Ttl;

/// The merged terms of several cache types: the smallest times, the union of the scopes, and
/// `override` only if every type has it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct MergedTerms {
    pub windows: FreshnessWindows,
    pub overriding: bool,
    pub client_ttl: Option<Ttl>,
    pub scopes: Vec<String>,
    pub tags: TagSet,
}

pub(super) fn merge_terms(types: &[&CacheType]) -> MergedTerms {
    let smallest = |of: fn(&CacheType) -> Ttl| types.iter().map(|one| of(one)).min();
    let mut scopes: Vec<String> = types.iter().filter_map(|one| one.scope.clone()).collect();
    order::sort(&mut scopes);
    scopes.dedup();
    MergedTerms {
        windows: FreshnessWindows {
            ttl: types.iter().filter_map(|one| one.ttl.seconds()).min().unwrap_or(Ttl::ZERO),
            swr: smallest(|one| one.swr.unwrap_or(Ttl::ZERO)).unwrap_or(Ttl::ZERO),
            sie: smallest(|one| one.sie.unwrap_or(Ttl::ZERO)).unwrap_or(Ttl::ZERO),
        },
        overriding: !types.is_empty() && types.iter().all(|one| one.overriding),
        client_ttl: types.iter().filter_map(|one| one.client_ttl).min(),
        scopes,
        tags: types.iter().flat_map(|one| own_tags(one)).collect(),
    }
}

impl MergedTerms {
    /// Applies the schema's `@cacheControl` hints. If no configured type matches and every
    /// requested field has a hint, the smallest `maxAge` becomes the ttl; otherwise it can only
    /// shorten the ttl. With `override` the hints do not apply.
    pub fn with_schema_hints(mut self, expected: &ExpectedResponse, by_default: bool) -> Self {
        let max_age = expected.max_age.filter(|_| !self.overriding);
        let max_age = max_age.map(|seconds| Ttl::from_seconds(seconds.into()));
        let ttl = &mut self.windows.ttl;
        *ttl = match max_age {
            Some(max_age) if by_default && expected.all_hinted => max_age,
            Some(max_age) => max_age.min(*ttl),
            None => *ttl,
        };
        self
    }
}

fn own_tags(one: &CacheType) -> impl Iterator<Item = Tag> {
    std::iter::once(Tag::of("type:", &one.name)).chain(one.tags.iter().cloned())
}

/// The cache type that names the key: the first of those with the smallest ttl.
pub(super) fn naming_type<'a>(types: &[&'a CacheType]) -> Option<&'a CacheType> {
    types.iter().copied().min_by_key(|one| one.ttl)
}
