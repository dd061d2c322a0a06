use super::*;
use crate::limits;
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn config() -> Config {
    let scopes = serde_json::json!({ "user": { "by": ["header:authorization"] } });
    let types = serde_json::json!({ "product": { "match": ["rest:/p"], "ttl": 1 } });
    crate::config::parse(&serde_json::json!({ "scopes": scopes, "types": types })).unwrap()
}

#[test]
fn reads_everything_together() {
    let digest = "00ff".repeat(16);
    let body = json!({
        "tags": ["Product:42"], "types": ["product"], "operations": ["GetProduct"],
        "paths": ["/api/%70roducts/42?x=1"],
        "keys": [format!("evergraph/2/gql/a/b/public/{digest}.0123456789abcdef")],
        "patterns": ["gql/product/**"], "all": false, "soft": true,
    });
    let command = read_purge(&config(), body.to_string().as_bytes()).unwrap();
    let tags: Vec<_> = command.tags.iter().map(Tag::as_str).collect();
    let key = format!("key:{digest}");
    assert_eq!(
        tags,
        ["Product:42", &key, "op:GetProduct", "path:/api/products/42", "type:product"]
    );
    assert_eq!((command.patterns.len(), command.all, command.soft), (1, false, true));
}

#[test]
fn names_what_is_wrong() {
    for (body, path) in [
        ("", ""),
        ("[]", ""),
        ("{}", ""),
        ("{\"soft\":true}", ""),
        ("{\"tags\":[]}", ""),
        ("{\"keys\":[],\"patterns\":[],\"all\":false,\"preview\":true}", ""),
        ("{\"all\":1}", "all"),
        ("{\"tag\":[\"x\"]}", "tag"),
        ("{\"tags\":\"x\"}", "tags"),
        ("{\"tags\":[\"ok\",\"a b\"]}", "tags[1]"),
        ("{\"tags\":[\"ok\",7]}", "tags[1]"),
        ("{\"tags\":[\"ok\",\"scope:nobody:x\"]}", "tags[1]"),
        ("{\"tags\":[\"scope:user\"]}", "tags[0]"),
        ("{\"tags\":[\"scope:user:\"]}", "tags[0]"),
        ("{\"tags\":[\"scope:\"]}", "tags[0]"),
        ("{\"patterns\":[\"product/**\"]}", "patterns[0]"),
        ("{\"paths\":[\"api\"]}", "paths[0]"),
        ("{\"paths\":[\"/api/**\"]}", "paths[0]"),
        ("{\"types\":[\"\"]}", "types[0]"),
        ("{\"keys\":[\"\"]}", "keys[0]"),
        ("{\"keys\":[\"typo\"],\"all\":true}", "keys[0]"),
        ("{\"types\":[\"product\",\"prodcut\"]}", "types[1]"),
    ] {
        assert_eq!(read_purge(&config(), body.as_bytes()).unwrap_err().path, path, "{body}");
    }
}

#[test]
fn keys_are_those_of_this_service_by_its_present_and_former_names() {
    let config = json!({ "service": "shop", "formerly": ["store"] });
    let config = crate::config::parse(&config).unwrap();
    let digest = "0".repeat(64);
    let purge = |service: &str| {
        let key = format!("{service}/2/gql/product/Get/public/{digest}");
        read_purge(&config, json!({ "keys": [digest, key] }).to_string().as_bytes())
    };
    for service in ["shop", "store"] {
        assert_eq!(purge(service).unwrap().tags, [Tag::of("key:", &digest)].into_iter().collect());
    }
    let error = purge("other").unwrap_err();
    assert_eq!(error.path, "keys[1]");
    assert!(error.message.contains("\"shop\""), "{}", error.message);
}

#[test]
fn an_empty_list_is_permitted_beside_one_that_is_not() {
    let command = read_purge(&config(), br#"{"tags":[],"types":["product"]}"#).unwrap();
    assert_eq!(command.tags.len(), 1);
}

#[test]
fn a_path_is_purged_as_its_entries_are_tagged() {
    let types = serde_json::json!({
        "i": { "match": ["rest:/i/**"], "ttl": 1, "ignore_case": true },
    });
    let config = crate::config::parse(&serde_json::json!({ "types": types })).unwrap();
    let command = read_purge(&config, br#"{"paths":["/I/Aa","/Other/%41"]}"#).unwrap();
    let tags: Vec<_> = command.tags.iter().map(Tag::as_str).collect();
    assert_eq!(tags, ["path:/Other/A", "path:/i/aa"]);
}

#[test]
fn a_scope_is_purged_by_the_value_that_clients_send() {
    let tags = |text: &str| {
        let body = serde_json::json!({ "tags": [text] }).to_string();
        read_purge(&config(), body.as_bytes()).unwrap().tags
    };
    for value in ["alice", "Bearer a, b", "a:b", "é\n"] {
        let named = tags(&format!("scope:user:{value}"));
        assert_eq!(named, [Tag::of_scope("user", value)].into_iter().collect());
        assert!(!format!("{named:?}").contains(value));
    }
    let copied = Tag::of_scope("user", "alice");
    assert!(tags(copied.as_str()).contains(copied.as_str()));
}

#[test]
fn an_unknown_name_is_answered_with_the_nearest() {
    let message = |body: &str| read_purge(&config(), body.as_bytes()).unwrap_err().message;
    for (body, expected) in [
        (r#"{"types":["prodcut"]}"#, r#"no type is named "prodcut"; did you mean "product"?"#),
        (r#"{"types":["defualt"]}"#, r#"no type is named "defualt"; did you mean "default"?"#),
        (r#"{"types":["nosuch"]}"#, r#"no type is named "nosuch""#),
        (r#"{"tags":["scope:usr:x"]}"#, r#"no scope is named "usr"; did you mean "user"?"#),
    ] {
        assert_eq!(message(body), expected);
    }
    let known = br#"{"types":["product","default","introspection"]}"#;
    assert_eq!(read_purge(&config(), known).unwrap().tags.len(), 3);
}

#[test]
fn the_described_body_has_the_members_that_are_read() {
    let schema = schemars::schema_for!(crate::admin::PurgeBody);
    let properties = schema.get("properties").and_then(Value::as_object).unwrap();
    let described: BTreeSet<&str> = properties.keys().map(String::as_str).collect();
    let read: BTreeSet<&str> = LISTS.into_iter().chain(["all", "soft", "preview"]).collect();
    assert_eq!(described, read);
    let most = &properties["tags"]["maxItems"];
    assert_eq!(most, &json!(limits::PURGE_ITEMS));
}

#[test]
fn of_two_members_of_one_name_neither_counts() {
    for body in [r#"{"tags":["A"],"tags":["B"]}"#, r#"{"all":false,"\u0061ll":true}"#] {
        let error = read_purge(&config(), body.as_bytes()).unwrap_err();
        assert_eq!((error.path.as_str(), error.message.contains("one name")), ("", true), "{body}");
    }
}
