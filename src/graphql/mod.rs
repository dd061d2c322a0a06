//! GraphQL: what a request asks, what its answer holds, what a mutation touched.
//!
//! A request's form becomes a document and variables (`request`); the document is lexed, parsed
//! and normalised once (`lexer`, `document`, `canonical`, `analysis`); an answer is walked beside
//! the selections that made it (`shape`, `answer`). Fields that the client did not ask for are
//! taken out of the answer again (`injected`, `strip`, `traces`). Not in scope: REST, and what is done with
//! all this.

mod analysis;
mod answer;
mod ast;
mod canonical;
mod document;
mod inject;
mod injected;
mod lexer;
mod members;
mod mutation;
mod request;
mod resolve;
mod shape;
mod strip;
mod traces;
mod value;
mod variables;

#[cfg(test)]
pub(crate) use analysis::analysed;
pub use analysis::{Analysis, DeclaredVariable, Refusal, analyse};
pub use answer::{AnswerFacts, Outcome, facts, outcome};
pub use ast::OperationKind;
pub use injected::{Injected, RESERVED_PREFIX};
pub use mutation::{MutationPurge, purge_of};
pub use request::{
    Form, Query, Rewritten, Source, Unread, accepted_kinds, may_hide_mutation, read_get, read_post,
    wants_html,
};
pub use strip::{Broken, Strip, strip};
pub use traces::is_strippable;
pub use variables::canonical_variables;
