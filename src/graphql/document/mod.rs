//! Executable documents (GraphQL §2): tokens, syntax tree, values, the canonical text of an
//! operation and the shape of its response. It imports no other folder of `graphql`.

pub(super) mod ast;
#[cfg(feature = "measure")]
pub(super) mod benchmark;
pub(super) mod canonical_text;
pub(super) mod input_value;
pub(super) mod layout;
pub(super) mod lexer;
pub(super) mod literal_directives;
pub(super) mod parser;
pub(super) mod shape;
