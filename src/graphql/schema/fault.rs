//! Why a text could not be read as a schema.

use std::fmt;

/// Why a schema was rejected, for the person who uploads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaFault {
    /// What is wrong, in a sentence without a full stop.
    pub message: String,
    /// The line of the fault, counted from 1, if it is known.
    pub line: Option<usize>,
}

impl fmt::Display for SchemaFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for SchemaFault {}

/// A fault at a byte of the source. Lines are counted only for the fault that is reported.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SourceFault {
    pub message: String,
    pub at: usize,
}

impl SourceFault {
    pub fn new(at: usize, message: impl Into<String>) -> Self {
        Self { message: message.into(), at }
    }

    /// Reports the fault with its line.
    pub fn in_text(self, source: &str) -> SchemaFault {
        SchemaFault { line: Some(line(source, self.at)), message: self.message }
    }

    /// Reports the fault without a line, for a source whose lines mean nothing to its author.
    pub fn somewhere(self) -> SchemaFault {
        SchemaFault { line: None, message: self.message }
    }
}

/// The greatest number of characters of a schema that a message quotes.
const QUOTED_CHARS: usize = 80;

/// Quotes a piece of the schema in a message.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTED_CHARS) {
        Some((end, _)) => format!("`{}…`", text.get(..end).unwrap_or_default()),
        None => format!("`{text}`"),
    }
}

/// The line of a byte, counted from 1 (GraphQL §2.1.3 LineTerminator).
fn line(source: &str, at: usize) -> usize {
    let before = source.as_bytes().get(..at).unwrap_or(source.as_bytes());
    let returns = before.windows(2).filter(|pair| matches!(pair, [b'\r', next] if *next != b'\n'));
    1 + before.iter().filter(|byte| **byte == b'\n').count() + returns.count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_where_the_specification_says() {
        for (source, at, expected) in
            [("", 0, 1), ("a", 1, 1), ("a\nb", 2, 2), ("a\r\nb", 3, 2), ("a\rb\n\rc", 6, 4)]
        {
            assert_eq!(line(source, at), expected, "{source:?}");
        }
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(quoted("Name"), "`Name`");
        assert_eq!(quoted(&"é".repeat(100)), format!("`{}…`", "é".repeat(80)));
    }
}
