//! One request, from its head to its answer.

use super::documents::{Operation, Unresolved, Whole};
use super::isolate::Isolate;
use super::own_write::OwnWrite;
use super::slots::{self, Slots};
use super::stats::Answered;
use super::world::{Answer, Ask, BodyRead, OriginFailure, World};
use crate::admin;
use crate::config::Config;
use crate::engine::{
    Bypass, Class, Plan, Read, Unwritten, XCache, classify, forwarded_headers, is_upgrade,
    may_write, origin_url, passed_on, plan_graphql, plan_rest, read_graphql, rewrite_location,
    scope_tags_changed_by, status_of_origin, take_own_headers,
};
use crate::graphql::{OperationKind, Query};
use crate::http::{Headers, Request, Response};
use crate::limits::{self, Amounts, Limit};
use crate::policy::{CacheStatus, Forward};
use crate::purge::Record;
use crate::tag::gather_tags;
use crate::time::Timestamp;
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
    Answer {
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
    pub(super) world: W,
    pub(super) isolate: Rc<Isolate>,
    /// For this request's reads of stores.
    pub(super) reads: Rc<Slots>,
    /// For the stale entries that this request fetches.
    pub(super) revalidations: Rc<Slots>,
}

/// What is to be known of a request while it is handled.
pub(super) struct Asked {
    pub request: Request,
    pub started: Timestamp,
    /// The client's own write, older than which it wants nothing.
    pub wanted: Option<OwnWrite>,
    /// Whether the client may see keys and tags.
    pub debug: bool,
    /// Why its queries are not looked up, if its path or method says so.
    pub uncached: Option<Bypass>,
}

impl<W: World> Service<W> {
    /// The service over the world of one request, with what its isolate knows.
    pub fn new(world: W, isolate: Rc<Isolate>) -> Self {
        let (reads, revalidations) = (Slots::new(slots::READS), Slots::new(slots::REVALIDATIONS));
        Self { world, isolate, reads, revalidations }
    }

    /// Answers a request.
    pub async fn handle(&self, request: Request) -> Reply {
        let asked = self.asked(request);
        let isolate = self.isolate.clone();
        let config = match &isolate.config {
            Ok(config) => config,
            Err(faults) => {
                if !isolate.config_reported.replace(true) {
                    let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
                    self.report(&json!({ "event": "config-error", "faults": faults }));
                }
                // Who asks for Evergraph itself sends a token that is not for the origin.
                if asked.request.url.comparable_path().starts_with(admin::PREFIX) {
                    return self.failed(503, "the configuration has faults; the log names them");
                }
                if isolate.origin_is_faulty {
                    return self.failed(502, "the configured origin is no URL; the log says why");
                }
                if is_upgrade(&asked.request) {
                    return self.socket(None, asked).await;
                }
                if may_write(None, &asked.request) {
                    // Nobody knows what it changes, and the entries outlive the fault.
                    return self.unread_write(&asked, Bypass::ConfigError, "config-error").await;
                }
                return self.pass_through(None, &asked, Bypass::ConfigError).await;
            }
        };
        match classify(config, &asked.request) {
            Class::Admin => self.admin(config, &asked.request).await,
            Class::PassThrough(Bypass::Upgrade) => self.upgrade(Some(config), &asked).await,
            Class::GraphQlSocket => self.socket(Some(config), asked).await,
            Class::PassThrough(bypass) => self.pass_through(Some(config), &asked, bypass).await,
            Class::RestWrite => self.rest_write(config, &asked).await,
            Class::Rest => match self
                .planned(config, &asked, |claims| plan_rest(config, &asked.request, claims))
                .await
            {
                Ok(plan) => self.read(config, &asked, &plan, None).await,
                Err(bypass) => self.pass_through(Some(config), &asked, bypass).await,
            },
            Class::GraphQlGet => self.graphql(config, &asked, None).await,
            Class::GraphQlPost => self.graphql_body(config, &asked).await,
            Class::GraphQlUncached(reason) => {
                let asked = Asked { uncached: Some(reason), ..asked };
                match asked.request.method.is_safe() {
                    true => self.graphql(config, &asked, None).await,
                    false => self.graphql_body(config, &asked).await,
                }
            }
        }
    }

    async fn graphql_body(&self, config: &Config, asked: &Asked) -> Reply {
        let bytes = config.limits.amounts.of(Limit::Bytes);
        match self.world.request_body(bytes, limits::REQUEST_COPIES).await {
            BodyRead::Whole(body) => self.graphql(config, asked, Some(body)).await,
            BodyRead::TooLarge => self.unread(config, asked, Bypass::BodyTooLarge).await,
            BodyRead::NoRoom => self.unread(config, asked, Bypass::MemoryInFlight).await,
            BodyRead::Broken => self.failed(400, "the request's body broke off"),
        }
    }

