use super::super::signal_name::NAME_BYTES;
use super::*;
use crate::http::Headers;
use crate::jwt::Claims;
use serde_json::{Value, json};

/// A configuration with a type for each scope, named like the scope, and one type without a scope.
fn config(more: Value) -> Config {
    let mut value = json!({
        "ignore_cookies": ["_ga*"],
        "ignore_headers": ["x-client-build"],
        "scopes": {
            "user": { "by": ["header:authorization", "cookie:session"] },
            "region": { "by": ["header:x-region"] },
            "everyone": { "by": [] },
            "themed": {
                "by": ["cookie:session"], "ignore": ["cookie:theme", "header:x-app-*", "cookie:t_*"],
            },
        },
    });
    value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let scopes: Vec<String> = value["scopes"].as_object().unwrap().keys().cloned().collect();
    value["types"] = json!({ "plain": { "match": ["rest:/plain"], "ttl": 60 } });
    for scope in scopes {
        value["types"][&scope] =
            json!({ "match": [format!("rest:/{scope}")], "ttl": 60, "scope": scope });
    }
    crate::config::parse(&value).unwrap()
}

fn uncovered_by(
    config: &Config,
    types: &[&str],
    claims: &Claims,
    signal_set: SignalSet,
    fields: &[(&str, &str)],
) -> Vec<String> {
    let headers: Headers = fields.iter().copied().collect();
    let credentials = Credentials { headers: &headers, claims };
    let of = |name: &&str| config.types.iter().find(|one| one.name == *name).unwrap();
    let types: Vec<&CacheType> = types.iter().map(of).collect();
    let keyed = ["store".to_owned()];
    let check = SignalCheck { config, credentials, types: &types, keyed: &keyed, signal_set };
    check.uncovered().iter().map(|signal| signal.bypass(config).detail().into_owned()).collect()
}

/// The reasons for what these types leave uncovered.
fn uncovered(types: &[&str], fields: &[(&str, &str)]) -> Vec<String> {
    uncovered_by(&config(json!({})), types, &Claims::NotChecked, SignalSet::All, fields)
}

const NOTHING: [&str; 0] = [];

#[test]
fn every_type_covers_every_signal() {
    let authorization = ("authorization", "Bearer a");
    let one = ["authorization-without-scope"];
    for types in [&[][..], &["plain"], &["region"], &["everyone", "plain"], &["user", "region"]] {
        assert_eq!(uncovered(types, &[authorization]), one, "{types:?}");
    }
    for types in [&["user"][..], &["everyone"], &["user", "everyone"]] {
        assert_eq!(uncovered(types, &[authorization]), NOTHING, "{types:?}");
    }
    let sid = ("cookie", "sid=alice");
    assert_eq!(uncovered(&["user", "everyone"], &[sid]), ["cookie-without-scope: sid"]);
    assert_eq!(uncovered(&["user"], &[authorization, sid]), ["cookie-without-scope: sid"]);
    let region = ("x-region", "eu");
    assert_eq!(uncovered(&["region"], &[region, authorization]), one);
    assert_eq!(uncovered(&["user"], &[region]), ["header-without-scope: x-region"]);
    assert_eq!(uncovered(&["region", "everyone"], &[region]), NOTHING);
}

#[test]
fn what_is_ignored_neutral_or_in_the_key_is_no_signal() {
    for field in [
        ("x-client-build", "7"),
        ("user-agent", "x"),
        ("sec-fetch-mode", "cors"),
        ("traceparent", "00-1"),
        ("store", "de"),
        ("cookie", "_ga=1; _ga_x=2"),
        ("cookie", ""),
        ("cookie", ";;"),
    ] {
        assert_eq!(uncovered(&["plain"], &[field]), NOTHING, "{field:?}");
    }
    for (field, reason) in [
        ("x-api-key", "header-without-scope: x-api-key"),
        ("x-hasura-admin-secret", "header-without-scope: x-hasura-admin-secret"),
        ("cf-access-jwt-assertion", "header-without-scope: cf-access-jwt-assertion"),
        ("from", "header-without-scope: from"),
        ("proxy-authorization", "header-without-scope: proxy-authorization"),
        ("x-forwarded-user", "header-without-scope: x-forwarded-user"),
    ] {
        assert_eq!(uncovered(&["plain"], &[(field, "secret")]), [reason]);
        assert_eq!(uncovered(&["everyone"], &[(field, "secret")]), NOTHING);
    }
}

#[test]
fn a_scope_sets_signals_aside() {
    for field in [
        ("cookie", "theme=dark"),
        ("cookie", "session=a; theme=dark; t_1=2"),
        ("x-app-version", "1"),
        ("cookie", "_ga=1, theme=dark"),
    ] {
        assert_eq!(uncovered(&["themed"], &[field]), NOTHING, "{field:?}");
        assert_ne!(uncovered(&["themed", "user"], &[field]), NOTHING, "{field:?}");
    }
    assert_eq!(uncovered(&["themed"], &[("cookie", "lang=de")]), ["cookie-without-scope: lang"]);
}

