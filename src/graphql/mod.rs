//! GraphQL: what a request asks, what its response holds, what a mutation changed.

mod document;
mod injection;
mod operation;
mod request;
mod response;
mod schema;
mod types;

pub use document::ast::OperationKind;
#[cfg(feature = "measure")]
pub use document::benchmark::{lexed, parsed_by_the_parser_alone};
pub use document::shape::{Chosen, Shape, ShapeField};
pub use injection::injected_document::InjectedDocument;
pub use injection::reserved_keys::RESERVED_PREFIX;
pub use injection::strip::{Broken, Strip, strip};
pub use injection::strippable::is_strippable;
pub use operation::analysis::{Analysis, Refusal, analyse};
pub use operation::arguments::Agreement;
pub use operation::expected_response::ExpectedResponse;
pub use operation::root_fields::{RootArguments, RootField};
#[cfg(test)]
pub(crate) use operation::test_support::{analysed, analysed_with};
pub use operation::variables::{DeclaredVariable, canonical_variables};
pub use request::batch::{array_of, elements};
pub use request::error::Unread;
pub use request::form::Form;
pub use request::get::read_get;
pub use request::json_size::JsonSize;
pub use request::manifest::{Manifest, ManifestError};
pub use request::media_types::{accepted_kinds, answer_kind, wants_html};
pub use request::mutation_text::{may_hide_mutation, url_shows_mutation};
pub use request::post::read_post;
pub use request::query::{Query, Source};
pub use request::rewriting::{RequestParts, RewrittenRequest};
pub use request::websocket::{ClientMessage, read_client_message, read_server_message};
pub use response::facts::{AnswerFacts, AnswerHint};
pub use response::mutation_purge::{MutationPurge, purge_of};
pub use response::outcome::{Outcome, outcome};
pub use response::response_json::Shown;
pub use response::root_types::types_of_root_field;
pub use response::{Mutated, facts};
pub use schema::{
    FieldInfo, Hint, INTROSPECTION_QUERY, Schema, SchemaFault, TypeId, TypeKind, changed_types,
    touched_types,
};
pub use types::knowledge::TypeKnowledge;
pub use types::naming::SeenTypes;
