use super::error::RequestError;
use super::form::RequestForm;
use super::get::read_get;
use super::media_types::{accepted_media_types, response_media_type, wants_html};
use super::operation_request::{DocumentSource, OperationRequest};
use super::post::read_post;
use crate::config::Apq;
use crate::http::Headers;
use crate::key::sha256_hex;
use crate::limits::{Amounts, Limit};
use proptest::prelude::*;

fn post(body: &str) -> RequestForm {
    post_as("application/json", body)
}

fn post_as(content_type: &str, body: &str) -> RequestForm {
    let headers = [("content-type", content_type)].into_iter().collect();
    read(&headers, None, body.as_bytes())
}

fn read(headers: &Headers, url_query: Option<&str>, body: &[u8]) -> RequestForm {
    read_post(headers, url_query, body, &Amounts::default_limits())
}

fn document_of(query: &OperationRequest) -> &str {
    match &query.source {
        DocumentSource::Text { document, .. } => document,
        other => panic!("{other:?}"),
    }
}

fn unread(reason: RequestError, may_be_mutation: bool) -> RequestForm {
    RequestForm::Unreadable { reason, may_be_mutation }
}

#[test]
fn reads_json() {
    let RequestForm::Single(query) = post(
        "{\"query\":\"{ a }\",\"operationName\":\"\",\"variables\":{\"a\":1},\"extensions\":{\"x\":1}}",
    ) else {
        panic!()
    };
    assert_eq!((document_of(&query), &query.operation_name), ("{ a }", &None));
    assert_eq!(query.variables.unwrap().len(), 1);
    assert!(matches!(
        post_as("Application/JSON; Charset=\"UTF-8\"", "{\"query\":\"{a}\"}"),
        RequestForm::Single(_)
    ));
}

#[test]
fn leaves_what_it_does_not_understand() {
    for (body, reason, may_be_mutation) in [
        ("", RequestError::Unparsable, false),
        ("{", RequestError::Unparsable, false),
        ("{\"query\":\"mutation {", RequestError::Unparsable, true),
        ("{\"query\":\"\\u006dutation {", RequestError::Unparsable, true),
        ("7", RequestError::Unparsable, false),
        ("{\"query\":7}", RequestError::Unparsable, false),
        ("{\"query\":\"{a}\",\"variables\":[]}", RequestError::Unparsable, false),
        ("{\"query\":\"mutation{a}\",\"variables\":\"{}\"}", RequestError::Unparsable, true),
        ("{\"query\":\"{a}\",\"operationName\":1}", RequestError::Unparsable, false),
        ("{\"query\":\"{a}\",\"extensions\":1}", RequestError::Unparsable, false),
        ("[]", RequestError::Batch, false),
        ("[[]]", RequestError::Batch, false),
        ("[{\"query\":\"{a}\"},{\"query\":7}]", RequestError::Batch, false),
        ("[{\"query\":\"mutation{a}\"},7]", RequestError::Batch, true),
        ("[{\"query\":\"{a}\"},{}]", RequestError::Batch, true),
        ("[{\"query\":\"mutation{a}\"}", RequestError::Unparsable, true),
        ("{\"query\":\"{a}\",\"doc_id\":\"x\"}", RequestError::Persisted, true),
        ("{\"documentId\":\"x\",\"doc_id\":\"y\"}", RequestError::Persisted, true),
        ("{\"documentId\":[\"x\"]}", RequestError::Persisted, true),
        (
            "{\"query\":\"{a}\",\"extensions\":{\"persistedQuery\":{\"version\":2}}}",
            RequestError::Persisted,
            true,
        ),
        ("{\"query\":\"{a}\",\"Query\":\"{b}\"}", RequestError::Persisted, true),
        (
            "{\"query\":\"{a}\",\"variables\":{\"f\":{\"$serde_json::private::Number\":\"5\"}}}",
            RequestError::Unparsable,
            false,
        ),
        (
            "{\"query\":\"{a}\",\"variables\":{\"f\":{\"\\u0024serd\\u0065_json::private::Number\":\"5\"}}}",
            RequestError::Unparsable,
            true,
        ),
        ("{\"query\":\"{a}\",\"query\":\"{b}\"}", RequestError::DuplicateMember, true),
        ("{\"query\":\"{a}\",\"\\u0071uery\":\"{b}\"}", RequestError::DuplicateMember, true),
        (
            "{\"variables\":{\"a\":1,\"a\":2},\"query\":\"{a}\"}",
            RequestError::DuplicateMember,
            true,
        ),
        (
            "{\"query\":\"{a}\",\"variables\":{\"a\":[{\"b\":1,\"b\":1}]}}",
            RequestError::DuplicateMember,
            true,
        ),
        (
            "{\"query\":\"{a}\",\"extensions\":{\"x\":{\"a\":1,\"a\":2}}}",
            RequestError::DuplicateMember,
            true,
        ),
        ("{\"query\":\"{a}\",\"x\":1,\"x\":1}", RequestError::DuplicateMember, true),
        (
            "[{\"query\":\"{a}\"},{\"query\":\"{a}\",\"query\":\"{b}\"}]",
            RequestError::DuplicateMember,
            true,
        ),
        ("{\"query\":\"{a}\",\"query\":7}", RequestError::DuplicateMember, true),
        ("{}", RequestError::Persisted, true),
        ("{\"extensions\":{\"persistedQuery\":{}}}", RequestError::Persisted, true),
    ] {
        assert_eq!(post(body), unread(reason, may_be_mutation), "{body}");
    }
    assert_eq!(post_as("text/plain", "{}"), unread(RequestError::ContentType, true));
    assert_eq!(post_as("", "{}"), unread(RequestError::ContentType, true));
    assert_eq!(
        post_as("application/json; charset=utf-16", "{}"),
        unread(RequestError::ContentType, true)
    );
    let gzip: Headers =
        [("content-type", "application/json"), ("content-encoding", "gzip")].into_iter().collect();
    assert_eq!(read(&gzip, None, b""), unread(RequestError::ContentEncoding, true));
    let json: Headers = [("content-type", "application/json")].into_iter().collect();
    for url in ["query=%7Ba%7D", "x=1;query=%7Ba%7D", "x&%71uery"] {
        assert_eq!(read(&json, Some(url), b"{}"), unread(RequestError::QueryInUrl, true), "{url}");
    }
    assert_eq!(read(&json, None, b"{\"query\":\"\xff\"}"), unread(RequestError::Unparsable, false));
}

