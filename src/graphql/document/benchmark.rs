//! Functions for `npm run bench`, which measures parts that nothing else calls on their own.

use super::{lexer, parser};
use crate::limits::Amounts;
use std::hint::black_box;

/// The number of tokens in a document. `None` if it cannot be lexed.
pub fn token_count(source: &str) -> Option<usize> {
    let mut needed = Amounts::ZERO;
    let tokens = lexer::tokens(source, &Amounts::most(), &mut needed).ok()?;
    // Prevents the compiler from leaving out tokens.
    Some(black_box(tokens).len())
}

/// `true` if graphql-parser can read a document without preparation.
pub fn parses_with_graphql_parser(source: &str) -> bool {
    parser::parses_unprepared(source)
}
