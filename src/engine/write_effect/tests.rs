use super::*;
use serde_json::json;

const DATA: &str = r#"{"data":{"a":1}}"#;
const DATA_AND_ERRORS: &str = r#"{"data":{"a":null},"errors":[{"message":"x","path":["a"]}]}"#;
const NULL_AND_PATH: &str = r#"{"data":null,"errors":[{"message":"x","path":["a"]}]}"#;
const PATH: &str = r#"{"errors":[{"message":"x","path":["a"]}]}"#;
const ONE_OF_TWO_PATHS: &str = r#"{"errors":[{"message":"x"},{"message":"y","path":["a",0]}]}"#;
const EMPTY_PATH: &str = r#"{"errors":[{"message":"x","path":[]}]}"#;
const NULL: &str = r#"{"data":null}"#;
const REFUSED: &str = r#"{"errors":[{"message":"x"}]}"#;
const REFUSED_NULL: &str = r#"{"data":null,"errors":[{"message":"x","path":null}]}"#;
const NO_ERRORS: &str = r#"{"errors":[]}"#;
const ODD_ERRORS: &str = r#"{"errors":{"base":"x"}}"#;
const MORE_TO_COME: &str = r#"{"errors":[{"message":"x"}],"hasNext":true}"#;
const INCREMENTAL: &str = r#"{"incremental":[{"data":{"a":1}}]}"#;
const OTHER: &str = r#"{"error":"unauthorized"}"#;
const PAGE: &str = "<html>";

/// Each body, and whether it proves with 200 and with a 4xx that nothing ran.
const BODIES: [(&str, bool, bool); 16] = [
    (DATA, false, false),
    (DATA_AND_ERRORS, false, false),
    (NULL_AND_PATH, false, false),
    (PATH, false, false),
    (ONE_OF_TWO_PATHS, false, false),
    (EMPTY_PATH, false, false),
    (NULL, false, false),
    (INCREMENTAL, false, false),
    (NO_ERRORS, false, true),
    (ODD_ERRORS, false, true),
    (MORE_TO_COME, false, false),
    (REFUSED, true, true),
    (REFUSED_NULL, true, true),
    (OTHER, false, true),
    (PAGE, false, true),
    ("", false, true),
];

fn effect(status: u16, headers: &[(&str, &str)], body: Option<&str>) -> WriteEffect {
    let headers: Headers = headers.iter().copied().collect();
    let body = body.map(str::as_bytes);
    graphql_effect(Some(WriteResponse { status, headers: &headers, body }), None)
}

fn of_json(status: u16, body: &str) -> WriteEffect {
    effect(status, &[("content-type", "application/json")], Some(body))
}

fn expected(proves: bool) -> WriteEffect {
    if proves { WriteEffect::Nothing } else { WriteEffect::Completed }
}

#[test]
fn a_body_proves_that_nothing_ran_or_does_not() {
    for (body, with_200, with_4xx) in BODIES {
        for status in [200, 201, 202, 207, 302, 307] {
            assert_eq!(of_json(status, body), expected(with_200), "{status} {body}");
        }
        for status in 400..500 {
            assert_eq!(of_json(status, body), expected(with_4xx), "{status} {body}");
        }
    }
}

#[test]
fn a_list_proves_what_all_its_elements_prove() {
    for (one, one_with_200, one_with_4xx) in BODIES {
        for (other, other_with_200, other_with_4xx) in BODIES {
            if [one, other].iter().any(|body| [PAGE, ""].contains(body)) {
                continue;
            }
            let list = format!("[{one}, {other}]");
            assert_eq!(of_json(200, &list), expected(one_with_200 && other_with_200), "{list}");
            assert_eq!(of_json(401, &list), expected(one_with_4xx && other_with_4xx), "{list}");
        }
    }
    assert_eq!(of_json(200, "[]"), WriteEffect::Completed);
    assert_eq!(of_json(400, "[]"), WriteEffect::Nothing);
    assert_eq!(of_json(400, &format!("[[{REFUSED}], 1, null]")), WriteEffect::Nothing);
    assert_eq!(of_json(400, &format!("[[{REFUSED}, [{DATA}]]]")), WriteEffect::Completed);
}

