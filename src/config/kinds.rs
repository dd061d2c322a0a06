//! The configuration as values. docs/configuration.md describes each for users.

use super::rest::{Resource, Rest, RestSettings};
use crate::http::PathPattern;
use crate::limits::Amounts;
use crate::tag::{Aliases, Tag, Tagging};
use crate::time::Ttl;
use std::collections::BTreeMap;

/// A whole configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The first segment of every key.
    pub service: String,
    /// The names that the service had before, the first one first.
    pub formerly: Vec<String>,
    /// Where requests go, without a trailing slash; none where a route leads to the zone's own.
    pub origin: Option<String>,
    /// Paths that are never cached.
    pub bypass: Vec<PathPattern>,
    /// Globs over the names of cookies that are no signals.
    pub ignore_cookies: Vec<String>,
    /// The response headers that hold tags, in lower case, beside those that always do.
    pub tag_headers: Vec<String>,
    /// Globs over the names of request headers, in lower case, that are no signals.
    pub ignore_headers: Vec<String>,
    /// Names of request headers, in lower case and in order, that belong to every key.
    pub vary: Vec<String>,
    /// Groups of GraphQL types that are one thing.
    pub same: Aliases,
    /// What speaks GraphQL, and how.
    pub graphql: GraphQl,
    /// How far the rules of HTTP reach for REST.
    pub rest: Rest,
    /// The cache type of GraphQL queries that no other matches.
    pub default_type: CacheType,
    /// The cache types, by name.
    pub types: Vec<CacheType>,
    /// Who shares an entry.
    pub scopes: Vec<Scope>,
    /// How tokens are verified, where a scope may go by their claims.
    pub jwt: Option<Jwt>,
    /// What mutations purge.
    pub mutations: Mutations,
    /// REST paths and the entities that they are.
    pub resources: Vec<Resource>,
    /// How long the origin may take.
    pub origin_timeout: OriginTimeout,
    /// What a GraphQL request may need.
    pub limits: Limits,
    /// Workers KV.
    pub kv: Kv,
    /// The purge log.
    pub purge: Purge,
    /// Which rules all this comes to for tags.
    pub tagging: Tagging,
}

/// `graphql`
#[derive(Debug, Clone, PartialEq)]
pub struct GraphQl {
    /// What speaks GraphQL over HTTP.
    pub paths: Vec<PathPattern>,
    /// Whether `__typename` is added on a miss.
    pub inject: bool,
    /// Who answers an unknown persisted hash.
    pub apq: Apq,
    /// Where a schema comes from.
    pub schema: SchemaSource,
    /// The fields that identify entities, by type, where it is not one of the usual.
    pub keys: KeyFields,
}

/// `graphql.keys`: by GraphQL type, fields each of which identifies an object.
pub type KeyFields = BTreeMap<String, Vec<String>>;

/// `graphql.apq`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Apq {
    /// Evergraph.
    Own,
    /// The origin.
    Origin,
}

/// `graphql.schema`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaSource {
    /// Nowhere, or an upload.
    None,
    /// The origin's introspection.
    Introspect,
}

/// `types.*` and `default`
#[derive(Debug, Clone, PartialEq)]
pub struct CacheType {
    /// Its name.
    pub name: String,
    /// What it matches.
    pub matches: Vec<Match>,
    /// How long its entries live.
    pub ttl: TypeTtl,
    /// How much longer they are served while one request fetches them anew. None: not at all, and
    /// with the origin's ttl what the origin says.
    pub swr: Option<Ttl>,
    /// How much longer they are served while the origin fails; none as for `swr`.
    pub sie: Option<Ttl>,
    /// The name of the scope; none for `public`.
    pub scope: Option<String>,
    /// Names of request headers, in lower case and in order, that belong to its keys.
    pub vary: Vec<String>,
    /// More tags for its entries.
    pub tags: Vec<Tag>,
    /// Whether `no-store`, `private`, `Set-Cookie` and `Vary: Cookie` are overridden.
    pub overriding: bool,
    /// The `Cache-Control` that the client gets, in seconds; none for the origin's own.
    pub client_ttl: Option<Ttl>,
    /// What it says of REST alone.
    pub rest: RestSettings,
}

/// `types.*.ttl`. The order is that of strictness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TypeTtl {
    /// So long; zero for never.
    Seconds(Ttl),
    /// As long as the origin's headers say (RFC 9111 §4.2.1). Only for REST.
    Origin,
}

impl TypeTtl {
    /// The configured time; none where the origin says it.
    pub fn seconds(self) -> Option<Ttl> {
        match self {
            Self::Seconds(ttl) => Some(ttl),
            Self::Origin => None,
        }
    }
}

/// `types.*.match`
#[derive(Debug, Clone, PartialEq, Hash)]
pub enum Match {
    /// `graphql:Product`, a type in the answer
    GraphQlType(String),
    /// `graphql:Query.products` or `graphql:Query.search(kind: PRODUCT)`, a root field
    QueryField(FieldPattern),
    /// `operation:Catalog*`, an operation's name
    Operation(String),
    /// `rest:/api/products/**`, a path
    Rest(PathPattern),
}

