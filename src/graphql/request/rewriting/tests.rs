use super::*;
use crate::graphql::{RequestForm, read_get, read_post};
use crate::http::Headers;
use crate::key::sha256_hex;
use crate::limits::Amounts;
use proptest::prelude::*;

fn post(headers: &[(&str, &str)], body: &[u8]) -> OperationRequest {
    let headers: Headers = headers.iter().copied().collect();
    match read_post(&headers, None, body, &Amounts::default_limits()) {
        RequestForm::Single(query) => query,
        other => panic!("{other:?}"),
    }
}

fn posted(body: &str) -> OperationRequest {
    post(&[("content-type", "application/json")], body.as_bytes())
}

fn got(url: &str) -> OperationRequest {
    match read_get(Some(url)) {
        RequestForm::Single(query) => query,
        other => panic!("{other:?}"),
    }
}

fn declared(names: &[&str]) -> Vec<DeclaredVariable> {
    let declared = |name: &&str| DeclaredVariable {
        name: (*name).to_owned(),
        default: None,
        inexact_default: false,
    };
    names.iter().map(declared).collect()
}

fn keyed(declared: &[DeclaredVariable]) -> RequestParts<'_> {
    RequestParts::Keyed { declared, with_hash: true }
}

const WITHOUT_HASH: RequestParts<'static> = RequestParts::Keyed { declared: &[], with_hash: false };

fn json(rewritten: Option<RewrittenRequest>) -> String {
    match rewritten {
        Some(RewrittenRequest::Json(json)) => json,
        other => panic!("{other:?}"),
    }
}

#[test]
fn undeclared_variables_do_not_go_on() {
    let body = "{\"variables\":{ \"a\" : 1.0 ,\"evil\":{\"x\":[1]},\"\\u0062\":\"\\u00e9\"},\"query\":\"{q}\"}";
    let query = posted(body);
    let of = |names: &[&str]| {
        let declared = declared(names);
        (query.has_unkeyed(&declared), json(query.rewritten(None, keyed(&declared))))
    };
    let wire_form = |variables: &str| format!("{{\"variables\":{variables},\"query\":\"{{q}}\"}}");
    assert_eq!(of(&["a", "b"]), (true, wire_form("{\"a\":1.0,\"b\":\"\\u00e9\"}")));
    assert_eq!(of(&["evil", "evil"]), (true, wire_form("{\"evil\":{\"x\":[1]}}")));
    assert_eq!(of(&["other"]), (true, wire_form("{}")));
    // Declared variables are forwarded byte for byte.
    let all = wire_form("{ \"a\" : 1.0 ,\"evil\":{\"x\":[1]},\"\\u0062\":\"\\u00e9\"}");
    assert_eq!(of(&["a", "b", "c", "evil"]), (false, all.clone()));
    assert_eq!(json(query.rewritten(None, RequestParts::All)), all);
    for without in [
        "{\"query\":\"{q}\"}",
        "{\"query\":\"{q}\",\"variables\":null}",
        "{\"query\":\"{q}\",\"variables\":{}}",
    ] {
        let query = posted(without);
        assert!(!query.has_unkeyed(&[]));
        assert_eq!(json(query.rewritten(None, keyed(&[]))), without);
    }
}

#[test]
fn undeclared_variables_of_a_url_do_not_go_on() {
    let url = "x=%20&query=%7Bq%7D&variables=%7B%22a%22:1.0,%22evil%22:%22%26%22%7D&y";
    let query = got(url);
    let of = |names: &[&str]| {
        let declared = declared(names);
        (query.has_unkeyed(&declared), query.rewritten(None, keyed(&declared)))
    };
    let wire_form = |url: &str| Some(RewrittenRequest::Url(url.to_owned()));
    assert_eq!(
        of(&["a"]),
        (true, wire_form("x=%20&query=%7Bq%7D&variables=%7B%22a%22%3A1.0%7D&y"))
    );
    assert_eq!(of(&[]), (true, wire_form("x=%20&query=%7Bq%7D&variables=%7B%7D&y")));
    assert_eq!(of(&["evil", "a"]), (false, wire_form(url)));
    assert!(!got("query=%7Bq%7D&variables=").has_unkeyed(&[]));
    // A URL that would exceed what all servers accept is not rewritten.
    let braces = "[".repeat(3_000);
    let long = format!("query=%7Bq%7D&variables=%7B%22evil%22:1,%22a%22:{{\"b\":\"{braces}\"}}%7D");
    assert_eq!(got(&long).rewritten(None, keyed(&declared(&["a"]))), None);
    assert!(got(&long).rewritten(None, keyed(&declared(&[]))).is_some());
}

