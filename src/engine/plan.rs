//! Under which key, for how long and with which tags an answer may be cached.

use super::Bypass;
use super::class::unwanted_answer;
use super::identity::{Asker, sharers, value_digests};
use super::parts::QueryParts;
use super::signals::{Counted, Coverage, Signal};
use crate::config::{Authorization, CacheType, CdnCacheControl, Config, RestRules, RestTtl};
use crate::graphql::{Analysis, ExpectedResponse, Query, accepted_kinds, canonical_variables};
use crate::http::{Headers, Method, Request, form_decoded};
use crate::jwt::Claims;
use crate::key::{DigestBuilder, Key, KeyParts, Kind};
use crate::policy::{ByOrigin, Permission, RequestDirectives, Rule, Windows};
use crate::rest::{self, header_parts};
use crate::tag::{Tag, TagSet, Tagging};
use crate::time::Ttl;

/// What is decided of a read before its answer is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The key.
    pub key: Key,
    /// The cache type's name, for keys and statistics.
    pub type_name: String,
    /// Who decides on the lifetime.
    pub rule: Rule,
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
            Rule::Origin(_) => asked,
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

/// What several cache types say together: the smallest times win, scopes add up, and the
/// prohibitions are overridden only where each says so.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Merged {
    pub windows: Windows,
    pub overriding: bool,
    pub client_ttl: Option<Ttl>,
    pub scopes: Vec<String>,
    pub tags: TagSet,
}

pub(super) fn merge(types: &[&CacheType]) -> Merged {
    let smallest = |of: fn(&CacheType) -> Ttl| types.iter().map(|one| of(one)).min();
    let mut scopes: Vec<String> = types.iter().filter_map(|one| one.scope.clone()).collect();
    scopes.sort_unstable();
    scopes.dedup();
    Merged {
        windows: Windows {
            ttl: types.iter().filter_map(|one| one.ttl.seconds()).min().unwrap_or(Ttl::ZERO),
            swr: smallest(|one| one.swr.unwrap_or(Ttl::ZERO)).unwrap_or(Ttl::ZERO),
            sie: smallest(|one| one.sie.unwrap_or(Ttl::ZERO)).unwrap_or(Ttl::ZERO),
        },
        overriding: !types.is_empty() && types.iter().all(|one| one.overriding),
        client_ttl: types.iter().filter_map(|one| one.client_ttl).min(),
        scopes,
        tags: types.iter().flat_map(|one| own_tags(one)).collect(),
    }
}

impl Merged {
    /// What a schema says of its own caching: without a type in the configuration it gives the
    /// ttl, if it has one for all that is asked; else it can only shorten it. What is overridden has
    /// the configured ttl.
    pub fn hinted(mut self, expected: &ExpectedResponse, by_default: bool) -> Self {
        let max_age = expected.max_age.filter(|_| !self.overriding);
        let max_age = max_age.map(|seconds| Ttl::from_seconds(seconds.into()));
        let ttl = &mut self.windows.ttl;
        *ttl = match max_age {
            Some(max_age) if by_default && expected.all_hinted => max_age,
            Some(max_age) => max_age.min(*ttl),
            None => *ttl,
        };
        self
    }
}

fn own_tags(one: &CacheType) -> impl Iterator<Item = Tag> {
    std::iter::once(Tag::of("type:", &one.name)).chain(one.tags.iter().cloned())
}

/// The cache type that gives a key its name: the first of those with the smallest ttl.
fn naming<'a>(types: &[&'a CacheType]) -> Option<&'a CacheType> {
    types.iter().copied().min_by_key(|one| one.ttl)
}

