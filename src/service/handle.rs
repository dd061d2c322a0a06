//! One request, from its head to its answer.

use super::context::Context;
use super::documents::{Operation, Unresolved, Whole};
use super::isolate::Isolate;
use super::report::{HitLine, report, report_failure, report_hit};
use super::runtime::{BodyRead, Fault, OriginFailure, OriginRequest, OriginResponse, Runtime};
use super::slots::{self, Slots};
use super::stats::Answered;
use super::timeout::within;
use crate::admin;
use crate::config::Config;
use crate::engine::{
    Bypass, Class, GraphQlRequest, Plan, Uncacheable, XCache, classify, forwarded_headers,
    headers_to_client, is_upgrade, may_write, origin_url, plan_graphql, plan_rest, read_graphql,
    rewrite_location, scope_tags_changed_by, status_of_origin, take_evergraph_headers,
};
use crate::graphql::{OperationKind, Query};
use crate::http::{Headers, Request, Response};
use crate::limits::{self, Amounts, Limit};
use crate::policy::{CacheStatus, Forward};
use crate::purge::Record;
use crate::tag::gather_tags;
use futures_util::future::{Either, select};
use serde_json::json;
use std::pin::pin;
use std::rc::Rc;

/// What the client gets.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// A response that is at hand.
    Whole(Response),
    /// The origin's answer of that handle, with these headers instead of its own.
    Origin {
        /// Names the answer.
        handle: u32,
        /// The status code.
        status: u16,
        /// The headers.
        headers: Headers,
    },
    /// The origin's answer of that handle as it is, a change of protocol included.
    Untouched {
        /// Names the answer.
        handle: u32,
    },
    /// The origin's answer of that handle, a socket on which GraphQL is spoken: its messages are
    /// read on the way.
    Socket {
        /// Names the answer.
        handle: u32,
    },
}

/// The service in one isolate. A clone is the same service.
#[derive(Clone)]
pub struct Service<W> {
    pub(super) runtime: W,
    pub(super) isolate: Rc<Isolate>,
    /// For this request's reads of stores.
    pub(super) store_reads: Rc<Slots>,
}

impl<W: Runtime> Service<W> {
    /// The service over the world of one request, with what its isolate knows.
    pub fn new(runtime: W, isolate: Rc<Isolate>) -> Self {
        Self { runtime, isolate, store_reads: Slots::new(slots::READS) }
    }

    /// Answers a request.
    pub async fn handle(&self, request: Request) -> Reply {
        let context = self.context(request);
        let isolate = self.isolate.clone();
        let config = match &isolate.config {
            Ok(config) => config,
            Err(faults) => {
                if !isolate.config_reported.replace(true) {
                    let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
                    self.report(&json!({ "event": "config-error", "faults": faults }));
                }
                // Who asks for Evergraph itself sends a token that is not for the origin.
                if context.request.url.comparable_path().starts_with(admin::PREFIX) {
                    return self.failed(503, "the configuration has faults; the log names them");
                }
                if isolate.origin_is_faulty {
                    return self.failed(502, "the configured origin is no URL; the log says why");
                }
                if is_upgrade(&context.request) {
                    return self.socket(None, context).await;
                }
                if may_write(None, &context.request) {
                    // Nobody knows what it changes, and the entries outlive the fault.
                    return self.unread_write(&context, Bypass::ConfigError, "config-error").await;
                }
                return self.pass_through(None, &context, Bypass::ConfigError).await;
            }
        };
        match classify(config, &context.request) {
            Class::Admin => self.admin(config, &context).await,
            Class::PassThrough(Bypass::Upgrade) => self.upgrade(Some(config), &context).await,
            Class::GraphQlSocket => self.socket(Some(config), context).await,
            Class::PassThrough(bypass) => self.pass_through(Some(config), &context, bypass).await,
            Class::RestWrite => self.rest_write(config, &context).await,
            Class::Rest => match self
                .planned(config, &context, |claims| plan_rest(config, &context.request, claims))
                .await
            {
                Ok(plan) => self.read(config, &context, &plan, None).await,
                Err(bypass) => self.pass_through(Some(config), &context, bypass).await,
            },
            Class::GraphQlGet => self.graphql(config, &context, None).await,
            Class::GraphQlPost => self.graphql_body(config, &context).await,
            Class::GraphQlUncached(reason) => {
                let context = Context { uncached: Some(reason), ..context };
                match context.request.method.is_safe() {
                    true => self.graphql(config, &context, None).await,
                    false => self.graphql_body(config, &context).await,
                }
            }
        }
    }

