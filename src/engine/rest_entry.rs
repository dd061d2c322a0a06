//! What of a REST answer is stored (RFC 9111 §3): a whole, a part of one, and what a validation
//! brings to an answer that is stored already.

use super::entry::{EntryTerms, FetchedResponse, build_entry};
use super::plan::Plan;
use crate::config::Config;
use crate::policy::{
    ContentRange, FreshnessWindows, LifetimeRule, NotStored, OriginRule, ReceivedHead,
    head_storable, lifetime, storable, strong_etag,
};
use crate::rest;
use crate::stored::Entry;
use crate::time::Ttl;
use serde_json::Value;

/// Whether the head of a REST answer leaves a chance that it is stored.
pub fn rest_storable(plan: &Plan, received: ReceivedHead<'_>) -> Result<(), NotStored> {
    storable(received.status, received.headers, plan.permission(received.status))?;
    let never = |(status, ttl): &(u16, Ttl)| *status == received.status && ttl.is_zero();
    if plan.rest.statuses.iter().any(never) {
        return Err(NotStored::TtlZero);
    }
    lifetime(rule_of(plan, received.status), received).map(|_| ())
}

/// The entry for a REST answer.
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
    build_entry(plan, fetched, EntryTerms { rule, client_ttl: plan.client_ttl, tags })
}

/// Who decides on the lifetime of an answer of that status. A cache type's ttl is that of a 200,
/// unless it names the status; what it does not name follows the origin, for no longer than the
/// type's ttl.
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

/// The key under which a part of an answer is stored, beside the whole.
pub fn part_key(plan: &Plan) -> String {
    format!("{}~part", plan.key.as_str())
}

/// Whether the head of a part of an answer leaves a chance that it is stored, and where its bytes
/// belong.
pub fn part_storable(plan: &Plan, received: ReceivedHead<'_>) -> Result<ContentRange, NotStored> {
    let range = ContentRange::read(received.headers).filter(|_| received.status == 206);
    let range = range.ok_or(NotStored::Status)?;
    // It names bytes of the coded whole, and the runtime may have undone the coding.
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

/// The entry for a part of an answer (RFC 9111 §3.3), which is stored beside the whole.
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
    // What a part shows says nothing of the rest.
    tags.extend(rest::entry_body_tags(config, &fetched.request.url, None));
    let terms = EntryTerms { rule: rule_of(plan, 200), client_ttl: plan.client_ttl, tags };
    let mut part = build_entry(plan, fetched, terms)?;
    part.meta.key = part_key(plan);
    Ok(part)
}

/// The whole of which `stored` has the beginning and `rest` the other bytes (RFC 9111 §3.4): only
/// where one strong entity tag says that they are of one answer.
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
