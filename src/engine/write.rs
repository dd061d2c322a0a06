//! What a write purges, once the origin has answered it.

use super::effect::{Effect, element_proves, graphql_effect, is_client_error, rest_effect};
use crate::config::Config;
use crate::graphql::{
    Analysis, ExecutedMutation, MutationPurge, Outcome, TypeKnowledge, TypeNameIndex, elements,
    outcome, purge_of_mutation,
};
use crate::http::{Headers, Request, Url};
use crate::purge::{NewRecord, Record};
use crate::rest;
use crate::tag::TagSet;
use serde_json::{Map, Value};

/// A write that was sent to the origin.
#[derive(Debug, Clone, Copy)]
pub enum Write<'a> {
    /// A mutation that was understood.
    Mutation {
        /// The mutation.
        analysis: &'a Analysis,
        /// Its variables.
        variables: Option<&'a Map<String, Value>>,
    },
    /// A GraphQL request that may be a mutation, or hold several.
    PerhapsMutation,
    /// Several GraphQL operations of which not all are queries, in one request that was understood.
    Batch(&'a [BatchOperation<'a>]),
    /// A REST request of an unsafe method.
    Rest(&'a Request),
}

/// One operation of a batch.
#[derive(Debug, Clone, Copy)]
pub enum BatchOperation<'a> {
    /// It changes nothing.
    Query,
    /// A mutation that was understood.
    Mutation {
        /// The mutation.
        analysis: &'a Analysis,
        /// Its variables.
        variables: Option<&'a Map<String, Value>>,
    },
    /// It may be a mutation.
    PerhapsMutation,
}

/// The origin's answer to a write.
#[derive(Debug, Clone, Copy)]
pub struct WriteResponse<'a> {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: &'a Headers,
    /// The body, if it was read; of a REST write it counts where [`rest::needs_body`] says so.
    pub body: Option<&'a [u8]>,
}

/// What a write purges.
#[derive(Debug, Clone, PartialEq)]
pub struct WritePurge {
    /// The record for the log.
    pub new: NewRecord,
    /// The mutation's field for which everything is purged, where one is the cause.
    pub field: Option<String>,
}

/// What the write purges; none where its answer proves that nothing ran ([`graphql_effect`],
/// [`rest_effect`]), or nothing depends on it. `answer` is none where the origin was asked and never
/// answered.
pub fn purge_of_write(
    config: &Config,
    write: Write<'_>,
    answer: Option<WriteResponse<'_>>,
    knowledge: &TypeKnowledge<'_>,
    known: &TypeNameIndex,
) -> Option<WritePurge> {
    let effect = match write {
        Write::Rest(request) => {
            rest_effect(config, &request.url, answer.map(|answer| answer.status))
        }
        Write::Batch(operations) => graphql_effect(answer, Some(operations.len())),
        Write::Mutation { .. } | Write::PerhapsMutation => graphql_effect(answer, None),
    };
    if effect == Effect::Nothing {
        return None;
    }
    let purging = Purging { config, knowledge, known };
    let purge = match write {
        Write::Rest(request) => MutationPurge::Tags(purging.rest(request, answer)),
        Write::Batch(operations) => purging.batch(operations, answer)?,
        Write::Mutation { analysis, variables } => {
            let body = answer.and_then(|answer| answer.body);
            let json: Option<Value> = body.and_then(|body| serde_json::from_slice(body).ok());
            let outcome = json.as_ref().map_or(Outcome::Unknown, outcome);
            purging.mutation(analysis, variables, outcome)
        }
        Write::PerhapsMutation => MutationPurge::everything(None),
    };
    let (record, field) = match purge {
        MutationPurge::Everything { field } => (Record::everything(), field),
        MutationPurge::Tags(tags) => (Record::of_tags(&tags, &config.same, config.tagging), None),
    };
    let new = NewRecord::from(record);
    let new = if effect == Effect::Unknown { new.with_unknown_outcome() } else { new };
    (!new.record.is_empty()).then_some(WritePurge { new, field })
}

/// What tells what a mutation purges.
struct Purging<'a> {
    config: &'a Config,
    knowledge: &'a TypeKnowledge<'a>,
    known: &'a TypeNameIndex,
}

