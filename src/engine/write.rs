//! What a write purges, once the origin has answered it.

use crate::config::Config;
use crate::graphql::{
    Analysis, Knowledge, KnownTypes, Mutated, MutationPurge, Outcome, elements, outcome, purge_of,
};
use crate::http::{Headers, Request, Url};
use crate::purge::Record;
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
    /// A GraphQL request that may be a mutation.
    PerhapsMutation {
        /// Whether it holds several operations, or may: then not even a 4xx proves anything.
        batch: bool,
    },
    /// Several GraphQL operations of which not all are queries, in one request that was understood.
    Batch(&'a [Element<'a>]),
    /// A REST request of an unsafe method.
    Rest(&'a Request),
}

/// One operation of a batch.
#[derive(Debug, Clone, Copy)]
pub enum Element<'a> {
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
pub struct Written<'a> {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: &'a Headers,
    /// The body, if it was read; of a REST write it counts where [`rest::needs_body`] says so.
    pub body: Option<&'a [u8]>,
}

/// The record of what the write purges; none where it purges nothing.
///
/// A write purges unless its answer proves that nothing ran: the 4xx of a single operation,
/// `errors` without any `data`, or, of a REST write, the origin's own word that it failed.
/// `answer` is none where the origin was asked and never answered.
pub fn record_of(
    config: &Config,
    write: Write<'_>,
    answer: Option<Written<'_>>,
    knowledge: &Knowledge<'_>,
    known: &KnownTypes,
) -> Option<Record> {
    let status = answer.map(|answer| answer.status);
    let body = answer.and_then(|answer| answer.body);
    let batch = matches!(write, Write::PerhapsMutation { batch: true } | Write::Batch(_));
    if status.is_some_and(is_refusal_of_form) {
        return None;
    }
    if !batch && status.is_some_and(|status| (400..500).contains(&status)) {
        return None;
    }
    if let Write::Rest(request) = write {
        if status.is_some_and(has_failed) {
            return None;
        }
        let mut tags = rest::purge_tags(config, &request.url);
        let headers = answer.map(|answer| answer.headers);
        for url in headers.into_iter().flat_map(|headers| pointed_at(config, &request.url, headers))
        {
            tags.extend(rest::purge_tags(config, &url));
        }
        let json = body.and_then(|body| serde_json::from_slice(body).ok());
        tags.extend(rest::written_tags(config, &request.url, json.as_ref()));
        knowledge.reach(&mut tags);
        return Some(Record::of_tags(&tags, &config.same));
    }
    let purging = Purging { config, knowledge, known };
    if let Write::Batch(elements) = write {
        let body = body.filter(|_| status == Some(200));
        return purging.batch(elements, body).and_then(|purge| purging.record(purge));
    }
    let json: Option<Value> = body.and_then(|body| serde_json::from_slice(body).ok());
    let outcome = json.as_ref().map_or(Outcome::Unknown, outcome);
    // A gateway's 5xx may have errors of its own and no data, whatever ran behind it.
    let refused = outcome == Outcome::NothingRan && status.is_some_and(|status| status < 500);
    if !batch && refused {
        return None;
    }
    let Write::Mutation { analysis, variables } = write else { return Some(Record::everything()) };
    purging.record(purging.mutation(analysis, variables, outcome))
}

/// What tells what a mutation purges.
struct Purging<'a> {
    config: &'a Config,
    knowledge: &'a Knowledge<'a>,
    known: &'a KnownTypes,
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
        let mutated = Mutated { analysis, variables, data };
        purge_of(self.config, mutated, self.knowledge, self.known)
    }

    /// What all mutations of a batch purge, each by its own element of the answer; none where they
    /// all were refused. The body is none where it is not that of a batch that was taken.
    fn batch(&self, asked: &[Element<'_>], body: Option<&[u8]>) -> Option<MutationPurge> {
        let answers = body.and_then(|body| elements(body, asked.len()));
        let Some(answers) = answers else { return Some(MutationPurge::everything(None)) };
        let mut all: Option<TagSet> = None;
        for (element, answer) in asked.iter().zip(answers) {
            let answer: Value = serde_json::from_str(answer).unwrap_or_default();
            let outcome = outcome(&answer);
            if matches!(element, Element::Query) || outcome == Outcome::NothingRan {
                continue;
            }
            let purge = match element {
                Element::Mutation { analysis, variables } => {
                    self.mutation(analysis, *variables, outcome)
                }
                Element::Query | Element::PerhapsMutation => MutationPurge::everything(None),
            };
            let MutationPurge::Tags(tags) = purge else { return Some(purge) };
            all.get_or_insert_default().extend(tags);
        }
        all.map(MutationPurge::Tags)
    }

    fn record(&self, purge: MutationPurge) -> Option<Record> {
        let record = match purge {
            MutationPurge::Everything { .. } => Record::everything(),
            MutationPurge::Tags(tags) => Record::of_tags(&tags, &self.config.same),
        };
        (!record.is_empty()).then_some(record)
    }
}

