//! One request, from its head to its answer.

use super::documents::{Operation, Unresolved, Whole};
use super::isolate::Isolate;
use super::stats::Answered;
use super::world::{Answer, Ask, BodyRead, OriginFailure, World};
use crate::admin;
use crate::config::{CdnCacheControl, Config};
use crate::engine::{
    Bypass, Class, Plan, Read, Unwritten, XCache, classify, passed_on, plan_graphql, plan_rest,
    read_graphql, scope_tags_changed_by, status_of_origin, take_purge_cookie,
};
use crate::graphql::{OperationKind, Query};
use crate::http::{Headers, Request, Response};
use crate::limits::{Amounts, Limit};
use crate::policy::{CacheStatus, Forward};
use crate::purge::{Record, Seq};
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
}

/// The service in one isolate. A clone is the same service.
#[derive(Clone)]
pub struct Service<W> {
    pub(super) world: W,
    pub(super) isolate: Rc<Isolate>,
}

/// What is to be known of a request while it is handled.
pub(super) struct Asked {
    pub request: Request,
    pub started: Timestamp,
    /// How many questions its isolate had put to the log by then.
    pub questions: u64,
    /// The number of the client's own write, older than which it wants nothing.
    pub wanted: Option<Seq>,
    /// Whether the client may see keys and tags.
    pub debug: bool,
}

impl<W: World> Service<W> {
    /// The service over a world, with what its isolate knows.
    pub fn new(world: W, isolate: Rc<Isolate>) -> Self {
        Self { world, isolate }
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
                let reply = self.pass_through(None, &asked, Bypass::ConfigError).await;
                if !asked.request.method.is_safe() {
                    // Nobody knows what it changed, and the entries outlive the fault.
                    self.purge_for_unread(&reply, "config-error").await;
                }
                return reply;
            }
        };
        let bytes = config.limits.amounts.of(Limit::Bytes);
        match classify(config, &asked.request) {
            Class::Admin => self.admin(config, &asked.request).await,
            Class::PassThrough(Bypass::Upgrade) => self.upgrade(&asked).await,
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
            Class::GraphQlPost => match self.world.request_body(bytes).await {
                BodyRead::Whole(body) => self.graphql(config, &asked, Some(&body)).await,
                BodyRead::TooLarge => {
                    let reason = Bypass::BodyTooLarge;
                    let perhaps = Unwritten { reason, may_be_mutation: true, batch: true };
                    self.not_looked_up(config, &asked, perhaps).await
                }
                BodyRead::Broken => self.failed(400, "the request's body broke off"),
            },
        }
    }

    /// Takes the admin's own token off a debugging request: it is for Evergraph, neither for the
    /// origin nor a sign of who is asking.
    fn asked(&self, mut request: Request) -> Asked {
        let wants = request.headers.get("evergraph-debug") == Some("1");
        let tokens = wants.then(|| self.world.admin_tokens()).flatten();
        let debug =
            wants && admin::access(tokens.as_deref(), &request.headers) == admin::Access::Granted;
        if debug && !request.url.path.starts_with(admin::PREFIX) {
            request.headers.remove("authorization");
        }
        request.headers.remove("evergraph-debug");
        let shown = request.headers.get("evergraph-purge").and_then(|seq| seq.trim().parse().ok());
        let in_cookie = take_purge_cookie(&mut request.headers);
        let counts = self.isolate.config.as_ref().is_ok_and(|config| config.purge.cookie);
        let wanted = shown.max(in_cookie.filter(|_| counts));
        self.isolate.log.note_shown(wanted);
        let questions = self.isolate.log.questions();
        Asked { request, started: self.world.now(), questions, wanted, debug }
    }

    async fn graphql(&self, config: &Config, asked: &Asked, body: Option<&[u8]>) -> Reply {
        let mut needed = Amounts::ZERO;
        needed.raise(Limit::Bytes, body.map_or(0, <[u8]>::len));
        let read = read_graphql(config, &asked.request, body);
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
        match analysis.kind {
            OperationKind::Mutation => Err(Bypass::Mutation),
            OperationKind::Subscription => Err(Bypass::Subscription),
            OperationKind::Query if analysis.incremental => Err(Bypass::Incremental),
            OperationKind::Query => {
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

    async fn upgrade(&self, asked: &Asked) -> Reply {
        let url = self.origin_url(&asked.request);
        let headers = self.forwarded_headers(&asked.request, asked.request.headers.clone());
        match self.world.ask_untouched(&url, &headers).await {
            Ok(answer) => Reply::Untouched { handle: answer.handle },
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
        let again = asked.request.method.is_safe();
        let forward = match reason {
            Bypass::Method => Forward::Method,
            _ => Forward::Bypass,
        };
        match self.ask_whole(asked, whole, again).await {
            Ok(answer) => {
                if let Some(config) = config {
                    self.note_scope_changes(config, &asked.request, &answer).await;
                }
                self.count(asked, answer.status, Answered::Bypass, None);
                self.report_bypass(asked, reason.as_str(), answer.status);
                let status = CacheStatus::Forwarded {
                    forward,
                    status: Some(answer.status),
                    stored: false,
                    detail: Some(reason.as_str()),
                };
                self.reply(asked, &answer, XCache::Bypass, &status)
            }
            Err(failure) => self.origin_failed(asked, &failure, forward),
        }
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
            passed_on(&answer.headers, x_cache, status, self.keeps_cdn_cache_control());
        self.rewrite_location(&asked.request, &mut headers);
        headers
    }

    fn keeps_cdn_cache_control(&self) -> bool {
        let config = self.isolate.config.as_ref();
        config.is_ok_and(|config| config.rest.cdn_cache_control == CdnCacheControl::Keep)
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
            let _ = self.record(Record::of_tags(&tags, &config.same), "cookie").await;
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
        let origin = self.isolate.origin_url.clone();
        format!("{}{target}", origin.unwrap_or_else(|| request.url.origin()))
    }

    /// Tells an origin of another name which name the client used, as Evergraph's own word: what
    /// the client says of that is not believed.
    pub(super) fn forwarded_headers(&self, request: &Request, mut headers: Headers) -> Headers {
        headers.remove("evergraph-purge");
        if self.isolate.origin_url.is_some() {
            headers.remove("host");
            headers.set("x-forwarded-host", request.url.host.clone());
            headers.set("x-forwarded-proto", request.url.scheme.clone());
        }
        headers
    }

    /// A redirect to the origin's own address leads the client to the public one.
    pub(super) fn rewrite_location(&self, request: &Request, headers: &mut Headers) {
        let Some(origin) = &self.isolate.origin_url else { return };
        for name in ["location", "content-location"] {
            let target = headers.get(name).and_then(|value| value.strip_prefix(origin.as_str()));
            let inside = |rest: &&str| rest.is_empty() || rest.starts_with(['/', '?', '#']);
            if let Some(rest) = target.filter(inside) {
                let public = format!("{}{rest}", request.url.origin());
                headers.set(name, public);
            }
        }
    }
}
