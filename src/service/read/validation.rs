//! Asking the origin for a REST read: for the response, whether a stored one is still valid
//! (RFC 9111 §4.3.1), or for what an incomplete one lacks (§3.4).

use super::response::{ReadBody, ReadResponse};
use crate::engine::{Plan, completed_body, part_key, validated_entry};
use crate::http::Method;
use crate::json::Index;
use crate::limits;
use crate::policy::{ContentRange, Freshness, strong_etag, validators};
use crate::purge::Mark;
use crate::service::cache::{Candidate, Judge, Store};
use crate::service::context::Context;
use crate::service::origin::OriginClient;
use crate::service::runtime::{BodyRead, OriginFailure, OriginResponse, Runtime};
use crate::service::tiers::{CachedEntry, Tier, Tiers};
use crate::stored::Entry;
use std::rc::Rc;

/// What is stored of the response that the origin is asked for.
#[derive(Debug, Clone)]
pub enum PriorResponse {
    /// Nothing that helps.
    Nothing,
    /// The complete response, which may have changed.
    Complete(Rc<CachedEntry>),
    /// Its first bytes.
    Incomplete(Rc<CachedEntry>),
}

/// Asks the origin for REST reads.
pub struct Validation {
    origin: Rc<OriginClient>,
    tiers: Rc<Tiers>,
    judge: Rc<Judge>,
    store: Rc<Store>,
}

impl Validation {
    /// Reads of that origin, about what is stored in these tiers.
    pub fn new(
        origin: Rc<OriginClient>,
        tiers: Rc<Tiers>,
        judge: Rc<Judge>,
        store: Rc<Store>,
    ) -> Rc<Self> {
        Rc::new(Self { origin, tiers, judge, store })
    }

    /// What the origin can be asked about. A response that was purged since it was found cannot come
    /// back that way.
    pub async fn prior_response<R: Runtime>(
        &self,
        context: &Context<R>,
        plan: &Plan,
        candidate: Option<&Candidate>,
    ) -> PriorResponse {
        let judge = &self.judge;
        let cached = candidate.map(|candidate| candidate.cached.clone());
        let can_be_validated = |cached: &Rc<CachedEntry>| {
            let meta = &cached.entry.meta;
            let stands = judge.freshness(context, plan, cached) != Freshness::Purged;
            let good = (200..300).contains(&meta.status) && judge.may_be_validated(plan, cached);
            stands && good && !validators(&meta.headers, meta.etag_is_ours).is_empty()
        };
        let cached = cached.filter(|_| judge.may_judge(context)).filter(can_be_validated);
        if let Some(cached) = cached {
            return PriorResponse::Complete(cached);
        }
        if context.request.method != Method::Get {
            return PriorResponse::Nothing;
        }
        match self.stored_part(context, plan).await {
            // The complete response takes over its tags, which must be made by one set of rules.
            Some(Candidate { cached, .. })
                if is_beginning(&cached.entry)
                    && cached.entry.meta.tagging.is_same(plan.tagging) =>
            {
                PriorResponse::Incomplete(cached)
            }
            _ => PriorResponse::Nothing,
        }
    }

    /// Asks for a read, by what is stored of its response. `mark` is where the log stood before.
    pub async fn fetch<R: Runtime>(
        &self,
        context: &Context<R>,
        plan: &Plan,
        prior: &PriorResponse,
        mark: Option<Mark>,
    ) -> Result<ReadResponse, OriginFailure> {
        match prior {
            PriorResponse::Nothing => {}
            PriorResponse::Complete(cached) => {
                let meta = &cached.entry.meta;
                let fields = validators(&meta.headers, meta.etag_is_ours);
                let head = self.fetch_with(context, plan, &fields).await?;
                if head.status != 304 {
                    return Ok(ReadResponse::unread(head));
                }
                let (request, mark) = (&context.request, mark.unwrap_or(meta.mark));
                let valid = validated_entry(plan, &cached.entry, request, head.received(), mark);
                if let Some(valid) = valid {
                    let validated = Some(Box::new(valid));
                    return Ok(ReadResponse { head, body: None, validated });
                }
            }
            PriorResponse::Incomplete(cached) => {
                let mut fields = vec![("range", format!("bytes={}-", cached.entry.body.len()))];
                let etag = strong_etag(&cached.entry.meta.headers).map(str::to_owned);
                fields.extend(etag.map(|etag| ("if-range", etag)));
                let head = self.fetch_with(context, plan, &fields).await?;
                if head.status == 200 {
                    return Ok(ReadResponse::unread(head));
                }
                if let Some(response) = complete(context, plan, &cached.entry, head).await {
                    return Ok(response);
                }
                // So that the next request does not try in vain.
                self.store.expire(&context.runtime, cached);
            }
        }
        Ok(ReadResponse::unread(self.fetch_with(context, plan, &[]).await?))
    }

