//! Storing the origin's responses to REST reads: whole ones, parts (RFC 9111 §3.3), and what the
//! response to a HEAD says about a stored one (§4.3.5).

use super::body::{may_store, read_whole, whole};
use super::collapse::Leader;
use super::parts::ReadParts;
use crate::config::Config;
use crate::engine::{
    FetchedResponse, ValidatedEntry, part_entry, part_storable, rest_entry, rest_storable,
    updated_entry,
};
use crate::limits;
use crate::policy::{NotStored, Vary, head_matches_stored, variant, varies_on};
use crate::rest;
use crate::service::body_memory::has_room_for_tree;
use crate::service::cache::{Judge, Store, StoreTarget};
use crate::service::context::Context;
use crate::service::respond::Responder;
use crate::service::runtime::{OriginResponse, Runtime};
use crate::service::tiers::CachedEntry;
use crate::stored::Entry;
use std::rc::Rc;

/// Stores the responses to REST reads.
pub struct RestStore {
    config: Rc<Config>,
    judge: Rc<Judge>,
    store: Rc<Store>,
    respond: Rc<Responder>,
}

/// How a body is read that is stored in the background.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodySource {
    /// While the client gets it too.
    Copy,
    /// By itself: the client does not need it.
    Own,
}

impl RestStore {
    /// Responses that go to this store.
    pub fn new(parts: &ReadParts) -> Rc<Self> {
        Rc::new(Self {
            config: parts.config.clone(),
            judge: parts.judge.clone(),
            store: parts.store.clone(),
            respond: parts.respond.clone(),
        })
    }

    /// Fails if the head of a response rules out that it is stored.
    pub fn may_store<R: Runtime>(
        &self,
        context: &Context<R>,
        response: &OriginResponse,
        target: StoreTarget<'_>,
    ) -> Result<(), NotStored> {
        may_store(context, target.plan)?;
        let asks_for_part = context.request.headers.contains("range");
        match response.status {
            // Only a request for a part gets one stored: nothing else is mistaken for it.
            206 if asks_for_part => part_storable(target.plan, response.received()).map(|_| ())?,
            // 416 and 400 may be about the range alone, which is not in the key.
            status if asks_for_part && status != 200 => return Err(NotStored::Status),
            _ => rest_storable(target.plan, response.received())?,
        }
        if let Vary::On(names) = varies_on(&response.headers)
            && variant(&names, &context.request.headers).is_none()
        {
            return Err(NotStored::RequestHeaderBytes);
        }
        if content_length(response).is_some_and(|length| length > limits::RESPONSE_BODY_BYTES) {
            return Err(NotStored::TooLarge);
        }
        target.mark.map(|_| ()).ok_or(NotStored::LogUnreadable)
    }

    /// Stores a whole response, or a part.
    pub fn store<R: Runtime>(
        &self,
        context: &Context<R>,
        response: &OriginResponse,
        target: StoreTarget<'_>,
        body: Rc<[u8]>,
    ) -> Result<Rc<CachedEntry>, NotStored> {
        let (config, plan, request) = (&self.config, target.plan, &context.request);
        let mark = target.mark.ok_or(NotStored::LogUnreadable)?;
        if rest::needs_body(config, &request.url) && !has_room_for_tree(&context.runtime, &body) {
            return Err(NotStored::MemoryInFlight);
        }
        let fetched = FetchedResponse { request, received: response.received(), body, mark };
        let entry = match response.status {
            206 => part_entry(config, plan, fetched)?,
            _ => rest_entry(config, plan, fetched)?,
        };
        Ok(self.store.put(context, target, entry))
    }

    /// Stores a response in the background. The requests that wait for it go on when it is stored.
    pub fn store_in_background<R: Runtime>(
        self: &Rc<Self>,
        context: &Context<R>,
        response: &OriginResponse,
        target: StoreTarget<'_>,
        leader: Option<Leader<R>>,
        source: BodySource,
    ) {
        let (runtime, limit) = (&context.runtime, limits::RESPONSE_BODY_BYTES);
        let copy =
            (source == BodySource::Copy).then(|| runtime.copied_body(response.handle, limit));
        let (this, context) = (self.clone(), context.clone());
        let (response, plan) = (response.clone(), target.plan.clone());
        let StoreTarget { mark, replaces, .. } = target;
        let other_variant = target.other_variant.map(<[String]>::to_vec);
        runtime.spawn(async move {
            let body = match copy {
                Some(copy) => whole(copy.await),
                None => read_whole(&context.runtime, &response, limit).await,
            };
            let other_variant = other_variant.as_deref();
            let target = StoreTarget { plan: &plan, mark, other_variant, replaces };
            let stored = body.and_then(|body| this.store(&context, &response, target, body));
            if let Err(reason) = stored {
                this.respond.log.not_stored(&context, &plan, reason);
            }
            drop(leader);
        });
    }

    /// Stores a response that the origin has validated, under the key that it has.
    pub fn store_validated<R: Runtime>(
        &self,
        context: &Context<R>,
        target: StoreTarget<'_>,
        entry: Entry,
    ) {
        self.store.put(context, target.in_place(), entry);
    }

    /// Learns from the response to a HEAD about the stored response to a GET: its fields are newer, or
    /// it is of another response, and the stored one is not fresh any more (RFC 9111 §4.3.5).
    pub fn update_from_head<R: Runtime>(
        &self,
        context: &Context<R>,
        response: &OriginResponse,
        stored: &CachedEntry,
        target: StoreTarget<'_>,
    ) {
        let Entry { meta, body } = &stored.entry;
        let (plan, request) = (target.plan, &context.request);
        let (Some(mark), 200) = (target.mark, response.status) else { return };
        if plan.client_directives(&request.headers).no_store {
            return;
        }
        if meta.status != 200 || !self.judge.may_be_validated(plan, stored) {
            return;
        }
        match head_matches_stored(&response.headers, &meta.headers, meta.etag_is_ours, body.len()) {
            None => {}
            Some(true) => {
                let received = response.received();
                let update = updated_entry(plan, &stored.entry, request, received, mark);
                if let Some(ValidatedEntry { entry, stored: Ok(()) }) = update {
                    self.store_validated(context, target, entry);
                }
            }
            Some(false) => self.store.expire(&context.runtime, stored),
        }
    }
}

/// How long the origin says that the body is.
pub fn content_length(response: &OriginResponse) -> Option<usize> {
    response.headers.get("content-length")?.trim().parse().ok()
}