#[test]
fn a_list_of_another_length_may_lack_the_answer_to_what_ran() {
    let headers = Headers::new();
    let of = |status, body: &str| {
        let body = Some(body.as_bytes());
        graphql_effect(Some(WriteResponse { status, headers: &headers, body }), Some(2))
    };
    let (one, two) = (format!("[{REFUSED}]"), format!("[{REFUSED},{REFUSED}]"));
    assert_eq!((of(200, &one), of(200, &two)), (WriteEffect::Completed, WriteEffect::Nothing));
    assert_eq!((of(400, &one), of(400, &two)), (WriteEffect::Nothing, WriteEffect::Nothing));
    assert_eq!(of(200, REFUSED), WriteEffect::Nothing, "the batch was refused as one");
}

#[test]
fn every_status_says_what_it_says() {
    for status in 500..600 {
        let expected = match status {
            521 | 523 | 525 | 526 | 530 => WriteEffect::Nothing,
            500 | 501 | 505 | 506 | 507 | 508 | 510 | 511 => WriteEffect::Completed,
            _ => WriteEffect::Unknown,
        };
        for (body, ..) in BODIES {
            assert_eq!(of_json(status, body), expected, "{status} {body}");
        }
    }
    for status in [502, 503, 504, 520, 522, 524, 999] {
        assert_eq!(of_json(status, REFUSED), WriteEffect::Unknown, "{status}");
    }
    assert_eq!(graphql_effect(None, None), WriteEffect::Unknown);
}

#[test]
fn what_cannot_be_read_proves_nothing_where_it_may_be_an_answer() {
    let json = ("content-type", "application/graphql-response+json; charset=utf-8");
    let page = ("content-type", "text/html");
    let zstd = ("content-encoding", "zstd");
    for (status, headers, body, proves) in [
        // Too long, or broken off.
        (400, vec![json], None, false),
        (400, vec![], None, false),
        (400, vec![page], None, true),
        (200, vec![page], None, false),
        // In a coding that nobody decoded.
        (400, vec![json, zstd], Some(REFUSED), false),
        (400, vec![zstd], Some("\u{1}"), false),
        (400, vec![page, zstd], Some("\u{1}"), true),
        (400, vec![json, ("content-encoding", "gzip")], Some(REFUSED), true),
        // In parts.
        (400, vec![("content-type", "text/event-stream")], Some("data: {}"), false),
        (400, vec![("content-type", "multipart/mixed; boundary=-")], Some(REFUSED), false),
        (400, vec![("content-type", "application/x-ndjson")], Some(REFUSED), false),
        // JSON with another content type, or with none.
        (400, vec![("content-type", "text/plain")], Some(DATA), false),
        (400, vec![("content-type", "text/plain")], Some(REFUSED), true),
        (200, vec![], Some(REFUSED), true),
        (422, vec![], Some(PATH), false),
        (401, vec![], Some(""), true),
    ] {
        assert_eq!(effect(status, &headers, body), expected(proves), "{status} {headers:?}");
    }
}

#[test]
fn a_rest_write_is_judged_by_its_status_alone() {
    let config = crate::config::parse(&json!({
        "types": {
            "typed": { "match": ["rest:/typed/**", "rest:/both/**"], "ttl": 60 },
            "origin": { "match": ["rest:/origin/**", "rest:/both/**"], "ttl": "origin" },
        },
        "resources": [{ "path": "/tied/:id", "tags": ["Tied:{id}"] }],
    }))
    .unwrap();
    let of = |path: &str, status| {
        rest_effect(&config, &Url::parse(&format!("http://h{path}")).unwrap(), status)
    };
    let (by_type, by_origin) = (["/typed/1", "/both/1", "/tied/1"], ["/origin/1", "/other/1"]);
    for path in by_type.iter().chain(&by_origin) {
        for status in 200..400 {
            assert_eq!(of(path, Some(status)), WriteEffect::Completed, "{path} {status}");
        }
        for status in (400..500).chain([521, 523, 525, 526, 530]) {
            assert_eq!(of(path, Some(status)), WriteEffect::Nothing, "{path} {status}");
        }
        for status in [502, 503, 504, 520, 522, 524, 599] {
            assert_eq!(of(path, Some(status)), WriteEffect::Unknown, "{path} {status}");
        }
        assert_eq!(of(path, None), WriteEffect::Unknown, "{path}");
    }
    for status in [500, 501, 505, 506, 507, 508, 510, 511] {
        assert!(by_type.iter().all(|path| of(path, Some(status)) == WriteEffect::Completed));
        assert!(by_origin.iter().all(|path| of(path, Some(status)) == WriteEffect::Nothing));
        for spelled in ["/Typed/1", "//typed/1", "/other/..%2ftyped/1", "/typed%2f1", "/TIED/1"] {
            assert_eq!(of(spelled, Some(status)), WriteEffect::Completed, "{spelled} {status}");
        }
    }
}
