//! Warnings by the statistics of the last day.

use super::documented::warning;
use crate::admin::ExplainedWarning;
use crate::config::{CacheType, Config, Match};
use crate::engine::{Bypass, SignalName, Warning};
use crate::statistics::{Counter, Counts, OTHER, Tally};
use crate::time::Ttl;

/// How many requests are needed before numbers mean something.
const LEAST_REQUESTS: u64 = 1_000;

/// Which seconds the numbers are of.
pub const WINDOW_SECONDS: u64 = 24 * 60 * 60;

/// What the numbers say about the configuration.
pub fn warnings_by_numbers(config: &Config, tally: &Tally) -> Vec<ExplainedWarning> {
    let requests = tally.total.requests();
    if requests < LEAST_REQUESTS {
        return Vec::new();
    }
    let mut warnings = Vec::new();
    if is_complete(tally) {
        let unmatched =
            config.types.iter().filter(|one| is_counted(one) && is_unmatched(one, tally));
        warnings.extend(unmatched.map(|one| {
            let message = format!("types.{} has matched none of {requests} requests", one.name);
            warning(Warning::TypeNeverMatched, message)
        }));
    }
    let most = tally.bypass_reasons().max_by_key(|(_, count)| *count);
    if let Some((reason, count)) = most.filter(|(_, count)| *count > requests / 2)
        && is_about_a_signal(reason)
    {
        let message = format!("{reason}: {count} of {requests} requests pass through");
        warnings.push(warning(Warning::SignalBypassesMost, message));
    }
    warnings
}

/// Whether a type that has no counts has matched nothing. If not all names are listed, nothing is known of
/// those that are missing. Nor are the types of reads that were not looked up.
fn is_complete(tally: &Tally) -> bool {
    let never_read = [
        Bypass::BypassPath,
        Bypass::Method,
        Bypass::Mutation,
        Bypass::Subscription,
        Bypass::Upgrade,
        Bypass::PersistedUnknown,
    ];
    let is_clear = |(reason, counts): &(String, Counts)| {
        let passed = counts.of(Counter::Bypass) + counts.of(Counter::Errors);
        passed == 0 || never_read.iter().any(|one| one.as_str() == reason)
    };
    tally.types.rows(usize::MAX).iter().all(|(name, _)| name != OTHER)
        && tally.reasons.rows(usize::MAX).iter().all(is_clear)
}

/// Whether a type would have counts if it had matched: not if it stores nothing, and not if the response
/// alone shows whether it matches.
fn is_counted(one: &CacheType) -> bool {
    one.ttl.seconds() != Some(Ttl::ZERO)
        && !one.matches.iter().any(|one| matches!(one, Match::GraphQlType(_)))
}

fn is_unmatched(one: &CacheType, tally: &Tally) -> bool {
    tally.types.get(&one.name).is_none() && tally.matched.lacks(&one.name)
}

fn is_about_a_signal(detail: &str) -> bool {
    let word = detail.split(':').next().unwrap_or_default();
    let name = SignalName::new("");
    let about_signals = [
        Bypass::AuthorizationWithoutScope,
        Bypass::CookieWithoutScope(name),
        Bypass::HeaderWithoutScope(name),
        Bypass::CookieSeparator(name),
    ];
    about_signals.iter().any(|one| one.as_str() == word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn words(hits: u64, bypasses: u64, reason: &str) -> Vec<String> {
        let config = crate::config::parse(&json!({ "types": {
            "product": { "match": ["graphql:Query.product"], "ttl": 60 },
            "misspelled": { "match": ["graphql:Query.serach"], "ttl": 60 },
            "never": { "match": ["graphql:Query.now"], "ttl": 0 },
        }}))
        .unwrap();
        let mut tally = Tally::default();
        tally.total.add_to(Counter::Hits, hits);
        tally.total.add_to(Counter::Bypass, bypasses);
        tally.types.count("product", 10, |counts| counts.add_to(Counter::Hits, hits));
        tally.reasons.count(reason, 10, |counts| counts.add_to(Counter::Bypass, bypasses));
        let warnings = warnings_by_numbers(&config, &tally);
        warnings.iter().map(|one| format!("{}: {}", one.word, one.message)).collect()
    }

    const UNMATCHED: &str =
        "type-never-matched: types.misspelled has matched none of 1000 requests";

    #[test]
    fn numbers_warn_of_types_that_match_nothing_and_of_signals_that_let_most_pass() {
        let sid = "cookie-without-scope: sid";
        assert_eq!(words(499, 500, "mutation"), [""; 0], "too few");
        assert_eq!(words(200, 800, "mutation"), [UNMATCHED]);
        let most = format!("signal-bypasses-most: {sid}: 800 of 1000 requests pass through");
        assert_eq!(words(200, 800, sid), [most]);
    }

    #[test]
    fn types_that_may_have_matched_are_no_reason_for_a_warning() {
        assert_eq!(words(1_000, 0, "mutation"), [UNMATCHED]);
        for reason in ["cookie-without-scope: sid", "ttl-zero", "incremental", OTHER] {
            assert_eq!(
                words(999, 1, reason),
                [""; 0],
                "{reason}: types of what passed are not known"
            );
        }
        let config = json!({ "types": {
            "short": { "match": ["graphql:Query.*"], "ttl": 1 },
            "long": { "match": ["graphql:Query.product"], "ttl": 60 },
            "by_answer": { "match": ["graphql:Product", "rest:/never"], "ttl": 60 },
        }});
        let config = crate::config::parse(&config).unwrap();
        let mut tally = Tally::default();
        tally.total.add_to(Counter::Hits, 1_000);
        tally.types.count("short", 10, |counts| counts.add_to(Counter::Hits, 1_000));
        let words = |tally: &Tally| warnings_by_numbers(&config, tally).len();
        assert_eq!(words(&tally), 1, "long");
        ["long", "short"].iter().for_each(|name| tally.matched.note(name));
        assert_eq!(words(&tally), 0);
    }
}