/// What a root field is called, and what it is asked with.
#[derive(Debug, Clone, PartialEq, Hash)]
pub struct FieldPattern {
    /// A glob over the field's name.
    pub name: String,
    /// Arguments by name, all of which it has to have with these values.
    pub arguments: Vec<(String, serde_json::Value)>,
}

/// `scopes.*`
#[derive(Debug, Clone, PartialEq)]
pub struct Scope {
    /// Its name.
    pub name: String,
    /// What tells people apart. Empty: nothing does, everyone shares.
    pub by: Vec<Identity>,
    /// Signals that do not change the answers of what has this scope.
    pub ignore: Vec<SignalPattern>,
}

/// `scopes.*.ignore`
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignalPattern {
    /// `header:x-client-*`, a glob over names in lower case
    Header(String),
    /// `cookie:theme`, a glob over names
    Cookie(String),
}

/// `scopes.*.by`
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Identity {
    /// `header:authorization`, in lower case
    Header(String),
    /// `cookie:session`
    Cookie(String),
    /// `jwt:sub`, a claim of a verified token, or a path of them with dots
    Claim(String),
}

/// `jwt`
#[derive(Debug, Clone, PartialEq)]
pub struct Jwt {
    /// Where a request has its token.
    pub place: TokenPlace,
    /// The algorithms that a token may be signed with.
    pub algorithms: Vec<Algorithm>,
    /// Where the issuer publishes its keys, for the algorithms that have public ones.
    pub jwks: Option<String>,
    /// Who has to have issued a token; none for anybody who has the key.
    pub issuer: Option<String>,
    /// For whom a token has to be; none for anybody.
    pub audience: Option<String>,
    /// By how many seconds the issuer's clock may differ.
    pub leeway: u64,
}

/// `jwt.header` or `jwt.cookie`
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenPlace {
    /// A header, in lower case; its value may begin with `Bearer`.
    Header(String),
    /// A cookie.
    Cookie(String),
}

/// `jwt.algorithms` (RFC 7518 §3.1)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// HMAC with SHA-256, by a secret
    Hs256,
    /// RSASSA-PKCS1-v1_5 with SHA-256, by a published key
    Rs256,
    /// ECDSA on P-256 with SHA-256, by a published key
    Es256,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Hs256, Self::Rs256, Self::Es256];

    /// The name that tokens and keys have for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }

    /// The algorithm of that very name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == name)
    }

    /// Whether its keys are published. What everybody knows must never serve as a secret.
    pub fn has_public_keys(self) -> bool {
        !matches!(self, Self::Hs256)
    }
}

/// `mutations`
#[derive(Debug, Clone, PartialEq)]
pub struct Mutations {
    /// What a successful mutation purges.
    pub policy: MutationPolicy,
    /// What replaces the policy, by mutation field; the rule that says most of it counts.
    pub rules: Vec<MutationRule>,
}

/// `mutations.policy`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MutationPolicy {
    /// The entities in the answer.
    Entity,
    /// Those, and every entry that lists their types.
    List,
    /// Every entry that holds their types.
    Type,
    /// Everything of the service.
    All,
}

/// `mutations.rules`
#[derive(Debug, Clone, PartialEq, Hash)]
pub struct MutationRule {
    /// A glob over the names of mutation fields.
    pub field: String,
    /// What is purged instead.
    pub tags: Vec<Tag>,
}

/// `origin_timeout`: milliseconds until the head of an answer; none for as long as it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OriginTimeout {
    /// For what may be answered from the cache.
    pub read_ms: Option<u64>,
    /// For what changes something.
    pub write_ms: Option<u64>,
}

/// `limits`
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// The numbers.
    pub amounts: Amounts,
    /// Whether a request over a limit is refused instead of passed through.
    pub refuse: bool,
    /// Bytes that the bodies in flight may take in one isolate, all copies counted.
    pub memory_in_flight: usize,
}

/// `kv`
#[derive(Debug, Clone, PartialEq)]
pub struct Kv {
    /// After so many milliseconds the origin is asked as well.
    pub timeout_ms: u64,
    /// What may be spent on writes.
    pub writes: KvWrites,
    /// Entries that live shorter than so many seconds are not written.
    pub min_ttl: u64,
}

/// `kv.writes`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KvWrites {
    /// Every entry is written.
    Always,
    /// An entry is written when it is asked for again.
    SecondRequest,
    /// Nothing is written.
    Never,
}

/// `purge`
#[derive(Debug, Clone, PartialEq)]
pub struct Purge {
    /// No hit is older than a purge by more than this many seconds.
    pub max_lag: u64,
    /// Whether a mutation is answered after its purge is recorded.
    pub wait: bool,
    /// After how many seconds a purge is repeated, once; 0 for never.
    pub settle: u64,
    /// What happens where the log cannot be read for `max_lag`.
    pub unreadable: Unreadable,
    /// Whether the number of a client's own write is in a cookie too.
    pub cookie: bool,
}

/// `purge.unreadable`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreadable {
    /// Every entry counts as a miss.
    Miss,
    /// Entries are served as the last good read had them.
    Serve,
}
