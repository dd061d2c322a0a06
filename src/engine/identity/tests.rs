use super::*;
use serde_json::json;

fn config() -> Config {
    crate::config::parse(&json!({
        "ignore_cookies": ["_ga*"],
        "scopes": {
            "user": { "by": ["header:authorization", "cookie:session"] },
            "everyone": { "by": [] },
        },
    }))
    .unwrap()
}

fn of(scopes: &[&str], fields: &[(&str, &str)]) -> Result<ScopeKey, Bypass> {
    let scopes: Vec<_> = scopes.iter().map(|s| (*s).to_owned()).collect();
    let headers = fields.iter().copied().collect();
    scope_key(&config(), &scopes, Credentials { headers: &headers, claims: &Claims::NotChecked })
}

fn config_with_tokens(place: &str, name: &str) -> Config {
    let mut value = json!({
        "ignore_cookies": ["token"],
        "scopes": {
            "user": { "by": ["jwt:sub"] },
            "tenant": { "by": ["header:x-tenant", "jwt:tenant"] },
            "everyone": { "by": [] },
        },
        "jwt": { "algorithms": ["HS256"] },
    });
    value["jwt"][place] = json!(name);
    crate::config::parse(&value).unwrap()
}

fn verified(claims: serde_json::Value) -> Claims {
    let claims = claims.as_object().unwrap().clone();
    Claims::Verified(std::rc::Rc::new(claims.into_iter().collect()))
}

#[test]
fn each_value_has_its_own_group() {
    let values: [&[(&str, &str)]; 6] = [
        &[],
        &[("authorization", "a")],
        &[("authorization", "b")],
        &[("cookie", "session=a")],
        &[("cookie", "session=a; session=b")],
        &[("authorization", "a"), ("cookie", "session=a")],
    ];
    for (n, one) in values.iter().enumerate() {
        for other in values.iter().skip(n + 1) {
            let (one, other) = (of(&["user"], one).unwrap(), of(&["user"], other).unwrap());
            assert_ne!(one.digest, other.digest);
        }
    }
    let with_others = of(&["user"], &[("cookie", "x=1; session=a; y=2")]).unwrap();
    assert_eq!(with_others, of(&["user"], &[("cookie", "session=a")]).unwrap());
}

#[test]
fn a_group_has_a_tag_for_each_of_its_values() {
    let tags = |fields: &[(&str, &str)]| of(&["user"], fields).unwrap().tags;
    let tagged = |values: &[&str]| values.iter().map(|v| Tag::of_scope("user", v)).collect();
    assert_eq!(tags(&[]), TagSet::new());
    assert_eq!(tags(&[("authorization", "a"), ("cookie", "session=b")]), tagged(&["a", "b"]));
    assert_eq!(tags(&[("cookie", "session=a; session=b")]), tagged(&["a", "b"]));
    assert_ne!(Tag::of_scope("user", "a"), Tag::of_scope("other", "a"));
}

#[test]
fn a_changed_cookie_ends_the_old_values_entries() {
    let changed = |request: &str, response: &str| {
        scope_tags_changed_by(
            &config(),
            &[("cookie", request)].into_iter().collect(),
            &[("set-cookie", response)].into_iter().collect(),
        )
    };
    let old = of(&["user"], &[("cookie", "session=a")]).unwrap().tags;
    assert_eq!(changed("session=a", "session=b; Path=/"), old);
    assert_eq!(changed("session=a", "session=; Max-Age=0"), old);
    assert!(changed("session=a", "session=a; Path=/").is_empty());
    assert!(changed("session=a", "other=b").is_empty());
    assert!(changed("x=1", "session=b").is_empty());
}

#[test]
fn a_claim_that_is_not_certain_is_not_guessed() {
    let config = config_with_tokens("header", "authorization");
    for claims in [Claims::NotChecked, Claims::Unverified] {
        let headers = [("x-tenant", "a")].into_iter().collect();
        let credentials = Credentials { headers: &headers, claims: &claims };
        let of = |scope: &str| scope_key(&config, &[scope.to_owned()], credentials);
        assert_eq!(of("user"), Err(Bypass::JwtUnverified));
        assert_eq!(of("tenant"), Err(Bypass::JwtUnverified), "whatever else resolves it");
        assert!(of("everyone").is_ok());
        let digest = scope_values_digest(&config, &["user".to_owned()], credentials);
        assert_eq!(digest, Err(Bypass::JwtUnverified));
    }
}

#[test]
fn a_claim_is_a_value_whatever_token_it_is_of() {
    let config = config_with_tokens("header", "authorization");
    let of = |claims: serde_json::Value, token: &str| {
        let headers = [("authorization", token)].into_iter().collect();
        let claims = verified(claims);
        scope_key(&config, &["user".into()], Credentials { headers: &headers, claims: &claims })
    };
    let alice = of(json!({ "sub": "alice" }), "one").unwrap();
    assert_eq!(alice, of(json!({ "sub": "alice", "tenant": 1 }), "two").unwrap());
    assert!(alice.tags.contains(Tag::of_scope("user", "alice").as_str()));
    assert_ne!(alice.digest, of(json!({ "sub": "bob" }), "one").unwrap().digest);
    let (number, text) = (of(json!({ "sub": 7 }), "x"), of(json!({ "sub": "7" }), "x"));
    let (number, text) = (number.unwrap(), text.unwrap());
    assert!(number.digest != text.digest && number.tags == text.tags);
    let list = of(json!({ "sub": ["a", { "y": 1, "x": null }] }), "x").unwrap();
    let canonical = Tag::of_scope("user", "[\"a\",{\"x\":null,\"y\":1}]");
    assert!(list.tags.contains(canonical.as_str()));
}