/// Statuses that a server gives before it has read what to do: the method, the length, the URL,
/// the media type or the headers are not to its liking (RFC 9110 §15.5). Nothing ran, whatever
/// was asked.
fn is_refusal_of_form(status: u16) -> bool {
    matches!(status, 405 | 411 | 413 | 414 | 415 | 431)
}

/// Statuses by which an origin itself says that it failed (RFC 9110 §15.6): RFC 9111 §4.4 has them
/// invalidate nothing. What a gateway says in its place (502, 503, 504 and those that have no
/// meaning of their own) leaves open what the origin has done.
fn has_failed(status: u16) -> bool {
    matches!(status, 500 | 501 | 505..=508 | 510 | 511)
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
    use crate::graphql::analysed;
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

    fn recorded(write: Write<'_>, status: Option<u16>, body: Option<&[u8]>) -> Option<Record> {
        let config = config();
        let knowledge = Knowledge { schema: None, keys: &config.graphql.keys };
        let headers = Headers::new();
        let answer = status.map(|status| Written { status, headers: &headers, body });
        record_of(&config, write, answer, &knowledge, &KnownTypes::new())
    }

    fn mutation(document: &str, status: Option<u16>, body: &str) -> Option<Record> {
        let analysis = analysed(document);
        let write = Write::Mutation { analysis: &analysis, variables: None };
        recorded(write, status, Some(body.as_bytes()))
    }

    #[test]
    fn only_proof_that_nothing_ran_keeps_the_cache() {
        let document = "mutation { a { __typename x { __typename id } } }";
        let data = r#"{"data":{"a":{"x":{"__typename":"X","id":1}}}}"#;
        assert!(mutation(document, Some(200), data).unwrap().tags.contains(&hash_of("X")));
        assert_eq!(mutation(document, Some(400), data), None);
        assert_eq!(mutation(document, Some(200), r#"{"errors":[{}]}"#), None);
        for (status, body) in [
            (Some(200), r#"{"data":null,"errors":[{}]}"#),
            (Some(200), "<html>"),
            (Some(500), r#"{"data":{"a":null}}"#),
            (Some(504), r#"{"errors":[{}]}"#),
            (Some(302), ""),
            (None, ""),
        ] {
            assert_eq!(mutation(document, status, body), Some(Record::everything()), "{body}");
        }
        assert_eq!(mutation("mutation { track }", Some(200), r#"{"data":{"track":1}}"#), None);
    }

    #[test]
    fn what_may_be_a_mutation_purges_everything() {
        let record = |batch, status, body: &str| {
            let write = Write::PerhapsMutation { batch };
            recorded(write, status, Some(body.as_bytes()))
        };
        assert_eq!(record(false, Some(200), "{}"), Some(Record::everything()));
        assert_eq!(record(false, Some(400), "{}"), None);
        assert_eq!(record(false, Some(200), r#"{"errors":[{}]}"#), None);
        assert_eq!(record(true, Some(400), "[]"), Some(Record::everything()));
        assert_eq!(record(true, Some(415), ""), None);
    }

    #[test]
    fn a_batch_purges_what_each_of_its_mutations_says() {
        let of = |name: &str| analysed(&format!("mutation {{ {name} {{ __typename id }} }}"));
        let (a, b, track) = (of("a"), of("b"), of("track"));
        let mutation = |analysis| Element::Mutation { analysis, variables: None };
        let x = r#"{"data":{"a":{"__typename":"X","id":1}}}"#;
        let y = r#"{"data":{"b":{"__typename":"Y","id":1}}}"#;
        let (refused, query) = (r#"{"errors":[{}]}"#, r#"{"data":{"c":1}}"#);
        let purged = |elements: &[Element<'_>], status, body: &str| {
            recorded(Write::Batch(elements), status, Some(body.as_bytes()))
        };
        let both = [mutation(&a), Element::Query, mutation(&b)];
        let names = |record: Option<Record>| {
            let tags = record.filter(|record| !record.all).map(|record| record.tags);
            tags.map(|tags| ["X", "Y"].map(|name| tags.contains(&hash_of(name))))
        };
        for (answer, expected) in [
            (format!("[{x},{query},{y}]"), [true, true]),
            (format!("[{x}, {query}, {refused}]"), [true, false]),
            (format!("[{refused},{query},{y}]"), [false, true]),
        ] {
            assert_eq!(names(purged(&both, Some(200), &answer)), Some(expected), "{answer}");
        }
        let none = format!("[{refused},{query},{refused}]");
        assert_eq!(purged(&both, Some(200), &none), None);
        assert_eq!(purged(&[mutation(&track), Element::Query], Some(200), "[{},{}]"), None);
        for (status, answer) in [
            (Some(200), format!("[{x},{query}]")),
            (Some(200), format!("[{x},{query},{y},{y}]")),
            (Some(200), format!("[{x},[{query}],7]")),
            (Some(200), x.to_owned()),
            (Some(200), String::new()),
            (Some(201), none.clone()),
            (Some(400), none.clone()),
            (Some(500), none.clone()),
            (None, String::new()),
        ] {
            assert_eq!(purged(&both, status, &answer), Some(Record::everything()), "{answer}");
        }
        assert_eq!(purged(&both, Some(415), ""), None);
        let perhaps = [Element::Query, Element::PerhapsMutation];
        assert_eq!(purged(&perhaps, Some(200), "[{},{\"errors\":[{}]}]"), None);
        assert_eq!(purged(&perhaps, Some(200), "[{},{}]"), Some(Record::everything()));
    }

    #[test]
    fn a_rest_write_purges_its_path_and_its_resources() {
        let request = Request {
            method: Method::parse("PUT"),
            url: Url::parse("http://h/p/7?x=1").unwrap(),
            headers: Headers::new(),
        };
        let record = |status| recorded(Write::Rest(&request), status, None);
        let tags = record(Some(200)).unwrap().tags;
        for tag in ["path:/p/7", "P:7", "P:?"] {
            assert!(tags.contains(&hash_of(tag)), "{tag}");
        }
        for status in [Some(502), Some(503), Some(504), Some(520), None] {
            assert!(record(status).is_some(), "{status:?}");
        }
        for status in [Some(404), Some(500), Some(501), Some(508)] {
            assert_eq!(record(status), None, "{status:?}");
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
        let purged = |name, value: &str| {
            let headers: Headers = [(name, value)].into_iter().collect();
            let answer = Some(Written { status: 201, headers: &headers, body: None });
            let knowledge = Knowledge { schema: None, keys: &config.graphql.keys };
            let write = Write::Rest(&request);
            let tags = record_of(&config, write, answer, &knowledge, &KnownTypes::new());
            tags.unwrap().tags.contains(&hash_of("P:9"))
        };
        assert!(purged("location", "/p/9") && purged("content-location", "p/9?x"));
        assert!(purged("location", "http://h/p/9#a") && purged("location", "http://origin/p/9"));
        assert!(!purged("location", "http://other/p/9") && !purged("link", "/p/9"));
    }

    #[test]
    fn a_rest_write_purges_what_its_answer_shows() {
        let request = Request {
            method: Method::parse("POST"),
            url: Url::parse("http://h/q").unwrap(),
            headers: Headers::new(),
        };
        let record = |body| recorded(Write::Rest(&request), Some(201), body).unwrap().tags;
        let shown = record(Some(br#"{"id":7}"#));
        assert!(shown.contains(&hash_of("Q:7")) && !shown.contains(&hash_of("Q")));
        for body in [None, Some(&b"<html>"[..]), Some(b"{}")] {
            let tags = record(body);
            assert!(tags.contains(&hash_of("path:/q")) && tags.contains(&hash_of("Q")));
        }
    }
}
