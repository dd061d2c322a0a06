//! What a GraphQL request contains, once it was read: its operations, or why it is not looked up.
//!
//! In scope: reading it, and how much memory its body takes for that. Not in scope: what its head alone
//! decides (`request_class.rs`), and the forms of GraphQL over HTTP (`graphql/request`).

use super::bypass::Bypass;
use super::request_class::is_write;
use crate::config::Config;
use crate::graphql::{
    AnalysisError, JsonSize, OperationRequest, RequestError, RequestForm, may_hold_mutation,
    read_get, read_post,
};
use crate::http::{Request, decoded_body};
use crate::limits::Limit;

/// A GraphQL request that is not looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uncacheable {
    /// The reason.
    pub reason: Bypass,
    /// Whether the origin may run a mutation for it.
    pub may_be_mutation: bool,
}

impl Uncacheable {
    /// A read that is not looked up for this reason.
    pub fn read(reason: Bypass) -> Self {
        Self { reason, may_be_mutation: false }
    }

    /// A request for an unknown document. A GET runs no mutation, unless a header turns it into a
    /// write.
    pub fn unknown_document(request: &Request) -> Self {
        let reason = Bypass::Unread(RequestError::Persisted);
        Self { reason, may_be_mutation: is_write(request) }
    }

    /// A request whose document cannot be used.
    pub fn refused_document(document: &str, refusal: AnalysisError) -> Self {
        let may_be_mutation = may_hold_mutation(document.as_bytes());
        Self { reason: Bypass::Refused(refusal), may_be_mutation }
    }
}

/// A parsed GraphQL request.
#[derive(Debug, Clone, PartialEq)]
pub enum GraphQlRequest {
    /// One operation.
    One(OperationRequest),
    /// Several independent operations.
    Batch(Vec<OperationRequest>),
}

/// Parses a GraphQL request. `body` is `None` for a GET.
pub fn read_graphql(
    config: &Config,
    request: &Request,
    body: Option<&[u8]>,
) -> Result<GraphQlRequest, Uncacheable> {
    let url_query = request.url.query.as_deref();
    let form = match body {
        None => read_get(url_query),
        Some(body) => read_post(&request.headers, url_query, body, &config.limits.amounts),
    };
    match form {
        RequestForm::Single(query) => Ok(GraphQlRequest::One(query)),
        RequestForm::Batch(queries) => Ok(GraphQlRequest::Batch(queries)),
        RequestForm::Unreadable { reason, may_be_mutation } => {
            Err(Uncacheable { reason: Bypass::Unread(reason), may_be_mutation })
        }
    }
}

/// The memory that the body of a GraphQL request takes as a JSON tree, after decoding its content
/// coding.
pub fn request_json_size(config: &Config, request: &Request, body: &[u8]) -> JsonSize {
    let most = config.limits.amounts.of(Limit::Bytes);
    let coding = request.headers.joined("content-encoding");
    match coding.and_then(|coding| decoded_body(&coding, body, most)) {
        Some(plain) => JsonSize::of(&plain),
        None => JsonSize::of(body),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Method, Url};

    #[test]
    fn duplicate_members_may_be_a_mutation_in_a_list_too() {
        let config = crate::config::parse(&serde_json::json!({})).unwrap();
        let read = |body: &str| {
            let request = Request {
                method: Method::Post,
                url: Url::parse("http://h/graphql").unwrap(),
                headers: [("content-type", "application/json")].into_iter().collect(),
            };
            read_graphql(&config, &request, Some(body.as_bytes())).unwrap_err()
        };
        let reason = Bypass::Unread(RequestError::DuplicateMember);
        let one = "{\"query\":\"{a}\",\"query\":\"{b}\"}";
        assert_eq!(read(one), Uncacheable { reason, may_be_mutation: true });
        let list = format!(" [{one}]");
        assert_eq!(read(&list), Uncacheable { reason, may_be_mutation: true });
    }
}
