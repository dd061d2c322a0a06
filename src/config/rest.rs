//! The section `rest`: how far HTTP's own caching rules (RFC 9111) apply to REST.

use super::key::{DefaultValue, Key, ValueType};
use super::section::Section;

/// `rest`
#[derive(Debug, Clone, PartialEq)]
pub struct Rest {
    /// Whether a response without an explicit lifetime gets one from its age (heuristic freshness,
    /// RFC 9111 §4.2.2).
    pub heuristic: bool,
    /// Whether `Cache-Control` and `Pragma` of requests count (RFC 9111 §5.2.1, §5.4).
    pub client_directives: bool,
    /// What allows to share the response to a request with `Authorization`.
    pub authorization: Authorization,
    /// Whether `CDN-Cache-Control` reaches the client.
    pub cdn_cache_control: CdnCacheControl,
}

/// `rest.cdn_cache_control`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CdnCacheControl {
    /// The field is for Evergraph, and is removed from the response.
    #[default]
    Drop,
    /// The field stays in the response, for another cache in front of Evergraph (RFC 9213 §2.2).
    Keep,
}

/// `rest.authorization`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Authorization {
    /// Only a scope.
    #[default]
    Scope,
    /// A scope; or, for requests that no scope tells apart, the origin's `public`, `s-maxage` or
    /// `must-revalidate` (RFC 9111 §3.5).
    Origin,
}

pub(super) const KEYS: &[Key] = &[
    Key {
        name: "heuristic",
        value: ValueType::Flag,
        default: DefaultValue::Flag(false),
        doc: "Whether a response without an explicit lifetime gets one from its age.",
    },
    Key {
        name: "client_directives",
        value: ValueType::Flag,
        default: DefaultValue::Flag(true),
        doc: "Whether `Cache-Control` and `Pragma` of requests count.",
    },
    Key {
        name: "authorization",
        value: ValueType::Choice(&["scope", "origin"]),
        default: DefaultValue::Text("scope"),
        doc: "What allows to share the response to a request with `Authorization`.",
    },
    Key {
        name: "cdn_cache_control",
        value: ValueType::Choice(&["drop", "keep"]),
        default: DefaultValue::Text("drop"),
        doc: "Whether the origin's `CDN-Cache-Control` reaches the client.",
    },
];

pub(super) fn rest(section: &Section<'_>) -> Rest {
    let authorization = [Authorization::Scope, Authorization::Origin];
    let cdn_cache_control = [CdnCacheControl::Drop, CdnCacheControl::Keep];
    let rest = Rest {
        heuristic: section.flag("heuristic"),
        client_directives: section.flag("client_directives"),
        authorization: section.choice("authorization", &authorization),
        cdn_cache_control: section.choice("cdn_cache_control", &cdn_cache_control),
    };
    section.report_unknown();
    rest
}
