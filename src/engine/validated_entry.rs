//! Updates a stored response after its validation: by a 304, or by the response to a HEAD.

use super::entry::is_overridden;
use super::plan::Plan;
use super::rest_entry::rule_of;
use super::stored_headers::stored_headers;
use crate::http::{Headers, Request, fields};
use crate::policy::{
    LifetimeRule, NotStored, Permission, ReceivedHead, ResponseDirectives, Vary, lifetime,
    selects_stored, storable, variant, varies_on,
};
use crate::purge::Mark;
use crate::stored::{Entry, Meta};
use crate::tag::{Tagging, origin_tags};

/// A stored response after its validation.
#[derive(Debug)]
pub struct ValidatedEntry {
    /// The entry to serve.
    pub entry: Entry,
    /// Why the updated entry is not stored, if it is not.
    pub stored: Result<(), NotStored>,
}

/// Updates a stored response by a 304 (RFC 9111 §4.3.4). `None` if the 304 belongs to another
/// response. Headers that the 304 lacks are unchanged. Conditions are only evaluated if the
/// response would be a success (RFC 9110 §13.2.1), so a 304 never validates a redirect or an error.
pub fn validated_entry(
    plan: &Plan,
    before: &Entry,
    request: &Request,
    received: ReceivedHead<'_>,
    mark: Mark,
) -> Option<ValidatedEntry> {
    let Meta { status, headers, etag_is_ours, .. } = &before.meta;
    if !(200..300).contains(status) || !selects_stored(received.headers, headers, *etag_is_ours) {
        return None;
    }
    updated_entry(plan, before, request, received, mark)
}

/// Replaces the headers of a stored response by those of a newer head. `None` if both have headers
/// with bytes that are not UTF-8, since no single object of the runtime can hold both.
pub fn updated_entry(
    plan: &Plan,
    before: &Entry,
    request: &Request,
    received: ReceivedHead<'_>,
    mark: Mark,
) -> Option<ValidatedEntry> {
    let mut meta = before.meta.clone();
    let newer = received.headers;
    let mut fields = stored_headers(newer, plan.client_ttl, plan.rest.keeps_cdn_cache_control);
    let stays =
        |name: &str| fields::STORED_BODY.contains(&name) || name == "etag" && meta.etag_is_ours;
    fields.retain(|name| !stays(name));
    fields.iter().for_each(|(name, _)| meta.headers.remove(name));
    fields.iter().for_each(|(name, value)| meta.headers.append(name, value));
    meta.headers.attach_unreadable_of(match newer.has_unreadable_bytes() {
        true => newer,
        false => &before.meta.headers,
    });
    if !meta.headers.has_all_bytes() {
        return None;
    }
    meta.mark = mark;
    meta.stored_at = received.at;
    let mut tags: Vec<String> =
        origin_tags(newer).iter().map(|tag| tag.as_str().to_owned()).collect();
    tags.retain(|tag| !meta.tags.contains(tag));
    meta.tags.extend(tags);
    // The tags of the body were made by the entry's rules, and those of this head by the plan's.
    if !meta.tagging.is_same(plan.tagging) {
        meta.tagging = Tagging::UNKNOWN;
    }
    let stored = renew_lifetime(plan, &mut meta, request, received);
    Some(ValidatedEntry { entry: Entry { meta, body: before.body.clone() }, stored })
}

/// Sets the lifetime that the newer head states, or the previous lifetime again.
fn renew_lifetime(
    plan: &Plan,
    meta: &mut Meta,
    request: &Request,
    received: ReceivedHead<'_>,
) -> Result<(), NotStored> {
    let newer = received.headers;
    let states_lifetime = fields::LIFETIME.iter().any(|name| newer.contains(name));
    let mut known: Headers = meta.headers.clone();
    // `Expires` alone does not replace a stored `Cache-Control`, which takes precedence (§3.2,
    // §5.3).
    let expires_alone = newer.contains("expires")
        && !fields::LIFETIME.iter().any(|name| *name != "expires" && newer.contains(name));
    // The stored values of these headers are not always the origin's.
    for name in fields::LIFETIME.iter().chain(&["age", "date", "set-cookie"]) {
        if expires_alone && *name == "cache-control" && plan.client_ttl.is_none() {
            continue;
        }
        known.remove(name);
        newer.get_all(name).for_each(|value| known.append(name, value));
    }
    // The origin already allowed sharing, unless it says something new now.
    let authorized = plan.rest.authorized && states_lifetime;
    let permission = Permission { authorized, ..plan.permission(meta.status) };
    let whole = ReceivedHead { status: meta.status, headers: &known, ..received };
    storable(meta.status, &known, permission)?;
    let Vary::On(vary) = varies_on(&known) else { return Err(NotStored::VaryAny) };
    let variant = variant(&vary, &request.headers).ok_or(NotStored::RequestHeaderBytes)?;
    meta.variant = variant.to_hex();
    meta.vary = vary;
    let rule = rule_of(plan, meta.status);
    let life = lifetime(rule, whole)?;
    // The age starts again at the validation.
    meta.initial_age = life.initial_age;
    if states_lifetime || !matches!(rule, LifetimeRule::Origin(_)) {
        meta.ttl = life.windows.ttl;
        meta.swr = life.windows.swr;
        meta.sie = life.windows.sie;
        meta.must_revalidate = life.must_revalidate;
        meta.shares_authorized = ResponseDirectives::read(&known).shares_authorized;
        meta.lifetime_source.configured = matches!(rule, LifetimeRule::Configured(_));
        meta.lifetime_source.overridden = is_overridden(plan, whole);
        meta.lifetime_source.heuristic = life.is_heuristic;
    }
    meta.kept = life.kept;
    Ok(())
}
