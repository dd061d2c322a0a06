use super::*;
use crate::config::rest::{Authorization, CdnCacheControl, Rest};
use crate::config::{Config, TypeTtl, parse};
use serde_json::json;

fn read(value: Value) -> Result<Config, Vec<String>> {
    parse(&value).map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

fn with(matches: Value, settings: Value) -> Value {
    let mut one = json!({ "match": matches, "ttl": 60 });
    one.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    json!({ "types": { "one": one } })
}

#[test]
fn reads_the_table_and_its_defaults() {
    let rest = read(json!({})).unwrap().rest;
    let default = Rest {
        heuristic: false,
        client_directives: true,
        authorization: Authorization::Scope,
        cdn_cache_control: CdnCacheControl::Drop,
    };
    assert_eq!(rest, default);
    let rest = json!({
        "heuristic": true,
        "client_directives": false,
        "authorization": "origin",
        "cdn_cache_control": "keep",
    });
    let rest = read(json!({ "rest": rest })).unwrap().rest;
    let other = Rest {
        heuristic: true,
        client_directives: false,
        authorization: Authorization::Origin,
        cdn_cache_control: CdnCacheControl::Keep,
    };
    assert_eq!(rest, other);
}

#[test]
fn reads_a_types_settings() {
    let config = read(with(
        json!(["rest:/a/**"]),
        json!({
            "ttl": "origin", "vary": ["X-Currency", "accept-language", "x-currency"],
            "query": ["page", "q*"], "ignore_case": true, "strip_set_cookie": true,
            "statuses": { "404": 10, "301": 3600, "599": 0 },
        }),
    ))
    .unwrap();
    let one = &config.types[0];
    assert_eq!((one.ttl, one.swr, one.sie), (TypeTtl::Origin, None, None));
    assert_eq!(one.vary, ["accept-language", "x-currency"]);
    assert_eq!(one.rest.query, Some(Parameters::Only(vec!["page".into(), "q*".into()])));
    assert!(one.rest.ignore_case && one.rest.strip_set_cookie);
    let seconds: Vec<_> =
        one.rest.statuses.iter().map(|(status, ttl)| (*status, ttl.as_seconds())).collect();
    assert_eq!(seconds, [(301, 3600), (404, 10), (599, 0)]);
    assert_eq!(config.longest_lifetime().as_seconds(), 3600);

    let query = |query: Value| {
        let config = read(with(json!(["rest:/a"]), json!({ "query": query }))).unwrap();
        config.types[0].rest.query.clone()
    };
    assert_eq!(query(json!("all")), Some(Parameters::All));
    assert_eq!(query(json!([])), Some(Parameters::Only(Vec::new())));
    let except = Parameters::Except(vec!["utm_*".into(), "fbclid".into()]);
    assert_eq!(query(json!({ "except": ["utm_*", "fbclid"] })), Some(except));

    let plain = read(with(json!(["rest:/a", "graphql:Query.a"]), json!({}))).unwrap();
    assert_eq!(plain.types[0].rest, RestSettings::default());
}

#[test]
fn a_type_of_both_has_settings_for_its_rest() {
    let both = json!(["rest:/a", "graphql:Query.a"]);
    let settings = json!({
        "query": "all", "ignore_case": true, "statuses": {}, "strip_set_cookie": true,
    });
    assert!(read(with(both, settings)).is_ok());
}

#[test]
fn every_fault_is_named_by_its_path() {
    let (rest, both, graphql) =
        (json!(["rest:/a"]), json!(["rest:/a", "graphql:A"]), json!(["operation:A"]));
    for (matches, settings, fault) in [
        (
            &rest,
            json!({ "ttl": "Origin" }),
            "ttl: expected a whole number of seconds or \"origin\"",
        ),
        (&rest, json!({ "ttl": true }), "ttl: expected a whole number of seconds from"),
        (&both, json!({ "ttl": "origin" }), "ttl: it is for REST only, so each match"),
        (&graphql, json!({ "ttl": "origin" }), "ttl: it is for REST only, so each match"),
        (&rest, json!({ "vary": "x" }), "vary: expected a list"),
        (&rest, json!({ "vary": ["x", "Cookie"] }), "vary[1]: cookie may identify the user"),
        (&rest, json!({ "vary": ["Authorization"] }), "vary[0]: authorization may"),
        (&rest, json!({ "vary": ["a b"] }), "vary[0]: expected the name of a header"),
        (&rest, json!({ "vary": [""] }), "vary[0]: expected the name of a header"),
        (&rest, json!({ "vary": ["*", "é"] }), "vary[1]: expected the name of a header"),
        (&rest, json!({ "query": "none" }), "query: expected \"all\", a list of parameters or"),
        (&rest, json!({ "query": 1 }), "query: expected \"all\""),
        (&rest, json!({ "query": ["a", ""] }), "query[1]: expected the name of a parameter"),
        (&rest, json!({ "query": {} }), "query.except: expected the parameters"),
        (&rest, json!({ "query": { "except": "a" } }), "query.except: expected a list"),
        (&rest, json!({ "query": { "except": [], "only": [] } }), "query.only: unknown key"),
        (&graphql, json!({ "query": "all" }), "query: it is for REST only, and this type has no"),
        (&graphql, json!({ "ignore_case": false }), "ignore_case: it is for REST only, and"),
        (&rest, json!({ "ignore_case": 1 }), "ignore_case: expected true or false"),
        (&graphql, json!({ "statuses": {} }), "statuses: it is for REST only, and"),
        (&rest, json!({ "statuses": [] }), "statuses: expected a table"),
        (&rest, json!({ "statuses": { "200": 1 } }), "statuses.200: \"ttl\" sets the lifetime"),
        (&rest, json!({ "statuses": { "206": 1 } }), "statuses.206: 206 is a partial"),
        (&rest, json!({ "statuses": { "304": 1 } }), "statuses.304: 304 answers a condition"),
        (&rest, json!({ "statuses": { "416": 1 } }), "statuses.416: 416 answers a condition"),
        (&rest, json!({ "statuses": { "202": 1 } }), "statuses.202: expected a status"),
        (&rest, json!({ "statuses": { "600": 1 } }), "statuses.600: expected a status"),
        (&rest, json!({ "statuses": { "+404": 1 } }), "statuses.+404: expected a status"),
        (&rest, json!({ "statuses": { "4xx": 1 } }), "statuses.4xx: expected a status"),
        (&rest, json!({ "statuses": { "404": -1 } }), "statuses.404: expected a whole number"),
        (&graphql, json!({ "strip_set_cookie": true }), "strip_set_cookie: it is for REST only"),
    ] {
        let faults = read(with(matches.clone(), settings.clone())).unwrap_err();
        let fault = format!("types.one.{fault}");
        assert!(
            faults.len() == 1 && faults[0].starts_with(&fault),
            "{settings}: {fault}: {faults:#?}"
        );
    }
    for (value, fault) in [
        (json!({ "default": { "ttl": "origin" } }), "default.ttl: expected a whole number"),
        (json!({ "default": { "query": "all" } }), "default.query: unknown key"),
        (json!({ "rest": { "heuristics": true } }), "rest.heuristics: unknown key"),
        (json!({ "rest": { "authorization": "all" } }), "rest.authorization: expected one of"),
        (json!({ "rest": { "client_directives": "no" } }), "rest.client_directives: expected tr"),
    ] {
        let faults = read(value.clone()).unwrap_err();
        assert!(faults.len() == 1 && faults[0].starts_with(fault), "{value}: {faults:#?}");
    }
}

#[test]
fn a_resources_templates_are_checked() {
    let faults = read(json!({ "resources": [
        { "path": "/a/:id", "tags": ["A:{id}:{$.items[*].id}", "A:{$..id}", "{$.id}", "A:{x}"] },
    ] }))
    .unwrap_err();
    assert_eq!(faults.len(), 3, "{faults:#?}");
    for (index, found) in faults.iter().enumerate() {
        assert!(found.starts_with(&format!("resources[0].tags[{}]: ", index + 1)), "{found}");
    }
}
