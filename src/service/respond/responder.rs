//! Makes the client's responses.

use super::added_headers::{ResponseFacts, finish};
use super::log::ResponseLog;
use super::outcome::{Outcome, forward_of};
use super::reply::{Reply, json_response};
use crate::config::{CdnCacheControl, Config};
use crate::engine::{
    Bypass, BypassOutcome, MissDetail, Plan, XCache, gateway_error_status, headers_to_client,
    purge_cookie, response_from_entry, shorten_for_client,
};
use crate::graphql::response_media_type;
use crate::http::{Headers, Request, Response};
use crate::limits::Limit;
use crate::policy::{CacheStatus, Forward};
use crate::service::context::Context;
use crate::service::origin::OriginClient;
use crate::service::report::report_failure;
use crate::service::runtime::{OriginFailure, OriginResponse, Runtime};
use crate::service::stats::Stats;
use crate::service::tiers::CachedEntry;
use crate::stored::{Entry, Meta};
use serde_json::json;
use std::rc::Rc;

/// The longest value of `Evergraph-Tags`.
const SHOWN_TAGS_BYTES: usize = 8_000;

/// Why a request over a configured limit was refused.
const OVER_LIMIT: &str = "over-limit";

/// Makes the client's responses.
pub struct Responder {
    origin: Rc<OriginClient>,
    /// Counts and logs responses.
    pub log: ResponseLog,
    /// The name of the purge log, which is in the name of the cookie with a write's token.
    log_name: String,
    /// Whether clients get `CDN-Cache-Control`, which is for caches between them and Evergraph.
    keeps_cdn_cache_control: bool,
    /// For how many seconds clients keep the token of their own write in a cookie, if they do.
    cookie_seconds: Option<u64>,
}

impl Responder {
    /// `config` is `None` if the configuration has a fault.
    pub fn new(
        origin: Rc<OriginClient>,
        stats: Rc<Stats>,
        log_name: &str,
        config: Option<&Config>,
    ) -> Rc<Self> {
        let keeps = |config: &Config| config.rest.cdn_cache_control == CdnCacheControl::Keep;
        let cookie_seconds = |config: &Config| config.purge.cookie.then_some(config.purge.max_lag);
        Rc::new(Self {
            origin,
            log: ResponseLog::new(stats, config),
            log_name: log_name.to_owned(),
            keeps_cdn_cache_control: config.is_some_and(keeps),
            cookie_seconds: config.and_then(cookie_seconds),
        })
    }

    /// A stored response, from `tier`.
    pub fn stored<R: Runtime>(
        &self,
        context: &Context<R>,
        plan: &Plan,
        cached: &CachedEntry,
        tier: &'static str,
        is_stale: bool,
    ) -> Reply {
        let outcome = Outcome::hit(cached, tier, is_stale, context.runtime.now());
        let response = self.entry_response(context, &cached.entry, &outcome);
        let size = (response.status, response.body.len());
        self.log.hit(context, plan, (cached, tier, is_stale), size);
        Reply::Whole(response)
    }

    /// A stored response that the origin has just validated with `response`.
    pub fn revalidated<R: Runtime>(
        &self,
        context: &Context<R>,
        plan: &Plan,
        entry: &Entry,
        response: &OriginResponse,
        outcome: &Outcome<'_>,
    ) -> Reply {
        let mut reply = self.entry_response(context, entry, outcome);
        if response.headers.has_unreadable_bytes() {
            reply.headers.attach_original_of(&response.headers);
        }
        if !plan.rest.strip_set_cookie {
            let cookies = response.headers.get_all("set-cookie");
            cookies.for_each(|cookie| reply.headers.append("set-cookie", cookie));
        }
        let is_stored = matches!(outcome.status, CacheStatus::Forwarded { stored: true, .. });
        let size = (reply.status, reply.body.len());
        self.log.revalidated(context, plan, size, is_stored, outcome.detail());
        Reply::Whole(reply)
    }

