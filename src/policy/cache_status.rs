//! `Cache-Status`: how a cache handled a request (RFC 9211).

use crate::http::{Headers, is_token};
use crate::time::Ttl;

/// Why a request went to the origin (§2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forward {
    /// The cache was not to be used.
    Bypass,
    /// The method requires it.
    Method,
    /// Nothing usable was stored.
    Miss,
    /// The stored response is stale.
    Stale,
    /// The request's cache directives required it.
    Request,
}

/// The member that Evergraph adds to the header, such as `evergraph; hit; ttl=7120; detail=memory`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CacheStatus<'a> {
    /// Served from the cache.
    Hit {
        /// For how many seconds the response stays fresh. Negative if it is stale.
        ttl: i64,
        /// The tier that it came from.
        tier: &'static str,
    },
    /// Served by the origin.
    Forwarded {
        /// Why the request was forwarded.
        forward: Forward,
        /// The status of the origin's response, if there was one.
        status: Option<u16>,
        /// Whether the response was stored.
        stored: bool,
        /// The named reason, if there is one.
        detail: Option<&'a str>,
    },
}

impl CacheStatus<'_> {
    /// A hit on an entry with this lifetime and age.
    pub fn hit(ttl: Ttl, age: u64, tier: &'static str) -> Self {
        let seconds = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        Self::Hit { ttl: seconds(ttl.as_seconds()).saturating_sub(seconds(age)), tier }
    }

    /// Appends the member to those of other caches (§2).
    pub fn add_to(&self, headers: &mut Headers) {
        headers.append("cache-status", self.to_string());
    }
}

impl std::fmt::Display for CacheStatus<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("evergraph; ")?;
        match self {
            Self::Hit { ttl, tier } => write!(out, "hit; ttl={ttl}; detail={tier}"),
            Self::Forwarded { forward, status, stored, detail } => {
                let forward = match forward {
                    Forward::Bypass => "bypass",
                    Forward::Method => "method",
                    Forward::Miss => "miss",
                    Forward::Stale => "stale",
                    Forward::Request => "request",
                };
                write!(out, "fwd={forward}")?;
                if let Some(status) = status {
                    write!(out, "; fwd-status={status}")?;
                }
                if *stored {
                    out.write_str("; stored")?;
                }
                match detail {
                    Some(detail) if is_sf_token(detail) => write!(out, "; detail={detail}"),
                    Some(detail) => write!(out, "; detail={}", sf_string(detail)),
                    None => Ok(()),
                }
            }
        }
    }
}

/// Whether a text is a token in structured fields (RFC 8941 §3.3.4).
fn is_sf_token(text: &str) -> bool {
    let plain = text.replace([':', '/'], "-");
    is_token(&plain) && text.starts_with(|c: char| c == '*' || c.is_ascii_alphabetic())
}

/// A text as a string in structured fields (RFC 8941 §3.3.3). Characters that such a string cannot
/// contain are dropped.
fn sf_string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars().filter(|c| matches!(c, ' '..='~')) {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_as_the_contract_says() {
        let hit = CacheStatus::hit(Ttl::from_seconds(7200), 80, "memory");
        assert_eq!(hit.to_string(), "evergraph; hit; ttl=7120; detail=memory");
        let stored = CacheStatus::Forwarded {
            forward: Forward::Miss,
            status: Some(200),
            stored: true,
            detail: None,
        };
        assert_eq!(stored.to_string(), "evergraph; fwd=miss; fwd-status=200; stored");
        let bypass = CacheStatus::Forwarded {
            forward: Forward::Bypass,
            status: None,
            stored: false,
            detail: Some("authorization-without-scope"),
        };
        assert_eq!(bypass.to_string(), "evergraph; fwd=bypass; detail=authorization-without-scope");
        let with_detail = |detail| CacheStatus::Forwarded {
            forward: Forward::Bypass,
            status: None,
            stored: false,
            detail: Some(detail),
        };
        for (detail, shown) in [
            ("cookie-without-scope: sid", "\"cookie-without-scope: sid\""),
            ("a\"b\\c\ré", "\"a\\\"b\\\\c\""),
            ("1", "\"1\""),
            ("a/b:c", "a/b:c"),
        ] {
            let expected = format!("evergraph; fwd=bypass; detail={shown}");
            assert_eq!(with_detail(detail).to_string(), expected);
        }
    }
}