#[test]
fn reads_urls() {
    let RequestForm::Single(query) =
        read_get(Some("query=%7B+a+%7D&variables=%7B%22a%22%3A1%7D&operationName=&other=1"))
    else {
        panic!()
    };
    assert_eq!((document_of(&query), &query.operation_name), ("{ a }", &None));
    assert_eq!(query.variables.unwrap().len(), 1);
    for (url, reason) in [
        (None, RequestError::Persisted),
        (Some("extensions=%7B%7D"), RequestError::Persisted),
        (Some("query=a&query=b"), RequestError::Unparsable),
        (Some("query=&query=b"), RequestError::Unparsable),
        (Some("query=a&variables=&variables=%7B%7D"), RequestError::Unparsable),
        (Some("query=%ff"), RequestError::Unparsable),
        (Some("query=a&variables=%7B"), RequestError::Unparsable),
        (Some("query=a&variables=[]"), RequestError::Unparsable),
        (Some("query=a&variables=%7B%22a%22:1,%22a%22:2%7D"), RequestError::DuplicateMember),
        (
            Some("query=a&extensions=%7B%22a%22:1,%22%5Cu0061%22:2%7D"),
            RequestError::DuplicateMember,
        ),
        (Some("id=createsomething&documentId=7"), RequestError::Persisted),
        (Some("query=%7Ba%7D&Variables=%7B%7D"), RequestError::Persisted),
    ] {
        assert_eq!(read_get(url), unread(reason, false), "{url:?}");
    }
}

#[test]
fn a_url_that_is_not_read_may_hide_a_mutation() {
    for (url, reason) in [
        ("query=mutation%7Bb%7D&query=%7Ba%7D", RequestError::Unparsable),
        ("query=%7Ba%7D&query=%6Dut%61tion%7Bb%7D", RequestError::Unparsable),
        ("query=mutation%7Bb%7D&variables=%7B", RequestError::Unparsable),
        ("query=mutation%7Bb%7D%ff", RequestError::Unparsable),
        ("query=a&query=%00m%00u", RequestError::Unparsable),
        ("Query=mutation%7Bb%7D", RequestError::Persisted),
        ("query=%7Ba%7D&Query=mutation%7Bb%7D", RequestError::Persisted),
        ("query=mutation%7Bb%7D&OPERATIONNAME=b", RequestError::Persisted),
    ] {
        assert_eq!(read_get(Some(url)), unread(reason, true), "{url}");
    }
}

