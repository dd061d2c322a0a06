//! The form of a request in words.

use crate::admin::{ExplainedOperation, UnderstoodRequest};
use crate::config::Config;
use crate::engine::{RequestClass, classify};
use crate::graphql::{DocumentSource, OperationKind, canonical_document, canonical_variables};
use crate::http::Request;
use crate::service::knowledge::Operation;

/// A request that is no GraphQL operation, or none that was understood.
pub fn understood_request(form: impl Into<String>) -> UnderstoodRequest {
    UnderstoodRequest { form: form.into(), operation: None, document: None, variables: None }
}

/// The form of a request, by its head alone.
pub fn form_of(config: &Config, request: &Request) -> String {
    let method = request.method.as_str();
    match classify(config, request) {
        RequestClass::Admin => "admin route".to_owned(),
        RequestClass::GraphQlSocket => "GraphQL over WebSocket".to_owned(),
        RequestClass::GraphQlGet | RequestClass::GraphQlPost | RequestClass::GraphQlUncached(_) => {
            format!("GraphQL by {method}")
        }
        RequestClass::Rest => format!("REST read ({method})"),
        RequestClass::RestWrite => format!("REST write ({method})"),
        RequestClass::PassThrough(_) => {
            format!("{method}, passed through by its method, path or headers")
        }
    }
}

/// A GraphQL operation.
pub fn understood_operation(
    form: &str,
    config: &Config,
    operation: &Operation,
) -> UnderstoodRequest {
    let (query, analysis) = (&operation.query, &operation.known.analysis);
    let named = match &query.source {
        DocumentSource::Text { hash: None, .. } => "",
        DocumentSource::Text { hash: Some(_), .. } => ", with its document and hash",
        DocumentSource::Hash(_) => ", with the hash of its document",
        DocumentSource::Id(_) => ", with the id of its document",
    };
    let name = query.operation_name.as_deref();
    let document = canonical_document(&operation.document, name, &config.limits.amounts);
    let variables = canonical_variables(query.variables.as_ref(), &analysis.variables);
    UnderstoodRequest {
        form: format!("{form}{named}"),
        operation: Some(ExplainedOperation {
            kind: match analysis.kind {
                OperationKind::Query => "query",
                OperationKind::Mutation => "mutation",
                OperationKind::Subscription => "subscription",
            },
            name: analysis.name.clone(),
        }),
        document: document.map(|text| text.trim_end().to_owned()),
        variables: serde_json::from_slice(variables.as_bytes()).ok(),
    }
}