#[test]
fn what_servers_decode_in_two_ways_is_sent_in_one() {
    let url = "x=a+b&query={+q+}&variables=%7B%22a%22:%22b+%zz%22%7D&operationName=";
    let query = got(url);
    assert!(query.must_be_rewritten(&declared(&["a"])));
    let wire_form = query.rewritten(None, keyed(&declared(&["a"])));
    let expected =
        "x=a+b&query=%7B%20q%20%7D&variables=%7B%22a%22%3A%22b%20%25zz%22%7D&operationName=";
    assert_eq!(wire_form, Some(RewrittenRequest::Url(expected.into())));
    assert_eq!(query.rewritten(None, RequestParts::All), Some(RewrittenRequest::Url(url.into())));
    for plain in ["query={q}&x=a+b", "query=%7B%20q%20%7D&operationName=q"] {
        assert!(!got(plain).must_be_rewritten(&[]), "{plain}");
    }
}

#[test]
fn a_compressed_body_is_sent_uncompressed_where_something_is_left_out() {
    let body = b"{\"query\":\"{a}\",\"extensions\":{\"x\":1},\"variables\":{\"v\":1,\"w\":2}}";
    let body = miniz_oxide::deflate::compress_to_vec_zlib(body, 6);
    let query =
        post(&[("content-type", "application/json"), ("content-encoding", "deflate")], &body);
    let wire_form = json(query.rewritten(None, keyed(&declared(&["w"]))));
    assert_eq!(wire_form, "{\"query\":\"{a}\",\"variables\":{\"w\":2}}");
    let body = miniz_oxide::deflate::compress_to_vec_zlib(b"{ a }", 6);
    let bare =
        post(&[("content-type", "application/graphql"), ("content-encoding", "deflate")], &body);
    assert!(query.must_be_rewritten(&declared(&["v", "w"])) && !bare.must_be_rewritten(&[]));
    let wire_form = |document| bare.rewritten(document, keyed(&[]));
    assert_eq!(wire_form(None), Some(RewrittenRequest::Document("{ a }".into())));
    assert_eq!(wire_form(Some("{b}")), Some(RewrittenRequest::Document("{b}".into())));
}

#[test]
fn of_a_hash_only_what_is_keyed_goes_on() {
    let hash = sha256_hex(b"{a}");
    let persisted = |more: &str| {
        posted(&format!(
            "{{\"query\":\"{{a}}\",\"extensions\":{{\"persistedQuery\":{{\"version\":1{more},\"sha256Hash\":\"{hash}\"}}}}}}"
        ))
    };
    for more in ["", ",\"miss\":true"] {
        assert!(!persisted(more).has_unkeyed(&[]), "{more}");
    }
    for more in [",\"SHA256HASH\":\"evil\"", ",\"id\":\"evil\""] {
        let query = persisted(more);
        assert!(query.has_unkeyed(&[]), "{more}");
        assert!(!json(query.rewritten(None, keyed(&[]))).contains("evil"));
    }
}

#[test]
fn a_request_is_rewritten_with_all_else_as_it_was() {
    let hash = sha256_hex(b"{a}");
    let body = format!(
        "{{\"variables\":{{\"b\": 1.0}},\"query\":\"{{a}}\",\"extensions\":{{\"x\":1,\"persistedQuery\":{{\"version\":1,\"sha256Hash\":\"{hash}\"}}}}}}"
    );
    let query = posted(&body);
    assert!(query.has_unkeyed(&declared(&["b"])));
    let declared = declared(&["b"]);
    let rewritten = |document, with_hash| {
        json(query.rewritten(document, RequestParts::Keyed { declared: &declared, with_hash }))
    };
    assert_eq!(
        rewritten(Some("{a \"}"), false),
        "{\"variables\":{\"b\": 1.0},\"query\":\"{a \\\"}\"}"
    );
    assert_eq!(
        rewritten(None, true),
        format!(
            "{{\"variables\":{{\"b\": 1.0}},\"query\":\"{{a}}\",\"extensions\":{{\"persistedQuery\":{{\"sha256Hash\":\"{hash}\",\"version\":1}}}}}}"
        )
    );
    let extensions = format!("{{\"persistedQuery\":{{\"version\":1,\"sha256Hash\":\"{hash}\"}}}}");
    let extensions = crate::http::form_encoded(&extensions);
    let url = format!("a=1&variables=%7b%7d&extensions={extensions}&b=%20");
    let query = got(&url);
    assert_eq!(query.source, DocumentSource::Hash(hash));
    assert_eq!(
        query.rewritten(Some("{a}"), WITHOUT_HASH),
        Some(RewrittenRequest::Url("query=%7Ba%7D&a=1&variables=%7b%7d&b=%20".into()))
    );
}

