//! How long a stored response may live by the configuration in use.
//!
//! Entries outlive deploys. A stored lifetime is therefore an upper limit: the configuration that is in
//! use at the look-up may shorten it, or end the entry. It never extends it.
//!
//! In scope: `ttl`, `swr`, `sie`, `statuses`, `heuristic`, `override` and `client_ttl`. Not in scope:
//! what else a deploy may change. Scopes and `vary` are in the key, and other rules for tags have another
//! fingerprint (`config/tagging.rs`).

use super::client_ttl::shorter_for_client;
use super::merged_terms::{MergedTerms, merge_terms};
use super::plan::Plan;
use super::rest_entry::rule_of;
use crate::config::{CacheType, Config};
use crate::policy::{FreshnessWindows, LifetimeRule};
use crate::stored::{Entry, LifetimeSource, Meta};
use crate::time::Ttl;

/// What the configuration in use permits for a stored response.
enum Limit {
    /// It may be used this long, counted from when it was stored.
    Within(FreshnessWindows),
    /// It may not be used without the origin.
    Ended,
}

/// The entry with the lifetime that the configuration in use permits, also for clients. `None` if it need
/// not be changed.
pub fn shortened_entry(config: &Config, plan: &Plan, entry: &Entry) -> Option<Entry> {
    let (limit, client_ttl) = limit(config, plan, &entry.meta);
    let headers = shorter_for_client(&entry.meta.headers, client_ttl);
    let meta = shortened(&entry.meta, limit);
    if meta.is_none() && headers.is_none() {
        return None;
    }
    let mut meta = meta.unwrap_or_else(|| entry.meta.clone());
    if let Some(headers) = headers {
        meta.headers = headers;
    }
    Some(Entry { meta, body: entry.body.clone() })
}

fn shortened(before: &Meta, limit: Limit) -> Option<Meta> {
    let (ttl, swr, sie, must_revalidate) = match limit {
        Limit::Ended => (Ttl::ZERO, Ttl::ZERO, Ttl::ZERO, true),
        Limit::Within(FreshnessWindows { ttl, swr, sie }) => {
            let from_generation = ttl.as_seconds().saturating_add(before.initial_age);
            let ttl = before.ttl.min(Ttl::from_seconds(from_generation));
            (ttl, before.swr.min(swr), before.sie.min(sie), before.must_revalidate)
        }
    };
    let unchanged = (before.ttl, before.swr, before.sie, before.must_revalidate);
    ((ttl, swr, sie, must_revalidate) != unchanged).then(|| Meta {
        ttl,
        swr,
        sie,
        must_revalidate,
        ..before.clone()
    })
}

/// What is permitted now, and `client_ttl`.
fn limit(config: &Config, plan: &Plan, meta: &Meta) -> (Limit, Option<Ttl>) {
    match plan.rule {
        LifetimeRule::AtMost(_) => graphql_limit(config, plan, meta),
        LifetimeRule::Configured(_) | LifetimeRule::Origin(_) => {
            (rest_limit(plan, meta), plan.client_ttl)
        }
    }
}

fn rest_limit(plan: &Plan, meta: &Meta) -> Limit {
    let LifetimeSource { configured, overridden, heuristic, .. } = meta.lifetime_source;
    if overridden && !plan.overriding {
        return Limit::Ended;
    }
    // A part has the lifetime of the whole.
    let status = if meta.status == 206 { 200 } else { meta.status };
    match rule_of(plan, status) {
        LifetimeRule::Configured(windows) | LifetimeRule::AtMost(windows) => Limit::Within(windows),
        // How long the origin would have allowed is not known any more.
        LifetimeRule::Origin(_) if configured => Limit::Ended,
        LifetimeRule::Origin(rule) if heuristic && !rule.heuristic => Limit::Ended,
        LifetimeRule::Origin(rule) => Limit::Within(FreshnessWindows {
            ttl: rule.most.unwrap_or(Ttl::MAX),
            swr: rule.swr.unwrap_or(Ttl::MAX),
            sie: rule.sie.unwrap_or(Ttl::MAX),
        }),
    }
}

fn graphql_limit(config: &Config, plan: &Plan, meta: &Meta) -> (Limit, Option<Ttl>) {
    let source = &meta.lifetime_source;
    let (types, has_default) = applied_types(config, plan, meta);
    let MergedTerms { mut windows, overriding, client_ttl, .. } = merge_terms(&types);
    // Of the default type alone the plan knows the time, with the hints of the schema.
    if let ([only], LifetimeRule::AtMost(planned)) = (types.as_slice(), plan.rule)
        && std::ptr::eq(*only, &config.default_type)
    {
        windows = planned;
    }
    let is_possible =
        !source.types_unknown || limit_by_possible_types(config, has_default, &mut windows).is_ok();
    // Without `override` the origin's headers count again, which are not all stored.
    let has_lost_override = source.configured && !overriding;
    let limit = match windows.ttl.is_zero() || !is_possible || has_lost_override {
        true => Limit::Ended,
        false => Limit::Within(windows),
    };
    (limit, client_ttl)
}

/// The cache types that apply to a stored GraphQL response by now, and whether the default type is one
/// of them.
///
/// Without a schema, only the response shows some of its types. They are among its tags.
fn applied_types<'c>(config: &'c Config, plan: &Plan, meta: &Meta) -> (Vec<&'c CacheType>, bool) {
    let type_names: Vec<&str> =
        meta.tags.iter().map(String::as_str).filter(|tag| !tag.contains(':')).collect();
    let of_response = config.types_of_answer(&type_names);
    let is_of_response = |one: &CacheType| of_response.iter().any(|other| other.name == one.name);
    let applies = |one: &&CacheType| plan.type_names.contains(&one.name) || is_of_response(one);
    let mut types: Vec<&CacheType> = config.types.iter().filter(applies).collect();
    let is_missing = |name: &String| types.iter().all(|one| one.name != *name);
    // A type that no longer applies may have been all that a root field had in place of the default. So
    // may one that now matches other things. Which types each root field had is not stored.
    let may_have_lost_type =
        || !meta.tagging.is_same(plan.tagging) || meta.lifetime_source.types.iter().any(is_missing);
    let has_default = types.is_empty() || !plan.undeclared.is_empty() && may_have_lost_type();
    types.extend(has_default.then_some(&config.default_type));
    (types, has_default)
}

/// Applies the times of types that an object of unknown type may have. Fails if one of them must not be
/// cached. A shorter ttl applies where no type matches the query itself.
pub(super) fn limit_by_possible_types(
    config: &Config,
    has_default: bool,
    windows: &mut FreshnessWindows,
) -> Result<(), ()> {
    for ttl in config.types_by_answer_alone().iter().filter_map(|one| one.ttl.seconds()) {
        if ttl.is_zero() {
            return Err(());
        }
        if has_default {
            windows.ttl = windows.ttl.min(ttl);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
