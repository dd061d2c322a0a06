//! What a request is, before its body is read, and what a GraphQL request is once it was.

use super::Bypass;
use crate::admin;
use crate::config::Config;
use crate::graphql::{
    self, JsonSize, OperationRequest, RequestError, RequestForm, may_hold_mutation, read_get,
    read_post, url_may_hold_mutation, wants_html,
};
use crate::http::{Headers, Method, Request, climbs, decoded_body, folded_path, is_plain};
use crate::limits::{self, Limit};

/// What a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// For Evergraph itself.
    Admin,
    /// To the origin, and nothing else.
    PassThrough(Bypass),
    /// To the origin, and GraphQL from then on over WebSocket: its messages are read.
    GraphQlSocket,
    /// GraphQL over GET: the URL has all of it.
    GraphQlGet,
    /// GraphQL over POST: the body has to be read.
    GraphQlPost,
    /// What may be GraphQL and is not looked up for that reason: a write by another spelling of a
    /// GraphQL path, or by another method than POST; a GET or HEAD whose URL may hold a mutation. Its
    /// body says whether it is one, and its URL where the method is safe.
    GraphQlUncached(Bypass),
    /// A REST read.
    Rest,
    /// A REST write: by its method, or by one that a header puts in its place.
    RestWrite,
}

/// Headers in which a request names another method than its own. Many frameworks take it for the
/// request's method.
const METHOD_OVERRIDES: [&str; 3] =
    ["x-http-method-override", "x-http-method", "x-method-override"];

/// Whether a request may write: by its method, or by one that a header puts in its place.
pub fn is_write(request: &Request) -> bool {
    !request.method.is_safe() || is_made_write(&request.headers)
}

/// Whether a request may write: as [`is_write`] says, or because it is a GET or HEAD whose URL may
/// hold a mutation. Servers must not run a mutation for it, but some do. Without a configuration any
/// path may be one that speaks GraphQL.
pub fn may_write(config: Option<&Config>, request: &Request) -> bool {
    let speaks_graphql = |config: &Config| {
        config.is_graphql(&request.url.comparable_path())
            || config.is_graphql_folded(&folded_path(&request.url.path))
    };
    is_write(request) || shows_mutation(request) && config.is_none_or(speaks_graphql)
}

fn shows_mutation(request: &Request) -> bool {
    matches!(request.method, Method::Get | Method::Head)
        && request.url.query.as_deref().is_some_and(url_may_hold_mutation)
}

/// Whether a header makes a write of a request of any method.
fn is_made_write(headers: &Headers) -> bool {
    let mut methods = METHOD_OVERRIDES.iter().flat_map(|name| headers.get_all(name));
    methods.any(|method| {
        let method = method.trim().to_ascii_uppercase();
        !method.is_empty() && !Method::parse(&method).is_safe()
    })
}

/// Whether a request asks for a WebSocket. Only a GET can: any other request may say so and be a
/// write.
pub fn is_upgrade(request: &Request) -> bool {
    let upgrade = request.headers.get("upgrade").unwrap_or_default();
    request.method == Method::Get && !is_write(request) && upgrade.eq_ignore_ascii_case("websocket")
}

/// Whether the runtime may send a request to the origin by itself, where the Worker fails in a way that
/// it cannot answer. Only what nobody takes for a write: a write would run unpurged, or twice. Nor a
/// socket, whose messages nobody would read, nor a GET whose URL may show a mutation, for some servers
/// run one.
pub fn fails_open(request: &Request) -> bool {
    !may_write(None, request) && !is_upgrade(request)
}

