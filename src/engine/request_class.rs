//! What a request is, before its body is read, and what a GraphQL request is once it was.

use super::bypass::Bypass;
use crate::admin;
use crate::config::Config;
use crate::graphql::{
    self, Form, JsonSize, Query, Unread, may_hide_mutation, read_get, read_post,
    url_shows_mutation, wants_html,
};
use crate::http::{Headers, Method, Request, climbs, decoded_body, fields, folded_path, is_plain};
use crate::limits::{self, Limit};

/// What a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestClass {
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
        && request.url.query.as_deref().is_some_and(url_shows_mutation)
}

/// Whether a header makes a write of a request of any method.
fn is_made_write(headers: &Headers) -> bool {
    let mut methods = fields::METHOD_OVERRIDES.iter().flat_map(|name| headers.get_all(name));
    methods.any(|method| {
        let method = method.trim().to_ascii_uppercase();
        !method.is_empty() && !Method::parse(&method).is_safe()
    })
}

/// Whether a request asks for a WebSocket. Only a GET can: any other request may say so and be a
/// write.
pub fn is_websocket_upgrade(request: &Request) -> bool {
    let upgrade = request.headers.get("upgrade").unwrap_or_default();
    request.method == Method::Get && !is_write(request) && upgrade.eq_ignore_ascii_case("websocket")
}

/// Whether the runtime may send a request to the origin by itself, where the Worker fails in a way that
/// it cannot answer. Only what nobody takes for a write: a write would run unpurged, or twice. Nor a
/// socket, whose messages nobody would read, nor a GET whose URL may show a mutation, for some servers
/// run one.
pub fn fails_open(request: &Request) -> bool {
    !may_write(None, request) && !is_websocket_upgrade(request)
}

/// Sorts a request by its head.
pub fn classify(config: &Config, request: &Request) -> RequestClass {
    let path = request.url.comparable_path();
    if path.starts_with(admin::PREFIX) {
        return RequestClass::Admin;
    }
    let graphql = config.is_graphql(&path);
    let folded = folded_path(&request.url.path);
    let speaks_graphql = graphql || config.is_graphql_folded(&folded);
    if is_websocket_upgrade(request) {
        return match speaks_graphql && !config.bypasses(&path) {
            true => RequestClass::GraphQlSocket,
            false => RequestClass::PassThrough(Bypass::Upgrade),
        };
    }
    let bypasses_folded = config.bypasses_folded(&folded);
    // A write that the origin may take for one to another path purges what is there.
    let may_mutate = speaks_graphql && shows_mutation(request);
    let may_write = is_write(request) || may_mutate;
    let is_certain = || !may_write || bypasses_folded || is_plain(&path);
    if config.bypasses(&path) && is_certain() {
        return RequestClass::PassThrough(Bypass::BypassPath);
    }
    let climbs = climbs(&request.url.path);
    let spells_graphql = !graphql && speaks_graphql;
    if is_write(request) {
        return match request.method {
            Method::Post if graphql && !climbs => RequestClass::GraphQlPost,
            _ if !graphql && !spells_graphql => RequestClass::RestWrite,
            _ if climbs => RequestClass::GraphQlUncached(Bypass::PathClimbs),
            Method::Post => RequestClass::GraphQlUncached(Bypass::PathSpelling),
            _ => RequestClass::GraphQlUncached(Bypass::Method),
        };
    }
    let class = match &request.method {
        Method::Get | Method::Head if request.url.target().len() > limits::URL_BYTES => {
            RequestClass::PassThrough(Bypass::UrlTooLong)
        }
        Method::Get | Method::Head if climbs => RequestClass::PassThrough(Bypass::PathClimbs),
        Method::Get if graphql => RequestClass::GraphQlGet,
        Method::Get | Method::Head
            if bypasses_folded || spells_graphql || config.is_stricter_folded(&path, &folded) =>
        {
            RequestClass::PassThrough(Bypass::PathSpelling)
        }
        // These are for the origin alone to judge (RFC 9111 §4.3.2).
        Method::Get | Method::Head
            if fields::ORIGIN_PRECONDITIONS.iter().any(|name| request.headers.contains(name)) =>
        {
            RequestClass::PassThrough(Bypass::Precondition)
        }
        Method::Get | Method::Head if !graphql => RequestClass::Rest,
        _ => RequestClass::PassThrough(Bypass::Method),
    };
    match class {
        RequestClass::PassThrough(reason) if may_mutate => RequestClass::GraphQlUncached(reason),
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

    /// A request for a document that is not known. A GET runs no mutation, unless a header makes it a
    /// write.
    pub fn unknown_document(request: &Request) -> Self {
        let reason = Bypass::Unread(Unread::Persisted);
        Self { reason, may_be_mutation: is_write(request) }
    }

    /// A request whose document was refused.
    pub fn refused_document(document: &str, refusal: graphql::Refusal) -> Self {
        let may_be_mutation = may_hide_mutation(document.as_bytes());
        Self { reason: Bypass::Refused(refusal), may_be_mutation }
    }
}

/// A GraphQL request that was read.
#[derive(Debug, Clone, PartialEq)]
pub enum GraphQlRequest {
    /// One operation.
    One(Query),
    /// Several, each by itself.
    Batch(Vec<Query>),
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
        Form::Query(query) => Ok(GraphQlRequest::One(query)),
        Form::Batch(queries) => Ok(GraphQlRequest::Batch(queries)),
        Form::Unread { reason, may_be_mutation } => {
            Err(Uncacheable { reason: Bypass::Unread(reason), may_be_mutation })
        }
    }
}

/// How much memory the body of a GraphQL request takes as a tree; that of a coded one, without its
/// coding.
pub fn request_json_size(config: &Config, request: &Request, body: &[u8]) -> JsonSize {
    let most = config.limits.amounts.of(Limit::Bytes);
    let coding = request.headers.joined("content-encoding");
    match coding.and_then(|coding| decoded_body(&coding, body, most)) {
        Some(plain) => JsonSize::of(&plain),
        None => JsonSize::of(body),
    }
}

/// What stands in the way of looking up a query of any document.
pub fn unsupported_accept(headers: &Headers) -> Option<Bypass> {
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
