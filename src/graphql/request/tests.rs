use super::error::Unread;
use super::form::Form;
use super::get::read_get;
use super::media_types::{accepted_kinds, answer_kind, wants_html};
use super::post::read_post;
use super::query::{Query, Source};
use crate::config::Apq;
use crate::http::Headers;
use crate::key::sha256_hex;
use crate::limits::{Amounts, Limit};
use proptest::prelude::*;

fn post(body: &str) -> Form {
    post_as("application/json", body)
}

fn post_as(content_type: &str, body: &str) -> Form {
    let headers = [("content-type", content_type)].into_iter().collect();
    read(&headers, None, body.as_bytes())
}

fn read(headers: &Headers, url_query: Option<&str>, body: &[u8]) -> Form {
    read_post(headers, url_query, body, &Amounts::default_limits())
}

fn document_of(query: &Query) -> &str {
    match &query.source {
        Source::Text { document, .. } => document,
        other => panic!("{other:?}"),
    }
}

fn unread(reason: Unread, may_be_mutation: bool) -> Form {
    Form::Unread { reason, may_be_mutation }
}

#[test]
fn reads_json() {
    let Form::Query(query) = post(
        "{\"query\":\"{ a }\",\"operationName\":\"\",\"variables\":{\"a\":1},\"extensions\":{\"x\":1}}",
    ) else {
        panic!()
    };
    assert_eq!((document_of(&query), &query.operation_name), ("{ a }", &None));
    assert_eq!(query.variables.unwrap().len(), 1);
    assert!(matches!(
        post_as("Application/JSON; Charset=\"UTF-8\"", "{\"query\":\"{a}\"}"),
        Form::Query(_)
    ));
}

#[test]
fn leaves_what_it_does_not_understand() {
    for (body, reason, may_be_mutation) in [
        ("", Unread::Unparsable, false),
        ("{", Unread::Unparsable, false),
        ("{\"query\":\"mutation {", Unread::Unparsable, true),
        ("{\"query\":\"\\u006dutation {", Unread::Unparsable, true),
        ("7", Unread::Unparsable, false),
        ("{\"query\":7}", Unread::Unparsable, false),
        ("{\"query\":\"{a}\",\"variables\":[]}", Unread::Unparsable, false),
        ("{\"query\":\"mutation{a}\",\"variables\":\"{}\"}", Unread::Unparsable, true),
        ("{\"query\":\"{a}\",\"operationName\":1}", Unread::Unparsable, false),
        ("{\"query\":\"{a}\",\"extensions\":1}", Unread::Unparsable, false),
        ("[]", Unread::Batch, false),
        ("[[]]", Unread::Batch, false),
        ("[{\"query\":\"{a}\"},{\"query\":7}]", Unread::Batch, false),
        ("[{\"query\":\"mutation{a}\"},7]", Unread::Batch, true),
        ("[{\"query\":\"{a}\"},{}]", Unread::Batch, true),
        ("[{\"query\":\"mutation{a}\"}", Unread::Unparsable, true),
        ("{\"query\":\"{a}\",\"doc_id\":\"x\"}", Unread::Persisted, true),
        ("{\"documentId\":\"x\",\"doc_id\":\"y\"}", Unread::Persisted, true),
        ("{\"documentId\":[\"x\"]}", Unread::Persisted, true),
        (
            "{\"query\":\"{a}\",\"extensions\":{\"persistedQuery\":{\"version\":2}}}",
            Unread::Persisted,
            true,
        ),
        ("{\"query\":\"{a}\",\"Query\":\"{b}\"}", Unread::Persisted, true),
        (
            "{\"query\":\"{a}\",\"variables\":{\"f\":{\"$serde_json::private::Number\":\"5\"}}}",
            Unread::Unparsable,
            false,
        ),
        (
            "{\"query\":\"{a}\",\"variables\":{\"f\":{\"\\u0024serd\\u0065_json::private::Number\":\"5\"}}}",
            Unread::Unparsable,
            true,
        ),
        ("{\"query\":\"{a}\",\"query\":\"{b}\"}", Unread::DuplicateMember, true),
        ("{\"query\":\"{a}\",\"\\u0071uery\":\"{b}\"}", Unread::DuplicateMember, true),
        ("{\"variables\":{\"a\":1,\"a\":2},\"query\":\"{a}\"}", Unread::DuplicateMember, true),
        (
            "{\"query\":\"{a}\",\"variables\":{\"a\":[{\"b\":1,\"b\":1}]}}",
            Unread::DuplicateMember,
            true,
        ),
        (
            "{\"query\":\"{a}\",\"extensions\":{\"x\":{\"a\":1,\"a\":2}}}",
            Unread::DuplicateMember,
            true,
        ),
        ("{\"query\":\"{a}\",\"x\":1,\"x\":1}", Unread::DuplicateMember, true),
        (
            "[{\"query\":\"{a}\"},{\"query\":\"{a}\",\"query\":\"{b}\"}]",
            Unread::DuplicateMember,
            true,
        ),
        ("{\"query\":\"{a}\",\"query\":7}", Unread::DuplicateMember, true),
        ("{}", Unread::Persisted, true),
        ("{\"extensions\":{\"persistedQuery\":{}}}", Unread::Persisted, true),
    ] {
        assert_eq!(post(body), unread(reason, may_be_mutation), "{body}");
    }
    assert_eq!(post_as("text/plain", "{}"), unread(Unread::ContentType, true));
    assert_eq!(post_as("", "{}"), unread(Unread::ContentType, true));
    assert_eq!(
        post_as("application/json; charset=utf-16", "{}"),
        unread(Unread::ContentType, true)
    );
    let gzip: Headers =
        [("content-type", "application/json"), ("content-encoding", "gzip")].into_iter().collect();
    assert_eq!(read(&gzip, None, b""), unread(Unread::ContentEncoding, true));
    let json: Headers = [("content-type", "application/json")].into_iter().collect();
    for url in ["query=%7Ba%7D", "x=1;query=%7Ba%7D", "x&%71uery"] {
        assert_eq!(read(&json, Some(url), b"{}"), unread(Unread::QueryInUrl, true), "{url}");
    }
    assert_eq!(read(&json, None, b"{\"query\":\"\xff\"}"), unread(Unread::Unparsable, false));
}

