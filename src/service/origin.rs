//! The origin: the only path to it.
//!
//! In scope: the URL and headers of a request to the origin, how long it may take, and how the
//! origin fared last. Not in scope: what is asked (`read`, `write`, `pass_through`), and the rules for
//! forwarded headers (`engine::origin_request`).

use super::context::{Context, Purpose};
use super::last_outcome::{LastOutcome, PROBE_MILLIS};
use super::runtime::{
    Clock, Fault, OriginFailure, OriginRequest, OriginRequestKind, OriginResponse, Runtime,
};
use super::timeout::within;
use crate::config::{self, Config};
use crate::engine::{forwarded_headers, origin_request_headers, origin_url};
use crate::graphql::RewrittenRequest;
use crate::http::{Headers, Method, Request};
use crate::tag::gather_tags;
use futures_util::future::{Either, select};
use serde_json::Value;
use std::pin::pin;
use std::rc::Rc;

/// For so long the last request to the origin shows how the origin fares.
const HEALTH_MILLIS: u64 = 10_000;

/// A client's request with the document that it names by its hash or id.
#[derive(Debug)]
pub(super) struct FullRequest {
    /// What is sent in its place.
    pub rewritten: RewrittenRequest,
    /// Whether the client can get the response unchanged.
    pub answers_client: bool,
}

/// The origin, as one isolate knows it.
pub(super) struct OriginClient {
    /// The configured origin. `None` if it is the host of the client's request.
    url: Option<String>,
    /// Whether the configured origin is no URL: a request to its own host would come back here.
    is_faulty: bool,
    /// `None` if the configuration has a fault.
    config: Option<Rc<Config>>,
    health: LastOutcome,
}

impl OriginClient {
    /// The origin of a configuration: as JSON, and as it was parsed if it has no fault.
    pub fn new(json: &Value, config: Option<Rc<Config>>) -> Rc<Self> {
        let url = config::origin_of(json);
        let is_faulty = json.get("origin").is_some() && url.is_none();
        Rc::new(Self { url, is_faulty, config, health: LastOutcome::default() })
    }

    /// The configured origin, as in `https://api.example.com`.
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    /// `true` if an origin is configured that is no URL.
    pub fn is_faulty(&self) -> bool {
        self.is_faulty
    }

    /// Forwards the client's request, or the same with the document that it names. Waits for as long
    /// as the origin takes.
    pub async fn forward<R: Runtime>(
        &self,
        context: &Context<R>,
        full_request: Option<&FullRequest>,
        may_retry: bool,
    ) -> Result<OriginResponse, OriginFailure> {
        let request = &context.request;
        let mut headers = request.headers.clone();
        let mut url = self.url_of(request, &request.url.target());
        let kind = match full_request {
            None => OriginRequestKind::Unchanged,
            Some(FullRequest { rewritten, answers_client }) => {
                match (apply(rewritten, &mut url, &mut headers), answers_client) {
                    (body, true) => OriginRequestKind::Completed(body),
                    (Some(body), false) => OriginRequestKind::Post(body),
                    (None, false) => OriginRequestKind::OtherUrl,
                }
            }
        };
        let headers = forwarded_headers(self.url(), request, headers);
        self.send(context, &OriginRequest { url: &url, headers: &headers, may_retry, kind }).await
    }

    /// The same for a request that writes nothing, within `origin_timeout.read_ms`.
    pub async fn forward_read<R: Runtime>(
        &self,
        context: &Context<R>,
        full_request: Option<&FullRequest>,
    ) -> Result<OriginResponse, OriginFailure> {
        self.wait_for_read(&context.runtime, self.forward(context, full_request, true)).await
    }

    /// Asks for a GraphQL response that may be stored: with `rewritten` in place of the client's
    /// request, if there is one.
    pub async fn fetch_graphql<R: Runtime>(
        &self,
        context: &Context<R>,
        rewritten: Option<&RewrittenRequest>,
    ) -> Result<OriginResponse, OriginFailure> {
        let request = &context.request;
        let mut headers = self.storable_headers(request);
        let mut url = self.url_of(request, &request.url.target());
        let body = rewritten.map(|rewritten| apply(rewritten, &mut url, &mut headers));
        let kind = match body {
            None => OriginRequestKind::Unchanged,
            Some(None) => OriginRequestKind::OtherUrl,
            Some(Some(body)) => OriginRequestKind::Post(body),
        };
        self.fetch(context, &url, headers, kind).await
    }