/// Sorts a request by its head.
pub fn classify(config: &Config, request: &Request) -> Class {
    let path = request.url.comparable_path();
    if path.starts_with(admin::PREFIX) {
        return Class::Admin;
    }
    let graphql = config.is_graphql(&path);
    let folded = folded_path(&request.url.path);
    let speaks_graphql = graphql || config.is_graphql_folded(&folded);
    if is_upgrade(request) {
        return match speaks_graphql && !config.bypasses(&path) {
            true => Class::GraphQlSocket,
            false => Class::PassThrough(Bypass::Upgrade),
        };
    }
    let bypasses_folded = config.bypasses_folded(&folded);
    // A write that the origin may take for one to another path purges what is there.
    let may_mutate = speaks_graphql && shows_mutation(request);
    let may_write = is_write(request) || may_mutate;
    let is_certain = || !may_write || bypasses_folded || is_plain(&path);
    if config.bypasses(&path) && is_certain() {
        return Class::PassThrough(Bypass::BypassPath);
    }
    let climbs = climbs(&request.url.path);
    let spells_graphql = !graphql && speaks_graphql;
    if is_write(request) {
        return match request.method {
            Method::Post if graphql && !climbs => Class::GraphQlPost,
            _ if !graphql && !spells_graphql => Class::RestWrite,
            _ if climbs => Class::GraphQlUncached(Bypass::PathClimbs),
            Method::Post => Class::GraphQlUncached(Bypass::PathSpelling),
            _ => Class::GraphQlUncached(Bypass::Method),
        };
    }
    let class = match &request.method {
        Method::Get | Method::Head if request.url.target().len() > limits::URL_BYTES => {
            Class::PassThrough(Bypass::UrlTooLong)
        }
        Method::Get | Method::Head if climbs => Class::PassThrough(Bypass::PathClimbs),
        Method::Get if graphql => Class::GraphQlGet,
        Method::Get | Method::Head
            if bypasses_folded || spells_graphql || config.is_stricter_folded(&path, &folded) =>
        {
            Class::PassThrough(Bypass::PathSpelling)
        }
        // These are for the origin alone to judge (RFC 9111 §4.3.2).
        Method::Get | Method::Head
            if ["if-match", "if-unmodified-since"]
                .iter()
                .any(|name| request.headers.contains(name)) =>
        {
            Class::PassThrough(Bypass::Precondition)
        }
        Method::Get | Method::Head if !graphql => Class::Rest,
        _ => Class::PassThrough(Bypass::Method),
    };
    match class {
        Class::PassThrough(reason) if may_mutate => Class::GraphQlUncached(reason),
        class => class,
    }
}

/// A GraphQL request that is not to be looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uncacheable {
    /// Why.
    pub reason: Bypass,
    /// Whether the origin may run a mutation for it.
    pub may_be_mutation: bool,
}

impl Uncacheable {
    /// Not to be looked up for that reason, and no mutation.
    pub fn read(reason: Bypass) -> Self {
        Self { reason, may_be_mutation: false }
    }
}

/// A GraphQL request that was read.
#[derive(Debug, Clone, PartialEq)]
pub enum GraphQlRequest {
    /// One operation.
    One(OperationRequest),
    /// Several, each by itself.
    Batch(Vec<OperationRequest>),
}

/// Reads a GraphQL request; `body` is none for a GET.
pub fn read_graphql(
    config: &Config,
    request: &Request,
    body: Option<&[u8]>,
) -> Result<GraphQlRequest, Uncacheable> {
    let url_query = request.url.query.as_deref();
    let form = match body {
        None => read_get(url_query),
        Some(body) => read_post(&request.headers, url_query, body, &config.limits.amounts),
    };
    match form {
        RequestForm::Single(query) => Ok(GraphQlRequest::One(query)),
        RequestForm::Batch(queries) => Ok(GraphQlRequest::Batch(queries)),
        RequestForm::Unreadable { reason, may_be_mutation } => {
            Err(Uncacheable { reason: Bypass::Unread(reason), may_be_mutation })
        }
    }
}

/// How much memory the body of a GraphQL request takes as a tree; that of a coded one, without its
/// coding.
pub fn size_of_request(config: &Config, request: &Request, body: &[u8]) -> JsonSize {
    let most = config.limits.amounts.of(Limit::Bytes);
    let coding = request.headers.joined("content-encoding");
    match coding.and_then(|coding| decoded_body(&coding, body, most)) {
        Some(plain) => JsonSize::of(&plain),
        None => JsonSize::of(body),
    }
}

/// What stands in the way of looking up a document that is not at hand. A GET runs no mutation,
/// unless a header makes it a write.
pub fn document_not_known(request: &Request) -> Uncacheable {
    Uncacheable {
        reason: Bypass::Unread(RequestError::Persisted),
        may_be_mutation: is_write(request),
    }
}

/// What stands in the way of looking up a document that was refused.
pub fn refused(document: &str, refusal: graphql::AnalysisError) -> Uncacheable {
    Uncacheable {
        reason: Bypass::Refused(refusal),
        may_be_mutation: may_hold_mutation(document.as_bytes()),
    }
}

/// What stands in the way of looking up a query of any document.
pub fn unwanted_answer(headers: &Headers) -> Option<Bypass> {
    if wants_html(headers) {
        return Some(Bypass::AcceptHtml);
    }
    let mut kinds = headers.members("accept").peekable();
    let only_events = kinds.peek().is_some()
        && kinds.all(|kind| kind.to_ascii_lowercase().starts_with("text/event-stream"));
    only_events.then_some(Bypass::AcceptEventStream)
}

#[cfg(test)]
mod tests;