#[test]
fn reads_urls() {
    let Form::Query(query) =
        read_get(Some("query=%7B+a+%7D&variables=%7B%22a%22%3A1%7D&operationName=&other=1"))
    else {
        panic!()
    };
    assert_eq!((document_of(&query), &query.operation_name), ("{ a }", &None));
    assert_eq!(query.variables.unwrap().len(), 1);
    for (url, reason) in [
        (None, Unread::Persisted),
        (Some("extensions=%7B%7D"), Unread::Persisted),
        (Some("query=a&query=b"), Unread::Unparsable),
        (Some("query=&query=b"), Unread::Unparsable),
        (Some("query=a&variables=&variables=%7B%7D"), Unread::Unparsable),
        (Some("query=%ff"), Unread::Unparsable),
        (Some("query=a&variables=%7B"), Unread::Unparsable),
        (Some("query=a&variables=[]"), Unread::Unparsable),
        (Some("query=a&variables=%7B%22a%22:1,%22a%22:2%7D"), Unread::DuplicateMember),
        (Some("query=a&extensions=%7B%22a%22:1,%22%5Cu0061%22:2%7D"), Unread::DuplicateMember),
        (Some("id=createsomething&documentId=7"), Unread::Persisted),
        (Some("query=%7Ba%7D&Variables=%7B%7D"), Unread::Persisted),
    ] {
        assert_eq!(read_get(url), unread(reason, false), "{url:?}");
    }
}

#[test]
fn a_url_that_is_not_read_may_hide_a_mutation() {
    for (url, reason) in [
        ("query=mutation%7Bb%7D&query=%7Ba%7D", Unread::Unparsable),
        ("query=%7Ba%7D&query=%6Dut%61tion%7Bb%7D", Unread::Unparsable),
        ("query=mutation%7Bb%7D&variables=%7B", Unread::Unparsable),
        ("query=mutation%7Bb%7D%ff", Unread::Unparsable),
        ("query=a&query=%00m%00u", Unread::Unparsable),
        ("Query=mutation%7Bb%7D", Unread::Persisted),
        ("query=%7Ba%7D&Query=mutation%7Bb%7D", Unread::Persisted),
        ("query=mutation%7Bb%7D&OPERATIONNAME=b", Unread::Persisted),
    ] {
        assert_eq!(read_get(Some(url)), unread(reason, true), "{url}");
    }
}

#[test]
fn accepted_kinds_follow_the_wishes() {
    let kinds = |accept: &str| accepted_kinds(&[("accept", accept)].into_iter().collect());
    assert_eq!(kinds("A/b, c/d;q=0.5"), kinds("a/b ,c/d; q=0.4"));
    assert_eq!(kinds("c/d;q=0.5, a/b"), kinds("a/b, c/d;q=0.1"));
    assert_ne!(kinds("a/b, c/d"), kinds("c/d, a/b"));
    assert_ne!(kinds("a/b"), kinds("a/b;q=0"));
    assert_ne!(kinds("a/b;v=1"), kinds("a/b"));
    assert_eq!(accepted_kinds(&Headers::new()), "");
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
    let Form::Query(coded) = read_coded("Deflate", "{\"query\":\"{a}\"}") else { panic!() };
    let Form::Query(plain) = post("{\"query\":\"{a}\"}") else { panic!() };
    assert_eq!(document_of(&coded), document_of(&plain));
    assert_ne!(coded.others, plain.others);
    assert!(!coded.may_be_injected(Apq::Own) && plain.may_be_injected(Apq::Own));
    assert!(!coded.is_sent_otherwise(&[]));
    for (body, reason) in [
        ("[{\"query\":\"{a}\"}]", Unread::ContentEncoding),
        (" [7", Unread::ContentEncoding),
        ("{\"query\":\"{a}\",\"query\":\"{b}\"}", Unread::DuplicateMember),
    ] {
        assert_eq!(read_coded("deflate", body), unread(reason, true), "{body}");
    }
    assert_eq!(read_coded("br", "{\"query\":\"{a}\"}"), unread(Unread::ContentEncoding, true));
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
    let others = |body: &str| match post(body) {
        Form::Query(query) => query.others,
        unread => panic!("{unread:?}"),
    };
    let plain = others("{\"query\":\"{a}\"}");
    let of_itself =
        "{\"query\":\"{a}\",\"extensions\":{\"clientLibrary\":{\"name\":\"x\"}},\"id\":null}";
    assert_eq!(plain, others(of_itself));
    assert_eq!(plain, others("{\"query\":\"{a}\",\"extensions\":{\"tracing\":1}}"));
    assert_ne!(plain, others("{\"query\":\"{a}\",\"id\":\"x\"}"));
}

