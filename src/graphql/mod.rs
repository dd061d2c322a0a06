//! GraphQL: what a request asks for, what its response shows, and what a mutation changes.
//!
//! Each folder imports only those before it:
//!
//! | folder | what |
//! |---|---|
//! | `document` | lexer, parser, values, canonical text, the shape of a response |
//! | `schema` | a schema as a table, read from SDL or introspection |
//! | `types` | which types are entities, by which ids; what the name of a field means |
//! | `injection` | fields added to a query, and taken out of its response |
//! | `operation` | the analysis of an operation before its response |
//! | `request` | the forms of a request, read and rewritten |
//! | `response` | outcome, types and tags of a response, and what a mutation purges |
//!
//! Not in scope: REST, HTTP caching, and the decisions that use all this (`engine`).

mod document;
mod injection;
mod operation;
mod request;
mod response;
mod schema;
mod types;

pub use document::ast::OperationKind;
#[cfg(feature = "measure")]
pub use document::benchmark::{parses_with_graphql_parser, token_count};
pub use document::shape::{IdArguments, Shape, ShapeField};
pub use injection::injected_document::InjectedDocument;
pub use injection::reserved_keys::RESERVED_PREFIX;
pub use injection::strip::strip;
pub use injection::strippable::is_strippable;
pub use operation::analysis::{Analysis, AnalysisError, analyze, canonical_document};
pub use operation::arguments::ArgumentMatch;
pub use operation::expected_response::ExpectedResponse;
pub use operation::root_fields::{RootArguments, RootField};
#[cfg(test)]
pub(crate) use operation::test_support::{analysis_of, analysis_with_schema};
pub use operation::variables::{DeclaredVariable, canonical_variables};
pub use request::batch::{array_of, elements};
pub use request::error::RequestError;
pub use request::form::RequestForm;
pub use request::get::read_get;
pub use request::json_size::JsonSize;
pub use request::manifest::{Manifest, ManifestError};
pub use request::media_types::{accepted_media_types, response_media_type, wants_html};
pub use request::mutation_keyword::{may_hold_mutation, url_may_hold_mutation};
pub use request::operation_request::{DocumentSource, OperationRequest};
pub use request::post::read_post;
pub use request::rewriting::{RequestParts, RewrittenRequest};
pub use request::websocket::{ClientMessage, read_client_message, read_server_message};
pub use response::facts::{ResponseFacts, ResponseHint};
pub use response::mutation_purge::{MutationPurge, purge_of_mutation};
pub use response::outcome::{Outcome, is_success, outcome, shows_success};
pub use response::response_json::ResponseJson;
pub use response::root_types::types_of_root_field;
pub use response::{ExecutedMutation, facts};
pub use schema::{
    CacheHint, FieldInfo, INTROSPECTION_QUERY, Schema, SchemaFault, TypeId, TypeKind,
    affected_types, changed_types,
};
pub use types::knowledge::TypeKnowledge;
pub use types::naming::TypeNameIndex;
