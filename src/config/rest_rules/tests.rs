use super::*;
use crate::config::{Config, parse};
use serde_json::json;

fn config() -> Config {
    parse(&json!({ "types": {
        "a": {
            "match": ["rest:/a/**", "rest:/both"], "ttl": 60, "swr": 30,
            "vary": ["X-Currency", "x-b"], "query": ["page", "q*"], "ignore_case": true,
            "statuses": { "404": 10, "301": 3600 }, "strip_set_cookie": true,
        },
        "b": {
            "match": ["rest:/b/**", "rest:/both"], "ttl": "origin", "swr": 40, "sie": 9,
            "vary": ["x-a"], "query": { "except": ["utm_*", "q*"] }, "ignore_case": true,
            "statuses": { "404": 20, "410": 5 }, "strip_set_cookie": true,
        },
        "plain": { "match": ["rest:/plain"], "ttl": 120 },
    } }))
    .unwrap()
}

fn rules(names: &[&str]) -> RestRules {
    let config = config();
    let types: Vec<_> =
        config.types.iter().filter(|one| names.contains(&one.name.as_str())).collect();
    assert_eq!(types.len(), names.len());
    RestRules::of(&types)
}

fn seconds(seconds: u64) -> Ttl {
    Ttl::from_seconds(seconds)
}

#[test]
fn without_a_type_the_origin_decides_and_the_key_has_the_whole_query() {
    let none = rules(&[]);
    assert_eq!((none.ttl, none.swr, none.sie), (RestTtl::Origin, None, None));
    assert_eq!((none.query, none.strip_set_cookie), (QueryRules::Unchanged, false));
    assert!(none.vary.is_empty() && none.statuses.is_empty());
}

#[test]
fn one_type_alone_decides() {
    let a = rules(&["a"]);
    assert_eq!((a.ttl, a.swr), (RestTtl::Seconds(seconds(60)), Some(seconds(30))));
    assert_eq!(a.sie, Some(Ttl::ZERO));
    assert_eq!(a.vary, ["x-b", "x-currency"]);
    assert_eq!(a.statuses, BTreeMap::from([(404, seconds(10)), (301, seconds(3600))]));
    let b = rules(&["b"]);
    assert_eq!((b.ttl, b.swr, b.sie), (RestTtl::Origin, Some(seconds(40)), Some(seconds(9))));
}

#[test]
fn of_several_types_the_strictest_wins() {
    let both = rules(&["a", "b"]);
    assert_eq!(both.ttl, RestTtl::OriginAtMost(seconds(60)));
    assert_eq!((both.swr, both.sie), (Some(seconds(30)), Some(Ttl::ZERO)));
    assert_eq!(both.vary, ["x-a", "x-b", "x-currency"]);
    assert_eq!(both.statuses, BTreeMap::from([(404, seconds(10))]));
    assert!(both.strip_set_cookie);
    for (name, kept) in [("page", true), ("q1", true), ("other", true), ("utm_x", false)] {
        assert_eq!(both.query.keeps(name), kept, "{name}");
    }
    let three = rules(&["a", "b", "plain"]);
    assert_eq!((three.query, three.strip_set_cookie), (QueryRules::Unchanged, false));
    assert_eq!(three.statuses, BTreeMap::new());
    let seconds_alone = rules(&["a", "plain"]);
    assert_eq!(seconds_alone.ttl, RestTtl::Seconds(seconds(60)));
    assert_eq!(seconds_alone.swr, Some(Ttl::ZERO));
}
