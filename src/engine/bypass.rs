//! The reasons why a request is passed to the origin without a lookup.

use super::signal_name::SignalName;
use crate::graphql::{AnalysisError, RequestError};
use crate::limits::Limit;
use crate::policy::{Reason, reasons};
use std::borrow::Cow;

reasons! {
    /// Why a request is not looked up. Adding a variant adds it to the header, the log and the docs.
    pub enum Bypass {
        ConfigError = "config-error",
            "the configuration has an error. Until it is fixed, each write purges everything",
            "the log's `config-error` line names the error";
        Paused = "paused",
            "an administrator has [paused](operations.md#post-pause) the cache: no stored response is used, and nothing is stored. Writes purge as ever",
            "none needed: it ends with `POST resume`, or at its time";
        BypassPath = "bypass-path",
            "the path matches `bypass`",
            "none needed";
        Method = "method",
            "the method is not GET or HEAD, and the request is no GraphQL POST; or it is a GET or HEAD that [a header turns into a write](rest.md#writes), or a HEAD for a GraphQL path. `fwd=method`",
            "none needed. A write purges by its path; a write to a GraphQL path is parsed as GraphQL and purges what its mutation changes";
        Upgrade = "upgrade",
            "a GET with `Upgrade: websocket`. A 101 is passed on unchanged, without `X-Cache` and `Cache-Status`; any other response is passed on like every bypass. On a GraphQL path the messages are read: [WebSocket](websockets.md)",
            "none needed";
        HeaderBytes = "header-bytes",
            "a request header that may change the response contains bytes that are not UTF-8 ([details](rest.md#bytes-of-header-values))",
            "change the client";
        Precondition = "precondition",
            "a REST read with `If-Match` or `If-Unmodified-Since`, which only the origin can evaluate (RFC 9111 §4.3.2)",
            "none needed";
        PathClimbs = "path-climbs",
            "the path contains a parent segment (`..`), a backslash or a NUL, as sent or after [decoding up to three times](rest.md#path-spellings): `/api/x/..%2faccount`. An origin that decodes it would respond for another path",
            "change the client's URL";
        PathSpelling = "path-spelling",
            "the path is [another spelling](rest.md#path-spellings) of a path with stricter rules: a `bypass` path, a GraphQL path, or a path whose cache type has a `scope` or `ttl = 0`",
            "change the client's URL";
        UrlTooLong = "url-too-long",
            "path and query of a GET or HEAD are longer than 16 KiB; or those of a GraphQL GET, as [sent to the origin](operations.md#what-a-graphql-origin-is-asked), are longer than 8,000 bytes and longer than the client's",
            "send the query by POST";
        BodyTooLarge = "body-too-large",
            "the body of a GraphQL POST is larger than [`limits.bytes`](configuration.md#limits). **Counts as a possible mutation**",
            "smaller variables; send uploads to a path of their own";
        MemoryInFlight = "memory-in-flight",
            "the bodies in flight leave no memory for this one or for what is derived from it ([memory](operations.md#memory)). **Counts as a possible mutation**",
            "smaller bodies, or a higher `limits.memory_in_flight`";
        AcceptHtml = "accept-html",
            "`Accept` lists HTML, as it does for a browser's address bar (GraphiQL)",
            "none needed";
        AcceptEventStream = "accept-event-stream",
            "`Accept` lists nothing but event streams",
            "none needed";
        AuthorizationWithoutScope = "authorization-without-scope",
            "the request has `Authorization` or the header configured in `jwt`, and a root field of the query, or a type of the path, has no scope that covers it ([signals](signals.md))",
            "give each a `scope`: by that header, or `by = []` if the response is the same for all clients";
        CookieWithoutScope(SignalName) = "cookie-without-scope",
            "the request has a cookie that no scope covers",
            "give each a `scope`; list the cookie in the scope's `ignore`, or in `ignore_cookies`";
        HeaderWithoutScope(SignalName) = "header-without-scope",
            "the request has another header that no scope covers",
            "give each a `scope`; list the header in the scope's `ignore`, in `vary`, or in `ignore_headers`";
        CookieSeparator(SignalName) = "cookie-separator",
            "the request has a cookie that no scope covers, and that follows a comma or a space instead of `;` ([details](signals.md#unusual-separators-between-cookies))",
            "change the client";
        JwtUnverified = "jwt-unverified",
            "a scope depends on a claim, and the request's token is not valid: it is expired, malformed, signed with another key, or its key cannot be fetched",
            "check the client's token; `algorithms`, `issuer` and `audience` of [jwt](configuration.md#jwt); the `jwks` and `jwt-key` failures";
        TtlZero = "ttl-zero",
            "a matching type has `ttl = 0`; or no type matches a root field and `default.ttl` is 0; or the schema has `maxAge: 0` for a requested field",
            "change the type's `ttl` or the schema's hint, or set `override = true`";
        PrivateHint = "private-hint",
            "the schema has `@cacheControl(scope: PRIVATE)` on a requested field or on its type",
            "none needed. To store the response, add a type with a `scope` and `override = true`";
        Mutation = "mutation",
            "a GraphQL mutation",
            "none needed";
        Subscription = "subscription",
            "a GraphQL subscription",
            "none needed";
        Incremental = "incremental",
            "the document uses `@defer`, `@stream` or `@live`",
            "remove the directive";
        PersistedUnknown = "persisted-unknown",
            "the request names a document by a hash that Evergraph does not know, and Evergraph responds itself: 200 with `PersistedQueryNotFound`. Nothing reaches the origin",
            "none needed: the client sends the document next";
    }
    delegated {
        /// The GraphQL request could not be read.
        Unread(RequestError),
        /// The GraphQL document could not be used.
        Refused(AnalysisError),
    }
}

