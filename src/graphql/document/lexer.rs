//! Lexical tokens (GraphQL §2.1, October 2021 and September 2025), found in linear time.
//!
//! In scope: where each token begins and ends, and rejecting text that is not a token. Not in
//! scope: the values of strings and numbers, because keys are made from a literal's source text.

use crate::limits::{Amounts, Limit};

/// The kind of a token (§2.1.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// One of `! $ & ( ) : = @ [ ] { | }`
    Punctuator(u8),
    /// `...`
    Spread,
    Name,
    Int,
    Float,
    String,
    BlockString,
}

/// A token and its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub kind: TokenKind,
    pub text: &'a str,
    /// The offset of its first byte.
    pub start: usize,
}

impl Token<'_> {
    pub fn is(&self, punctuator: u8) -> bool {
        self.kind == TokenKind::Punctuator(punctuator)
    }

    pub fn is_literal(&self) -> bool {
        matches!(
            self.kind,
            TokenKind::Int | TokenKind::Float | TokenKind::String | TokenKind::BlockString
        )
    }
}

/// Why a text could not be lexed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LexError {
    /// No valid token begins here.
    Syntax,
    /// Over a limit.
    Limit(Limit),
}

/// Lexes a document, without ignored tokens. Raises `needed` to what the document takes of each
/// limit.
pub(crate) fn tokens<'a>(
    source: &'a str,
    limits: &Amounts,
    needed: &mut Amounts,
) -> Result<Vec<Token<'a>>, LexError> {
    let (most_tokens, most_depth) = (limits.of(Limit::Tokens), limits.of(Limit::Depth));
    let mut found = Vec::with_capacity((source.len() / 6).min(most_tokens));
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    let mut at = 0;
    while let Some((token, end)) = token_from(source, at).map_err(|_| LexError::Syntax)? {
        match token.kind {
            TokenKind::Punctuator(b'{' | b'(' | b'[') => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            TokenKind::Punctuator(b'}' | b')' | b']') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > most_depth {
            return Err(LexError::Limit(Limit::Depth));
        }
        if found.len() >= most_tokens {
            return Err(LexError::Limit(Limit::Tokens));
        }
        found.push(token);
        at = end;
    }
    needed.raise(Limit::Tokens, found.len());
    needed.raise(Limit::Depth, deepest);
    Ok(found)
}

/// The first token at or after a byte, and the offset at which it ends. `None` if only ignored
/// tokens follow. The error is the offset at which no valid token begins.
///
/// It enforces no limits; its callers do.
pub(crate) fn token_from(source: &str, at: usize) -> Result<Option<(Token<'_>, usize)>, usize> {
    let bytes = source.as_bytes();
    let Some(start) = skip_ignored(bytes, at) else { return Ok(None) };
    let (kind, end) = token_at(bytes, start).ok_or(start)?;
    let text = source.get(start..end).ok_or(start)?;
    Ok(Some((Token { kind, text, start }, end)))
}

/// Skips ignored tokens (§2.1.1 to §2.1.5): byte-order marks, white space, line terminators, commas
/// and comments.
fn skip_ignored(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match bytes.get(at)? {
            b' ' | b'\t' | b'\n' | b'\r' | b',' => at += 1,
            b'#' => {
                while !matches!(bytes.get(at), None | Some(b'\n' | b'\r')) {
                    at += 1;
                }
            }
            0xEF if bytes.get(at..at + 3) == Some(b"\xEF\xBB\xBF") => at += 3,
            _ => return Some(at),
        }
    }
}

fn token_at(bytes: &[u8], start: usize) -> Option<(TokenKind, usize)> {
    match *bytes.get(start)? {
        byte @ (b'!' | b'$' | b'&' | b'(' | b')' | b':' | b'=' | b'@' | b'[' | b']' | b'{'
        | b'|' | b'}') => Some((TokenKind::Punctuator(byte), start + 1)),
        b'.' => (bytes.get(start..start + 3)? == b"...").then_some((TokenKind::Spread, start + 3)),
        b'"' => string(bytes, start),
        b'-' | b'0'..=b'9' => number(bytes, start),
        byte if is_name_start(byte) => {
            let end = run(bytes, start + 1, is_name_continue);
            Some((TokenKind::Name, end))
        }
        _ => None,
    }
}

/// IntValue and FloatValue (§2.9.1, §2.9.2). A name, a dot or a digit must not follow.
fn number(bytes: &[u8], start: usize) -> Option<(TokenKind, usize)> {
    let mut kind = TokenKind::Int;
    let mut at = if bytes.get(start) == Some(&b'-') { start + 1 } else { start };
    at = match bytes.get(at)? {
        b'0' => at + 1,
        b'1'..=b'9' => run(bytes, at, |b| b.is_ascii_digit()),
        _ => return None,
    };
    if bytes.get(at) == Some(&b'.') {
        kind = TokenKind::Float;
        at = digits(bytes, at + 1)?;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        kind = TokenKind::Float;
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        at = digits(bytes, at + 1 + sign)?;
    }
    match bytes.get(at) {
        Some(next) if *next == b'.' || is_name_continue(*next) => None,
        _ => Some((kind, at)),
    }
}

fn digits(bytes: &[u8], at: usize) -> Option<usize> {
    let end = run(bytes, at, |b| b.is_ascii_digit());
    (end > at).then_some(end)
}

/// StringValue (§2.9.4).
fn string(bytes: &[u8], start: usize) -> Option<(TokenKind, usize)> {
    if bytes.get(start..start + 3) == Some(b"\"\"\"") {
        return block_string(bytes, start + 3);
    }
    let mut at = start + 1;
    loop {
        match *bytes.get(at)? {
            b'"' => return Some((TokenKind::String, at + 1)),
            b'\\' => at = escape(bytes, at + 1)?,
            b'\n' | b'\r' => return None,
            byte if byte < 0x20 && byte != b'\t' => return None,
            _ => at += 1,
        }
    }
}

