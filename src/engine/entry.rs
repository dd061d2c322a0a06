//! Builds the entry for a response that may be stored.

use super::plan::Plan;
use super::stored_headers::stored_headers;
use crate::http::Request;
use crate::policy::{
    LifetimeRule, NotStored, Permission, ReceivedHead, ResponseDirectives, Vary, date_of,
    entity_tag, head_storable, lifetime, variant, varies_on,
};
use crate::purge::Mark;
use crate::stored::{Entry, LifetimeSource, Meta};
use crate::tag::{TagSet, origin_tags};
use crate::time::Ttl;
use std::rc::Rc;

/// A response of the origin, with everything that is needed to store it.
#[derive(Debug, Clone)]
pub struct FetchedResponse<'a> {
    /// The client's request.
    pub request: &'a Request,
    /// The status code, the headers, and when they were received.
    pub received: ReceivedHead<'a>,
    /// The complete body.
    pub body: Rc<[u8]>,
    /// The position of the purge log before the origin was asked. Purges recorded after it apply to
    /// the entry.
    pub mark: Mark,
}

/// How long a response is stored, what clients are told, and what purges it.
pub(super) struct EntryTerms {
    pub rule: LifetimeRule,
    pub client_ttl: Option<Ttl>,
    pub tags: TagSet,
    /// What limits the lifetime, if the response is GraphQL.
    pub limits: LifetimeSource,
}

pub(super) fn build_entry(
    plan: &Plan,
    fetched: FetchedResponse<'_>,
    terms: EntryTerms,
) -> Result<Entry, NotStored> {
    let FetchedResponse { request, received, body, mark } = fetched;
    let headers = received.headers;
    let Vary::On(vary) = varies_on(headers) else { return Err(NotStored::VaryAny) };
    let lifetime = lifetime(terms.rule, received)?;
    let directives = ResponseDirectives::read(headers);
    let mut tags = terms.tags;
    tags.extend(origin_tags(headers));
    let mut stored = stored_headers(headers, terms.client_ttl, plan.rest.keeps_cdn_cache_control);
    stored.attach_unreadable_of(headers);
    if !stored.has_all_bytes() {
        return Err(NotStored::HeaderBytes);
    }
    let variant = variant(&vary, &request.headers).ok_or(NotStored::RequestHeaderBytes)?;
    // A response without `Date` gets one from the recipient that stores it (RFC 9110 §6.6.1).
    if let Some(date) = date_of(received.at).filter(|_| !stored.contains("date")) {
        stored.set("date", date);
    }
    let etag_is_ours = received.status == 200 && !stored.contains("etag");
    if etag_is_ours {
        stored.set("etag", entity_tag(&body));
    }
    let meta = Meta {
        key: plan.key.as_str().to_owned(),
        mark,
        stored_at: received.at,
        initial_age: lifetime.initial_age,
        ttl: lifetime.windows.ttl,
        swr: lifetime.windows.swr,
        sie: lifetime.windows.sie,
        status: received.status,
        headers: stored,
        tags: tags.into_iter().map(|tag| tag.as_str().to_owned()).collect(),
        tagging: plan.tagging,
        variant: variant.to_hex(),
        vary,
        type_name: plan.type_name.clone(),
        must_revalidate: lifetime.must_revalidate,
        kept: lifetime.kept,
        etag_is_ours,
        shares_authorized: directives.shares_authorized,
        lifetime_source: LifetimeSource {
            configured: matches!(terms.rule, LifetimeRule::Configured(_)),
            overridden: is_overridden(plan, received),
            heuristic: lifetime.is_heuristic,
            ..terms.limits
        },
        origin_ms: u32::try_from(received.at.millis_since(received.asked_at)).unwrap_or(u32::MAX),
    };
    Ok(Entry { meta, body })
}

/// Whether only `override` permits storing the response.
pub(super) fn is_overridden(plan: &Plan, received: ReceivedHead<'_>) -> bool {
    let ReceivedHead { status, headers, .. } = received;
    let permission = Permission { overriding: false, ..plan.permission(status) };
    head_storable(status, headers, permission).is_err()
}
