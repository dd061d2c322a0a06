//! Wrong input is a 400 with a path, and never a 200 or a 503.

use super::Setup;
use crate::service::runtime::KvStore as _;
use crate::service::testing::{Call, TestRuntime};
use serde_json::json;

#[test]
fn a_purge_of_nothing_is_refused_and_leaves_no_trace() {
    let setup = Setup { runtime: TestRuntime::with_statistics(), ..Setup::new() };
    for (body, path) in [
        (r#"{"keys":["typo"]}"#, "keys[0]"),
        (r#"{"tags":[]}"#, ""),
        (r#"{"tags":[],"soft":true}"#, ""),
        (r#"{"all":false}"#, ""),
    ] {
        let (status, answer) = setup.json("POST", "purge", body);
        assert_eq!((status, &answer["path"]), (400, &json!(path)), "{body}");
    }
    assert_eq!(setup.runtime.log_head(), 0);
    let (_, audit) = setup.json("GET", "audit", "");
    assert_eq!(audit["changes"], json!([]), "{audit}");
}

#[test]
fn an_upload_is_judged_before_kv_is() {
    let without_kv = Setup { runtime: TestRuntime::without_kv(), ..Setup::new() };
    let upload =
        |query: &str, body: &str| without_kv.json("POST", &format!("documents{query}"), body);
    assert_eq!(upload("", r#"{"1":"{ a }"}"#).0, 503);
    for (query, body) in
        [("", r#"{"1":"{ a }""#), ("", r#"{"1":"{ a"}"#), ("?replace=2", r#"{"1":"{ a }"}"#)]
    {
        let (status, answer) = upload(query, body);
        assert_eq!(status, 400, "{query} {body}: {answer}");
    }
}

#[test]
fn a_cursor_that_kv_refuses_is_told_from_a_kv_that_fails() {
    let setup = Setup::new();
    for n in 0..3 {
        let key = format!("shop/2/gql/default/a/public/{n:064x}");
        setup.runtime.run(setup.runtime.kv_put(&key, b"", 60)).unwrap();
    }
    let page = |query: &str| setup.json("GET", &format!("entries?limit=2&{query}"), "");
    let (_, first) = page("");
    let next = format!("cursor={}", first["cursor"].as_str().unwrap());
    assert_eq!(page(&next).1["entries"].as_array().unwrap().len(), 1);
    let (status, answer) = page("cursor=x");
    assert_eq!((status, &answer["path"]), (400, &json!("cursor")), "{answer}");
    assert!(!setup.runtime.has_reported("kv-list"), "KV works");
    for fault in [
        "KV GET failed: 500 Internal Server Error",
        "KV GET failed: 429 Too Many Requests",
        "KV GET failed: 400 Bad Request",
        "down",
    ] {
        // KV fails with and without the cursor.
        setup.runtime.fails(Call::KvList, fault);
        assert_eq!(page(&next).0, 503, "{fault}");
        assert_eq!(page("").0, 503, "{fault}");
        setup.runtime.works(Call::KvList);
    }
    assert!(setup.runtime.has_reported("kv-list"));
}

/// KV takes prefixes as long as its keys. A pattern may be as long, and the service comes before it.
#[test]
fn no_entry_matches_a_pattern_that_is_longer_than_keys() {
    let setup = Setup::new();
    let pattern = format!("gql/{}", "x".repeat(508));
    let (status, answer) = setup.json("GET", &format!("entries?pattern={pattern}"), "");
    assert_eq!((status, &answer["entries"]), (200, &json!([])), "{answer}");
    let body = json!({ "patterns": [pattern], "preview": true }).to_string();
    let (status, answer) = setup.json("POST", "purge", &body);
    assert_eq!((status, &answer["entries"]["count"]), (200, &json!(0)), "{answer}");
}