#[test]
fn where_the_origins_headers_decide_only_the_standard_signals_count() {
    let of = |fields: &[(&str, &str)]| {
        uncovered_by(&config(json!({})), &[], &Claims::NotChecked, SignalSet::Standard, fields)
    };
    assert_eq!(of(&[("x-api-key", "a"), ("x-user-id", "7")]), NOTHING);
    assert_eq!(of(&[("authorization", "a")]), ["authorization-without-scope"]);
    assert_eq!(of(&[("cookie", "sid=a")]), ["cookie-without-scope: sid"]);
}

#[test]
fn odd_separators_count_whatever_a_scope_goes_by() {
    for (cookies, reasons) in [
        ("_ga=1, session=alice", vec!["cookie-separator: session"]),
        ("_ga=1 session=alice", vec!["cookie-separator: session"]),
        ("_ga=1,session=alice", vec!["cookie-separator: session"]),
        ("_ga=1\tsession=alice", vec!["cookie-separator: session"]),
        ("session=alice, session=bob", vec!["cookie-separator: session"]),
        ("_ga=1, session=alice; _ga=2", vec!["cookie-separator: session"]),
        ("_ga=1, _ga_x=2", vec![]),
        ("_ga={\"a\": \"b=c\", \"d\":1}", vec![]),
        ("_ga=Mon, 1 Jan 2026 10:00", vec![]),
        ("session=alice;session=bob", vec![]),
        ("session=alice", vec![]),
    ] {
        assert_eq!(uncovered(&["user"], &[("cookie", cookies)]), reasons, "{cookies}");
    }
    // Two lines are equivalent to one with `; ` between them.
    assert_eq!(uncovered(&["user"], &[("cookie", "_ga=1"), ("cookie", "session=a")]), NOTHING);
    assert_eq!(uncovered(&["everyone"], &[("cookie", "_ga=1, session=alice")]), NOTHING);
    let all = config(json!({ "ignore_cookies": ["*"] }));
    let of = |cookies| {
        uncovered_by(&all, &["plain"], &Claims::NotChecked, SignalSet::All, &[("cookie", cookies)])
    };
    assert_eq!(of("a=1, b=2; prefs={\"x\":1, y=2}; novalue; theme=dark"), NOTHING);
    assert_eq!(of("session=a"), ["cookie-without-scope: session"], "a scope names it");
    assert_eq!(of("a=1 session=a"), ["cookie-separator: session"]);
}

#[test]
fn a_claim_covers_the_tokens_place_if_the_token_shows_it() {
    for (place, name, field, reason) in [
        ("header", "authorization", ("authorization", "t"), "authorization-without-scope"),
        ("header", "x-token", ("x-token", "t"), "authorization-without-scope"),
        ("cookie", "_ga_token", ("cookie", "_ga_token=t"), "cookie-without-scope: _ga_token"),
    ] {
        let mut more = json!({
            "scopes": { "person": { "by": ["jwt:sub"] }, "everyone": { "by": [] } },
            "jwt": { "algorithms": ["HS256"] },
        });
        more["jwt"][place] = json!(name);
        let config = config(more);
        let of = |claims: Value, types: &[&str], fields: &[(&str, &str)]| {
            let claims = claims.as_object().unwrap().clone();
            let claims = Claims::Verified(std::rc::Rc::new(claims.into_iter().collect()));
            uncovered_by(&config, types, &claims, SignalSet::All, fields)
        };
        let alice = || json!({ "sub": "alice" });
        assert_eq!(of(alice(), &["person"], &[field]), NOTHING);
        assert_eq!(of(alice(), &["person", "everyone"], &[field]), NOTHING);
        assert_eq!(of(alice(), &["person", "plain"], &[field]), [reason]);
        assert_eq!(of(json!({}), &["person"], &[field]), [reason], "no value");
        assert_eq!(of(alice(), &["plain"], &[field]), [reason], "whatever is ignored");
        let other = [field, ("x-tenant", "1")];
        assert_eq!(of(alice(), &["person"], &other), ["header-without-scope: x-tenant"]);
    }
}

#[test]
fn reasons_show_safe_names_and_no_values() {
    let long = "x".repeat(500);
    for (cookies, reason) in [
        ("sid=secret", "cookie-without-scope: sid"),
        ("a\"b\\c\u{e9}=secret", "cookie-without-scope: a?b?c??"),
        ("secret", "cookie-without-scope"),
        ("=secret", "cookie-without-scope"),
        (&format!("{long}=secret"), &format!("cookie-without-scope: {}", "x".repeat(NAME_BYTES))),
    ] {
        assert_eq!(uncovered(&["plain"], &[("cookie", cookies)]), [reason], "{cookies}");
    }
}
