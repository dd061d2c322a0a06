//! Warnings by the statistics of the last day.

use super::documented::warning;
use crate::admin::ExplainedWarning;
use crate::config::{CacheType, Config, Match};
use crate::engine::{Bypass, SignalName, Warning};
use crate::statistics::{OTHER, Tally};

/// How many requests are needed before numbers mean something.
const LEAST_REQUESTS: u64 = 1_000;

/// What the numbers say about the configuration.
pub fn warnings_by_numbers(config: &Config, tally: &Tally) -> Vec<ExplainedWarning> {
    let requests = tally.total.requests();
    if requests < LEAST_REQUESTS {
        return Vec::new();
    }
    let mut warnings = Vec::new();
    let typed = tally.typed.of(config.tagging);
    if typed >= LEAST_REQUESTS && lists_all_types(tally) {
        let unmatched =
            config.types.iter().filter(|one| is_counted(one) && is_unmatched(one, tally));
        warnings.extend(unmatched.map(|one| {
            let message = format!("types.{} has matched none of {typed} requests", one.name);
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

/// Whether no type is missing that has counts. If some names are, nothing is known of them.
fn lists_all_types(tally: &Tally) -> bool {
    tally.types.rows(usize::MAX).iter().all(|(name, _)| name != OTHER)
}

/// Whether a type has counts wherever it matches: not if the response alone shows whether it does.
fn is_counted(one: &CacheType) -> bool {
    !one.matches.iter().any(|one| matches!(one, Match::GraphQlType(_)))
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
    use crate::statistics::Counter;
    use crate::tag::Tagging;
    use serde_json::json;

    /// A configuration, and numbers in which the types of no request are noted.
    fn numbers(hits: u64, bypasses: u64, reason: &str) -> (Config, Tally) {
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
        (config, tally)
    }

    /// The warnings by such numbers, with types.
    fn words(hits: u64, bypasses: u64, reason: &str) -> Vec<String> {
        let (config, mut tally) = numbers(hits, bypasses, reason);
        tally.typed.count(config.tagging, hits + bypasses);
        let warnings = warnings_by_numbers(&config, &tally);
        warnings.iter().map(|one| format!("{}: {}", one.word, one.message)).collect()
    }

    const UNMATCHED: [&str; 2] = [
        "type-never-matched: types.misspelled has matched none of 1000 requests",
        "type-never-matched: types.never has matched none of 1000 requests",
    ];

    #[test]
    fn numbers_warn_of_types_that_match_nothing_and_of_signals_that_let_most_pass() {
        let sid = "cookie-without-scope: sid";
        assert_eq!(words(499, 500, "mutation"), [""; 0], "too few");
        assert_eq!(words(200, 800, "mutation"), UNMATCHED);
        let most = format!("signal-bypasses-most: {sid}: 800 of 1000 requests pass through");
        assert_eq!(words(200, 800, sid), [UNMATCHED[0], UNMATCHED[1], &most]);
    }

    #[test]
    fn types_that_may_have_matched_are_no_reason_for_a_warning() {
        for reason in ["cookie-without-scope: sid", "ttl-zero", "incremental", OTHER] {
            let (config, tally) = numbers(999, 1, reason);
            let warnings = warnings_by_numbers(&config, &tally).len();
            assert_eq!(warnings, 0, "{reason}: earlier builds noted no types of what passed");
            assert_eq!(words(999, 1, reason), UNMATCHED, "{reason}");
        }
        let config = json!({ "types": {
            "short": { "match": ["graphql:Query.*"], "ttl": 1 },
            "long": { "match": ["graphql:Query.product"], "ttl": 60 },
            "by_answer": { "match": ["graphql:Product", "rest:/never"], "ttl": 60 },
        }});
        let config = crate::config::parse(&config).unwrap();
        let mut tally = Tally::default();
        tally.typed.count(config.tagging, 1_000);
        tally.total.add_to(Counter::Hits, 1_000);
        tally.types.count("short", 10, |counts| counts.add_to(Counter::Hits, 1_000));
        let words = |tally: &Tally| warnings_by_numbers(&config, tally).len();
        assert_eq!(words(&tally), 1, "long");
        let mut cut = tally.clone();
        cut.types.count(OTHER, 10, |counts| counts.add_to(Counter::Hits, 1));
        assert_eq!(words(&cut), 0, "the counts of some types are not known by name");
        ["long", "short"].iter().for_each(|name| tally.matched.note(name));
        assert_eq!(words(&tally), 0);
    }

    #[test]
    fn only_requests_that_were_compared_with_the_same_types_are_a_reason_for_a_warning() {
        let types = |name: &str| json!({ "types": { name: { "match": ["rest:/a"], "ttl": 60 } } });
        let before = crate::config::parse(&types("before")).unwrap();
        let config = crate::config::parse(&types("new")).unwrap();
        let warnings = |rules: &[(Tagging, u64)]| {
            let mut tally = Tally::default();
            tally.total.add_to(Counter::Bypass, 5_000);
            rules.iter().for_each(|(rules, requests)| tally.typed.count(*rules, *requests));
            let warnings = warnings_by_numbers(&config, &tally);
            warnings.into_iter().map(|one| one.message).collect::<Vec<_>>()
        };
        assert_eq!(warnings(&[(before.tagging, 4_001), (config.tagging, 999)]), [""; 0], "too few");
        let enough = [(before.tagging, 3_000), (config.tagging, 2_000)];
        assert_eq!(warnings(&enough), ["types.new has matched none of 2000 requests"]);
    }
}
