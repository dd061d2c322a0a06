//! Classifies a request by its head: method, path and headers.
//!
//! Not in scope: what the body of a GraphQL request contains (`graphql_request.rs`).

use super::bypass::Bypass;
use crate::admin;
use crate::config::Config;
use crate::graphql::url_may_hold_mutation;
use crate::http::{Headers, Method, Request, climbs, fields, folded_path, is_plain};
use crate::limits;

/// The class of a request, by its method, path and headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestClass {
    /// A request to the admin routes.
    Admin,
    /// Passed to the origin without being read.
    PassThrough(Bypass),
    /// An upgrade on a GraphQL path: it is passed to the origin, and the messages on the WebSocket
    /// are read.
    GraphQlSocket,
    /// GraphQL over GET: the URL contains the whole request.
    GraphQlGet,
    /// GraphQL over POST: the body must be read.
    GraphQlPost,
    /// Possibly GraphQL, and not looked up for this reason: a write to another spelling of a
    /// GraphQL path, or with another method than POST; or a GET or HEAD whose URL may contain a
    /// mutation. The body shows whether it is a mutation, or the URL if the method is safe.
    GraphQlUncached(Bypass),
    /// A REST read.
    Rest,
    /// A REST write, by its method or by a header that replaces the method.
    RestWrite,
}

/// Whether a request may write: by its method, or by a header that replaces the method.
pub fn is_write(request: &Request) -> bool {
    !request.method.is_safe() || has_write_override(&request.headers)
}

/// Whether a request may write, as [`is_write`] determines, or because it is a GET or HEAD whose
/// URL may contain a mutation. Servers must not run mutations for these methods, but some do.
/// Without a configuration any path may be a GraphQL path.
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

/// Whether a header turns a request of any method into a write.
fn has_write_override(headers: &Headers) -> bool {
    let mut methods = fields::METHOD_OVERRIDES.iter().flat_map(|name| headers.get_all(name));
    methods.any(|method| {
        let method = method.trim().to_ascii_uppercase();
        !method.is_empty() && !Method::parse(&method).is_safe()
    })
}

/// Whether a request asks for a WebSocket. Only a GET can; any other request with these headers may
/// be a write.
pub fn is_websocket_upgrade(request: &Request) -> bool {
    let upgrade = request.headers.get("upgrade").unwrap_or_default();
    request.method == Method::Get && !is_write(request) && upgrade.eq_ignore_ascii_case("websocket")
}

/// Whether the runtime may send the request to the origin itself if the Worker fails without
/// responding. Only requests that cannot be writes qualify: a write would run without a purge, or
/// twice. WebSockets do not, since their messages would not be read; nor does a GET whose URL may
/// contain a mutation, since some servers run it; nor requests to the admin routes, since their tokens
/// are not for the origin. Methods that purge are not safe, and so count as writes.
pub fn fails_open(request: &Request) -> bool {
    !may_write(None, request) && !is_websocket_upgrade(request) && !has_admin_path(request)
}

/// Whether a request's path is below that of the admin routes, however it is spelled.
pub fn has_admin_path(request: &Request) -> bool {
    admin::is_admin_path(&request.url.comparable_path())
}

/// Whether a request is for Evergraph itself: by its path, or by a method that purges.
pub fn is_admin(config: &Config, request: &Request) -> bool {
    is_for_admin(config, &request.url.comparable_path(), &request.method)
}

fn is_for_admin(config: &Config, path: &str, method: &Method) -> bool {
    admin::is_admin_path(path) || config.purge.methods && admin::is_purge_method(method)
}

/// Classifies a request by its head.
pub fn classify(config: &Config, request: &Request) -> RequestClass {
    let path = request.url.comparable_path();
    if is_for_admin(config, &path, &request.method) {
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
    // A write to another spelling of a `bypass` path may be a write to a cached path at the origin,
    // so it has to purge.
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
        // Only the origin can evaluate these conditions (RFC 9111 §4.3.2).
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

#[cfg(test)]
mod tests;
