use super::*;
use proptest::prelude::*;

fn post(body: &str) -> Form {
    post_as("application/json", body)
}

fn post_as(content_type: &str, body: &str) -> Form {
    read_post(&[("content-type", content_type)].into_iter().collect(), None, body.as_bytes())
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
    assert_eq!((query.document.as_str(), query.operation_name), ("{ a }", None));
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
        ("[{\"query\":\"{a}\"}]", Unread::Batch, false),
        ("[{\"query\":\"mutation{a}\"}]", Unread::Batch, true),
        ("[{\"query\":\"{a}\"},{\"id\":\"x\"}]", Unread::Batch, true),
        ("{\"query\":\" \",\"id\":\"x\"}", Unread::Persisted, true),
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
    assert_eq!(read_post(&gzip, None, b""), unread(Unread::ContentEncoding, true));
    let json: Headers = [("content-type", "application/json")].into_iter().collect();
    assert_eq!(read_post(&json, Some("query=%7Ba%7D"), b"{}"), unread(Unread::QueryInUrl, true));
    assert_eq!(read_post(&json, None, b"{\"query\":\"\xff\"}"), unread(Unread::Unparsable, false));
}

#[test]
fn reads_urls() {
    let Form::Query(query) =
        read_get(Some("query=%7B+a+%7D&variables=%7B%22a%22%3A1%7D&operationName=&other=1"))
    else {
        panic!()
    };
    assert_eq!((query.document.as_str(), query.operation_name), ("{ a }", None));
    assert_eq!(query.variables.unwrap().len(), 1);
    for (url, reason) in [
        (None, Unread::Persisted),
        (Some("extensions=%7B%7D"), Unread::Persisted),
        (Some("query=a&query=b"), Unread::Unparsable),
        (Some("query=%ff"), Unread::Unparsable),
        (Some("query=a&variables=%7B"), Unread::Unparsable),
        (Some("query=a&variables=[]"), Unread::Unparsable),
    ] {
        assert_eq!(read_get(url), unread(reason, false), "{url:?}");
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
fn browsers_want_pages() {
    let wants = |accept: &str| wants_html(&[("accept", accept)].into_iter().collect());
    assert!(wants("text/html,application/xml;q=0.9,*/*;q=0.8"));
    assert!(!wants("application/json, */*") && !wants(""));
}

proptest! {
    #[test]
    fn no_body_breaks_it(body in prop::collection::vec(any::<u8>(), 0..100), url in ".{0,40}") {
        let json: Headers = [("content-type", "application/json")].into_iter().collect();
        let _ = read_post(&json, None, &body);
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
    assert_ne!(plain, others("{\"query\":\"{a}\",\"extensions\":{\"tracing\":1}}"));
    assert_ne!(plain, others("{\"query\":\"{a}\",\"id\":\"x\"}"));
}