    /// Asks for what the plan's key identifies, with these fields in addition to the client's own.
    pub async fn fetch_with<R: Runtime>(
        &self,
        context: &Context<R>,
        plan: &Plan,
        fields: &[(&'static str, String)],
    ) -> Result<OriginResponse, OriginFailure> {
        self.origin.fetch_rest(context, plan.rest.target.as_deref(), fields).await
    }

    /// The stored part of a response, if it is fresh.
    pub async fn stored_part<R: Runtime>(
        &self,
        context: &Context<R>,
        plan: &Plan,
    ) -> Option<Candidate> {
        let Tiers { memory, edge_cache, .. } = &*self.tiers;
        let key = part_key(plan);
        let (cached, tier) = match memory.find(&key) {
            Some(cached) => (cached, memory.name()),
            None => {
                let stored = self.judge.read(&**edge_cache, context, plan, &key).await?;
                (stored, edge_cache.name())
            }
        };
        let is_usable =
            self.judge.is_usable(&context.request, plan, &cached) && self.judge.may_judge(context);
        let freshness = self.judge.freshness(context, plan, &cached);
        let candidate = Candidate { cached, tier, freshness };
        (is_usable && candidate.is_fresh()).then_some(candidate)
    }
}

/// The complete response, if the origin has sent what an incomplete one lacked.
async fn complete<R: Runtime>(
    context: &Context<R>,
    plan: &Plan,
    beginning: &Entry,
    mut head: OriginResponse,
) -> Option<ReadResponse> {
    let limit = limits::RESPONSE_BODY_BYTES;
    let read = context.runtime.response_body(head.handle, limit).await;
    let BodyRead::Whole(body) = read else { return None };
    let bytes: Rc<[u8]> = completed_body(beginning, head.received(), &body)?.into();
    head.status = 200;
    let sent = head.headers.clone();
    let is_taken_over = |name: &str| !sent.contains(name) && name != "cache-control";
    // No single object of the runtime holds the header bytes of both.
    if beginning.meta.headers.unreadable_names().into_iter().any(is_taken_over) {
        return None;
    }
    let taken_over = beginning.meta.headers.iter().filter(|(name, _)| is_taken_over(name));
    taken_over.for_each(|(name, value)| head.headers.append(name, value));
    ["content-range", "content-length"].iter().for_each(|name| head.headers.remove(name));
    // An origin need not repeat with the rest how it has tagged the beginning.
    let is_planned = |tag: &str| plan.tags.iter().any(|known| known.as_str() == tag);
    let tags = beginning.meta.tags.iter().filter(|tag| !is_planned(tag));
    tags.for_each(|tag| head.headers.append("cache-tag", tag.as_str()));
    let body = Some(ReadBody { bytes, json: Index::default(), has_additions: false });
    Some(ReadResponse { head, body, validated: None })
}

/// `true` if an entry is a part that starts with the first byte and lacks the end.
fn is_beginning(part: &Entry) -> bool {
    let range = ContentRange::read(&part.meta.headers);
    range.is_some_and(|range| {
        range.first == 0
            && range.last + 1 < range.complete
            && part.body.len() as u64 == range.last + 1
    })
}
