//! The plan of a REST read.

use super::bypass::Bypass;
use super::identity::{Asker, sharers};
use super::merged_terms::{merge, naming};
use super::plan::{Plan, RestPlan};
use super::signals::{Counted, Coverage, Signal};
use crate::config::{Authorization, CdnCacheControl, Config, RestTerms, RestTtl};
use crate::http::Request;
use crate::jwt::Claims;
use crate::key::{Key, KeyParts, Kind};
use crate::policy::{ByOrigin, Rule};
use crate::rest;
use crate::tag::Tag;

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
    let RestTerms { ttl, swr, sie, .. } = &asked.terms;
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
