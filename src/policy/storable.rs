//! May an answer be stored at all (RFC 9111 §3)?

use super::{ResponseDirectives, Vary, varies_on};
use crate::http::Headers;

/// Why an answer is not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotStored {
    /// Its status is not 200.
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
    /// Nothing gives it a lifetime, or it has none left.
    NoFreshness,
    /// It is a stream of events or parts.
    Stream,
    /// It is encoded in a way that the runtime does not undo.
    ContentEncoding,
    /// It is no GraphQL answer in JSON.
    ContentType,
    /// It has `errors`, or no `data`.
    Errors,
    /// It is larger than an entry may be.
    TooLarge,
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
            Self::Stream => "stream",
            Self::ContentEncoding => "content-encoding",
            Self::ContentType => "content-type",
            Self::Errors => "errors",
            Self::TooLarge => "too-large",
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

/// Whether an answer's head lets it be stored. With `overriding`, `no-store`, `private`,
/// `Set-Cookie` and `Vary: Cookie` do not forbid it.
pub fn storable(status: u16, headers: &Headers, overriding: bool) -> Result<(), NotStored> {
    if status != 200 {
        return Err(NotStored::Status);
    }
    let content_type = headers.get("content-type").unwrap_or_default().to_ascii_lowercase();
    if content_type.starts_with("text/event-stream") || content_type.starts_with("multipart/") {
        return Err(NotStored::Stream);
    }
    let undone = |coding: &str| ["identity", "gzip"].iter().any(|c| coding.eq_ignore_ascii_case(c));
    if !headers.members("content-encoding").all(undone) {
        return Err(NotStored::ContentEncoding);
    }
    if varies_on(headers) == Vary::Any {
        return Err(NotStored::VaryAny);
    }
    if overriding {
        return Ok(());
    }
    let directives = ResponseDirectives::read(headers);
    if directives.no_store {
        return Err(NotStored::NoStore);
    }
    if directives.private {
        return Err(NotStored::Private);
    }
    if headers.contains("set-cookie") {
        return Err(NotStored::SetCookie);
    }
    if headers.members("vary").any(|name| name.eq_ignore_ascii_case("cookie")) {
        return Err(NotStored::VaryCookie);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(fields: &[(&str, &str)], overriding: bool) -> Result<(), NotStored> {
        storable(200, &fields.iter().copied().collect(), overriding)
    }

    #[test]
    fn each_reason_forbids() {
        assert_eq!(storable(206, &Headers::new(), true), Err(NotStored::Status));
        for (field, reason) in [
            (("cache-control", "No-Store"), NotStored::NoStore),
            (("cache-control", "private=\"x\""), NotStored::Private),
            (("set-cookie", "a=b"), NotStored::SetCookie),
            (("vary", "Accept, Cookie"), NotStored::VaryCookie),
        ] {
            assert_eq!(stored(&[field], false), Err(reason));
            assert_eq!(stored(&[field], true), Ok(()));
        }
    }

    #[test]
    fn some_reasons_cannot_be_overridden() {
        assert_eq!(stored(&[("vary", "accept, *")], true), Err(NotStored::VaryAny));
        assert_eq!(stored(&[("content-type", "Text/Event-Stream")], true), Err(NotStored::Stream));
        assert_eq!(stored(&[("content-encoding", "zstd")], true), Err(NotStored::ContentEncoding));
    }
}