/// Plans a REST read. A plan that depends on claims which are not known is [`Bypass::JwtUnverified`].
pub fn plan_rest(config: &Config, request: &Request, claims: &Claims) -> Result<Plan, Bypass> {
    let asked = rest::asked(config, &request.url);
    let rule = rule(config, &asked)?;
    let merged = merge(&asked.types);
    let asker = Asker { headers: &request.headers, claims };
    let sharers = sharers(config, &merged.scopes, asker)?;
    let counted = match asked.terms.ttl {
        RestTtl::Origin => Counted::Standard,
        RestTtl::Seconds(_) | RestTtl::OriginAtMost(_) => Counted::All,
    };
    let (types, keyed) = (asked.types.as_slice(), asked.terms.vary.as_slice());
    let mut uncovered = Coverage { config, asker, types, keyed, counted }.uncovered();
    let is_authorization = |signal: &Signal<'_>| *signal == Signal::Header("authorization");
    let authorized =
        shares_by_the_origins_word(config, rule) && uncovered.iter().any(is_authorization);
    uncovered.retain(|signal| !(authorized && is_authorization(signal)));
    if let Some(signal) = uncovered.first() {
        return Err(signal.bypass(config));
    }
    let digest = asked.digest(&request.headers).part(sharers.digest.as_bytes()).finish();
    let type_name = naming(&asked.types).map_or("default", |one| one.name.as_str());
    let key = Key::new(&KeyParts {
        service: &config.service,
        kind: Kind::Rest,
        type_name,
        name: &asked.url.path,
        scope: &sharers.segment,
        digest: &digest,
    });
    let mut tags = rest::entry_tags(config, &request.url);
    tags.extend(merged.tags);
    tags.extend(sharers.tags);
    tags.insert(Tag::of("key:", &digest.to_hex()));
    tags.insert(Tag::of("type:", type_name));
    Ok(Plan {
        key,
        type_name: type_name.to_owned(),
        rule,
        overriding: merged.overriding,
        client_ttl: merged.client_ttl,
        tags,
        tagging: config.tagging,
        scopes: merged.scopes,
        type_names: asked.types.iter().map(|one| one.name.clone()).collect(),
        undeclared: Vec::new(),
        rest: RestPlan {
            target: Some(asked.url.target()),
            statuses: asked.terms.statuses.into_iter().collect(),
            strip_set_cookie: asked.terms.strip_set_cookie,
            authorized,
            ignores_client: !config.rest.client_directives,
            keeps_cdn_cache_control: config.rest.cdn_cache_control == CdnCacheControl::Keep,
        },
    })
}

/// Who decides how long a REST answer lives.
fn rule(config: &Config, asked: &rest::RestRead<'_>) -> Result<Rule, Bypass> {
    let RestRules { ttl, swr, sie, .. } = &asked.terms;
    let by_origin = |most| {
        let heuristic = config.rest.heuristic;
        Rule::Origin(ByOrigin { heuristic, swr: *swr, sie: *sie, most })
    };
    match *ttl {
        RestTtl::Seconds(ttl) | RestTtl::OriginAtMost(ttl) if ttl.is_zero() => Err(Bypass::TtlZero),
        RestTtl::Seconds(_) => Ok(Rule::Configured(merge(&asked.types).windows)),
        RestTtl::OriginAtMost(ttl) => Ok(by_origin(Some(ttl))),
        RestTtl::Origin => Ok(by_origin(None)),
    }
}

/// Whether the answer to a request with `Authorization` may be shared where the origin says so.
fn shares_by_the_origins_word(config: &Config, rule: Rule) -> bool {
    config.rest.authorization == Authorization::Origin && matches!(rule, Rule::Origin(_))
}