#[test]
fn a_request_by_hash_is_sent_in_full() {
    let hash = sha256_hex(b"{a}");
    let extensions =
        format!("{{\"x\":1,\"persistedQuery\":{{\"sha256Hash\":\"{hash}\",\"version\":1}}}}");
    let plain = extensions.replace("\"x\":1,", "");
    let query = posted(&format!("{{\"extensions\":{extensions}}}"));
    let with_full_document = |parts| query.with_full_document("{a}", parts);
    assert_eq!(
        with_full_document(RequestParts::All),
        Some(RewrittenRequest::Json(format!(
            "{{\"extensions\":{extensions},\"query\":\"{{a}}\"}}"
        )))
    );
    assert_eq!(
        with_full_document(keyed(&[])),
        Some(RewrittenRequest::Json(format!("{{\"extensions\":{plain},\"query\":\"{{a}}\"}}")))
    );

    let encoded = crate::http::form_encoded(&extensions);
    let url = format!("a=1&operationName=A&variables=%7B%22b%22:1.0%7D&extensions={encoded}&c");
    let query = got(&url);
    assert_eq!(
        query.with_full_document("{a}", RequestParts::All),
        Some(RewrittenRequest::Url(format!("query=%7Ba%7D&{url}")))
    );
    let long = format!("query A {{ a }} # {}", "x".repeat(MAX_REWRITTEN_URL_BYTES));
    assert_eq!(query.rewritten(Some(&long), keyed(&[])), None);
    assert_eq!(
        query.with_full_document(&long, keyed(&declared(&["b"]))),
        Some(RewrittenRequest::PostForGet {
            url: "a=1&c".into(),
            json: format!(
                "{{\"query\":\"{long}\",\"operationName\":\"A\",\"variables\":{{\"b\":1.0}},\"extensions\":{plain}}}"
            ),
        })
    );
    let Some(RewrittenRequest::PostForGet { json, .. }) =
        query.with_full_document(&long, keyed(&[]))
    else {
        panic!()
    };
    assert!(json.contains("\"variables\":{}"));
}

#[test]
fn what_is_left_out_of_a_long_url_is_left_out() {
    let long =
        format!("query={}&extensions=%7B%22evil%22:1%7D", "a".repeat(MAX_REWRITTEN_URL_BYTES));
    let query = got(&long);
    let Some(RewrittenRequest::Url(url)) = query.rewritten(None, keyed(&[])) else { panic!() };
    assert!(query.has_unkeyed(&[]) && !url.contains("evil"));
}

/// Variables with similar names, each with a value of its own.
fn variables() -> impl Strategy<Value = Vec<(String, &'static str)>> {
    let value =
        prop::sample::select(vec!["1", "1.0", "1e3", "null", "\"\\u00e9&+%\"", "{\"a\": [ ]}"]);
    prop::collection::btree_map("[abc]|é|\\$|", value, 0..5)
        .prop_map(|map| map.into_iter().collect())
}

proptest! {
    #[test]
    fn a_rewritten_request_holds_the_declared_variables_and_no_others(
        variables in variables(), names in prop::collection::btree_set("[abc]|é", 0..4), by_url in any::<bool>(),
    ) {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let declared = declared(&names);
        let members: Vec<String> =
            variables.iter().map(|(name, value)| format!("{}:{value}", text_to_json(name))).collect();
        let text = format!("{{{}}}", members.join(","));
        let query = match by_url {
            true => got(&format!("query=%7Ba%7D&variables={}", form_encoded(&text))),
            false => posted(&format!("{{\"query\":\"{{a}}\",\"variables\":{text}}}")),
        };
        let is_kept = |name: &String| names.contains(&name.as_str());
        prop_assert_eq!(query.has_unkeyed(&declared), !variables.iter().all(|(name, _)| is_kept(name)));
        let kept: Vec<String> = variables
            .iter()
            .filter(|(name, _)| is_kept(name))
            .map(|(name, value)| format!("{}:{value}", text_to_json(name)))
            .collect();
        let kept = format!("{{{}}}", kept.join(","));
        let again = match query.rewritten(None, keyed(&declared)) {
            Some(RewrittenRequest::Url(url)) => {
                let pairs = form_pairs(&url).unwrap();
                prop_assert_eq!(&pairs[1].1, &kept);
                got(&url)
            }
            Some(RewrittenRequest::Json(json)) => {
                let expected = format!("{{\"query\":\"{{a}}\",\"variables\":{kept}}}");
                prop_assert_eq!(&json, &expected);
                posted(&json)
            }
            other => panic!("{other:?}"),
        };
        prop_assert!(!again.has_unkeyed(&declared));
        let canonical = |query: &OperationRequest| {
            crate::graphql::canonical_variables(query.variables.as_ref(), &declared)
        };
        prop_assert_eq!(canonical(&again), canonical(&query));
    }
}
