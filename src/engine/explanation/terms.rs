//! What set each term.

use crate::admin::{ExplainedTerm, ExplainedTerms};
use crate::config::{Authorization, CacheType, Config, RestTtl};
use crate::engine::graphql_plan::QueryTerms;
use crate::engine::merged_terms::{MergedTerms, merge_terms};
use crate::graphql::ExpectedResponse;
use crate::rest::RestRead;
use crate::time::Ttl;

/// What set a term that no type, and nothing else, sets.
const NOT_SET: &str = "Evergraph's default";
/// What set a term that the origin's headers decide.
const ORIGIN: &str = "the origin's headers";

/// The terms of a query.
pub(super) fn graphql_terms(
    config: &Config,
    found: &QueryTerms<'_>,
    expected: &ExpectedResponse,
    keyed: &[String],
) -> ExplainedTerms {
    let QueryTerms { parts, applied, merged } = found;
    let windows = merged.windows;
    let is_hinted = merge_terms(applied).windows.ttl != windows.ttl
        || (parts.types.is_empty() && expected.all_hinted && expected.max_age.is_some());
    let ttl_of = |one: &CacheType| one.ttl.seconds() == Some(windows.ttl);
    let ttl_from = match is_hinted && !merged.overriding {
        true => "the schema's @cacheControl".to_owned(),
        false => source(applied, ttl_of),
    };
    let unseen = config.types_by_answer_alone();
    ExplainedTerms {
        ttl: seconds(windows.ttl, ttl_from),
        swr: seconds(windows.swr, source(applied, |one| sets(one.swr, windows.swr))),
        sie: seconds(windows.sie, source(applied, |one| sets(one.sie, windows.sie))),
        scope: scopes(applied, merged),
        vary: vary(config, &[applied.as_slice(), &unseen].concat(), keyed),
        client_ttl: client_ttl(applied, merged),
        overriding: overriding(applied, merged),
        origin_rules: match merged.overriding {
            true => vec!["the origin's Cache-Control can shorten the ttl"],
            false => vec![
                "the origin's Cache-Control can shorten the ttl",
                "no-store, private and Set-Cookie forbid storing, and so does Vary: Cookie",
            ],
        },
    }
}

/// The terms of a REST read.
pub(super) fn rest_terms(
    config: &Config,
    read: &RestRead<'_>,
    merged: &MergedTerms,
) -> ExplainedTerms {
    let (types, terms) = (read.types.as_slice(), &read.terms);
    let ttl = match terms.ttl {
        RestTtl::Origin => ExplainedTerm { value: None, from: ORIGIN.to_owned() },
        RestTtl::Seconds(ttl) => seconds(ttl, source(types, |one| one.ttl.seconds() == Some(ttl))),
        RestTtl::OriginAtMost(ttl) => {
            let most = source(types, |one| one.ttl.seconds() == Some(ttl));
            seconds(ttl, format!("{ORIGIN}, at most {most}"))
        }
    };
    let by_origin = !matches!(terms.ttl, RestTtl::Seconds(_));
    let stale = |value: Option<Ttl>, of: fn(&CacheType) -> Option<Ttl>| match value {
        None => ExplainedTerm { value: None, from: ORIGIN.to_owned() },
        Some(value) => seconds(value, source(types, |one| sets(of(one), value))),
    };
    ExplainedTerms {
        ttl,
        swr: stale(terms.swr, |one| one.swr),
        sie: stale(terms.sie, |one| one.sie),
        scope: scopes(types, merged),
        vary: vary(config, types, &terms.vary),
        client_ttl: client_ttl(types, merged),
        overriding: overriding(types, merged),
        origin_rules: origin_rules(config, by_origin, merged.overriding),
    }
}

/// The rules of RFC 9111 that apply to a REST response.
fn origin_rules(config: &Config, by_origin: bool, overriding: bool) -> Vec<&'static str> {
    let mut rules = Vec::new();
    if by_origin {
        rules.push(
            "of CDN-Cache-Control and Cache-Control the first that is present decides: s-maxage, else \
             max-age, else Expires (RFC 9111 §4.2.1, RFC 9213)",
        );
        rules.push(match config.rest.heuristic {
            true => "without them, a tenth of the time since Last-Modified (RFC 9111 §4.2.2)",
            false => "without them nothing is fresh, since rest.heuristic is off",
        });
        rules.push("Vary selects among stored responses (RFC 9111 §4.1)");
        rules.push(match config.rest.authorization {
            Authorization::Origin => {
                "with Authorization, only what is public, s-maxage or must-revalidate is shared \
                 (RFC 9111 §3.5)"
            }
            Authorization::Scope => "a request with Authorization needs a scope",
        });
        rules.push(match config.rest.client_directives {
            true => "the client's Cache-Control counts (RFC 9111 §5.2.1)",
            false => {
                "the client's Cache-Control does not count, since rest.client_directives is off"
            }
        });
    }
    if !overriding {
        rules.push("no-store, private and Set-Cookie forbid storing, and so does Vary: Cookie");
    }
    rules
}

/// The name of a cache type as the path of its key.
pub(super) fn name_of(one: &CacheType) -> String {
    match one.name.as_str() {
        "default" => "default".to_owned(),
        name => format!("types.{name}"),
    }
}

/// The first of the types that sets a term.
fn source(types: &[&CacheType], sets: impl Fn(&CacheType) -> bool) -> String {
    let found = types.iter().find(|one| sets(one));
    found.map_or_else(|| NOT_SET.to_owned(), |one| name_of(one))
}

/// Whether a type sets a time, or counts as zero because it does not.
fn sets(configured: Option<Ttl>, value: Ttl) -> bool {
    configured.unwrap_or(Ttl::ZERO) == value && (configured.is_some() || value.is_zero())
}

fn seconds(value: Ttl, from: String) -> ExplainedTerm<Option<u64>> {
    ExplainedTerm { value: Some(value.as_seconds()), from }
}

fn scopes(types: &[&CacheType], merged: &MergedTerms) -> Vec<ExplainedTerm<String>> {
    let explained = merged.scopes.iter().map(|name| ExplainedTerm {
        value: name.clone(),
        from: source(types, |one| one.scope.as_ref() == Some(name)),
    });
    explained.collect()
}

fn vary(config: &Config, types: &[&CacheType], keyed: &[String]) -> Vec<ExplainedTerm<String>> {
    let explained = keyed.iter().map(|name| {
        let from = match config.vary.contains(name) {
            true => "vary".to_owned(),
            false => source(types, |one| one.vary.contains(name)),
        };
        ExplainedTerm { value: name.clone(), from }
    });
    explained.collect()
}

fn client_ttl(types: &[&CacheType], merged: &MergedTerms) -> ExplainedTerm<Option<u64>> {
    match merged.client_ttl {
        None => ExplainedTerm { value: None, from: ORIGIN.to_owned() },
        Some(ttl) => seconds(ttl, source(types, |one| one.client_ttl == Some(ttl))),
    }
}

/// `override` applies only if every type has it.
fn overriding(types: &[&CacheType], merged: &MergedTerms) -> ExplainedTerm<bool> {
    let from = source(types, |one| one.overriding == merged.overriding);
    ExplainedTerm { value: merged.overriding, from }
}