#[test]
fn accepted_kinds_follow_the_wishes() {
    let kinds = |accept: &str| accepted_media_types(&[("accept", accept)].into_iter().collect());
    assert_eq!(kinds("A/b, c/d;q=0.5"), kinds("a/b ,c/d; q=0.4"));
    assert_eq!(kinds("c/d;q=0.5, a/b"), kinds("a/b, c/d;q=0.1"));
    assert_ne!(kinds("a/b, c/d"), kinds("c/d, a/b"));
    assert_ne!(kinds("a/b"), kinds("a/b;q=0"));
    assert_ne!(kinds("a/b;v=1"), kinds("a/b"));
    assert_eq!(accepted_media_types(&Headers::new()), "");
}

#[test]
fn a_compressed_body_is_read_as_what_it_holds() {
    let read_coded = |coding: &str, body: &str| {
        let body = miniz_oxide::deflate::compress_to_vec_zlib(body.as_bytes(), 6);
        let headers: Headers = [("content-type", "application/json"), ("content-encoding", coding)]
            .into_iter()
            .collect();
        read(&headers, None, &body)
    };
    let RequestForm::Single(coded) = read_coded("Deflate", "{\"query\":\"{a}\"}") else { panic!() };
    let RequestForm::Single(plain) = post("{\"query\":\"{a}\"}") else { panic!() };
    assert_eq!(document_of(&coded), document_of(&plain));
    assert_ne!(coded.other_members, plain.other_members);
    assert!(!coded.may_be_injected(Apq::Own) && plain.may_be_injected(Apq::Own));
    assert!(!coded.must_be_rewritten(&[]));
    for (body, reason) in [
        ("[{\"query\":\"{a}\"}]", RequestError::ContentEncoding),
        (" [7", RequestError::ContentEncoding),
        ("{\"query\":\"{a}\",\"query\":\"{b}\"}", RequestError::DuplicateMember),
    ] {
        assert_eq!(read_coded("deflate", body), unread(reason, true), "{body}");
    }
    assert_eq!(
        read_coded("br", "{\"query\":\"{a}\"}"),
        unread(RequestError::ContentEncoding, true)
    );
}

#[test]
fn browsers_want_pages() {
    let wants = |accept: &str| wants_html(&[("accept", accept)].into_iter().collect());
    assert!(wants("text/html,application/xml;q=0.9,*/*;q=0.8"));
    assert!(!wants("application/json, */*") && !wants(""));
}

proptest! {
    #[test]
    fn no_body_breaks_it(body in prop::collection::vec(any::<u8>(), 0..100), url in ".{0,40}") {
        let json: Headers = [("content-type", "application/json")].into_iter().collect();
        let _ = read(&json, None, &body);
        let _ = read_get(Some(&url));
    }
}

#[test]
fn what_else_a_request_says_is_kept() {
    let other_members = |body: &str| match post(body) {
        RequestForm::Single(query) => query.other_members,
        unread => panic!("{unread:?}"),
    };
    let plain = other_members("{\"query\":\"{a}\"}");
    let of_itself =
        "{\"query\":\"{a}\",\"extensions\":{\"clientLibrary\":{\"name\":\"x\"}},\"id\":null}";
    assert_eq!(plain, other_members(of_itself));
    assert_eq!(plain, other_members("{\"query\":\"{a}\",\"extensions\":{\"tracing\":1}}"));
    assert_ne!(plain, other_members("{\"query\":\"{a}\",\"id\":\"x\"}"));
}

const HASH: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

fn persisted(hash: &str) -> String {
    format!("\"extensions\":{{\"persistedQuery\":{{\"version\":1,\"sha256Hash\":\"{hash}\"}}}}")
}