    /// The origin's response to a request that was not looked up. `detail` is what `Cache-Status` says.
    pub fn bypassed<R: Runtime>(
        &self,
        context: &Context<R>,
        response: &OriginResponse,
        forward: Forward,
        reason: &str,
        detail: &str,
    ) -> Reply {
        self.log.bypass(context, reason, (response.status, response.announced_bytes()));
        let outcome = Outcome::bypass(forward, Some(response.status), detail);
        self.origin(response, &outcome)
    }

    /// The same for a reason by which nothing is looked up.
    pub fn passed_through<R: Runtime>(
        &self,
        context: &Context<R>,
        response: &OriginResponse,
        reason: Bypass,
    ) -> Reply {
        let detail = reason.detail();
        self.bypassed(context, response, forward_of(reason), &detail, &detail)
    }

    /// The origin's response, streamed.
    pub fn origin(&self, response: &OriginResponse, outcome: &Outcome<'_>) -> Reply {
        let headers = self.origin_headers(&response.headers, outcome);
        Reply::Origin { handle: response.handle, status: response.status, headers }
    }

    /// Headers of the origin as the client gets them.
    pub fn origin_headers(&self, headers: &Headers, outcome: &Outcome<'_>) -> Headers {
        annotated(headers, outcome, self.keeps_cdn_cache_control)
    }

    /// The same for headers that are stored.
    pub fn stored_headers(
        &self,
        headers: &Headers,
        outcome: &Outcome<'_>,
        keeps_cdn: bool,
    ) -> Headers {
        annotated(headers, outcome, keeps_cdn)
    }

    /// The same for a response to a read that is not stored.
    pub fn unstored_headers(
        &self,
        plan: &Plan,
        headers: &Headers,
        outcome: &Outcome<'_>,
    ) -> Headers {
        let mut headers = self.origin_headers(headers, outcome);
        shorten_for_client(&mut headers, plan.client_ttl);
        if plan.rest.strip_set_cookie {
            headers.remove("set-cookie");
        }
        headers
    }

    /// Shows an administrator who asks for it the key and the tags of an entry.
    pub fn show_entry<R: Runtime>(&self, context: &Context<R>, meta: &Meta, headers: &mut Headers) {
        if context.debug {
            headers.set("evergraph-key", meta.key.as_str());
            let mut tags = meta.tags.join(",");
            tags.truncate(SHOWN_TAGS_BYTES);
            headers.set("evergraph-tags", tags);
        }
    }

    /// Gives the client the token of its own write, by which no later response of Evergraph is older.
    pub fn show_purge_token<R: Runtime>(
        &self,
        context: &Context<R>,
        token: String,
        headers: &mut Headers,
    ) {
        if let Some(seconds) = self.cookie_seconds {
            let cookie = purge_cookie(&self.log_name, &token, seconds, &context.request);
            headers.append("set-cookie", cookie);
        }
        headers.set("evergraph-purge", token);
    }

    /// 502 or 504 because the origin gave no response. `plan` is that of a read.
    pub fn origin_failed<R: Runtime>(
        &self,
        context: &Context<R>,
        failure: &OriginFailure,
        forward: Forward,
        plan: Option<&Plan>,
    ) -> Reply {
        report_failure(&context.runtime, "origin", &failure.fault);
        self.log.failure(context, plan);
        let message = match failure.timed_out {
            true => "the origin did not answer in time",
            false => "the origin cannot be reached",
        };
        let looked_up = matches!(forward, Forward::Miss | Forward::Stale | Forward::Request);
        let x_cache = if looked_up { XCache::Miss } else { XCache::Bypass };
        let outcome = Outcome {
            x_cache,
            ..Outcome::bypass(forward, None, MissDetail::OriginFailed.as_str())
        };
        let status = gateway_error_status(failure.timed_out);
        let mut response = json_response(status, &json!({ "error": message }));
        annotate_own(&mut response.headers, &outcome);
        Reply::Whole(response)
    }

