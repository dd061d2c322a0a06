use super::*;
use crate::config::parse;
use serde_json::{Value, json};

fn read(value: Value) -> Result<Config, Vec<String>> {
    parse(&value).map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

#[test]
fn a_pattern_with_a_star_leaves_out_what_scopes_go_by() {
    let config = read(json!({
        "ignore_cookies": ["*", "region"],
        "ignore_headers": ["X-*", "x-region"],
        "scopes": {
            "user": { "by": ["cookie:sid", "header:x-user"], "ignore": ["cookie:*", "header:X-*"] },
            "place": { "by": ["cookie:region", "header:x-region"] },
        },
    }))
    .unwrap();
    for (cookie, ignored) in [
        ("theme", true),
        ("sid", false),
        ("SID", false),
        ("s%69d", false),
        ("sid2", true),
        ("region", true),
        ("Region", false),
    ] {
        assert_eq!(config.ignores_cookie(cookie), ignored, "{cookie}");
    }
    for (header, ignored) in
        [("x-a", true), ("x-user", false), ("x-region", true), ("x_user", false), ("y", false)]
    {
        assert_eq!(config.ignores_header(header), ignored, "{header}");
    }
    let [place, user] = &config.scopes[..] else { panic!() };
    assert!(user.ignores_cookie("region") && !user.ignores_cookie("sid"));
    assert!(user.ignores_header("x-region") && !user.ignores_header("x-user"));
    assert!(!place.ignores_cookie("theme"));
}

#[test]
fn names_what_is_wrong() {
    for (config, fault) in [
        (json!({ "ignore_headers": ["Cookie"] }), "ignore_headers[0]: cookie contains several"),
        (json!({ "ignore_headers": ["Authorization"] }), "ignore_headers[0]: authorization may"),
        (json!({ "ignore_headers": ["a b"] }), "ignore_headers[0]: expected the name of a header"),
        (json!({ "ignore_headers": "x" }), "ignore_headers: expected a list"),
        (json!({ "vary": ["cookie"] }), "vary[0]: cookie may identify the user"),
        (json!({ "vary": ["a*b c"] }), "vary[0]: expected the name of a header"),
        (
            json!({ "scopes": { "a": { "by": [], "ignore": ["jwt:sub"] } } }),
            "scopes.a.ignore[0]: expected \"header:<name>\" or \"cookie:<name>\"",
        ),
        (
            json!({ "scopes": { "a": { "by": [], "ignore": ["cookie:"] } } }),
            "scopes.a.ignore[0]: expected",
        ),
    ] {
        let faults = read(config.clone()).unwrap_err();
        assert!(faults.iter().any(|found| found.starts_with(fault)), "{config}: {faults:#?}");
    }
}
