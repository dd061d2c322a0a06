//! Why a request is not answered from the cache.

use super::SignalName;
use crate::graphql::{AnalysisError, RequestError};
use crate::limits::Limit;
use std::borrow::Cow;

/// The reason that a request goes to the origin without a look-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bypass {
    /// The configuration has a fault.
    ConfigError,
    /// The path is one of `bypass`.
    BypassPath,
    /// The method is neither GET, HEAD nor a GraphQL POST.
    Method,
    /// The connection changes its protocol.
    Upgrade,
    /// The request has a condition that only the origin can judge.
    Precondition,
    /// The path may lead elsewhere: it has a parent segment or a backslash once it is decoded.
    PathClimbs,
    /// The path is another spelling of one that is treated otherwise.
    PathSpelling,
    /// A header has bytes that are not UTF-8, so that nobody can tell it from others.
    HeaderBytes,
    /// The URL is over the limit.
    UrlTooLong,
    /// The body is over the limit.
    BodyTooLarge,
    /// The bodies in flight leave no room for this one, or for what is made of it.
    MemoryInFlight,
    /// A page is asked for, and not GraphQL's answer.
    AcceptHtml,
    /// A stream of events is asked for.
    AcceptEventStream,
    /// `Authorization` is sent, and a part of what is asked has no scope that covers it.
    AuthorizationWithoutScope,
    /// The same for a cookie.
    CookieWithoutScope(SignalName),
    /// The same for what some servers take for a cookie, though no `;` stands before it.
    CookieSeparator(SignalName),
    /// The same for another request header.
    HeaderWithoutScope(SignalName),
    /// A scope goes by a claim, and nobody knows whether the request's token is good.
    JwtUnverified,
    /// A cache type says never.
    TtlZero,
    /// The schema says that what is asked is one person's.
    PrivateHint,
    /// The operation is a mutation.
    Mutation,
    /// The operation is a subscription.
    Subscription,
    /// The answer comes in parts.
    Incremental,
    /// The document's hash is not known, and Evergraph answers that itself.
    PersistedUnknown,
    /// The GraphQL request was not understood.
    Unread(RequestError),
    /// The document was not understood.
    Refused(AnalysisError),
}

impl Bypass {
    /// The limit that the request is over, if that is the reason.
    pub fn limit(self) -> Option<Limit> {
        match self {
            Self::BodyTooLarge => Some(Limit::Bytes),
            Self::Unread(RequestError::OverLimit(limit))
            | Self::Refused(AnalysisError::OverLimit(limit)) => Some(limit),
            _ => None,
        }
    }

    /// The reason with the name of the signal that it is about, as in `cookie-without-scope: sid`.
    pub fn detail(self) -> Cow<'static, str> {
        match self {
            Self::CookieWithoutScope(name)
            | Self::CookieSeparator(name)
            | Self::HeaderWithoutScope(name)
                if !name.as_str().is_empty() =>
            {
                format!("{}: {}", self.as_str(), name.as_str()).into()
            }
            _ => self.as_str().into(),
        }
    }

    /// The reason as `Cache-Status`, logs and docs name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConfigError => "config-error",
            Self::BypassPath => "bypass-path",
            Self::Method => "method",
            Self::Upgrade => "upgrade",
            Self::Precondition => "precondition",
            Self::PathClimbs => "path-climbs",
            Self::PathSpelling => "path-spelling",
            Self::HeaderBytes => "header-bytes",
            Self::UrlTooLong => "url-too-long",
            Self::BodyTooLarge => "body-too-large",
            Self::MemoryInFlight => "memory-in-flight",
            Self::AcceptHtml => "accept-html",
            Self::AcceptEventStream => "accept-event-stream",
            Self::AuthorizationWithoutScope => "authorization-without-scope",
            Self::CookieWithoutScope(_) => "cookie-without-scope",
            Self::CookieSeparator(_) => "cookie-separator",
            Self::HeaderWithoutScope(_) => "header-without-scope",
            Self::JwtUnverified => "jwt-unverified",
            Self::TtlZero => "ttl-zero",
            Self::PrivateHint => "private-hint",
            Self::Mutation => "mutation",
            Self::Subscription => "subscription",
            Self::Incremental => "incremental",
            Self::PersistedUnknown => "persisted-unknown",
            Self::Unread(unread) => unread.as_str(),
            Self::Refused(refusal) => refusal.as_str(),
        }
    }
}
