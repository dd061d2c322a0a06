//! Plans a REST read: key, lifetime and tags, before the response is known.

use super::bypass::Bypass;
use super::identity::{Credentials, scope_key};
use super::merged_terms::merge_terms;
use super::plan::{Plan, RestPlan};
use super::read_types::{rest_type_name, type_names};
use super::signals::{Signal, SignalCheck, SignalSet};
use crate::config::{Authorization, CdnCacheControl, Config, RestRules, RestTtl};
use crate::http::Request;
use crate::jwt::Claims;
use crate::key::{Key, KeyParts, Kind};
use crate::policy::{LifetimeRule, OriginRule};
use crate::rest;
use crate::tag::Tag;

/// Plans a REST read. If the plan depends on claims and these are not verified yet, the result is
/// [`Bypass::JwtUnverified`].
pub fn plan_rest(config: &Config, request: &Request, claims: &Claims) -> Result<Plan, Bypass> {
    let read = rest::RestRead::of(config, &request.url);
    let rule = lifetime_rule(config, &read)?;
    let merged = merge_terms(&read.types);
    let credentials = Credentials { headers: &request.headers, claims };
    let scope_key = scope_key(config, &merged.scopes, credentials)?;
    let (types, keyed) = (read.types.as_slice(), read.terms.vary.as_slice());
    let signal_set = signal_set(&read);
    let mut uncovered = SignalCheck { config, credentials, types, keyed, signal_set }.uncovered();
    let is_authorization = |signal: &Signal<'_>| *signal == Signal::Header("authorization");
    let authorized = may_share_by_origin(config, rule) && uncovered.iter().any(is_authorization);
    uncovered.retain(|signal| !(authorized && is_authorization(signal)));
    if let Some(signal) = uncovered.first() {
        return Err(signal.bypass(config));
    }
    let digest = read.digest(&request.headers).part(scope_key.digest.as_bytes()).finish();
    let type_name = rest_type_name(&read.types);
    let key = Key::new(&KeyParts {
        service: &config.service,
        kind: Kind::Rest,
        type_name,
        name: &read.url.path,
        scope: &scope_key.segment,
        digest: &digest,
    });
    let mut tags = rest::entry_path_tags(config, &request.url);
    tags.extend(merged.tags);
    tags.extend(scope_key.tags);
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
        keyed_headers: keyed.to_vec(),
        type_names: type_names(&read.types),
        undeclared: Vec::new(),
        rest: RestPlan {
            target: Some(read.url.target()),
            statuses: read.terms.statuses.into_iter().collect(),
            strip_set_cookie: read.terms.strip_set_cookie,
            authorized,
            ignores_client: !config.rest.client_directives,
            keeps_cdn_cache_control: config.rest.cdn_cache_control == CdnCacheControl::Keep,
        },
    })
}

/// Which signals of a REST read are checked.
pub(super) fn signal_set(read: &rest::RestRead<'_>) -> SignalSet {
    match read.terms.ttl {
        RestTtl::Origin => SignalSet::Standard,
        RestTtl::Seconds(_) | RestTtl::OriginAtMost(_) => SignalSet::All,
    }
}

/// Which rule decides the lifetime of a REST response.
fn lifetime_rule(config: &Config, read: &rest::RestRead<'_>) -> Result<LifetimeRule, Bypass> {
    let RestRules { ttl, swr, sie, .. } = &read.terms;
    let by_origin = |most| {
        let heuristic = config.rest.heuristic;
        LifetimeRule::Origin(OriginRule { heuristic, swr: *swr, sie: *sie, most })
    };
    match *ttl {
        RestTtl::Seconds(ttl) | RestTtl::OriginAtMost(ttl) if ttl.is_zero() => Err(Bypass::TtlZero),
        RestTtl::Seconds(_) => Ok(LifetimeRule::Configured(merge_terms(&read.types).windows)),
        RestTtl::OriginAtMost(ttl) => Ok(by_origin(Some(ttl))),
        RestTtl::Origin => Ok(by_origin(None)),
    }
}

/// Whether a response to a request with `Authorization` may be shared if the origin allows it.
fn may_share_by_origin(config: &Config, rule: LifetimeRule) -> bool {
    config.rest.authorization == Authorization::Origin && matches!(rule, LifetimeRule::Origin(_))
}
