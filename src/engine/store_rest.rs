//! What of a REST answer is stored (RFC 9111 §3): a whole, a part of one, and what a validation
//! brings to an answer that is stored already.

use super::Plan;
use super::store::{FetchedResponse, Terms, entry, stored_headers};
use crate::config::Config;
use crate::http::{Headers, Request};
use crate::policy::{
    ByOrigin, ContentRange, NotStored, Permission, ReceivedHead, ResponseDirectives, Rule, Vary,
    Windows, head_storable, is_about, lifetime, storable, strong_etag, variant, varies_on,
};
use crate::purge::Mark;
use crate::rest;
use crate::stored::{Entry, Meta};
use crate::tag::{Tagging, origin_tags};
use crate::time::Ttl;
use serde_json::Value;

/// Fields in which an origin says how long an answer lives.
const LIFETIME: [&str; 4] = ["cache-control", "cdn-cache-control", "surrogate-control", "expires"];

/// Fields that speak of the body as it is stored, which no validation changes.
const OF_THE_BODY: [&str; 3] = ["content-length", "content-encoding", "content-range"];

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
    tags.extend(rest::body_tags(config, url, json.as_ref()));
    let rule = rule_of(plan, fetched.received.status);
    entry(plan, fetched, Terms { rule, client_ttl: plan.client_ttl, tags })
}

/// Who decides on the lifetime of an answer of that status. A cache type's ttl is that of a 200,
/// unless it names the status; what it does not name follows the origin, for no longer than the
/// type's ttl.
fn rule_of(plan: &Plan, status: u16) -> Rule {
    let named = plan.rest.statuses.iter().find(|(named, _)| *named == status);
    match (named, plan.rule) {
        (Some((_, ttl)), _) => {
            Rule::Configured(Windows { ttl: *ttl, swr: Ttl::ZERO, sie: Ttl::ZERO })
        }
        (None, Rule::Configured(windows)) if status != 200 => {
            Rule::Origin(ByOrigin { most: Some(windows.ttl), ..ByOrigin::default() })
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
    tags.extend(rest::body_tags(config, &fetched.request.url, None));
    let terms = Terms { rule: rule_of(plan, 200), client_ttl: plan.client_ttl, tags };
    let mut part = entry(plan, fetched, terms)?;
    part.meta.key = part_key(plan);
    Ok(part)
}

/// The whole of which `stored` has the beginning and `rest` the other bytes (RFC 9111 §3.4): only
/// where one strong entity tag says that they are of one answer.
pub fn completed(stored: &Entry, rest: ReceivedHead<'_>, body: &[u8]) -> Option<Vec<u8>> {
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

/// What a 304, or the answer to a HEAD, makes of a stored answer.
#[derive(Debug)]
pub struct ValidatedEntry {
    /// The entry as the client gets it.
    pub entry: Entry,
    /// Why it is not stored anew, where it is not.
    pub stored: Result<(), NotStored>,
}

/// A stored answer with what a 304 says of it (RFC 9111 §4.3.4), or none where the 304 is about
/// another one. What it leaves unsaid stays as it was. Conditions are judged where the answer would
/// be a success (RFC 9110 §13.2.1), so a 304 is never about a redirect or an error.
pub fn validated_entry(
    plan: &Plan,
    before: &Entry,
    request: &Request,
    received: ReceivedHead<'_>,
    mark: Mark,
) -> Option<ValidatedEntry> {
    let Meta { status, headers, etag_is_ours, .. } = &before.meta;
    if !(200..300).contains(status) || !is_about(received.headers, headers, *etag_is_ours) {
        return None;
    }
    updated(plan, before, request, received, mark)
}

/// A stored answer with the fields of a newer head of it. None where both have fields with bytes that
/// are not UTF-8: no one object of the runtime holds both.
pub fn updated(
    plan: &Plan,
    before: &Entry,
    request: &Request,
    received: ReceivedHead<'_>,
    mark: Mark,
) -> Option<ValidatedEntry> {
    let mut meta = before.meta.clone();
    let said = received.headers;
    let mut fields = stored_headers(said, plan.client_ttl, plan.rest.keeps_cdn_cache_control);
    let stays = |name: &str| OF_THE_BODY.contains(&name) || name == "etag" && meta.etag_is_ours;
    fields.retain(|name| !stays(name));
    fields.iter().for_each(|(name, _)| meta.headers.remove(name));
    fields.iter().for_each(|(name, value)| meta.headers.append(name, value));
    meta.headers.attach_unreadable_of(match said.has_unreadable_bytes() {
        true => said,
        false => &before.meta.headers,
    });
    if !meta.headers.has_all_bytes() {
        return None;
    }
    meta.mark = mark;
    meta.stored_at = received.at;
    let mut tags: Vec<String> =
        origin_tags(said).iter().map(|tag| tag.as_str().to_owned()).collect();
    tags.retain(|tag| !meta.tags.contains(tag));
    meta.tags.extend(tags);
    // The tags of its body are by the rules of before, and those of this head by the plan's.
    if !meta.tagging.is_same(plan.tagging) {
        meta.tagging = Tagging::UNKNOWN;
    }
    let stored = renewed(plan, &mut meta, request, received);
    Some(ValidatedEntry { entry: Entry { meta, body: before.body.clone() }, stored })
}

/// Gives a stored answer the lifetime that a newer head of it says, or its own again.
fn renewed(
    plan: &Plan,
    meta: &mut Meta,
    request: &Request,
    received: ReceivedHead<'_>,
) -> Result<(), NotStored> {
    let said = received.headers;
    let says_how_long = LIFETIME.iter().any(|name| said.contains(name));
    let mut known: Headers = meta.headers.clone();
    // An `Expires` alone does not end a `Cache-Control`, which goes before it (§3.2, §5.3).
    let expires_alone = said.contains("expires")
        && !LIFETIME.iter().any(|name| *name != "expires" && said.contains(name));
    // What is stored of these is not always what the origin said.
    for name in LIFETIME.iter().chain(&["age", "date", "set-cookie"]) {
        if expires_alone && *name == "cache-control" && plan.client_ttl.is_none() {
            continue;
        }
        known.remove(name);
        said.get_all(name).for_each(|value| known.append(name, value));
    }
    // That it may be shared was said before, unless something else is said now.
    let authorized = plan.rest.authorized && says_how_long;
    let permission = Permission { authorized, ..plan.permission(meta.status) };
    let whole = ReceivedHead { status: meta.status, headers: &known, ..received };
    storable(meta.status, &known, permission)?;
    let Vary::On(vary) = varies_on(&known) else { return Err(NotStored::VaryAny) };
    let variant = variant(&vary, &request.headers).ok_or(NotStored::RequestHeaderBytes)?;
    meta.variant = variant.to_hex();
    meta.vary = vary;
    let rule = rule_of(plan, meta.status);
    let life = lifetime(rule, whole)?;
    // Its age begins anew with the validation.
    meta.initial_age = life.initial_age;
    if says_how_long || !matches!(rule, Rule::Origin(_)) {
        meta.ttl = life.windows.ttl;
        meta.swr = life.windows.swr;
        meta.sie = life.windows.sie;
        meta.must_revalidate = life.must_revalidate;
        meta.shares_authorized = ResponseDirectives::read(&known).shares_authorized;
    }
    meta.kept = life.kept;
    Ok(())
}
