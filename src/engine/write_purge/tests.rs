use super::*;
use crate::graphql::analysis_of;
use crate::http::{Headers, Method, Url};
use crate::tag::hash_of;

fn config() -> Config {
    crate::config::parse(&serde_json::json!({
        "origin": "http://origin",
        "mutations": { "rules": { "track": [] } },
        "resources": [
            { "path": "/p/:id", "tags": ["P:{id}"] },
            { "path": "/q", "tags": ["Q:{$.id}"] },
        ],
    }))
    .unwrap()
}

fn purged(write: Write<'_>, status: Option<u16>, body: Option<&[u8]>) -> Option<NewRecord> {
    let config = config();
    let knowledge = TypeKnowledge { schema: None, keys: &config.graphql.keys };
    let headers = Headers::new();
    let response = status.map(|status| WriteResponse { status, headers: &headers, body });
    let purge = purge_of_write(&config, write, response, &knowledge, &TypeNameIndex::new());
    purge.map(|purge| purge.new)
}

fn mutation(document: &str, status: Option<u16>, body: &str) -> Option<NewRecord> {
    let analysis = analysis_of(document);
    let write = Write::Mutation { analysis: &analysis, variables: None };
    purged(write, status, Some(body.as_bytes()))
}

fn everything() -> Option<NewRecord> {
    Some(NewRecord::everything())
}

fn everything_repeatedly() -> Option<NewRecord> {
    everything().map(NewRecord::with_unknown_outcome)
}

