use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn config(types: Value) -> Config {
    crate::config::parse(&json!({
        "types": types, "graphql": { "paths": ["/GraphQL"] }, "bypass": ["/i/Auth/**"],
    }))
    .unwrap()
}

fn one(settings: Value) -> Config {
    let mut one = json!({ "match": ["rest:/**"], "ttl": 60 });
    one.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    config(json!({ "one": one }))
}

fn target(config: &Config, text: &str) -> String {
    RestRead::of(config, &url(&format!("http://h{text}"))).url.target()
}

#[test]
fn path_and_query_tell_reads_apart() {
    let urls = [
        "http://h/a",
        "http://h/a?",
        "http://h/a?b",
        "http://h/a/?b",
        "http://i/a?b",
        "http://h/a%2Fb",
        "http://h/a/b",
        "http://h//a",
        "http://h/a//b",
        "http://h/a/%2F/b",
        "http://h/a/./b",
        "http://h/a/%2e/b",
        "http://h/a?x=1&x=2",
        "http://h/a?x=2&x=1",
        "http://h/a?x=%41",
        "http://h/a?x=A",
        "http://h/a?x",
        "http://h/a?x=",
        "https://h/a",
    ];
    let all = one(json!({ "query": "all", "ignore_case": true }));
    for config in [config(json!({})), one(json!({})), all] {
        let digest = |text: &str| {
            RestRead::of(&config, &url(text)).digest(&Headers::new()).finish().to_hex()
        };
        for (n, one) in urls.iter().enumerate() {
            for other in urls.iter().skip(n + 1) {
                assert_ne!(digest(one), digest(other), "{one} {other}");
            }
        }
    }
}

#[test]
fn without_settings_the_url_is_the_clients() {
    for config in [config(json!({})), one(json!({}))] {
        for text in ["/A/b?z=1&a=2&&", "/a?", "/a//%2F?%zz&+"] {
            assert_eq!(target(&config, text), text);
        }
    }
}

#[test]
fn parameters_are_kept_and_sorted_by_their_decoded_names() {
    for (query, asked, expected) in [
        (json!("all"), "/a?b=1&a=2&b=0&%61=3&c", "/a?a=2&%61=3&b=1&b=0&c"),
        (json!(["page", "q*"]), "/a?utm=1&qx=%2B+&p%61ge=2&Page=1", "/a?p%61ge=2&qx=%2B+"),
        (json!(["page"]), "/a?utm=1", "/a"),
        (json!(["page"]), "/a?", "/a"),
        (json!({ "except": ["utm_*"] }), "/a?utm_x=1&b&utm%5Fy=2&a", "/a?a&b"),
        (json!({ "except": ["utm_*"] }), "/a?utm_x=1", "/a"),
        (json!({ "except": ["utm_*"] }), "/a?", "/a?"),
        (json!({ "except": ["x"] }), "/a?b;x=1&%ff=2&x", "/a?%ff=2&b;x=1"),
        (json!([]), "/a?b=1", "/a"),
    ] {
        assert_eq!(target(&one(json!({ "query": query })), asked), expected, "{query}");
    }
}

#[test]
fn a_path_is_asked_for_in_lower_case_where_no_type_counts_case() {
    let config = config(json!({
        "ignoring": { "match": ["rest:/I/**", "rest:/graphql/**"], "ttl": 60, "ignore_case": true },
        "counting": { "match": ["rest:/i/x/**", "rest:/c/**"], "ttl": 0 },
    }));
    assert_eq!(target(&config, "/I/Ab%2F?Q=X"), "/i/ab%2f?Q=X");
    assert_eq!(target(&config, "/graphQL/A"), "/graphql/a");
    // The path in lower case has a type that is case-sensitive: no spelling gets around it.
    for text in ["/I/X/a", "/i/X/a", "/i/x/A", "/C/A", "/c/A", "/other/A", "/graphQL"] {
        assert_eq!(target(&config, text), text);
    }
    let names = |text: &str| -> Vec<String> {
        let asked = RestRead::of(&config, &url(&format!("http://h{text}")));
        asked.types.iter().map(|one| one.name.clone()).collect()
    };
    assert_eq!(names("/I/A"), ["ignoring"]);
    assert_eq!(names("/i/x/a"), ["counting", "ignoring"]);
    assert!(config.bypasses("/I/auth/x") && !config.bypasses("/other/auth/x"));
}