    async fn graphql_body(&self, config: &Config, context: &Context<W>) -> Reply {
        let bytes = config.limits.amounts.of(Limit::Bytes);
        match self.runtime.request_body(bytes, limits::REQUEST_COPIES).await {
            BodyRead::Whole(body) => self.graphql(config, context, Some(body)).await,
            BodyRead::TooLarge => self.unread(config, context, Bypass::BodyTooLarge).await,
            BodyRead::NoRoom => self.unread(config, context, Bypass::MemoryInFlight).await,
            BodyRead::Broken => self.failed(400, "the request's body broke off"),
        }
    }

    /// Takes off a request what is for Evergraph alone.
    fn context(&self, mut request: Request) -> Context<W> {
        let service = self.isolate.log_name();
        let own = take_evergraph_headers(&mut request, service, || self.runtime.admin_tokens());
        let own_write =
            self.isolate.purges.own_writes.required_by(&self.runtime, &own.purge_tokens);
        Context { own_write, debug: own.debug, ..self.new_context(request) }
    }

    pub(super) fn new_context(&self, request: Request) -> Context<W> {
        let context = Context::new(self.runtime.clone(), request);
        Context { store_reads: self.store_reads.clone(), ..context }
    }

    /// A GraphQL request whose body nobody has read may be a mutation, and a batch.
    async fn unread(&self, config: &Config, context: &Context<W>, reason: Bypass) -> Reply {
        let perhaps = Uncacheable { reason, may_be_mutation: true };
        self.not_looked_up(config, context, perhaps).await
    }

    async fn graphql(
        &self,
        config: &Config,
        context: &Context<W>,
        body: Option<Rc<[u8]>>,
    ) -> Reply {
        let mut needed = Amounts::ZERO;
        let request = &context.request;
        if let Some(body) = &body {
            needed.raise(Limit::Bytes, body.len());
            if !self.has_room_for_request(config, request, body, &mut needed) {
                return self.unread(config, context, Bypass::MemoryInFlight).await;
            }
        }
        let read = read_graphql(config, request, body.as_deref());
        // What was read of it is enough from here on.
        drop(body);
        if let Ok(GraphQlRequest::Batch(queries)) = &read {
            needed.raise(Limit::Batch, queries.len());
        }
        self.isolate.needed(&needed);
        match read {
            Ok(GraphQlRequest::One(query)) => self.one_operation(config, context, query).await,
            Ok(GraphQlRequest::Batch(queries)) => self.batch(config, context, queries).await,
            Err(unwritten) => self.not_looked_up(config, context, unwritten).await,
        }
    }

    async fn one_operation(&self, config: &Config, context: &Context<W>, query: Query) -> Reply {
        let schema = self.schema(config, context);
        let operation = match self.operation(config, context, query, &schema).await {
            Ok(operation) => operation,
            Err(Unresolved::Unknown) => return self.unknown_document(context),
            Err(Unresolved::Uncacheable(unwritten)) => {
                return self.not_looked_up(config, context, unwritten).await;
            }
        };
        match self.planned_operation(config, context, &operation).await {
            Ok(plan) => self.read(config, context, &plan, Some(Rc::new(operation))).await,
            Err(Bypass::Mutation) => self.mutation(config, context, &operation).await,
            Err(bypass) => {
                let whole = self.whole(config, &operation);
                self.pass(Some(config), context, bypass, whole.as_ref()).await
            }
        }
    }