reasons! {
    /// What replaces a bypass reason after the origin responded.
    pub enum BypassOutcome {
        PurgePending = "purge-pending",
            "a write succeeded, and the purge log has not recorded its purge yet. Replaces `mutation` or `method`",
            "look at the `purge-log-write` failures";
        WorkerFailed = "worker-failed",
            "the Worker panicked; the response is the origin's",
            "report it, with the `worker` failure's log line";
    }
}

impl Bypass {
    /// The limit that the request exceeds, if that is the reason.
    pub fn limit(self) -> Option<Limit> {
        match self {
            Self::BodyTooLarge => Some(Limit::Bytes),
            Self::Unread(RequestError::OverLimit(limit))
            | Self::Refused(AnalysisError::OverLimit(limit)) => Some(limit),
            _ => None,
        }
    }

    /// The word, followed by the name of the signal if it has one: `cookie-without-scope: sid`.
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
}

impl Bypass {
    /// Its documentation.
    pub fn documentation(self) -> Option<Reason> {
        bypass_reasons().into_iter().find(|reason| reason.word == self.as_str())
    }
}

/// The documentation of every word that a bypassed request can have as its `detail`.
pub fn bypass_reasons() -> Vec<Reason> {
    let unread = UNREAD.iter().map(|unread| Reason { word: unread.as_str(), ..explain(*unread) });
    let refused = REFUSED
        .iter()
        .map(|refusal| Reason { word: refusal.as_str(), ..explain_refusal(*refusal) });
    let own = Bypass::REASONS.iter().copied();
    own.chain(unread).chain(refused).chain(BypassOutcome::REASONS.iter().copied()).collect()
}

/// One of each kind of unread request, in the order of the reference.
const UNREAD: &[RequestError] = &[
    RequestError::Unparsable,
    RequestError::ContentType,
    RequestError::ContentEncoding,
    RequestError::Batch,
    RequestError::Persisted,
    RequestError::HashMismatch,
    RequestError::DuplicateMember,
    RequestError::QueryInUrl,
    RequestError::OverLimit(Limit::Bytes),
];

/// The kinds of refused documents whose words unread requests do not have as well.
const REFUSED: &[AnalysisError] = &[AnalysisError::NoSuchOperation];

/// The documentation of an unread request, but for its word. A new kind also goes into [`UNREAD`].
fn explain(unread: RequestError) -> Reason {
    let (meaning, remedy) = match unread {
        RequestError::Unparsable => (
            "the request is not JSON, has members of wrong types, is a GET whose parameters cannot be read or are repeated, or contains no GraphQL document. **A possible mutation if it contains the word `mutation`**: in the document, in the decoded URL of a GET, or in the body of a POST, where an escape `\\u` counts as well",
            "change the client's request",
        ),
        RequestError::ContentType => (
            "a GraphQL POST that is neither `application/json` nor `application/graphql` in UTF-8. **A possible mutation**",
            "send JSON",
        ),
        RequestError::ContentEncoding => (
            "the body of a GraphQL POST is damaged, has a coding other than gzip or deflate, or is a compressed batch. **A possible mutation**",
            "send it in gzip or uncompressed",
        ),
        RequestError::Batch => (
            "a JSON list that is empty, or that has an element which could not be read as an operation. **A possible mutation if it contains the word `mutation`, an escape, or an element without a document**",
            "change the client's request",
        ),
        RequestError::Persisted => (
            "the request names a document by an ID, or in a way, that Evergraph does not know; or, with `graphql.apq = \"origin\"`, by a hash that it does not know. **A possible mutation if it is a POST**",
            "[upload the documents](operations.md#post-documents); send a hash with its document once",
        ),
        RequestError::HashMismatch => (
            "the request contains a document and the hash of another. A possible mutation if it contains the word",
            "change the client",
        ),
        RequestError::DuplicateMember => (
            "two JSON members have the same name, in the request, its variables, its extensions or an element of a batch. Names are compared after unescaping. Some servers use the first of two, others the last. **A possible mutation if it is a POST**",
            "send each member once",
        ),
        RequestError::QueryInUrl => (
            "a POST with GraphQL parameters in its URL. **A possible mutation**",
            "put all of them in the body",
        ),
        RequestError::OverLimit(_) => (
            "the request exceeds one of the [limits](configuration.md#limits), or its fragments nest more than 64 deep or form a cycle. A possible mutation if it contains the word. With `limits.refuse` the response is a 400",
            "a smaller document, or a higher limit",
        ),
    };
    Reason { word: "", has_name: false, meaning, remedy }
}

/// The documentation of a refused document, but for its word. A new kind whose word is new also goes
/// into [`REFUSED`].
fn explain_refusal(refusal: AnalysisError) -> Reason {
    match refusal {
        AnalysisError::Unparsable => explain(RequestError::Unparsable),
        AnalysisError::OverLimit(limit) => explain(RequestError::OverLimit(limit)),
        AnalysisError::NoSuchOperation => Reason {
            word: "",
            has_name: false,
            meaning: "the document lacks the operation that `operationName` names, has two of that name, or has several and the request names none. A possible mutation if it contains the word",
            remedy: "change the client's `operationName`",
        },
    }
}