impl Purging<'_> {
    fn mutation(
        &self,
        analysis: &Analysis,
        variables: Option<&Map<String, Value>>,
        outcome: Outcome<'_>,
    ) -> MutationPurge {
        let data = match outcome {
            Outcome::Data(data) | Outcome::Partial(Some(data)) => Some(data),
            _ => None,
        };
        let mutated = ExecutedMutation { analysis, variables, data };
        purge_of_mutation(self.config, mutated, self.knowledge, self.known)
    }

    /// What all mutations of a batch purge, each by its own element of the answer; none where they
    /// all were refused. An answer without an element for each says nothing of any.
    fn batch(
        &self,
        operations: &[BatchOperation<'_>],
        answer: Option<WriteResponse<'_>>,
    ) -> Option<MutationPurge> {
        let answer = answer.filter(|answer| answer.status < 500);
        let refuses = answer.is_some_and(|answer| is_client_error(answer.status));
        let body = answer.and_then(|answer| answer.body);
        let answers = body.and_then(|body| elements(body, operations.len()));
        let Some(answers) = answers else { return Some(MutationPurge::everything(None)) };
        let mut all: Option<TagSet> = None;
        for (operation, answer) in operations.iter().zip(answers) {
            let answer: Value = serde_json::from_str(answer).unwrap_or_default();
            if matches!(operation, BatchOperation::Query) || element_proves(&answer, refuses) {
                continue;
            }
            let purge = match operation {
                BatchOperation::Mutation { analysis, variables } => {
                    self.mutation(analysis, *variables, outcome(&answer))
                }
                BatchOperation::Query | BatchOperation::PerhapsMutation => {
                    MutationPurge::everything(None)
                }
            };
            let MutationPurge::Tags(tags) = purge else { return Some(purge) };
            all.get_or_insert_default().extend(tags);
        }
        all.map(MutationPurge::Tags)
    }

    /// What a REST write purges: by its path, by what its answer points at, and by what its answer
    /// shows.
    fn rest(&self, request: &Request, answer: Option<WriteResponse<'_>>) -> TagSet {
        let config = self.config;
        let mut tags = rest::purge_tags(config, &request.url);
        let headers = answer.map(|answer| answer.headers);
        for url in headers.into_iter().flat_map(|headers| pointed_at(config, &request.url, headers))
        {
            tags.extend(rest::purge_tags(config, &url));
        }
        let body = answer.and_then(|answer| answer.body);
        let json = body.and_then(|body| serde_json::from_slice(body).ok());
        tags.extend(rest::written_tags(config, &request.url, json.as_ref()));
        self.knowledge.extend_reach(&mut tags);
        tags
    }
}

/// The other URLs of the same origin that a write's answer says it has changed (RFC 9111 §4.4).
fn pointed_at<'a>(
    config: &'a Config,
    asked: &'a Url,
    headers: &'a Headers,
) -> impl Iterator<Item = Url> + 'a {
    let values =
        ["location", "content-location"].into_iter().flat_map(|name| headers.get_all(name));
    let urls = values.filter_map(|value| asked.joined(value));
    // An origin may know itself by its own address.
    urls.filter(|url| {
        url.origin() == asked.origin() || config.origin.as_deref() == Some(url.origin().as_str())
    })
}

#[cfg(test)]
mod tests {
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
        let answer = status.map(|status| WriteResponse { status, headers: &headers, body });
        let purge = purge_of_write(&config, write, answer, &knowledge, &TypeNameIndex::new());
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
            let answer = Some(WriteResponse { status: 200, headers: &Headers::new(), body });
            let known = TypeNameIndex::new();
            purge_of_write(&config, write, answer, &knowledge, &known).unwrap().field
        };
        let (plain, aliased) =
            (analysis_of("mutation { doIt }"), analysis_of("mutation { a: doIt }"));
        for analysis in [&plain, &aliased] {
            let write = Write::Mutation { analysis, variables: None };
            assert_eq!(cause(write, r#"{"data":{"doIt":1}}"#).as_deref(), Some("doIt"));
            let operations = [BatchOperation::Mutation { analysis, variables: None }];
            let of_batch = cause(Write::Batch(&operations), r#"[{"data":{"doIt":1}}]"#);
            assert_eq!(of_batch.as_deref(), Some("doIt"));
        }
        assert_eq!(cause(Write::PerhapsMutation, "{}"), None);
    }

    #[test]
    fn what_may_be_a_mutation_purges_everything() {
        let of = |status, body: &str| {
            purged(Write::PerhapsMutation, Some(status), Some(body.as_bytes()))
        };
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
        assert_eq!(purged(Write::PerhapsMutation, Some(400), None), everything());
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
            for (answer, expected) in [
                (format!("[{x},{query},{y}]"), Some([true, true])),
                (format!("[{x}, {query}, {refused}]"), Some([true, false])),
                (format!("[{refused},{query},{y}]"), Some([false, true])),
                (format!("[{refused},{query},{refused}]"), None),
            ] {
                let new = of_batch(&both, Some(status), &answer);
                assert_eq!(new.is_some(), expected.is_some(), "{status} {answer}");
                assert_eq!(names(new), expected, "{status} {answer}");
            }
        }
        assert_eq!(
            of_batch(&[mutation(&track), BatchOperation::Query], Some(200), "[{},{}]"),
            None
        );
        for (status, answer) in [
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
            assert_eq!(of_batch(&both, Some(status), &answer), everything(), "{answer}");
        }
        for status in [Some(503), None] {
            assert_eq!(of_batch(&both, status, ""), everything_repeatedly());
        }
        for (status, answer) in
            [(415, ""), (400, "[]"), (400, refused), (401, "<html>"), (200, refused), (521, "")]
        {
            assert_eq!(of_batch(&both, Some(status), answer), None, "{status} {answer}");
        }
        let perhaps = [BatchOperation::Query, BatchOperation::PerhapsMutation];
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
            let answer = Some(WriteResponse { status: 201, headers: &headers, body: None });
            let knowledge = TypeKnowledge { schema: None, keys: &config.graphql.keys };
            let write = Write::Rest(&request);
            let purge = purge_of_write(&config, write, answer, &knowledge, &TypeNameIndex::new());
            purge.unwrap().new.record.tags.contains(&hash_of("P:9"))
        };
        assert!(points_at("location", "/p/9") && points_at("content-location", "p/9?x"));
        assert!(
            points_at("location", "http://h/p/9#a") && points_at("location", "http://origin/p/9")
        );
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
}