#[test]
fn the_headers_of_a_type_belong_to_the_key() {
    let config = one(json!({ "vary": ["X-Currency", "x-b"] }));
    let digest = |headers: &[(&str, &str)]| {
        let headers: Headers = headers.iter().copied().collect();
        RestRead::of(&config, &url("http://h/a")).digest(&headers).finish().to_hex()
    };
    let several = [
        digest(&[]),
        digest(&[("X-Currency", "")]),
        digest(&[("X-Currency", "EUR")]),
        digest(&[("X-Currency", "USD")]),
        digest(&[("x-b", "EUR")]),
        digest(&[("X-Currency", "EUR"), ("x-b", "EUR")]),
    ];
    for (n, one) in several.iter().enumerate() {
        assert!(!several.iter().skip(n + 1).any(|other| other == one), "{n}");
    }
    assert_eq!(digest(&[("X-Currency", "EUR")]), digest(&[("x-currency", "EUR"), ("x-c", "1")]));
}

/// Queries whose names overlap each other and the globs, in several spellings.
fn pairs() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("(a|b|%61|%ff|utm_x|utm%5Fy|)(=|=1|=2|=%31|=x;y|)", 0..8)
}

fn settings() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!({ "query": "all" }),
        json!({ "query": ["a", "%ff"], "ignore_case": true }),
        json!({ "query": { "except": ["utm_*"] } }),
        json!({ "ignore_case": true }),
        json!({}),
    ])
}

proptest! {
    #[test]
    fn what_is_asked_for_is_what_it_is_asked_for(
        path in "(/|/[aB]|/%4[12f]|/\\.\\.|//){1,5}", pairs in pairs(), settings in settings(),
    ) {
        let config = one(settings);
        let once = RestRead::of(&config, &url(&format!("http://h{path}?{}", pairs.join("&"))));
        prop_assert_eq!(RestRead::of(&config, &once.url), once);
    }

    #[test]
    fn the_order_of_other_names_does_not_matter(pairs in pairs(), seed in any::<u64>()) {
        let config = one(json!({ "query": { "except": ["utm_*"] } }));
        let name = |pair: &String| {
            let name = pair.split('=').next().unwrap_or_default();
            form_decoded(name).unwrap_or(name.to_owned())
        };
        let mut mixed = pairs.clone();
        mixed.sort_by_key(|pair| crate::tag::hash_of(&format!("{seed}{}", name(pair))));
        let of = |pairs: &[String]| target(&config, &format!("/a?{}", pairs.join("&")));
        prop_assert_eq!(of(&mixed), of(&pairs));
        // Nothing is lost, and values of one name keep their order.
        let values = |pairs: &[String], of: &str| -> Vec<String> {
            pairs.iter().filter(|pair| name(pair) == of).cloned().collect()
        };
        let after: Vec<String> = match of(&pairs).split_once('?') {
            Some((_, query)) => query.split('&').map(str::to_owned).collect(),
            None => Vec::new(),
        };
        for pair in pairs.iter().filter(|pair| !name(pair).starts_with("utm_")) {
            prop_assert_eq!(values(&after, &name(pair)), values(&pairs, &name(pair)));
        }
    }

    #[test]
    fn excluded_parameters_never_matter(
        pairs in pairs(), more in "(utm_|utm%5F|%75tm_)[a-z]{0,3}(=[a-z;=]{0,3})?", at in 0_usize..9,
    ) {
        let config = one(json!({ "query": { "except": ["utm_*"] } }));
        let of = |pairs: &[String]| match pairs {
            [] => target(&config, "/a"),
            pairs => target(&config, &format!("/a?{}", pairs.join("&"))),
        };
        let mut with = pairs.clone();
        with.insert(at.min(pairs.len()), more);
        prop_assert_eq!(of(&with), of(&pairs));
    }

    #[test]
    fn nothing_else_is_merged(one_query in pairs(), other_query in pairs()) {
        let config = one(json!({ "query": "all" }));
        let of = |pairs: &[String]| target(&config, &format!("/a?{}", pairs.join("&")));
        let sorted = |pairs: &[String]| {
            let mut sorted = pairs.to_vec();
            sorted.sort();
            sorted
        };
        // A question mark is followed by at least one parameter, which may be empty.
        prop_assume!(!one_query.is_empty() && !other_query.is_empty());
        // Requests with the same key ask for exactly the same parameters.
        if of(&one_query) == of(&other_query) {
            prop_assert_eq!(sorted(&one_query), sorted(&other_query));
        }
    }
}