    /// Takes off a request what is for Evergraph alone.
    fn asked(&self, mut request: Request) -> Asked {
        let service = self.isolate.log_name();
        let own = take_own_headers(&mut request, service, || self.world.admin_tokens());
        let wanted = self.own_write(&own.purge_tokens);
        let started = self.world.now();
        Asked { request, started, wanted, debug: own.debug, uncached: None }
    }

    /// A GraphQL request whose body nobody has read may be a mutation, and a batch.
    async fn unread(&self, config: &Config, asked: &Asked, reason: Bypass) -> Reply {
        let perhaps = Unwritten { reason, may_be_mutation: true };
        self.not_looked_up(config, asked, perhaps).await
    }

    async fn graphql(&self, config: &Config, asked: &Asked, body: Option<Rc<[u8]>>) -> Reply {
        let mut needed = Amounts::ZERO;
        let request = &asked.request;
        if let Some(body) = &body {
            needed.raise(Limit::Bytes, body.len());
            if !self.has_room_for_request(config, request, body, &mut needed) {
                return self.unread(config, asked, Bypass::MemoryInFlight).await;
            }
        }
        let read = read_graphql(config, request, body.as_deref());
        // What was read of it is enough from here on.
        drop(body);
        if let Ok(Read::Batch(queries)) = &read {
            needed.raise(Limit::Batch, queries.len());
        }
        self.isolate.needed(&needed);
        match read {
            Ok(Read::One(query)) => self.one_operation(config, asked, query).await,
            Ok(Read::Batch(queries)) => self.batch(config, asked, queries).await,
            Err(unwritten) => self.not_looked_up(config, asked, unwritten).await,
        }
    }

    async fn one_operation(&self, config: &Config, asked: &Asked, query: Query) -> Reply {
        let schema = self.schema(config, asked);
        let operation = match self.operation(config, asked, query, &schema).await {
            Ok(operation) => operation,
            Err(Unresolved::Unknown) => return self.unknown_document(asked),
            Err(Unresolved::Unwritten(unwritten)) => {
                return self.not_looked_up(config, asked, unwritten).await;
            }
        };
        match self.planned_operation(config, asked, &operation).await {
            Ok(plan) => self.read(config, asked, &plan, Some(Rc::new(operation))).await,
            Err(Bypass::Mutation) => self.mutation(config, asked, &operation).await,
            Err(bypass) => {
                let whole = self.whole(config, &operation);
                self.pass(Some(config), asked, bypass, whole.as_ref()).await
            }
        }
    }

    /// Plans the look-up of an operation, or says why there is none.
    pub(super) async fn planned_operation(
        &self,
        config: &Config,
        asked: &Asked,
        operation: &Operation,
    ) -> Result<Plan, Bypass> {
        let analysis = &operation.known.analysis;
        match (analysis.kind, asked.uncached) {
            (OperationKind::Mutation, _) => Err(Bypass::Mutation),
            (OperationKind::Subscription, _) => Err(Bypass::Subscription),
            (OperationKind::Query, _) if analysis.incremental => Err(Bypass::Incremental),
            (OperationKind::Query, Some(reason)) => Err(reason),
            // Without what the key lacks its URL would be too long.
            (OperationKind::Query, None) if !operation.can_be_keyed() => Err(Bypass::UrlTooLong),
            (OperationKind::Query, None) => {
                let plan = |claims: &_| {
                    plan_graphql(config, &asked.request, claims, &operation.query, analysis)
                };
                self.planned(config, asked, plan).await
            }
        }
    }

    pub(super) async fn not_looked_up(
        &self,
        config: &Config,
        asked: &Asked,
        unwritten: Unwritten,
    ) -> Reply {
        if let Some(limit) = unwritten.reason.limit().filter(|_| config.limits.refuse) {
            return self.over_limit(config, asked, limit);
        }
        if unwritten.may_be_mutation {
            return self.perhaps_mutation(config, asked, unwritten).await;
        }
        self.pass_through(Some(config), asked, unwritten.reason).await
    }

