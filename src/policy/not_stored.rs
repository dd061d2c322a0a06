//! The reasons why a response is not stored.

/// Why an answer is not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotStored {
    /// Its status is not one that is stored.
    Status,
    /// It says `no-store`.
    NoStore,
    /// It says `private`.
    Private,
    /// It sets a cookie.
    SetCookie,
    /// It says `Vary: *`, or names more headers than are compared.
    VaryAny,
    /// It says `Vary: Cookie`.
    VaryCookie,
    /// Nothing gives it a lifetime, or it has none left, and it cannot be validated.
    NoFreshness,
    /// It answers a request with `Authorization`, and the origin does not say that it may be shared.
    Authorization,
    /// Its headers are larger than an entry may have.
    HeadersTooLarge,
    /// Its headers have bytes that are not UTF-8: in its `Vary` or its tags, or in a field that an
    /// entry cannot give back.
    HeaderBytes,
    /// It varies on a header of the request that has bytes which are not UTF-8.
    RequestHeaderBytes,
    /// It broke off.
    Broken,
    /// It is a stream of events or parts.
    Stream,
    /// It is a GraphQL answer that is encoded in a way that the runtime does not undo, or a part
    /// of any encoded answer.
    ContentEncoding,
    /// It is no GraphQL answer in JSON.
    ContentType,
    /// It has `errors`, or no `data`.
    Errors,
    /// It is larger than an entry may be.
    TooLarge,
    /// The bodies in flight leave no room for it, or for what is made of it.
    MemoryInFlight,
    /// It holds a type that is not to be cached.
    TtlZero,
    /// It holds a type with a scope that its key lacks.
    ScopeOfAnswer,
    /// A type could forbid it, and its types are not known.
    TypesUnknown,
    /// The purge log's number was not known when the origin was asked.
    LogUnreadable,
    /// A GET is stored, and this is none.
    Method,
    /// The client said `no-store`.
    RequestNoStore,
    /// It has something that the schema says cannot be there.
    SchemaContradicted,
    /// The schema in force is not at hand yet.
    SchemaUnsettled,
}

impl NotStored {
    /// The reason as `Cache-Status`, logs and docs name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::NoStore => "no-store",
            Self::Private => "private",
            Self::SetCookie => "set-cookie",
            Self::VaryAny => "vary-any",
            Self::VaryCookie => "vary-cookie",
            Self::NoFreshness => "no-freshness",
            Self::Authorization => "authorization",
            Self::HeadersTooLarge => "headers-too-large",
            Self::HeaderBytes => "header-bytes",
            Self::RequestHeaderBytes => "request-header-bytes",
            Self::Broken => "broken",
            Self::Stream => "stream",
            Self::ContentEncoding => "content-encoding",
            Self::ContentType => "content-type",
            Self::Errors => "errors",
            Self::TooLarge => "too-large",
            Self::MemoryInFlight => "memory-in-flight",
            Self::TtlZero => "ttl-zero",
            Self::ScopeOfAnswer => "scope-of-answer",
            Self::TypesUnknown => "types-unknown",
            Self::LogUnreadable => "log-unreadable",
            Self::Method => "method",
            Self::RequestNoStore => "request-no-store",
            Self::SchemaContradicted => "schema-contradicted",
            Self::SchemaUnsettled => "schema-unsettled",
        }
    }
}

impl NotStored {
    /// Whether the next answer to the same request will not be stored either: the answer succeeded,
    /// and its own headers forbid storing it. An answer that failed, broke off or was damaged, and
    /// what the answer's types, the schema or the purge log stood in the way of, says nothing of
    /// the next one.
    pub fn will_recur(self, status: u16) -> bool {
        let by_headers = match self {
            Self::NoStore
            | Self::Private
            | Self::SetCookie
            | Self::VaryAny
            | Self::VaryCookie
            | Self::NoFreshness
            | Self::Authorization
            | Self::HeadersTooLarge
            | Self::HeaderBytes
            | Self::Stream => true,
            Self::Status
            | Self::Broken
            | Self::ContentEncoding
            | Self::ContentType
            | Self::Errors
            | Self::TooLarge
            | Self::TtlZero
            | Self::ScopeOfAnswer
            | Self::TypesUnknown
            | Self::LogUnreadable
            | Self::MemoryInFlight
            | Self::Method
            | Self::RequestNoStore
            | Self::RequestHeaderBytes
            | Self::SchemaContradicted
            | Self::SchemaUnsettled => false,
        };
        by_headers && status < 400
    }
}
