//! A cursor over the tokens of a type-system document. It lexes one token at a time, so that a long
//! schema is never in memory as a list of tokens.
//!
//! In scope: what any grammar needs, and skipping what the table does not hold. Not in scope: the
//! meaning of tokens.

use super::fault::{SourceFault, quoted};
use crate::graphql::document::lexer::{Token, TokenKind, token_from};
use crate::limits;

/// A position between two tokens.
pub(super) struct Cursor<'a> {
    source: &'a str,
    next: Option<Token<'a>>,
    /// The offset at which the next token ends.
    end: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(source: &'a str) -> Result<Self, SourceFault> {
        let mut cursor = Self { source, next: None, end: 0 };
        cursor.advance()?;
        Ok(cursor)
    }

    /// The next token. `None` at the end of the document.
    pub fn peek(&self) -> Option<Token<'a>> {
        self.next
    }

    /// The offset at which the next token begins.
    pub fn at(&self) -> usize {
        self.next.map_or(self.source.len(), |token| self.end - token.text.len())
    }

    /// Skips the next token.
    pub fn advance(&mut self) -> Result<(), SourceFault> {
        let found = token_from(self.source, self.end)
            .map_err(|at| SourceFault::new(at, "no GraphQL token begins here"))?;
        match found {
            Some((token, end)) => (self.next, self.end) = (Some(token), end),
            None => self.next = None,
        }
        Ok(())
    }

    /// Skips this punctuator if it is next. Returns whether it was.
    pub fn takes(&mut self, punctuator: u8) -> Result<bool, SourceFault> {
        let is_next = self.next.is_some_and(|token| token.is(punctuator));
        if is_next {
            self.advance()?;
        }
        Ok(is_next)
    }

    /// Skips this word if it is next. Returns whether it was.
    pub fn takes_word(&mut self, word: &str) -> Result<bool, SourceFault> {
        let is_next = self.next.is_some_and(|t| t.kind == TokenKind::Name && t.text == word);
        if is_next {
            self.advance()?;
        }
        Ok(is_next)
    }

    /// Skips this punctuator, which must be next.
    pub fn expect(&mut self, punctuator: u8) -> Result<(), SourceFault> {
        if self.takes(punctuator)? {
            return Ok(());
        }
        Err(self.unexpected(&format!("`{}`", char::from(punctuator))))
    }

    /// Reads a name, which must be next.
    pub fn name(&mut self) -> Result<&'a str, SourceFault> {
        match self.next {
            Some(token) if token.kind == TokenKind::Name => {
                self.advance()?;
                Ok(token.text)
            }
            _ => Err(self.unexpected("a name")),
        }
    }

    /// Skips a description, if there is one (GraphQL §3.1.1, later §2.2).
    pub fn skip_description(&mut self) -> Result<(), SourceFault> {
        if self.next.is_some_and(|t| matches!(t.kind, TokenKind::String | TokenKind::BlockString)) {
            self.advance()?;
        }
        Ok(())
    }

    /// Skips a constant value (GraphQL §2.9).
    pub fn skip_value(&mut self) -> Result<(), SourceFault> {
        match self.next {
            Some(token) if token.is(b'[') || token.is(b'{') => self.skip_group(),
            Some(token) if token.is_literal() || token.kind == TokenKind::Name => self.advance(),
            _ => Err(self.unexpected("a value")),
        }
    }

    /// Skips a bracket, which must be next, and everything up to the one that closes it.
    pub fn skip_group(&mut self) -> Result<(), SourceFault> {
        let mut closers: Vec<u8> = Vec::new();
        loop {
            let closer = match self.next.map(|token| token.kind) {
                None => return Err(self.unexpected("a closing bracket")),
                Some(TokenKind::Punctuator(b'(')) => Some(b')'),
                Some(TokenKind::Punctuator(b'[')) => Some(b']'),
                Some(TokenKind::Punctuator(b'{')) => Some(b'}'),
                Some(TokenKind::Punctuator(found @ (b')' | b']' | b'}'))) => {
                    if closers.pop() != Some(found) {
                        return Err(self.unexpected("the bracket that closes the last one"));
                    }
                    None
                }
                Some(_) => None,
            };
            if closer.is_some() && closers.len() >= limits::SCHEMA_DEPTH {
                return Err(self.too_deep());
            }
            closers.extend(closer);
            self.advance()?;
            if closers.is_empty() {
                return Ok(());
            }
        }
    }

    pub fn too_deep(&self) -> SourceFault {
        SourceFault::new(
            self.at(),
            format!("brackets nest more than {} deep", limits::SCHEMA_DEPTH),
        )
    }

    pub fn unexpected(&self, expected: &str) -> SourceFault {
        let found = match self.next {
            None => "the end".to_owned(),
            Some(Token { kind: TokenKind::String | TokenKind::BlockString, .. }) => {
                "a string".to_owned()
            }
            Some(token) => quoted(token.text),
        };
        SourceFault::new(self.at(), format!("expected {expected}, found {found}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skips(source: &str) -> Result<bool, SourceFault> {
        let mut cursor = Cursor::new(source)?;
        cursor.skip_group()?;
        Ok(cursor.peek().is_none())
    }

    #[test]
    fn groups_are_passed_to_their_end() {
        assert_eq!(skips("{a(b:[{c:\"}\"}])}"), Ok(true));
        assert_eq!(skips("() a"), Ok(false));
        for bad in ["{", "{)", "({)}", "[}"] {
            assert!(skips(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn groups_nest_to_a_limit() {
        let nested = |depth| format!("{} a {}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(skips(&format!("{} a", nested(limits::SCHEMA_DEPTH))), Ok(false));
        assert!(skips(&nested(limits::SCHEMA_DEPTH + 1)).is_err());
    }

    #[test]
    fn faults_say_where_and_what() {
        let mut cursor = Cursor::new("type {").unwrap();
        assert_eq!(cursor.name(), Ok("type"));
        assert_eq!(cursor.name(), Err(SourceFault::new(5, "expected a name, found `{`")));
        cursor.advance().unwrap();
        assert_eq!(cursor.expect(b'}'), Err(SourceFault::new(6, "expected `}`, found the end")));
        assert_eq!(Cursor::new("a %").unwrap().advance().unwrap_err().at, 2);
    }
}