    /// Plans the look-up of an operation, or says why there is none.
    pub(super) async fn planned_operation(
        &self,
        config: &Config,
        context: &Context<W>,
        operation: &Operation,
    ) -> Result<Plan, Bypass> {
        let analysis = &operation.known.analysis;
        match (analysis.kind, context.uncached) {
            (OperationKind::Mutation, _) => Err(Bypass::Mutation),
            (OperationKind::Subscription, _) => Err(Bypass::Subscription),
            (OperationKind::Query, _) if analysis.incremental => Err(Bypass::Incremental),
            (OperationKind::Query, Some(reason)) => Err(reason),
            // Without what the key lacks its URL would be too long.
            (OperationKind::Query, None) if !operation.can_be_keyed() => Err(Bypass::UrlTooLong),
            (OperationKind::Query, None) => {
                let plan = |claims: &_| {
                    plan_graphql(config, &context.request, claims, &operation.query, analysis)
                };
                self.planned(config, context, plan).await
            }
        }
    }

    pub(super) async fn not_looked_up(
        &self,
        config: &Config,
        context: &Context<W>,
        unwritten: Uncacheable,
    ) -> Reply {
        if let Some(limit) = unwritten.reason.limit().filter(|_| config.limits.refuse) {
            return self.over_limit(config, context, limit);
        }
        if unwritten.may_be_mutation {
            return self.perhaps_mutation(config, context, unwritten).await;
        }
        self.pass_through(Some(config), context, unwritten.reason).await
    }

    /// 400 with a GraphQL error, where the configuration wants it so.
    pub(super) fn over_limit(&self, config: &Config, context: &Context<W>, limit: Limit) -> Reply {
        let most = config.limits.amounts.of(limit);
        let body = json!({ "errors": [{
            "message": format!("The request is over the limit of {most} {}.", limit.as_str()),
            "extensions": { "code": "OVER_LIMIT", "limit": limit.as_str() },
        }] });
        self.count(context, 400, Answered::Bypass, None);
        self.report_bypass(context, "over-limit", 400);
        let mut response = json_response(400, &body);
        response.headers.set("x-cache", XCache::Bypass.as_str());
        CacheStatus::Forwarded {
            forward: Forward::Bypass,
            status: None,
            stored: false,
            detail: Some("over-limit"),
        }
        .add_to(&mut response.headers);
        Reply::Whole(response)
    }

    /// A change of protocol is passed on untouched. Any other answer is one like all others.
    pub(super) async fn upgrade(&self, config: Option<&Config>, context: &Context<W>) -> Reply {
        let url = self.origin_url(&context.request);
        let headers = self.forwarded_headers(&context.request, context.request.headers.clone());
        match self.runtime.ask_untouched(&url, &headers).await {
            Ok(answer) if answer.status == 101 => Reply::Untouched { handle: answer.handle },
            Ok(mut answer) => {
                if let Some(config) = config {
                    gather_tags(&mut answer.headers, &config.tag_headers);
                }
                self.passed(config, context, Bypass::Upgrade, &answer).await
            }
            Err(failure) => self.origin_failed(context, &failure, Forward::Bypass),
        }
    }

    /// To the origin and back, streamed.
    pub(super) async fn pass_through(
        &self,
        config: Option<&Config>,
        context: &Context<W>,
        reason: Bypass,
    ) -> Reply {
        self.pass(config, context, reason, None).await
    }

    /// The same, with the request in full where the origin may not know its document.
    pub(super) async fn pass(
        &self,
        config: Option<&Config>,
        context: &Context<W>,
        reason: Bypass,
        whole: Option<&Whole>,
    ) -> Reply {
        let may_retry = !may_write(config, &context.request);
        match self.ask_whole(context, whole, may_retry).await {
            Ok(answer) => self.passed(config, context, reason, &answer).await,
            Err(failure) => self.origin_failed(context, &failure, forward_of(reason)),
        }
    }

