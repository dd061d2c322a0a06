//! Asking the origin for a REST read: as it came, about what is stored (RFC 9111 §4.3.1), or for what
//! is missing of it (§3.4).

use super::ask::{Told, ToldBody};
use super::context::Context;
use super::find::{Candidate, Tier};
use super::handle::Service;
use super::memory::Cached;
use super::runtime::{
    BodyRead, OriginFailure, OriginRequest, OriginRequestKind, OriginResponse, Runtime,
};
use crate::engine::{Plan, completed, part_key, validated_entry};
use crate::http::Method;
use crate::limits;
use crate::policy::{ContentRange, Freshness, strong_etag, validators};
use crate::purge::{Mark, Subject, Verdict};
use crate::stored::Entry;
use std::rc::Rc;

/// What is stored of the answer that the origin is asked for.
#[derive(Debug, Clone)]
pub(super) enum Before {
    /// Nothing that helps.
    Nothing,
    /// The whole, which may have changed.
    Whole(Rc<Cached>),
    /// Its first bytes.
    Beginning(Rc<Cached>),
}

impl<W: Runtime> Service<W> {
    /// What the origin can be asked about. What was purged meanwhile, nothing brings back.
    pub(super) async fn before(
        &self,
        context: &Context<W>,
        plan: &Plan,
        candidate: Option<&Candidate>,
    ) -> Before {
        let cached = candidate.map(|candidate| candidate.cached.clone());
        let known = |cached: &Rc<Cached>| {
            let meta = &cached.entry.meta;
            let stands = self.judged(&context.request, plan, cached) != Freshness::Purged;
            let good = (200..300).contains(&meta.status) && self.may_be_freshened(plan, cached);
            stands && good && !validators(&meta.headers, meta.etag_is_ours).is_empty()
        };
        if let Some(cached) = cached
            .filter(|_| self.isolate.purges.view.may_judge(self.runtime.now(), context.own_write))
            .filter(known)
        {
            return Before::Whole(cached);
        }
        if context.request.method != Method::Get {
            return Before::Nothing;
        }
        match self.stored_part(context, plan).await {
            // How it was tagged goes with it, and that has to be by one set of rules.
            Some(Candidate { cached, .. })
                if begins(&cached.entry) && cached.entry.meta.tagging.is_same(plan.tagging) =>
            {
                Before::Beginning(cached)
            }
            _ => Before::Nothing,
        }
    }

    /// Whether the origin's word that nothing has changed is enough for an entry. Of one that was
    /// purged softly somebody says that it has, and a date does not tell two changes of one moment
    /// apart (RFC 9110 §8.8.2.2): only an entity tag of the origin does.
    pub(super) fn may_be_freshened(&self, plan: &Plan, cached: &Cached) -> bool {
        let meta = &cached.entry.meta;
        let subject = Subject {
            mark: meta.mark,
            tags: &cached.tags,
            tagging: meta.tagging,
            key_from_kind: plan.key.from_kind(),
        };
        let has_etag = !meta.etag_is_ours && meta.headers.contains("etag");
        has_etag || self.isolate.purges.view.verdict(&subject) == Verdict::Valid
    }

    /// Asks for a REST read.
    pub(super) async fn ask_rest(
        &self,
        context: &Context<W>,
        plan: &Plan,
        before: &Before,
        mark: Option<Mark>,
    ) -> Result<Told, OriginFailure> {
        match before {
            Before::Nothing => {}
            Before::Whole(cached) => {
                let Entry { meta, .. } = &cached.entry;
                let fields = validators(&meta.headers, meta.etag_is_ours);
                let answer = self.ask_with(context, plan, &fields).await?;
                if answer.status != 304 {
                    return Ok(Told::of(answer));
                }
                let mark = mark.unwrap_or(meta.mark);
                let request = &context.request;
                let fresh = validated_entry(plan, &cached.entry, request, answer.received(), mark);
                if let Some(fresh) = fresh {
                    return Ok(Told { answer, body: None, validated_entry: Some(Box::new(fresh)) });
                }
            }
            Before::Beginning(cached) => {
                let mut fields = vec![("range", format!("bytes={}-", cached.entry.body.len()))];
                let etag = strong_etag(&cached.entry.meta.headers).map(str::to_owned);
                fields.extend(etag.map(|etag| ("if-range", etag)));
                let answer = self.ask_with(context, plan, &fields).await?;
                if answer.status == 200 {
                    return Ok(Told::of(answer));
                }
                if let Some(told) = self.completed(plan, &cached.entry, answer).await {
                    return Ok(told);
                }
                // The next one need not try in vain.
                self.end(cached);
            }
        }
        Ok(Told::of(self.ask_with(context, plan, &[]).await?))
    }