#[test]
fn a_document_comes_by_its_hash_or_its_id_too() {
    let source = |body: &str| match post(body) {
        RequestForm::Single(query) => query.source,
        unread => panic!("{unread:?}"),
    };
    assert_eq!(source(&format!("{{{}}}", persisted(HASH))), DocumentSource::Hash(HASH.into()));
    assert_eq!(
        source(&format!("{{\"query\":\"\",{}}}", persisted(HASH))),
        DocumentSource::Hash(HASH.into())
    );
    for member in ["\"documentId\":\"x\"", "\"doc_id\":\"x\"", "\"id\":\"x\",\"query\":null"] {
        assert_eq!(source(&format!("{{{member}}}")), DocumentSource::Id("x".into()), "{member}");
    }
    assert_eq!(
        source("{\"doc_id\":12345678901234567890123}"),
        DocumentSource::Id("12345678901234567890123".into())
    );
    let right = sha256_hex(b"{a}");
    let both = format!("{{\"query\":\"{{a}}\",{}}}", persisted(&right));
    assert_eq!(
        source(&both),
        DocumentSource::Text { document: "{a}".into(), hash: Some(right.clone()) }
    );
    let wrong = format!("{{\"query\":\"{{b}}\",{}}}", persisted(&right));
    assert_eq!(post(&wrong), unread(RequestError::HashMismatch, true));
    let upper = format!("{{{}}}", persisted(&right.to_uppercase()));
    assert_eq!(post(&upper), unread(RequestError::Persisted, true));
}

#[test]
fn a_batch_is_read_one_by_one() {
    let RequestForm::Batch(queries) =
        post(" [{\"query\":\"{a}\"}, {\"query\":\"mutation{b}\",\"id\":1}]")
    else {
        panic!()
    };
    assert_eq!(queries.iter().map(document_of).collect::<Vec<_>>(), ["{a}", "mutation{b}"]);
    assert_eq!(queries[1].as_element().unwrap(), "{\"query\":\"mutation{b}\",\"id\":1}");
    let many = format!("[{}]", vec!["{\"query\":\"{a}\"}"; 51].join(","));
    assert_eq!(post(&many), unread(RequestError::OverLimit(Limit::Batch), true));
}

#[test]
fn a_bare_document_is_another_request_than_the_same_in_json() {
    let RequestForm::Single(bare) = post_as("application/graphql; charset=utf-8", "{ a }") else {
        panic!()
    };
    let RequestForm::Single(json) = post("{\"query\":\"{ a }\"}") else { panic!() };
    assert_eq!(document_of(&bare), document_of(&json));
    assert_ne!(bare.other_members, json.other_members);
    assert_eq!(post_as("application/graphql", " "), unread(RequestError::Unparsable, false));
}

#[test]
fn an_id_is_part_of_the_key_and_a_checked_hash_is_not() {
    let of = |body: &str| match post(body) {
        RequestForm::Single(query) => query,
        unread => panic!("{unread:?}"),
    };
    let text = of("{\"query\":\"{a}\"}").other_members;
    let by_hash = of(&format!("{{{}}}", persisted(HASH)));
    assert_eq!(by_hash.other_members, text);
    let other_members = [
        text,
        of("{\"id\":\"x\"}").other_members,
        of("{\"id\":\"y\"}").other_members,
        by_hash.clone().with_hash_as_id().other_members,
    ];
    let different: std::collections::BTreeSet<_> = other_members.iter().collect();
    assert_eq!(different.len(), other_members.len());
    assert_eq!(by_hash.with_hash_as_id().source, DocumentSource::Id(HASH.into()));
}

#[test]
fn the_newer_content_type_is_for_who_wishes_for_it_first() {
    let newer = |accept: &str| {
        let headers = [("accept", accept)].into_iter().collect();
        response_media_type(&headers).starts_with("application/graphql-response+json")
    };
    for accept in [
        "application/graphql-response+json",
        "application/graphql-response+json, application/json;q=0.9",
        "text/event-stream, application/json;q=0.5, Application/GraphQL-Response+JSON",
    ] {
        assert!(newer(accept), "{accept}");
    }
    for accept in [
        "",
        "*/*",
        "application/json",
        "application/json, application/graphql-response+json",
        "application/graphql-response+json;q=0.5, */*;q=0.8",
        "application/graphql-response+json;q=0, application/json",
        "text/plain",
    ] {
        assert!(!newer(accept), "{accept}");
    }
}