    /// The origin's answer to a request that was not looked up.
    async fn passed(
        &self,
        config: Option<&Config>,
        context: &Context<W>,
        reason: Bypass,
        answer: &OriginResponse,
    ) -> Reply {
        if let Some(config) = config {
            self.note_scope_changes(config, &context.request, answer).await;
        }
        self.count(context, answer.status, Answered::Bypass, None);
        let detail = reason.detail();
        self.report_bypass(context, &detail, answer.status);
        let status = CacheStatus::Forwarded {
            forward: forward_of(reason),
            status: Some(answer.status),
            stored: false,
            detail: Some(&detail),
        };
        self.reply(context, answer, XCache::Bypass, &status)
    }

    /// Asks the origin, and waits no longer than `millis` for the head of its answer.
    pub(super) async fn ask_within(
        &self,
        millis: Option<u64>,
        ask: &OriginRequest<'_>,
    ) -> Result<OriginResponse, OriginFailure> {
        let Some(millis) = millis else { return self.ask(ask).await };
        match select(pin!(self.ask(ask)), pin!(self.runtime.sleep(millis))).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => {
                let failure = OriginFailure::after(millis);
                self.isolate.origin.note(self.runtime.now(), Some(failure.fault.clone()));
                Err(failure)
            }
        }
    }

    /// Asks the origin, and notes how it fared.
    pub(super) async fn ask(
        &self,
        ask: &OriginRequest<'_>,
    ) -> Result<OriginResponse, OriginFailure> {
        let asked_at = self.runtime.now();
        let mut answer = self.runtime.ask(ask).await;
        if let Ok(answer) = &mut answer {
            answer.asked_at = asked_at;
            if let Ok(config) = &self.isolate.config {
                gather_tags(&mut answer.headers, &config.tag_headers);
            }
        }
        let fault = match &answer {
            Ok(answer) if answer.status >= 500 => Some(format!("answered {}", answer.status)),
            Ok(_) => None,
            Err(failure) => Some(failure.fault.clone()),
        };
        self.isolate.origin.note(self.runtime.now(), fault);
        answer
    }

    /// The origin's answer with a word on what was done.
    pub(super) fn reply(
        &self,
        context: &Context<W>,
        answer: &OriginResponse,
        x_cache: XCache,
        status: &CacheStatus,
    ) -> Reply {
        let headers = self.headers_to_client(context, answer, x_cache, status);
        Reply::Origin { handle: answer.handle, status: answer.status, headers }
    }

    /// The headers of the origin's answer with a word on what was done.
    pub(super) fn headers_to_client(
        &self,
        context: &Context<W>,
        answer: &OriginResponse,
        x_cache: XCache,
        status: &CacheStatus,
    ) -> Headers {
        let mut headers = headers_to_client(
            &answer.headers,
            x_cache,
            status,
            self.isolate.keeps_cdn_cache_control(),
        );
        self.rewrite_location(&context.request, &mut headers);
        headers
    }

    /// Where an answer changes the cookie that a scope goes by, the old value's entries go.
    pub(super) async fn note_scope_changes(
        &self,
        config: &Config,
        request: &Request,
        answer: &OriginResponse,
    ) {
        let tags = scope_tags_changed_by(config, &request.headers, &answer.headers);
        if !tags.is_empty() {
            // What the log does not take is kept pending; there is nobody to tell.
            let record = Record::of_tags(&tags, &config.same, config.tagging);
            let _ = self.isolate.purges.recorder.record(&self.runtime, record, "cookie").await;
        }
    }

    /// 502 or 504 with a JSON error.
    pub(super) fn origin_failed(
        &self,
        context: &Context<W>,
        failure: &OriginFailure,
        forward: Forward,
    ) -> Reply {
        self.report_failure("origin", &failure.fault);
        self.count(context, 502, Answered::Error, None);
        let status = status_of_origin(failure.timed_out);
        let message = match failure.timed_out {
            true => "the origin did not answer in time",
            false => "the origin cannot be reached",
        };
        let mut reply = json_response(status, &json!({ "error": message }));
        let looked_up = matches!(forward, Forward::Miss | Forward::Stale | Forward::Request);
        let x_cache = if looked_up { XCache::Miss } else { XCache::Bypass };
        reply.headers.set("x-cache", x_cache.as_str());
        CacheStatus::Forwarded {
            forward,
            status: None,
            stored: false,
            detail: Some("origin-failed"),
        }
        .add_to(&mut reply.headers);
        Reply::Whole(reply)
    }

    pub(super) fn failed(&self, status: u16, message: &str) -> Reply {
        Reply::Whole(json_response(status, &json!({ "error": message })))
    }

    pub(super) fn count(
        &self,
        context: &Context<W>,
        status: u16,
        how: Answered,
        type_name: Option<&str>,
    ) {
        let how = if status >= 500 { Answered::Error } else { how };
        let now = self.runtime.now();
        let millis = now.millis_since(context.started);
        self.isolate.stats.answered(now, how, type_name, millis);
    }

    pub(super) fn report_bypass(&self, context: &Context<W>, reason: &str, status: u16) {
        self.report(&json!({
            "event": "bypass",
            "reason": reason,
            "method": context.request.method.as_str(),
            "path": context.request.url.path,
            "status": status,
            "ms": self.runtime.now().millis_since(context.started),
        }));
    }
}

