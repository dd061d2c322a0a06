//! GraphQL: what a request asks, what its answer holds, what a mutation touched.
//!
//! A request's form becomes a document and variables (`request`); the document is lexed, parsed
//! and normalised once (`lexer`, `document`, `canonical`, `analysis`); an answer is walked beside
//! the selections that made it (`shape`, `answer`). Fields that the client did not ask for are
//! added on a miss and taken out of the answer again (`inject`, `injected`, `strip`, `traces`).
//! Beside that stands what is known of an API before it is asked (`schema`). Not in scope: REST,
//! and what is done with all this.

mod analysis;
mod answer;
mod ast;
mod batch;
mod canonical;
mod document;
mod entity;
mod expected;
mod field_names;
mod inject;
mod injected;
mod json_size;
mod lexer;
mod manifest;
#[cfg(feature = "measure")]
mod measured;
mod members;
mod mutation;
mod place;
mod reachable;
mod request;
mod resolve;
mod rewrite;
mod roots;
mod schema;
mod shape;
mod socket;
mod strip;
mod traces;
mod typed;
mod value;
mod variables;
mod walk;

pub use analysis::{Analysis, DeclaredVariable, Refusal, analyse};
#[cfg(test)]
pub(crate) use analysis::{analysed, analysed_with};
pub use answer::{AnswerFacts, AnswerHint, Outcome, Shown, facts, outcome};
pub use ast::OperationKind;
pub use batch::{array_of, elements};
pub use entity::TypeKnowledge;
pub use expected::ExpectedResponse;
pub use injected::{InjectedDocument, RESERVED_PREFIX};
pub use json_size::JsonSize;
pub use manifest::{Manifest, ManifestError};
#[cfg(feature = "measure")]
pub use measured::{lexed, parsed_by_the_parser_alone};
pub use mutation::{Mutated, MutationPurge, SeenTypes, purge_of};
pub use request::{
    Form, Query, Source, Unread, accepted_kinds, answer_kind, may_hide_mutation, read_get,
    read_post, url_shows_mutation, wants_html,
};
pub use rewrite::{RequestParts, RewrittenRequest};
pub use roots::{Agreement, RootArguments, RootField, types_of_root_field};
pub use schema::{
    FieldInfo, Hint, INTROSPECTION_QUERY, Schema, SchemaFault, TypeId, TypeKind, changed_types,
    touched_types,
};
pub use shape::{Chosen, Shape, ShapeField};
pub use socket::{ClientMessage, read_client_message, read_server_message};
pub use strip::{Broken, Strip, strip};
pub use traces::is_strippable;
pub use variables::canonical_variables;
