//! The reasons why a response is not stored.

use super::reason::reasons;

reasons! {
    /// Why a response is not stored. Adding a variant adds it to the header, the log and the docs.
    pub enum NotStored {
        Status = "status",
            "the status is not stored. For GraphQL, any but 200. For REST: 401, 403, 407, 428, 429, 431 and 511, unless [`statuses`](configuration.md#keys-for-rest-only) lists them; 206 that no range was requested for; 304, 412 and 416, which answer one request's conditions; anything but 200 and 206 for a request with `Range`; and values that are no final status",
            "none needed";
        NoStore = "no-store",
            "the origin sent `no-store` in [the header that takes precedence](rest.md#which-field-counts), or `must-understand` with a status that Evergraph does not know",
            "change the origin, or set `override = true` on the cache type";
        Private = "private",
            "the origin sent `private` in the header that takes precedence, or in `extensions.cacheControl` of the response",
            "change the origin, or set `override = true`. Then name a `scope` as well, or all clients share the entry";
        SetCookie = "set-cookie",
            "the response sets a cookie",
            "change the origin, set `override = true`, or set `strip_set_cookie`";
        VaryCookie = "vary-cookie",
            "the origin sent `Vary: Cookie`",
            "change the origin, or set `override = true`";
        VaryAny = "vary-any",
            "the origin sent `Vary: *`, or `Vary` with more than 16 header names",
            "change the origin";
        NoFreshness = "no-freshness",
            "the response has no freshness lifetime, or none that is left, and no `ETag` or `Last-Modified` with which a success could be validated. Examples: a REST response that no type matches without `max-age`, `s-maxage` and `Expires`; an `Age` as large as the lifetime; a part (206) that is not fresh; for GraphQL also `max-age=0` and `no-cache`",
            "add a cache type for the path, or a header at the origin";
        Authorization = "authorization",
            "with `rest.authorization = \"origin\"`: the request has `Authorization`, and the response has none of `public`, `s-maxage` and `must-revalidate`",
            "none needed";
        HeadersTooLarge = "headers-too-large",
            "the response headers are larger than 32 KiB",
            "change the origin";
        HeaderBytes = "header-bytes",
            "the response's `Vary` or tags contain bytes that are not UTF-8, or another header does that an entry cannot reproduce ([details](rest.md#bytes-of-header-values))",
            "send UTF-8 or percent-encoding from the origin";
        RequestHeaderBytes = "request-header-bytes",
            "the response varies on a request header, such as `User-Agent`, that contains bytes that are not UTF-8",
            "none needed";
        Broken = "broken",
            "the response broke off while it was being stored. Appears only in the log",
            "check the origin";
        Stream = "stream",
            "the response is `text/event-stream` or `multipart/*`",
            "none needed";
        ContentEncoding = "content-encoding",
            "a GraphQL response with a content coding other than `br` and gzip (in any spelling), or a part (206) with any coding. Other REST responses are stored in their coding ([details](rest.md#content-codings))",
            "change the origin";
        ContentType = "content-type",
            "a GraphQL response that is not JSON, or whose `Content-Type` does not say so",
            "change the origin";
        Errors = "errors",
            "a GraphQL response that has `errors`, lacks `data`, or is one of several parts",
            "none needed";
        TooLarge = "too-large",
            "the response is larger than 8 MiB (GraphQL: 2 MiB)",
            "use pagination";
        MemoryInFlight = "memory-in-flight",
            "the bodies in flight leave no memory for the response or for what is derived from it ([memory](operations.md#memory)). If its length was not known beforehand, only the log says so",
            "smaller responses, or a higher `limits.memory_in_flight`";
        TtlZero = "ttl-zero",
            "the response contains a type with `ttl = 0`, or has `maxAge: 0` in `extensions.cacheControl`",
            "change the type's `ttl` or the origin's hint, or set `override = true`";
        ScopeOfAnswer = "scope-of-answer",
            "the response contains a type with a scope that its key lacks",
            "add `graphql:Query.field` to the type's `match`, or provide a [schema](configuration.md#what-a-schema-does)";
        TypesUnknown = "types-unknown",
            "not all types of the response are known, and a type with `ttl = 0` is matched by `graphql:Type`",
            "set `graphql.inject`; provide a schema if nulls and empty lists are the cause";
        SchemaUnsettled = "schema-unsettled",
            "this isolate has not loaded the schema in force, or the document was analyzed before that schema was in force",
            "wait. After an upload KV may take a minute or more; until then `GET schema` returns `loading`";
        SchemaContradicted = "schema-contradicted",
            "the response contains something that the schema rules out. The schema is no longer in force, and everything was purged",
            "[upload](operations.md#post-schema) the right schema";
        LogUnreadable = "log-unreadable",
            "the purge log could not be read, or not within `max_lag`",
            "look at the `purge-log-read` failures";
        Method = "method",
            "the request is a HEAD. Only the response to a GET is stored, and it answers both",
            "none needed";
        RequestNoStore = "request-no-store",
            "the client sent `no-store`",
            "none needed";
    }
}

impl NotStored {
    /// Whether the next response to the same request will not be stored either.
    ///
    /// That is so if the response succeeded and its own headers forbid storing it. A response that
    /// failed, broke off or was damaged says nothing about the next one; nor does one that its
    /// types, the schema or the purge log kept from being stored.
    pub fn will_recur(self, status: u16) -> bool {
        self.cause() == Cause::Headers && status < 400
    }

    /// Whether the reason is one of the response, and not of this request or of what the isolate had at that
    /// moment. Then it is worth showing to those who ask about the next request.
    pub fn is_of_response(self) -> bool {
        self.cause() != Cause::Circumstances
    }

    fn cause(self) -> Cause {
        match self {
            Self::NoStore
            | Self::Private
            | Self::SetCookie
            | Self::VaryAny
            | Self::VaryCookie
            | Self::NoFreshness
            | Self::Authorization
            | Self::HeadersTooLarge
            | Self::HeaderBytes
            | Self::Stream => Cause::Headers,
            Self::Status
            | Self::ContentEncoding
            | Self::ContentType
            | Self::Errors
            | Self::TooLarge
            | Self::TtlZero
            | Self::ScopeOfAnswer
            | Self::TypesUnknown => Cause::Response,
            Self::Broken
            | Self::LogUnreadable
            | Self::MemoryInFlight
            | Self::Method
            | Self::RequestNoStore
            | Self::RequestHeaderBytes
            | Self::SchemaContradicted
            | Self::SchemaUnsettled => Cause::Circumstances,
        }
    }
}

/// What kept a response from being stored.
#[derive(PartialEq, Eq)]
enum Cause {
    /// Its own headers, which forbid it.
    Headers,
    /// Something else about it.
    Response,
    /// The request, or what the isolate had at that moment.
    Circumstances,
}