    /// 400 with a GraphQL error, because the configuration refuses requests over a limit.
    pub fn over_limit<R: Runtime>(&self, context: &Context<R>, limit: Limit, most: usize) -> Reply {
        let body = json!({ "errors": [{
            "message": format!("The request is over the limit of {most} {}.", limit.as_str()),
            "extensions": { "code": "OVER_LIMIT", "limit": limit.as_str() },
        }] });
        let mut response = json_response(400, &body);
        self.log.bypass(context, OVER_LIMIT, (400, response.body.len()));
        let outcome = Outcome::bypass(Forward::Bypass, None, OVER_LIMIT);
        annotate_own(&mut response.headers, &outcome);
        Reply::Whole(response)
    }

    /// Asks the client for the documents whose hashes it sent, as servers with automatic persisted
    /// queries do. `body` says so.
    pub fn unknown_documents<R: Runtime>(&self, context: &Context<R>, body: Rc<[u8]>) -> Reply {
        let reason = Bypass::PersistedUnknown.as_str();
        self.log.bypass(context, reason, (200, body.len()));
        let mut headers = Headers::new();
        headers.set("content-type", response_media_type(&context.request.headers));
        headers.set("cache-control", "private, no-cache, must-revalidate");
        // The response holds nothing that a site may not read; a browser that does not let its page
        // read it would not send the document.
        if let Some(origin) = context.request.headers.get("origin") {
            headers.set("access-control-allow-origin", origin);
            headers.set("access-control-allow-credentials", "true");
            headers.set("vary", "Origin");
        }
        let outcome = Outcome::bypass(Forward::Bypass, None, reason);
        annotate_own(&mut headers, &outcome);
        Reply::Whole(Response { status: 200, headers, body })
    }

    /// The headers of the origin's response to a request that Wasm had failed at.
    pub fn rescued(&self, request: &Request, status: u16, headers: &Headers) -> Headers {
        let outcome =
            Outcome::bypass(Forward::Bypass, Some(status), BypassOutcome::WorkerFailed.as_str());
        let mut headers = annotated(headers, &outcome, self.keeps_cdn_cache_control);
        self.finish_headers(request, &mut headers);
        headers
    }

    /// The headers of several stored responses that make one.
    pub fn merged_headers(&self, mut headers: Headers, outcome: &Outcome<'_>) -> Headers {
        annotate_own(&mut headers, outcome);
        headers
    }

    fn entry_response<R: Runtime>(
        &self,
        context: &Context<R>,
        entry: &Entry,
        outcome: &Outcome<'_>,
    ) -> Response {
        let Outcome { x_cache, status } = outcome;
        let now = context.runtime.now();
        let mut response = response_from_entry(entry, &context.request, *x_cache, status, now);
        self.show_entry(context, &entry.meta, &mut response.headers);
        response
    }

    /// The last step for every reply: what is done to the headers of all responses, however they were
    /// made.
    pub fn finish(&self, request: &Request, reply: &mut Reply) {
        match reply {
            Reply::Whole(Response { headers, .. }) | Reply::Origin { headers, .. } => {
                self.finish_headers(request, headers);
            }
            Reply::Untouched { .. } | Reply::Socket { .. } => {}
        }
    }

    fn finish_headers(&self, request: &Request, headers: &mut Headers) {
        finish(&ResponseFacts { request, origin: self.origin.url() }, headers);
    }
}

/// The origin's headers as the client gets them. With `keeps_cdn` including `CDN-Cache-Control`.
fn annotated(headers: &Headers, outcome: &Outcome<'_>, keeps_cdn: bool) -> Headers {
    headers_to_client(headers, outcome.x_cache, &outcome.status, keeps_cdn)
}

/// The same for a response that Evergraph makes itself.
fn annotate_own(headers: &mut Headers, outcome: &Outcome<'_>) {
    headers.set("x-cache", outcome.x_cache.as_str());
    outcome.status.add_to(headers);
}
