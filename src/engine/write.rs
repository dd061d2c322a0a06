//! What a write purges, once the origin has answered it.

use crate::config::Config;
use crate::graphql::{
    Analysis, Knowledge, KnownTypes, Mutated, MutationPurge, Outcome, outcome, purge_of,
};
use crate::http::Request;
use crate::purge::Record;
use crate::rest;
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
    /// A REST request of an unsafe method.
    Rest(&'a Request),
}

/// The record of what the write purges; none where it purges nothing.
///
/// A write purges unless its answer proves that nothing ran: the 4xx of a single operation, or
/// `errors` without any `data`. `status` is none where the origin was asked and never answered;
/// `body` is none where it was not read.
pub fn record_of(
    config: &Config,
    write: Write<'_>,
    status: Option<u16>,
    body: Option<&[u8]>,
    knowledge: &Knowledge<'_>,
    known: &KnownTypes,
) -> Option<Record> {
    let batch = matches!(write, Write::PerhapsMutation { batch: true });
    if status.is_some_and(is_refusal_of_form) {
        return None;
    }
    if !batch && status.is_some_and(|status| (400..500).contains(&status)) {
        return None;
    }
    if let Write::Rest(request) = write {
        return Some(Record::of_tags(&rest::purge_tags(config, &request.url), &config.same));
    }
    let json: Option<Value> = body.and_then(|body| serde_json::from_slice(body).ok());
    let outcome = json.as_ref().map_or(Outcome::Unknown, outcome);
    // A gateway's 5xx may have errors of its own and no data, whatever ran behind it.
    let refused = outcome == Outcome::NothingRan && status.is_some_and(|status| status < 500);
    if !batch && refused {
        return None;
    }
    let Write::Mutation { analysis, variables } = write else { return Some(Record::everything()) };
    let data = match outcome {
        Outcome::Data(data) | Outcome::Partial(Some(data)) => Some(data),
        _ => None,
    };
    let mutated = Mutated { analysis, variables, data };
    let record = match purge_of(config, mutated, knowledge, known) {
        MutationPurge::Everything => Record::everything(),
        MutationPurge::Tags(tags) => Record::of_tags(&tags, &config.same),
    };
    (!record.is_empty()).then_some(record)
}

/// Statuses that a server gives before it has read what to do: the method, the length, the URL,
/// the media type or the headers are not to its liking (RFC 9110 §15.5). Nothing ran, whatever
/// was asked.
fn is_refusal_of_form(status: u16) -> bool {
    matches!(status, 405 | 411 | 413 | 414 | 415 | 431)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graphql::analysed;
    use crate::http::{Headers, Method, Url};
    use crate::tag::hash_of;

    fn config() -> Config {
        crate::config::parse(&serde_json::json!({
            "mutations": { "rules": { "track": [] } },
            "resources": [{ "path": "/p/:id", "tags": ["P:{id}"] }],
        }))
        .unwrap()
    }

    fn recorded(write: Write<'_>, status: Option<u16>, body: Option<&[u8]>) -> Option<Record> {
        let config = config();
        let knowledge = Knowledge { schema: None, keys: &config.graphql.keys };
        record_of(&config, write, status, body, &knowledge, &KnownTypes::new())
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
        assert!(record(Some(502)).is_some() && record(None).is_some());
        assert_eq!(record(Some(404)), None);
    }
}