    /// 400 with a GraphQL error, where the configuration wants it so.
    pub(super) fn over_limit(&self, config: &Config, asked: &Asked, limit: Limit) -> Reply {
        let most = config.limits.amounts.of(limit);
        let body = json!({ "errors": [{
            "message": format!("The request is over the limit of {most} {}.", limit.as_str()),
            "extensions": { "code": "OVER_LIMIT", "limit": limit.as_str() },
        }] });
        self.count(asked, 400, Answered::Bypass, None);
        self.report_bypass(asked, "over-limit", 400);
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
    pub(super) async fn upgrade(&self, config: Option<&Config>, asked: &Asked) -> Reply {
        let url = self.origin_url(&asked.request);
        let headers = self.forwarded_headers(&asked.request, asked.request.headers.clone());
        match self.world.ask_untouched(&url, &headers).await {
            Ok(answer) if answer.status == 101 => Reply::Untouched { handle: answer.handle },
            Ok(mut answer) => {
                if let Some(config) = config {
                    gather_tags(&mut answer.headers, &config.tag_headers);
                }
                self.passed(config, asked, Bypass::Upgrade, &answer).await
            }
            Err(failure) => self.origin_failed(asked, &failure, Forward::Bypass),
        }
    }

    /// To the origin and back, streamed.
    pub(super) async fn pass_through(
        &self,
        config: Option<&Config>,
        asked: &Asked,
        reason: Bypass,
    ) -> Reply {
        self.pass(config, asked, reason, None).await
    }

    /// The same, with the request in full where the origin may not know its document.
    pub(super) async fn pass(
        &self,
        config: Option<&Config>,
        asked: &Asked,
        reason: Bypass,
        whole: Option<&Whole>,
    ) -> Reply {
        let again = !may_write(config, &asked.request);
        match self.ask_whole(asked, whole, again).await {
            Ok(answer) => self.passed(config, asked, reason, &answer).await,
            Err(failure) => self.origin_failed(asked, &failure, forward_of(reason)),
        }
    }

    /// The origin's answer to a request that was not looked up.
    async fn passed(
        &self,
        config: Option<&Config>,
        asked: &Asked,
        reason: Bypass,
        answer: &Answer,
    ) -> Reply {
        if let Some(config) = config {
            self.note_scope_changes(config, &asked.request, answer).await;
        }
        self.count(asked, answer.status, Answered::Bypass, None);
        let detail = reason.detail();
        self.report_bypass(asked, &detail, answer.status);
        let status = CacheStatus::Forwarded {
            forward: forward_of(reason),
            status: Some(answer.status),
            stored: false,
            detail: Some(&detail),
        };
        self.reply(asked, answer, XCache::Bypass, &status)
    }

    /// Asks the origin, and waits no longer than `millis` for the head of its answer.
    pub(super) async fn ask_within(
        &self,
        millis: Option<u64>,
        ask: &Ask<'_>,
    ) -> Result<Answer, OriginFailure> {
        let Some(millis) = millis else { return self.ask(ask).await };
        match select(pin!(self.ask(ask)), pin!(self.world.sleep(millis))).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => {
                let failure = OriginFailure::after(millis);
                self.isolate.origin.note(self.world.now(), Some(failure.fault.clone()));
                Err(failure)
            }
        }
    }

    /// Asks the origin, and notes how it fared.
    pub(super) async fn ask(&self, ask: &Ask<'_>) -> Result<Answer, OriginFailure> {
        let asked_at = self.world.now();
        let mut answer = self.world.ask(ask).await;
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
        self.isolate.origin.note(self.world.now(), fault);
        answer
    }

    /// The origin's answer with a word on what was done.
    pub(super) fn reply(
        &self,
        asked: &Asked,
        answer: &Answer,
        x_cache: XCache,
        status: &CacheStatus,
    ) -> Reply {
        let headers = self.passed_on(asked, answer, x_cache, status);
        Reply::Answer { handle: answer.handle, status: answer.status, headers }
    }

    /// The headers of the origin's answer with a word on what was done.
    pub(super) fn passed_on(
        &self,
        asked: &Asked,
        answer: &Answer,
        x_cache: XCache,
        status: &CacheStatus,
    ) -> Headers {
        let mut headers =
            passed_on(&answer.headers, x_cache, status, self.isolate.keeps_cdn_cache_control());
        self.rewrite_location(&asked.request, &mut headers);
        headers
    }

    /// Where an answer changes the cookie that a scope goes by, the old value's entries go.
    pub(super) async fn note_scope_changes(
        &self,
        config: &Config,
        request: &Request,
        answer: &Answer,
    ) {
        let tags = scope_tags_changed_by(config, &request.headers, &answer.headers);
        if !tags.is_empty() {
            // What the log does not take is kept pending; there is nobody to tell.
            let record = Record::of_tags(&tags, &config.same, config.tagging);
            let _ = self.record(record, "cookie").await;
        }
    }

    /// 502 or 504 with a JSON error.
    pub(super) fn origin_failed(
        &self,
        asked: &Asked,
        failure: &OriginFailure,
        forward: Forward,
    ) -> Reply {
        self.report_failure("origin", &failure.fault);
        self.count(asked, 502, Answered::Error, None);
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

    pub(super) fn count(&self, asked: &Asked, status: u16, how: Answered, type_name: Option<&str>) {
        let how = if status >= 500 { Answered::Error } else { how };
        let now = self.world.now();
        let millis = now.millis_since(asked.started);
        self.isolate.stats.borrow_mut().answered(now, how, type_name, millis);
    }

    pub(super) fn report_bypass(&self, asked: &Asked, reason: &str, status: u16) {
        self.report(&json!({
            "event": "bypass",
            "reason": reason,
            "method": asked.request.method.as_str(),
            "path": asked.request.url.path,
            "status": status,
            "ms": self.world.now().millis_since(asked.started),
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

impl<W: World> Service<W> {
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
