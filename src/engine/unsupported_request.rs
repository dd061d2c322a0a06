//! Why a read is not looked up, whatever the configuration says about it.
//!
//! In scope: reasons that are known once the request was read. Not in scope: what method, path and
//! conditions rule out (`request_class.rs`), and what follows from the configuration and from signals
//! (`graphql_plan.rs`, `rest_plan.rs`).

use super::bypass::Bypass;
use crate::graphql::{Analysis, OperationKind, wants_html};
use crate::http::{Headers, Request};

/// What decides whether a GraphQL operation can be looked up, in addition to the request's headers.
#[derive(Clone, Copy)]
pub struct OperationToPlan<'a> {
    /// The analysis of its document.
    pub analysis: &'a Analysis,
    /// Why no query of this request is looked up, if the path or the method rules that out.
    pub uncached: Option<Bypass>,
    /// Whether the origin can be asked exactly what the key contains. For a GET, the URL might become
    /// too long.
    pub can_be_keyed: &'a dyn Fn() -> bool,
}

/// The reason not to look up a request. `operation` is the one that it runs, if it is GraphQL.
pub fn unsupported_request(
    request: &Request,
    operation: Option<OperationToPlan<'_>>,
) -> Option<Bypass> {
    // The kind comes first: whatever else is true of a mutation, it is reported as a mutation.
    match operation.map(|operation| operation.analysis.kind) {
        Some(OperationKind::Mutation) => return Some(Bypass::Mutation),
        Some(OperationKind::Subscription) => return Some(Bypass::Subscription),
        Some(OperationKind::Query) | None => {}
    }
    // A reason that applies to REST as well goes here.
    let OperationToPlan { analysis, uncached, can_be_keyed } = operation?;
    if analysis.incremental {
        return Some(Bypass::Incremental);
    }
    let url_too_long = || (!can_be_keyed()).then_some(Bypass::UrlTooLong);
    uncached.or_else(url_too_long).or_else(|| unsupported_accept(&request.headers))
}

/// The reason not to look up a query with this `Accept` header, whatever its document.
fn unsupported_accept(headers: &Headers) -> Option<Bypass> {
    if wants_html(headers) {
        return Some(Bypass::AcceptHtml);
    }
    let mut kinds = headers.members("accept").peekable();
    let only_events = kinds.peek().is_some()
        && kinds.all(|kind| kind.to_ascii_lowercase().starts_with("text/event-stream"));
    only_events.then_some(Bypass::AcceptEventStream)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graphql::analysis_of;
    use crate::http::{Method, Url};
    use proptest::prelude::*;

    fn request(headers: &[(&str, &str)]) -> Request {
        Request {
            method: Method::Post,
            url: Url::parse("http://h/graphql").unwrap(),
            headers: headers.iter().copied().collect(),
        }
    }

    fn reason(document: &str, uncached: Option<Bypass>, can_be_keyed: bool) -> Option<Bypass> {
        let analysis = analysis_of(document);
        let operation =
            OperationToPlan { analysis: &analysis, uncached, can_be_keyed: &|| can_be_keyed };
        unsupported_request(&request(&[("accept", "text/html")]), Some(operation))
    }

    #[test]
    fn what_the_operation_does_counts_more_than_how_it_is_sent() {
        let path = Some(Bypass::PathSpelling);
        assert_eq!(reason("mutation { a }", path, false), Some(Bypass::Mutation));
        assert_eq!(reason("subscription { a }", path, false), Some(Bypass::Subscription));
        assert_eq!(reason("{ a @live }", path, false), Some(Bypass::Incremental));
        assert_eq!(reason("{ a }", path, false), path);
        assert_eq!(reason("{ a }", None, false), Some(Bypass::UrlTooLong));
        assert_eq!(reason("{ a }", None, true), Some(Bypass::AcceptHtml));
    }

    proptest! {
        #[test]
        fn whatever_its_headers_are_a_mutation_is_a_mutation(
            headers in proptest::collection::vec(("[a-z]{1,3}|accept|cookie|range", "[ -~]{0,9}|text/html"), 0..4),
            uncached in proptest::option::of(Just(Bypass::PathClimbs)),
            can_be_keyed: bool,
        ) {
            let headers: Vec<(&str, &str)> =
                headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            for (document, kind) in [
                ("mutation { a @live }", Bypass::Mutation),
                ("subscription { a @live }", Bypass::Subscription),
            ] {
                let analysis = analysis_of(document);
                let operation =
                    OperationToPlan { analysis: &analysis, uncached, can_be_keyed: &|| can_be_keyed };
                prop_assert_eq!(unsupported_request(&request(&headers), Some(operation)), Some(kind));
            }
        }
    }

    #[test]
    fn event_streams_are_unsupported_if_nothing_else_is_accepted() {
        let analysis = analysis_of("{ a }");
        let operation =
            OperationToPlan { analysis: &analysis, uncached: None, can_be_keyed: &|| true };
        let of = |accept| unsupported_request(&request(&[("accept", accept)]), Some(operation));
        assert_eq!(of("text/event-stream"), Some(Bypass::AcceptEventStream));
        assert_eq!(of("text/event-stream, application/json"), None);
        assert_eq!(unsupported_request(&request(&[("accept", "text/html")]), None), None, "REST");
    }
}