#[test]
fn only_proof_that_nothing_ran_keeps_the_cache() {
    let document = "mutation { a { __typename x { __typename id } } }";
    let data = r#"{"data":{"a":{"x":{"__typename":"X","id":1}}}}"#;
    for status in [200, 202, 401, 403, 409, 422, 500] {
        let new = mutation(document, Some(status), data).unwrap();
        assert!(new.record.tags.contains(&hash_of("X")) && new.repeat_after.is_empty());
    }
    for body in [r#"{"errors":[{}]}"#, r#"{"data":null,"errors":[{}]}"#] {
        for status in [200, 400, 401, 521, 523, 525, 526, 530] {
            assert_eq!(mutation(document, Some(status), body), None, "{status} {body}");
        }
    }
    let with_path = r#"{"errors":[{"path":["a"]}]}"#;
    for (status, body) in [
        (200, r#"{"data":null}"#),
        (200, with_path),
        (422, with_path),
        (200, "<html>"),
        (500, r#"{"data":{"a":null}}"#),
        (501, r#"{"errors":[{}]}"#),
        (302, ""),
    ] {
        assert_eq!(mutation(document, Some(status), body), everything(), "{body}");
    }
    for (status, body) in [(Some(504), r#"{"errors":[{}]}"#), (Some(520), ""), (None, "")] {
        assert_eq!(mutation(document, status, body), everything_repeatedly(), "{body}");
    }
    assert_eq!(mutation("mutation { track }", Some(200), r#"{"data":{"track":1}}"#), None);
    assert_eq!(mutation("mutation { track }", None, ""), None);
}

#[test]
fn what_purges_everything_is_named() {
    let config = config();
    let knowledge = TypeKnowledge { schema: None, keys: &config.graphql.keys };
    let cause = |write: Write<'_>, body: &str| {
        let body = Some(body.as_bytes());
        let response = Some(WriteResponse { status: 200, headers: &Headers::new(), body });
        let known = TypeNameIndex::new();
        purge_of_write(&config, write, response, &knowledge, &known).unwrap().field
    };
    let (plain, aliased) = (analysis_of("mutation { doIt }"), analysis_of("mutation { a: doIt }"));
    for analysis in [&plain, &aliased] {
        let write = Write::Mutation { analysis, variables: None };
        assert_eq!(cause(write, r#"{"data":{"doIt":1}}"#).as_deref(), Some("doIt"));
        let operations = [BatchOperation::Mutation { analysis, variables: None }];
        let of_batch = cause(Write::Batch(&operations), r#"[{"data":{"doIt":1}}]"#);
        assert_eq!(of_batch.as_deref(), Some("doIt"));
    }
    assert_eq!(cause(Write::PossibleMutation, "{}"), None);
}

#[test]
fn what_may_be_a_mutation_purges_everything() {
    let of =
        |status, body: &str| purged(Write::PossibleMutation, Some(status), Some(body.as_bytes()));
    let (data, path) = (r#"{"data":{"a":1}}"#, r#"{"errors":[{"path":["a"]}]}"#);
    for (status, body) in [(200, "{}"), (200, data), (400, data), (401, path), (307, "")] {
        assert_eq!(of(status, body), everything(), "{status} {body}");
    }
    assert_eq!(of(400, &format!("[{data}]")), everything());
    for almost in
        [r#"{"data":{"a":NaN}}"#, "\u{feff}{\"data\":{\"a\":1}}", r#" [{"data":{"a":1}},]"#]
    {
        assert_eq!(of(422, almost), everything(), "{almost}");
    }
    assert_eq!(of(502, ""), everything_repeatedly());
    for (status, body) in [
        (400, "{}"),
        (400, ""),
        (400, "bad request"),
        (403, "<html>{}</html>"),
        (200, r#"{"errors":[{}]}"#),
        (200, r#"[{"errors":[{}]}]"#),
        (400, "[]"),
        (401, r#"[{"errors":[{}]},{"errors":[{}]}]"#),
        (415, ""),
        (521, ""),
    ] {
        assert_eq!(of(status, body), None, "{status} {body}");
    }
    assert_eq!(purged(Write::PossibleMutation, Some(400), None), everything());
}

#[test]
fn a_batch_purges_what_each_of_its_mutations_says() {
    let of = |name: &str| analysis_of(&format!("mutation {{ {name} {{ __typename id }} }}"));
    let (a, b, track) = (of("a"), of("b"), of("track"));
    let mutation = |analysis| BatchOperation::Mutation { analysis, variables: None };
    let x = r#"{"data":{"a":{"__typename":"X","id":1}}}"#;
    let y = r#"{"data":{"b":{"__typename":"Y","id":1}}}"#;
    let (refused, query) = (r#"{"errors":[{}]}"#, r#"{"data":{"c":1}}"#);
    let of_batch = |elements: &[BatchOperation<'_>], status, body: &str| {
        purged(Write::Batch(elements), status, Some(body.as_bytes()))
    };
    let both = [mutation(&a), BatchOperation::Query, mutation(&b)];
    let names = |new: Option<NewRecord>| {
        let tags = new.filter(|new| !new.record.all).map(|new| new.record.tags);
        tags.map(|tags| ["X", "Y"].map(|name| tags.contains(&hash_of(name))))
    };
    for status in [200, 201, 400, 401] {
        for (response, expected) in [
            (format!("[{x},{query},{y}]"), Some([true, true])),
            (format!("[{x}, {query}, {refused}]"), Some([true, false])),
            (format!("[{refused},{query},{y}]"), Some([false, true])),
            (format!("[{refused},{query},{refused}]"), None),
        ] {
            let new = of_batch(&both, Some(status), &response);
            assert_eq!(new.is_some(), expected.is_some(), "{status} {response}");
            assert_eq!(names(new), expected, "{status} {response}");
        }
    }
    assert_eq!(of_batch(&[mutation(&track), BatchOperation::Query], Some(200), "[{},{}]"), None);
    for (status, response) in [
        (200, format!("[{x},{query}]")),
        (200, format!("[{refused},{refused}]")),
        (200, format!("[{x},{query},{y},{y}]")),
        (200, format!("[{x},[{query}],7]")),
        (400, format!("[{x}]")),
        (200, x.to_owned()),
        (200, String::new()),
        (302, String::new()),
        (500, format!("[{refused},{query},{refused}]")),
    ] {
        assert_eq!(of_batch(&both, Some(status), &response), everything(), "{response}");
    }
    for status in [Some(503), None] {
        assert_eq!(of_batch(&both, status, ""), everything_repeatedly());
    }
    for (status, response) in
        [(415, ""), (400, "[]"), (400, refused), (401, "<html>"), (200, refused), (521, "")]
    {
        assert_eq!(of_batch(&both, Some(status), response), None, "{status} {response}");
    }
    let perhaps = [BatchOperation::Query, BatchOperation::PossibleMutation];
    assert_eq!(of_batch(&perhaps, Some(200), "[{},{\"errors\":[{}]}]"), None);
    assert_eq!(of_batch(&perhaps, Some(200), "[{},{}]"), everything());
}

#[test]
fn a_rest_write_purges_its_path_and_its_resources() {
    let request = |path: &str| Request {
        method: Method::parse("PUT"),
        url: Url::parse(&format!("http://h{path}")).unwrap(),
        headers: Headers::new(),
    };
    let (tied, other) = (request("/p/7?x=1"), request("/other"));
    let of = |request, status| purged(Write::Rest(request), status, None);
    let new = of(&tied, Some(200)).unwrap();
    for tag in ["path:/p/7", "P:7", "P:?"] {
        assert!(new.record.tags.contains(&hash_of(tag)), "{tag}");
    }
    assert!(new.repeat_after.is_empty());
    for status in [Some(502), Some(503), Some(504), Some(520), None] {
        for request in [&tied, &other] {
            assert_eq!(of(request, status).unwrap().repeat_after, [10, 60], "{status:?}");
        }
    }
    for status in [Some(500), Some(501), Some(508)] {
        assert!(of(&tied, status).unwrap().repeat_after.is_empty(), "{status:?}");
        assert_eq!(of(&other, status), None, "{status:?}");
    }
    for status in [Some(404), Some(422), Some(521)] {
        assert!([&tied, &other].iter().all(|request| of(request, status).is_none()));
    }
}

#[test]
fn rfc_9111_section_4_4_a_rest_write_purges_what_its_answer_points_at() {
    let config = config();
    let request = Request {
        method: Method::Post,
        url: Url::parse("http://h/p").unwrap(),
        headers: Headers::new(),
    };
    let points_at = |name, value: &str| {
        let headers: Headers = [(name, value)].into_iter().collect();
        let response = Some(WriteResponse { status: 201, headers: &headers, body: None });
        let knowledge = TypeKnowledge { schema: None, keys: &config.graphql.keys };
        let write = Write::Rest(&request);
        let purge = purge_of_write(&config, write, response, &knowledge, &TypeNameIndex::new());
        purge.unwrap().new.record.tags.contains(&hash_of("P:9"))
    };
    assert!(points_at("location", "/p/9") && points_at("content-location", "p/9?x"));
    assert!(points_at("location", "http://h/p/9#a") && points_at("location", "http://origin/p/9"));
    assert!(!points_at("location", "http://other/p/9") && !points_at("link", "/p/9"));
}

#[test]
fn a_rest_write_purges_what_its_answer_shows() {
    let request = Request {
        method: Method::parse("POST"),
        url: Url::parse("http://h/q").unwrap(),
        headers: Headers::new(),
    };
    let record = |body| purged(Write::Rest(&request), Some(201), body).unwrap().record.tags;
    let shown = record(Some(br#"{"id":7}"#));
    assert!(shown.contains(&hash_of("Q:7")) && !shown.contains(&hash_of("Q")));
    for body in [None, Some(&b"<html>"[..]), Some(b"{}")] {
        let tags = record(body);
        assert!(tags.contains(&hash_of("path:/q")) && tags.contains(&hash_of("Q")));
    }
}
