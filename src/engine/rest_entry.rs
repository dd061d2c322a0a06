//! The entry for a REST response, whole or partial, or the reason why it is not stored (RFC 9111
//! §3).

use super::entry::{EntryTerms, FetchedResponse, build_entry};
use super::plan::Plan;
use crate::config::Config;
use crate::policy::{
    ContentRange, FreshnessWindows, LifetimeRule, NotStored, OriginRule, ReceivedHead,
    head_storable, lifetime, storable, strong_etag,
};
use crate::rest;
use crate::stored::{Entry, LifetimeSource};
use crate::tag::TagSet;
use crate::time::Ttl;
use serde_json::Value;

/// Whether the head of a REST response allows it to be stored.
pub fn rest_storable(plan: &Plan, received: ReceivedHead<'_>) -> Result<(), NotStored> {
    storable(received.status, received.headers, plan.permission(received.status))?;
    let never = |(status, ttl): &(u16, Ttl)| *status == received.status && ttl.is_zero();
    if plan.rest.statuses.iter().any(never) {
        return Err(NotStored::TtlZero);
    }
    lifetime(rule_of(plan, received.status), received).map(|_| ())
}

/// Builds the entry for a REST response.
pub fn rest_entry(
    config: &Config,
    plan: &Plan,
    fetched: FetchedResponse<'_>,
) -> Result<Entry, NotStored> {
    rest_storable(plan, fetched.received)?;
    let mut tags = plan.tags.clone();
    let url = &fetched.request.url;
    let read = || serde_json::from_slice(&fetched.body).ok();
    let json: Option<Value> = rest::needs_body(config, url).then(read).flatten();
    tags.extend(rest::entry_body_tags(config, url, json.as_ref()));
    let rule = rule_of(plan, fetched.received.status);
    build_entry(plan, fetched, terms(plan, rule, tags))
}

fn terms(plan: &Plan, rule: LifetimeRule, tags: TagSet) -> EntryTerms {
    EntryTerms { rule, client_ttl: plan.client_ttl, tags, limits: LifetimeSource::default() }
}

/// Which rule decides the lifetime of a response with this status. A cache type's ttl applies to
/// 200 and to the statuses that it lists. For other statuses the origin decides, up to the type's
/// ttl.
pub(super) fn rule_of(plan: &Plan, status: u16) -> LifetimeRule {
    let named = plan.rest.statuses.iter().find(|(named, _)| *named == status);
    match (named, plan.rule) {
        (Some((_, ttl)), _) => {
            LifetimeRule::Configured(FreshnessWindows { ttl: *ttl, swr: Ttl::ZERO, sie: Ttl::ZERO })
        }
        (None, LifetimeRule::Configured(windows)) if status != 200 => {
            LifetimeRule::Origin(OriginRule { most: Some(windows.ttl), ..OriginRule::default() })
        }
        (None, rule) => rule,
    }
}

/// The key of a stored part, next to the key of the whole.
pub fn part_key(plan: &Plan) -> String {
    format!("{}~part", plan.key.as_str())
}

/// Whether the head of a partial response (206) allows it to be stored, and which bytes it
/// contains.
pub fn part_storable(plan: &Plan, received: ReceivedHead<'_>) -> Result<ContentRange, NotStored> {
    let range = ContentRange::read(received.headers).filter(|_| received.status == 206);
    let range = range.ok_or(NotStored::Status)?;
    // The range refers to the coded bytes, and the runtime may have decoded them.
    let is_plain = |coding: &str| coding.eq_ignore_ascii_case("identity");
    if !received.headers.members("content-encoding").all(is_plain) {
        return Err(NotStored::ContentEncoding);
    }
    head_storable(received.status, received.headers, plan.permission(received.status))?;
    let life = lifetime(rule_of(plan, 200), received)?;
    match life.windows.ttl.as_seconds() > life.initial_age {
        true => Ok(range),
        false => Err(NotStored::NoFreshness),
    }
}

/// Builds the entry for a partial response (RFC 9111 §3.3). It is stored next to the whole.
pub fn part_entry(
    config: &Config,
    plan: &Plan,
    fetched: FetchedResponse<'_>,
) -> Result<Entry, NotStored> {
    let range = part_storable(plan, fetched.received)?;
    if !range.fits(fetched.received.headers, fetched.body.len()) {
        return Err(NotStored::Status);
    }
    let mut tags = plan.tags.clone();
    // The entities in a part do not show which others the whole contains.
    tags.extend(rest::entry_body_tags(config, &fetched.request.url, None));
    let mut part = build_entry(plan, fetched, terms(plan, rule_of(plan, 200), tags))?;
    part.meta.key = part_key(plan);
    Ok(part)
}

/// Combines a stored beginning and the missing rest into the whole (RFC 9111 §3.4). `None` unless
/// the same strong entity tag shows that both belong to one representation.
pub fn completed_body(stored: &Entry, rest: ReceivedHead<'_>, body: &[u8]) -> Option<Vec<u8>> {
    let begun = ContentRange::read(&stored.meta.headers)?;
    let more = ContentRange::read(rest.headers).filter(|_| rest.status == 206)?;
    let length = stored.body.len() as u64;
    let fits = begun.first == 0
        && begun.last + 1 == length
        && more.first == length
        && more.last + 1 == more.complete
        && more.complete == begun.complete
        && more.last + 1 - more.first == body.len() as u64;
    let etag = strong_etag(&stored.meta.headers).filter(|_| !stored.meta.etag_is_ours);
    let same = etag.is_some() && etag == strong_etag(rest.headers);
    (fits && same).then(|| [&stored.body, body].concat())
}