fn forward_of(reason: Bypass) -> Forward {
    match reason {
        Bypass::Method => Forward::Method,
        _ => Forward::Bypass,
    }
}

/// A response of Evergraph's own.
pub(super) fn json_response(status: u16, body: &serde_json::Value) -> Response {
    let headers = [("content-type", "application/json"), ("cache-control", "no-store")];
    Response {
        status,
        headers: headers.into_iter().collect(),
        body: body.to_string().into_bytes().into(),
    }
}

impl<W: Runtime> Service<W> {
    /// Where the origin has what the client asked for.
    pub(super) fn origin_url(&self, request: &Request) -> String {
        self.origin_url_of(request, &request.url.target())
    }

    /// Where the origin has another path and query than the client's.
    pub(super) fn origin_url_of(&self, request: &Request, target: &str) -> String {
        origin_url(self.isolate.origin_url.as_deref(), request, target)
    }

    /// The headers of a request as the origin gets them.
    pub(super) fn forwarded_headers(&self, request: &Request, headers: Headers) -> Headers {
        forwarded_headers(self.isolate.origin_url.as_deref(), request, headers)
    }

    /// A redirect to the origin's own address leads the client to the public one.
    pub(super) fn rewrite_location(&self, request: &Request, headers: &mut Headers) {
        rewrite_location(self.isolate.origin_url.as_deref(), request, headers);
    }
}

impl<W: Runtime> Service<W> {
    /// Records what waits here and in the outbox. For whoever calls now and then, with or without
    /// a request.
    pub async fn tend(&self) {
        self.isolate.purges.recorder.record_everything_pending(&self.runtime).await;
    }

    /// Purges everything for a write whose handling broke: what it changed is unknown. `is_over` says
    /// whether the origin has answered it.
    pub async fn purge_after_failure(&self, is_over: bool) {
        self.isolate.purges.recorder.purge_after_failure(&self.runtime, is_over).await;
    }

    pub(super) fn report(&self, line: &serde_json::Value) {
        report(&self.runtime, line);
    }

    pub(super) fn report_failure(&self, part: &str, fault: &str) {
        report_failure(&self.runtime, part, fault);
    }

    pub(super) fn report_hit(&self, line: &HitLine<'_>) {
        report_hit(&self.runtime, line);
    }

    pub(super) async fn within<T>(
        &self,
        millis: u64,
        work: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        within(&self.runtime, millis, work).await
    }
}
