//! The law of explanations: they say what plans do.

use super::*;
use crate::engine::tests::{TestConfig, TestRequest, asked, made};
use crate::engine::{Bypass, Plan};
use crate::graphql::{OperationRequest, analysis_of};
use crate::jwt::Claims;
use crate::policy::LifetimeRule;
use proptest::prelude::*;
use serde_json::{Value, json};

fn explanation(made: &TestConfig, asked: &TestRequest) -> PlanExplanation {
    let (config, request) = (&made.config, asked.request());
    match asked.document() {
        None => explain_rest(config, &request, &Claims::NotChecked),
        Some(document) => {
            let query = OperationRequest::of(&document, "{}");
            let analysis = analysis_of(&document);
            explain_graphql(config, &request, &Claims::NotChecked, &query, &analysis)
        }
    }
}

/// The section of the configuration that something is from.
fn section<'j>(made: &'j TestConfig, from: &str) -> &'j Value {
    match from.strip_prefix("types.") {
        Some(name) => &made.json["types"][name],
        None => &made.json[from],
    }
}

/// The reason for which the first signal that is not covered is passed through.
fn is_about_a_signal(bypass: &Bypass) -> bool {
    matches!(
        bypass,
        Bypass::AuthorizationWithoutScope
            | Bypass::CookieWithoutScope(_)
            | Bypass::HeaderWithoutScope(_)
            | Bypass::CookieSeparator(_)
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_terms_are_those_of_the_plan_and_are_from_where_they_say(
        made in made(),
        asked in asked(),
    ) {
        let explained = explanation(&made, &asked);
        let terms = &explained.terms;
        let limited_by = terms.ttl.from.strip_prefix("the origin's headers, at most ");
        let from_ttl = &section(&made, limited_by.unwrap_or(&terms.ttl.from))["ttl"];
        match terms.ttl.value {
            // Whether a ttl of 0 is one is up to the plan.
            Some(ttl) => prop_assert_eq!(from_ttl, &json!(ttl), "{:?}", terms.ttl),
            None => prop_assert_eq!(terms.ttl.from.as_str(), "the origin's headers"),
        }
        for scope in &terms.scope {
            prop_assert_eq!(&section(&made, &scope.from)["scope"], &json!(scope.value));
        }
        for header in &terms.vary {
            let of_all = header.from == "vary";
            let names = if of_all { &made.json["vary"] } else { &section(&made, &header.from)["vary"] };
            prop_assert!(names.as_array().unwrap().contains(&json!(header.value)), "{header:?}");
        }
        let overrides = &section(&made, &terms.overriding.from)["override"];
        prop_assert!(overrides.is_null() || *overrides == json!(terms.overriding.value));
        let Ok(plan) = asked.plan(&made) else { return Ok(()) };
        let Plan { rule, overriding, client_ttl, scopes, type_names, undeclared, .. } = plan;
        let ttl = match rule {
            LifetimeRule::Origin(by) => by.most,
            LifetimeRule::Configured(windows) | LifetimeRule::AtMost(windows) => Some(windows.ttl),
        };
        prop_assert_eq!(terms.ttl.value, ttl.map(|ttl| ttl.as_seconds()));
        prop_assert_eq!(terms.overriding.value, overriding);
        prop_assert_eq!(terms.client_ttl.value, client_ttl.map(|ttl| ttl.as_seconds()));
        let explained_scopes: Vec<&String> = terms.scope.iter().map(|one| &one.value).collect();
        prop_assert_eq!(explained_scopes, scopes.iter().collect::<Vec<_>>());
        let named = explained.types.iter().filter(|one| one.name != "default");
        prop_assert_eq!(named.map(|one| &one.name).collect::<Vec<_>>(), type_names.iter().collect::<Vec<_>>());
        let default = explained.types.iter().find(|one| one.name == "default");
        let fields: Vec<String> = undeclared.iter().map(|name| format!("Query.{name}")).collect();
        prop_assert_eq!(default.map(|one| one.matched_by.clone()).unwrap_or_default(), fields);
    }

    /// A type matches if and only if one of its matches is named, and only own matches are named.
    #[test]
    fn each_type_names_the_matches_that_matched(made in made(), asked in asked()) {
        let explained = explanation(&made, &asked);
        for one in &explained.types {
            prop_assert!(!one.matched_by.is_empty(), "{one:?}");
            let own = &made.json["types"][&one.name]["match"];
            let is_own = |text: &String| own.as_array().is_none_or(|own| own.contains(&json!(text)));
            prop_assert!(one.matched_by.iter().all(is_own), "{one:?}");
        }
    }

    /// A request passes through for a signal if and only if a signal is not covered.
    #[test]
    fn a_signal_that_is_not_covered_is_the_reason_of_the_plan(made in made(), asked in asked()) {
        let explained = explanation(&made, &asked);
        let uncovered = explained.signals.iter().find(|signal| !signal.is_covered);
        match asked.plan(&made) {
            Ok(_) => prop_assert_eq!(uncovered, None),
            Err(bypass) if is_about_a_signal(&bypass) => {
                let name = bypass.detail().rsplit(": ").next().unwrap().to_owned();
                let signal = uncovered.map(|one| one.signal.clone()).unwrap_or_default();
                let is_it = bypass == Bypass::AuthorizationWithoutScope
                    || signal.ends_with(&format!(": {name}"))
                    // A cookie without a name.
                    || !bypass.detail().contains(": ");
                prop_assert!(is_it && uncovered.is_some(), "{bypass:?} {signal}");
            }
            Err(_) => {}
        }
        for signal in &explained.signals {
            let scope = |name: &String| name.strip_prefix("scopes.").map(str::to_owned);
            let mut scopes = signal.covered_by.iter().filter_map(scope);
            prop_assert!(scopes.all(|name| made.json["scopes"].get(name).is_some()));
            prop_assert!(signal.is_covered || !signal.not_covered_by.is_empty()
                || explained.types.is_empty());
        }
    }
}

#[test]
fn values_of_signals_do_not_appear() {
    let config = crate::config::parse(&json!({ "ignore_cookies": ["theme"] })).unwrap();
    let mut request = crate::engine::tests::rest_request("/a");
    for (name, value) in [
        ("authorization", "Bearer s3cret"),
        ("cookie", "sid=s3cret; theme=s3cret"),
        ("x-a", "s3cret"),
    ] {
        request.headers.append(name, value);
    }
    let explained = explain_rest(&config, &request, &Claims::NotChecked);
    let shown: Vec<&str> = explained.signals.iter().map(|one| one.signal.as_str()).collect();
    assert_eq!(shown, ["header: authorization", "header: x-a", "cookie: sid", "cookie: theme"]);
    assert!(!format!("{explained:?}").contains("s3cret"));
    assert_eq!(explained.signals[1].covered_by, ["the origin's Vary"]);
    assert_eq!(explained.signals[3].covered_by, ["ignore_cookies"]);
}
