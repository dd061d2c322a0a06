//! Under which key, for how long and with which tags an answer may be cached.

use crate::http::Headers;
use crate::key::Key;
use crate::policy::{LifetimeRule, Permission, RequestDirectives};
use crate::tag::{TagSet, Tagging};
use crate::time::Ttl;

/// What is decided of a read before its answer is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The key.
    pub key: Key,
    /// The cache type's name, for keys and statistics.
    pub type_name: String,
    /// Who decides on the lifetime.
    pub rule: LifetimeRule,
    /// Whether the origin's prohibitions are overridden.
    pub overriding: bool,
    /// The `Cache-Control` for the client, if it is not the origin's.
    pub client_ttl: Option<Ttl>,
    /// The tags that need no answer.
    pub tags: TagSet,
    /// By which rules it has them, and gets those that need the answer.
    pub tagging: Tagging,
    /// The scopes that the key has.
    pub scopes: Vec<String>,
    /// The names of the cache types that matched, without the default.
    pub type_names: Vec<String>,
    /// The root fields of a GraphQL query that no cache type matched, which are of the default.
    pub undeclared: Vec<String>,
    /// What is decided of a REST read alone.
    pub rest: RestPlan,
}

/// What is decided of a REST read alone.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RestPlan {
    /// The path and query that the key holds and the origin is asked for; none for GraphQL, which
    /// asks as it came.
    pub target: Option<String>,
    /// The lifetimes of statuses that have their own.
    pub statuses: Vec<(u16, Ttl)>,
    /// Whether `Set-Cookie` is taken off the answer.
    pub strip_set_cookie: bool,
    /// Whether only the origin's word lets others share the answer: the request has
    /// `Authorization`, and no scope tells by it (RFC 9111 §3.5).
    pub authorized: bool,
    /// Whether the client's own directives do not count.
    pub ignores_client: bool,
    /// Whether `CDN-Cache-Control` reaches the client.
    pub keeps_cdn_cache_control: bool,
}

impl Plan {
    /// The request's own directives, as far as they count. Where the configuration says how long
    /// an answer is fresh, clients cannot go around it: what is stale is purged, and the origin
    /// is shielded. Where the origin's headers say it, RFC 9111 §5.2.1 holds.
    pub fn client_directives(&self, headers: &Headers) -> RequestDirectives {
        let asked = RequestDirectives::read(headers);
        match self.rule {
            _ if self.rest.ignores_client => RequestDirectives::default(),
            LifetimeRule::Origin(_) => asked,
            // What must not be kept is not kept, whoever decides on freshness.
            _ => RequestDirectives { no_store: asked.no_store, ..RequestDirectives::default() },
        }
    }

    /// What the configuration says of the storing of an answer with that status.
    pub fn permission(&self, status: u16) -> Permission {
        Permission {
            overriding: self.overriding,
            strip_set_cookie: self.rest.strip_set_cookie,
            authorized: self.rest.authorized,
            names_status: self.rest.statuses.iter().any(|(named, _)| *named == status),
        }
    }
}