const HASH: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

fn persisted(hash: &str) -> String {
    format!("\"extensions\":{{\"persistedQuery\":{{\"version\":1,\"sha256Hash\":\"{hash}\"}}}}")
}

#[test]
fn a_document_comes_by_its_hash_or_its_id_too() {
    let source = |body: &str| match post(body) {
        Form::Query(query) => query.source,
        unread => panic!("{unread:?}"),
    };
    assert_eq!(source(&format!("{{{}}}", persisted(HASH))), Source::Hash(HASH.into()));
    assert_eq!(
        source(&format!("{{\"query\":\"\",{}}}", persisted(HASH))),
        Source::Hash(HASH.into())
    );
    for member in ["\"documentId\":\"x\"", "\"doc_id\":\"x\"", "\"id\":\"x\",\"query\":null"] {
        assert_eq!(source(&format!("{{{member}}}")), Source::Id("x".into()), "{member}");
    }
    assert_eq!(
        source("{\"doc_id\":12345678901234567890123}"),
        Source::Id("12345678901234567890123".into())
    );
    let right = sha256_hex(b"{a}");
    let both = format!("{{\"query\":\"{{a}}\",{}}}", persisted(&right));
    assert_eq!(source(&both), Source::Text { document: "{a}".into(), hash: Some(right.clone()) });
    let wrong = format!("{{\"query\":\"{{b}}\",{}}}", persisted(&right));
    assert_eq!(post(&wrong), unread(Unread::HashMismatch, true));
    let upper = format!("{{{}}}", persisted(&right.to_uppercase()));
    assert_eq!(post(&upper), unread(Unread::Persisted, true));
}

#[test]
fn a_batch_is_read_one_by_one() {
    let Form::Batch(queries) = post(" [{\"query\":\"{a}\"}, {\"query\":\"mutation{b}\",\"id\":1}]")
    else {
        panic!()
    };
    assert_eq!(queries.iter().map(document_of).collect::<Vec<_>>(), ["{a}", "mutation{b}"]);
    assert_eq!(queries[1].as_element().unwrap(), "{\"query\":\"mutation{b}\",\"id\":1}");
    let many = format!("[{}]", vec!["{\"query\":\"{a}\"}"; 51].join(","));
    assert_eq!(post(&many), unread(Unread::OverLimit(Limit::Batch), true));
}

#[test]
fn a_bare_document_is_another_request_than_the_same_in_json() {
    let Form::Query(bare) = post_as("application/graphql; charset=utf-8", "{ a }") else {
        panic!()
    };
    let Form::Query(json) = post("{\"query\":\"{ a }\"}") else { panic!() };
    assert_eq!(document_of(&bare), document_of(&json));
    assert_ne!(bare.others, json.others);
    assert_eq!(post_as("application/graphql", " "), unread(Unread::Unparsable, false));
}

#[test]
fn an_id_is_part_of_the_key_and_a_checked_hash_is_not() {
    let of = |body: &str| match post(body) {
        Form::Query(query) => query,
        unread => panic!("{unread:?}"),
    };
    let text = of("{\"query\":\"{a}\"}").others;
    let by_hash = of(&format!("{{{}}}", persisted(HASH)));
    assert_eq!(by_hash.others, text);
    let others = [
        text,
        of("{\"id\":\"x\"}").others,
        of("{\"id\":\"y\"}").others,
        by_hash.clone().with_hash_as_id().others,
    ];
    let different: std::collections::BTreeSet<_> = others.iter().collect();
    assert_eq!(different.len(), others.len());
    assert_eq!(by_hash.with_hash_as_id().source, Source::Id(HASH.into()));
}

#[test]
fn the_newer_content_type_is_for_who_wishes_for_it_first() {
    let newer = |accept: &str| {
        let headers = [("accept", accept)].into_iter().collect();
        answer_kind(&headers).starts_with("application/graphql-response+json")
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
