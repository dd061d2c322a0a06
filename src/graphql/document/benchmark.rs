//! What `npm run bench` measures of the parts that nothing else calls by themselves.

use super::{lexer, parser};
use crate::limits::Amounts;
use std::hint::black_box;

/// How many tokens a document has.
pub fn token_count(source: &str) -> Option<usize> {
    let mut needed = Amounts::ZERO;
    let tokens = lexer::tokens(source, &Amounts::most(), &mut needed).ok()?;
    // All of them, so that none is left unmade.
    Some(black_box(tokens).len())
}

/// Whether graphql-parser reads a document.
pub fn parses_with_graphql_parser(source: &str) -> bool {
    parser::parses_unprepared(source)
}