/// Plans a GraphQL query. A plan that depends on claims which are not known is
/// [`Bypass::JwtUnverified`].
pub fn plan_graphql(
    config: &Config,
    request: &Request,
    claims: &Claims,
    query: &Query,
    analysis: &Analysis,
) -> Result<Plan, Bypass> {
    if let Some(bypass) = unwanted_answer(&request.headers) {
        return Err(bypass);
    }
    let parts = QueryParts::of(config, query, analysis);
    let applied = parts.applied(config);
    let merged = merge(&applied).hinted(&analysis.expected, parts.types.is_empty());
    if analysis.expected.private && !merged.overriding {
        return Err(Bypass::PrivateHint);
    }
    // The default's ttl may yet be replaced by that of a type in the answer.
    let is_never = |one: &&CacheType| one.ttl.seconds().is_some_and(Ttl::is_zero);
    let may_be_replaced = parts.may_be_declared && !parts.types.iter().any(is_never);
    if merged.windows.ttl.is_zero() && !may_be_replaced {
        return Err(Bypass::TtlZero);
    }
    let asker = Asker { headers: &request.headers, claims };
    let sharers = sharers(config, &merged.scopes, asker)?;
    // A type that only the answer shows may have a scope; who it would tell apart does not share.
    let unseen = config.types_by_answer_alone();
    let unseen_values = value_digests(config, &merge(&unseen).scopes, asker)?;
    let keyed = keyed_headers(config, &[applied, unseen].concat());
    let types = parts.covering.as_slice();
    let coverage = Coverage { config, asker, types, keyed: &keyed, counted: Counted::All };
    if let Some(signal) = coverage.uncovered().first() {
        return Err(signal.bypass(config));
    }
    let variables = canonical_variables(query.variables.as_ref(), &analysis.variables);
    let digest = DigestBuilder::new("graphql")
        .part(request.method.as_str().as_bytes())
        .part(request.url.scheme.as_bytes())
        .part(request.url.host.as_bytes())
        .part(request.url.path.as_bytes())
        .optional(rest_of_url(request).as_deref())
        .part(accepted_kinds(&request.headers).as_bytes())
        .optional(preflight(request).as_deref())
        .part(analysis.digest.as_bytes())
        .part(variables.as_bytes())
        .part(query.others.as_bytes())
        .part(sharers.digest.as_bytes())
        .part(unseen_values.as_bytes());
    let digest = header_parts(digest, &keyed, &request.headers).finish();
    let type_name = match naming(&parts.types) {
        Some(one) => one.name.as_str(),
        None if parts.is_introspection => "introspection",
        None => "default",
    };
    let key = Key::new(&KeyParts {
        service: &config.service,
        kind: Kind::GraphQl,
        type_name,
        name: analysis.name.as_deref().unwrap_or("anonymous"),
        scope: &sharers.segment,
        digest: &digest,
    });
    let mut tags = merged.tags;
    tags.extend(sharers.tags);
    tags.insert(Tag::of("type:", type_name));
    tags.extend(rest::path_tags(config, &request.url));
    tags.insert(Tag::of("op:", analysis.name.as_deref().unwrap_or("anonymous")));
    tags.insert(Tag::of("key:", &digest.to_hex()));
    Ok(Plan {
        key,
        type_name: type_name.to_owned(),
        rule: Rule::AtMost(merged.windows),
        overriding: merged.overriding,
        client_ttl: merged.client_ttl,
        tags,
        tagging: config.tagging,
        scopes: merged.scopes,
        type_names: parts.types.iter().map(|one| one.name.clone()).collect(),
        undeclared: parts.undeclared,
        rest: RestPlan::default(),
    })
}

/// The names of the headers that a GraphQL key holds, in order and each once.
fn keyed_headers(config: &Config, types: &[&CacheType]) -> Vec<String> {
    let of_types = types.iter().flat_map(|one| &one.vary);
    let mut names: Vec<String> = config.vary.iter().chain(of_types).cloned().collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// What a URL has beside the GraphQL request itself, which the origin may heed.
fn rest_of_url(request: &Request) -> Option<String> {
    const MEMBERS: [&str; 4] = ["query", "operationName", "variables", "extensions"];
    let query = request.url.query.as_deref()?;
    if request.method == Method::Post {
        return Some(query.to_owned());
    }
    // As they are written: servers may decode them otherwise.
    let is_other = |piece: &&str| {
        let name = form_decoded(piece.split('=').next().unwrap_or_default());
        !piece.is_empty() && !name.is_some_and(|name| MEMBERS.contains(&name.as_str()))
    };
    Some(query.split('&').filter(is_other).collect::<Vec<_>>().join("&"))
}

/// What servers that guard against cross-site requests look for in a GET.
fn preflight(request: &Request) -> Option<String> {
    if request.method == Method::Post {
        return None;
    }
    let has = |headers: &Headers, name| headers.get(name).is_some_and(|value| !value.is_empty());
    let content_type = request.headers.get("content-type").unwrap_or_default();
    Some(format!(
        "{content_type};{}{}",
        has(&request.headers, "apollo-require-preflight"),
        has(&request.headers, "x-apollo-operation-name")
    ))
}

#[cfg(test)]
mod tests;