    /// Asks for a REST response that may be stored: at `target`, the path and query in the key, and
    /// with `fields` in addition to the client's own.
    pub async fn fetch_rest<R: Runtime>(
        &self,
        context: &Context<R>,
        target: Option<&str>,
        fields: &[(&'static str, String)],
    ) -> Result<OriginResponse, OriginFailure> {
        let request = &context.request;
        let mut headers = self.storable_headers(request);
        fields.iter().for_each(|(name, value)| headers.set(name, value.as_str()));
        // A part of a coded response cannot be decoded by itself.
        if headers.contains("range") {
            headers.set("accept-encoding", "identity");
        }
        let own = request.url.target();
        let target = target.unwrap_or(&own);
        let from_client = |(name, value): &(&str, String)| request.headers.get(name) == Some(value);
        let kind = match target == own && fields.iter().all(from_client) {
            true => OriginRequestKind::Unchanged,
            false => OriginRequestKind::OtherUrl,
        };
        self.fetch(context, &self.url_of(request, target), headers, kind).await
    }

    /// Sends the client's request for a change of protocol.
    pub async fn upgrade<R: Runtime>(
        &self,
        context: &Context<R>,
    ) -> Result<OriginResponse, OriginFailure> {
        let request = &context.request;
        let url = self.url_of(request, &request.url.target());
        let headers = forwarded_headers(self.url(), request, request.headers.clone());
        let mut response = context.runtime.ask_untouched(&url, &headers).await?;
        if response.status != 101 {
            self.gather_tags(&mut response.headers);
        }
        Ok(response)
    }

    /// Posts JSON to the path of the client's request, with no header of the client's.
    pub async fn post_json<R: Runtime>(
        &self,
        context: &Context<R>,
        json: &str,
    ) -> Result<OriginResponse, OriginFailure> {
        let request = &context.request;
        let headers = [("content-type", "application/json"), ("accept", "application/json")];
        let headers = forwarded_headers(self.url(), request, headers.into_iter().collect());
        let url = self.url_of(request, &request.url.target());
        let url = url.split('?').next().unwrap_or_default();
        let kind = OriginRequestKind::Post(json.as_bytes());
        self.send(context, &OriginRequest { url, headers: &headers, may_retry: true, kind }).await
    }

    /// How the origin fares: what the last request in ten seconds showed, or else whether it answers
    /// one for its root, with any status. Without a configured origin there is nothing to ask.
    pub async fn probe<R: Runtime>(&self, runtime: &R) -> Result<(), Fault> {
        let asking = within(runtime, PROBE_MILLIS, self.ask_for_root(runtime));
        self.health.or_probe(runtime, HEALTH_MILLIS, asking).await
    }

    async fn ask_for_root<R: Runtime>(&self, runtime: &R) -> Result<(), Fault> {
        let Some(origin) = self.url() else { return Ok(()) };
        let (url, headers) = (format!("{origin}/"), Headers::new());
        let kind = OriginRequestKind::Unchanged;
        let request = OriginRequest { url: &url, headers: &headers, may_retry: true, kind };
        runtime.ask(&request).await.map(|_| ()).map_err(|failure| failure.fault)
    }

    /// Waits for the head of a response, for at most `millis` if there is a limit. A request that is
    /// given up counts as a failure of the origin.
    pub async fn wait(
        &self,
        clock: &impl Clock,
        millis: Option<u64>,
        asking: impl Future<Output = Result<OriginResponse, OriginFailure>>,
    ) -> Result<OriginResponse, OriginFailure> {
        let Some(millis) = millis else { return asking.await };
        match select(pin!(asking), pin!(clock.sleep(millis))).await {
            Either::Left((response, _)) => response,
            Either::Right(_) => {
                let failure = OriginFailure::after(millis);
                self.health.note(clock.now(), Err(failure.fault.clone()));
                Err(failure)
            }
        }
    }

    async fn wait_for_read(
        &self,
        clock: &impl Clock,
        asking: impl Future<Output = Result<OriginResponse, OriginFailure>>,
    ) -> Result<OriginResponse, OriginFailure> {
        let millis = self.config.as_ref().and_then(|config| config.origin_timeout.read_ms);
        self.wait(clock, millis, asking).await
    }

    async fn fetch<R: Runtime>(
        &self,
        context: &Context<R>,
        url: &str,
        headers: Headers,
        kind: OriginRequestKind<'_>,
    ) -> Result<OriginResponse, OriginFailure> {
        let headers = forwarded_headers(self.url(), &context.request, headers);
        let request = OriginRequest { url, headers: &headers, may_retry: true, kind };
        self.wait_for_read(&context.runtime, self.send(context, &request)).await
    }

    /// Sends a request, and notes how the origin fared.
    async fn send<R: Runtime>(
        &self,
        context: &Context<R>,
        request: &OriginRequest<'_>,
    ) -> Result<OriginResponse, OriginFailure> {
        let runtime = &context.runtime;
        let asked_at = runtime.now();
        let request = &OriginRequest { kind: own_kind(context, request.kind), ..*request };
        let mut response = runtime.ask(request).await;
        if let Ok(response) = &mut response {
            response.asked_at = asked_at;
            self.gather_tags(&mut response.headers);
        }
        let outcome = match &response {
            Ok(response) if response.status >= 500 => Err(format!("answered {}", response.status)),
            Ok(_) => Ok(()),
            Err(failure) => Err(failure.fault.clone()),
        };
        self.health.note(runtime.now(), outcome);
        response
    }

    /// Where the origin has another path and query than the client's.
    fn url_of(&self, request: &Request, target: &str) -> String {
        origin_url(self.url(), request, target)
    }

    /// The client's headers as the origin gets them if its response may be stored.
    fn storable_headers(&self, request: &Request) -> Headers {
        // With a faulty configuration nothing is looked up.
        self.config.as_ref().map_or_else(
            || request.headers.clone(),
            |config| origin_request_headers(config, &request.headers),
        )
    }

    fn gather_tags(&self, headers: &mut Headers) {
        if let Some(config) = &self.config {
            gather_tags(headers, &config.tag_headers);
        }
    }
}

/// How the origin is asked. A request that warms the cache is not the one that the runtime holds, so it is
/// always sent with its own method and body.
fn own_kind<'k, R>(context: &'k Context<R>, kind: OriginRequestKind<'k>) -> OriginRequestKind<'k> {
    let Purpose::Warm { body, .. } = &context.purpose else { return kind };
    match kind {
        OriginRequestKind::Unchanged if context.request.method == Method::Post => {
            OriginRequestKind::Post(body)
        }
        OriginRequestKind::Completed(Some(body)) => OriginRequestKind::Post(body),
        OriginRequestKind::Unchanged | OriginRequestKind::Completed(None) => OriginRequestKind::Get,
        OriginRequestKind::OtherUrl => OriginRequestKind::Get,
        other => other,
    }
}

/// Changes URL and headers to those of a rewritten request, and returns its body. Without one it is a
/// GET.
fn apply<'r>(
    rewritten: &'r RewrittenRequest,
    url: &mut String,
    headers: &mut Headers,
) -> Option<&'r [u8]> {
    let set_query = |url: &mut String, query: &str| {
        let path = url.split('?').next().unwrap_or_default().to_owned();
        *url = if query.is_empty() { path } else { format!("{path}?{query}") };
    };
    let body = match rewritten {
        RewrittenRequest::Url(query) => {
            set_query(url, query);
            return None;
        }
        RewrittenRequest::Json(json) => json,
        RewrittenRequest::Document(document) => document,
        RewrittenRequest::PostForGet { url: query, json } => {
            set_query(url, query);
            headers.set("content-type", "application/json");
            json
        }
    };
    // The body is sent uncompressed, whatever the client sent.
    headers.remove("content-length");
    headers.remove("content-encoding");
    Some(body.as_bytes())
}

#[cfg(test)]
mod tests;
