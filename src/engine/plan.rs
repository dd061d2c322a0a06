//! The plan of a read: under which key, for how long and with which tags its response may be
//! stored.

use crate::http::Headers;
use crate::key::Key;
use crate::policy::{LifetimeRule, Permission, RequestDirectives};
use crate::tag::{TagSet, Tagging};
use crate::time::Ttl;

/// What is decided about a read before the response is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The cache key.
    pub key: Key,
    /// The name of the cache type, for keys and statistics.
    pub type_name: String,
    /// Whether the origin or the configuration decides the lifetime.
    pub rule: LifetimeRule,
    /// Whether `override` applies: the origin's `no-store`, `private`, `Set-Cookie` and `Vary:
    /// Cookie` do not forbid storing.
    pub overriding: bool,
    /// The `Cache-Control` lifetime for the client, if it replaces the origin's.
    pub client_ttl: Option<Ttl>,
    /// The tags that do not depend on the response.
    pub tags: TagSet,
    /// The fingerprint of the rules that made these tags, and will make those that depend on the
    /// response.
    pub tagging: Tagging,
    /// The scopes that are part of the key.
    pub scopes: Vec<String>,
    /// The names of the headers whose values are part of the key.
    pub keyed_headers: Vec<String>,
    /// The names of the matching cache types, without the default type.
    pub type_names: Vec<String>,
    /// The root fields of a GraphQL query that no cache type matches. They have the default type.
    pub undeclared: Vec<String>,
    /// The decisions that only apply to REST.
    pub rest: RestPlan,
}

/// The decisions that only apply to a REST read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RestPlan {
    /// The path and query that are part of the key and sent to the origin. `None` for GraphQL,
    /// whose URL is not changed.
    pub target: Option<String>,
    /// The statuses with a lifetime of their own.
    pub statuses: Vec<(u16, Ttl)>,
    /// Whether `Set-Cookie` is removed from the response.
    pub strip_set_cookie: bool,
    /// Whether the response may be shared only if the origin says so: the request has
    /// `Authorization`, and no scope depends on it (RFC 9111 §3.5).
    pub authorized: bool,
    /// Whether the client's cache directives are ignored.
    pub ignores_client: bool,
    /// Whether `CDN-Cache-Control` reaches the client.
    pub keeps_cdn_cache_control: bool,
}

impl Plan {
    /// The request's cache directives that apply. If the configuration decides the lifetime,
    /// clients cannot bypass the cache: stale responses are purged, and the origin is protected. If
    /// the origin's headers decide, RFC 9111 §5.2.1 applies.
    pub fn client_directives(&self, headers: &Headers) -> RequestDirectives {
        let asked = RequestDirectives::read(headers);
        match self.rule {
            _ if self.rest.ignores_client => RequestDirectives::default(),
            LifetimeRule::Origin(_) => asked,
            // `no-store` applies in any case: what must not be stored is not stored.
            _ => RequestDirectives { no_store: asked.no_store, ..RequestDirectives::default() },
        }
    }

    /// What the configuration permits for a response with this status.
    pub fn permission(&self, status: u16) -> Permission {
        Permission {
            overriding: self.overriding,
            strip_set_cookie: self.rest.strip_set_cookie,
            authorized: self.rest.authorized,
            names_status: self.rest.statuses.iter().any(|(named, _)| *named == status),
        }
    }
}