fn block_string(bytes: &[u8], mut at: usize) -> Option<(TokenKind, usize)> {
    loop {
        match *bytes.get(at)? {
            b'"' if bytes.get(at..at + 3) == Some(b"\"\"\"") => {
                return Some((TokenKind::BlockString, at + 3));
            }
            b'\\' if bytes.get(at..at + 4) == Some(b"\\\"\"\"") => at += 4,
            byte if byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r') => return None,
            _ => at += 1,
        }
    }
}

/// EscapedCharacter and EscapedUnicode, after the backslash. A leading surrogate must be followed
/// by a trailing one.
fn escape(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(at + 1),
        b'u' if bytes.get(at + 1) == Some(&b'{') => {
            let end = run(bytes, at + 2, |b| b.is_ascii_hexdigit());
            let value = hex(bytes.get(at + 2..end)?)?;
            char::from_u32(value)?;
            (bytes.get(end) == Some(&b'}')).then_some(end + 1)
        }
        b'u' => match hex(bytes.get(at + 1..at + 5)?)? {
            0xD800..=0xDBFF => {
                let trailing = bytes.get(at + 5..at + 11)?.strip_prefix(b"\\u")?;
                matches!(hex(trailing)?, 0xDC00..=0xDFFF).then_some(at + 11)
            }
            value => char::from_u32(value).map(|_| at + 5),
        },
        _ => None,
    }
}

fn hex(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u32, |value, byte| {
        value.checked_mul(16)?.checked_add(char::from(*byte).to_digit(16)?)
    })
}

fn run(bytes: &[u8], mut at: usize, belongs: impl Fn(u8) -> bool) -> usize {
    while bytes.get(at).is_some_and(|byte| belongs(*byte)) {
        at += 1;
    }
    at
}

fn is_name_start(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphabetic()
}

fn is_name_continue(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tokens(source: &str) -> Result<Vec<Token<'_>>, LexError> {
        super::tokens(source, &Amounts::default_limits(), &mut Amounts::ZERO.clone())
    }

    fn texts(source: &str) -> Vec<&str> {
        tokens(source).unwrap().iter().map(|token| token.text).collect()
    }

    #[test]
    fn cuts_tokens_and_drops_what_is_ignored() {
        assert_eq!(
            texts("\u{FEFF}query Q($a:Int=-1.5e+3){,,x(b:[1,\"s\\\"\"]) # c }\n ...F @d}"),
            [
                "query",
                "Q",
                "(",
                "$",
                "a",
                ":",
                "Int",
                "=",
                "-1.5e+3",
                ")",
                "{",
                "x",
                "(",
                "b",
                ":",
                "[",
                "1",
                "\"s\\\"\"",
                "]",
                ")",
                "...",
                "F",
                "@",
                "d",
                "}"
            ]
        );
    }

    #[test]
    fn strings_end_where_the_specification_says() {
        assert_eq!(texts("\"\" \"\"\"a \"\" \\\"\"\" b\"\"\" x").len(), 3);
        assert_eq!(texts("\"\\u{1F600} \\uD83D\\uDE00 \\u00e9\"").len(), 1);
        for bad in [
            "\"",
            "\"\n\"",
            "\"\\x\"",
            "\"\\uD83D\"",
            "\"\\u{D800}\"",
            "\"\\u{110000}\"",
            "\"\\u{}\"",
            "\"\\uDE00\"",
            "\"\"\"",
            "\"\u{1}\"",
        ] {
            assert_eq!(tokens(bad), Err(LexError::Syntax), "{bad:?}");
        }
    }

    #[test]
    fn numbers_end_where_the_specification_says() {
        assert_eq!(
            texts("0 -0 123456789012345678901234567890 0.0 1e5"),
            ["0", "-0", "123456789012345678901234567890", "0.0", "1e5"]
        );
        for bad in ["00", "01", "-", "1.", "1e", "1x", "0x1", "1.2.3", "+1", ".5", "1_0"] {
            assert_eq!(tokens(bad), Err(LexError::Syntax), "{bad:?}");
        }
    }

    #[test]
    fn depth_and_length_are_limited() {
        let mut limits = Amounts::default_limits();
        limits.set(Limit::Depth, 3);
        limits.set(Limit::Tokens, 5);
        let mut needed = Amounts::ZERO;
        let mut lex = |source| super::tokens(source, &limits, &mut needed).map(|found| found.len());
        assert_eq!(lex("{({"), Ok(3));
        assert_eq!(lex("{({["), Err(LexError::Limit(Limit::Depth)));
        assert_eq!(lex("{}{}a"), Ok(5));
        assert_eq!(lex("{}{}{}"), Err(LexError::Limit(Limit::Tokens)));
        assert_eq!((needed.of(Limit::Depth), needed.of(Limit::Tokens)), (3, 5));
    }

    proptest! {
        #[test]
        fn no_input_breaks_it(source in ".{0,200}") {
            let _ = tokens(&source);
        }

        #[test]
        fn tokens_written_apart_are_the_same_tokens(source in "[a-z0-9 {}()\\[\\]:$@!\".\\\\#\n,-]{0,80}") {
            if let Ok(found) = tokens(&source) {
                let apart = found.iter().map(|t| t.text).collect::<Vec<_>>().join(" ");
                let again: Vec<_> = tokens(&apart).unwrap().iter().map(|t| (t.kind, t.text)).collect();
                prop_assert_eq!(again, found.iter().map(|t| (t.kind, t.text)).collect::<Vec<_>>());
            }
        }
    }
}