    /// The whole, where the origin has sent what was missing of it.
    async fn completed(
        &self,
        plan: &Plan,
        begun: &Entry,
        mut answer: OriginResponse,
    ) -> Option<Told> {
        let read = self.runtime.answer_body(answer.handle, limits::ANSWER_BODY_BYTES).await;
        let BodyRead::Whole(body) = read else { return None };
        let bytes: Rc<[u8]> = completed(begun, answer.received(), &body)?.into();
        answer.status = 200;
        let said = answer.headers.clone();
        let unsaid = |name: &str| !said.contains(name) && name != "cache-control";
        // No one object of the runtime holds the bytes of both.
        if begun.meta.headers.unreadable_names().into_iter().any(unsaid) {
            return None;
        }
        let kept = begun.meta.headers.iter().filter(|(name, _)| unsaid(name));
        kept.for_each(|(name, value)| answer.headers.append(name, value));
        ["content-range", "content-length"].iter().for_each(|name| answer.headers.remove(name));
        // An origin need not say again with the rest how it has tagged the beginning.
        let planned = |tag: &str| plan.tags.iter().any(|known| known.as_str() == tag);
        let tags = begun.meta.tags.iter().filter(|tag| !planned(tag));
        tags.for_each(|tag| answer.headers.append("cache-tag", tag.as_str()));
        let body = ToldBody { bytes, json: serde_json::Value::Null, added: false };
        Some(Told { answer, body: Some(body), validated_entry: None })
    }

    /// Asks for what the key holds, with these fields beside the client's own.
    pub(super) async fn ask_with(
        &self,
        context: &Context<W>,
        plan: &Plan,
        fields: &[(&'static str, String)],
    ) -> Result<OriginResponse, OriginFailure> {
        let request = &context.request;
        let mut headers = self.headers_to_origin(request);
        fields.iter().for_each(|(name, value)| headers.set(name, value.as_str()));
        // A part of a coded answer cannot be decoded by itself.
        if headers.contains("range") {
            headers.set("accept-encoding", "identity");
        }
        let own = request.url.target();
        let target = plan.rest.target.as_deref().unwrap_or(&own);
        let from_client = |(name, value): &(&str, String)| request.headers.get(name) == Some(value);
        let kind = match target == own && fields.iter().all(from_client) {
            true => OriginRequestKind::Unchanged,
            false => OriginRequestKind::OtherUrl,
        };
        let url = self.origin_url_of(request, target);
        let headers = self.forwarded_headers(request, headers);
        let millis = self.isolate.config.as_ref().ok().and_then(|c| c.origin_timeout.read_ms);
        self.ask_within(
            millis,
            &OriginRequest { url: &url, headers: &headers, may_retry: true, kind },
        )
        .await
    }

    /// The part that is stored, while it is fresh.
    pub(super) async fn stored_part(&self, context: &Context<W>, plan: &Plan) -> Option<Candidate> {
        let key = part_key(plan);
        let in_memory = self.isolate.memory.borrow_mut().get(&key);
        let (cached, tier) = match in_memory {
            Some(cached) => (cached, Tier::Memory),
            None => (self.edge_entry(context, &key).await?, Tier::Edge),
        };
        let usable = self.is_usable(&cached, context, plan)
            && self.isolate.purges.view.may_judge(self.runtime.now(), context.own_write);
        let freshness = self.judged(&context.request, plan, &cached);
        (usable && freshness == Freshness::Fresh).then_some(Candidate { cached, tier, freshness })
    }
}

/// Whether an entry is a part from the first byte on that lacks the end.
fn begins(part: &Entry) -> bool {
    let range = ContentRange::read(&part.meta.headers);
    range.is_some_and(|range| {
        range.first == 0
            && range.last + 1 < range.complete
            && part.body.len() as u64 == range.last + 1
    })
}
