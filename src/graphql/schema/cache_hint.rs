//! Cache hints in a schema: the directive `@cacheControl`, as defined by Apollo Server.

use super::cursor::Cursor;
use super::fault::{SourceFault, quoted};
use crate::graphql::document::lexer::TokenKind;

/// The name of the directive.
pub(super) const DIRECTIVE: &str = "cacheControl";

/// The cache hint on a field or a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CacheHint {
    /// `maxAge`, in seconds.
    pub max_age: Option<u32>,
    /// `scope: PRIVATE`. `PUBLIC` means the same as no scope.
    pub private: bool,
    /// `inheritMaxAge`: the field takes the `maxAge` of its parent field.
    pub inherit: bool,
}

impl CacheHint {
    /// No hint.
    pub const NONE: Self = Self { max_age: None, private: false, inherit: false };

    /// Combines two hints on the same field or type: the stricter value of each.
    pub(super) fn and(self, other: Self) -> Self {
        let max_age = match (self.max_age, other.max_age) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        };
        Self {
            max_age,
            private: self.private || other.private,
            inherit: self.inherit || other.inherit,
        }
    }

    /// Reads the directive's arguments, brackets included. An invalid hint is a fault, because
    /// ignoring it would store what it is meant to protect. Arguments that Apollo does not define
    /// are skipped.
    pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Self, SourceFault> {
        let mut hint = Self::NONE;
        cursor.expect(b'(')?;
        while !cursor.takes(b')')? {
            let argument = cursor.name()?;
            cursor.expect(b':')?;
            let at = cursor.at();
            let (kind, value) = cursor.peek().map_or((TokenKind::Spread, ""), |t| (t.kind, t.text));
            let known = match (argument, kind) {
                ("maxAge" | "scope" | "inheritMaxAge", TokenKind::Name) if value == "null" => true,
                ("maxAge", TokenKind::Int) => {
                    hint.max_age = value.parse().ok();
                    hint.max_age.is_some()
                }
                ("scope", TokenKind::Name) => {
                    hint.private = value == "PRIVATE";
                    matches!(value, "PRIVATE" | "PUBLIC")
                }
                ("inheritMaxAge", TokenKind::Name) => {
                    hint.inherit = value == "true";
                    matches!(value, "true" | "false")
                }
                (other, _) => !matches!(other, "maxAge" | "scope" | "inheritMaxAge"),
            };
            if !known {
                let message =
                    format!("@{DIRECTIVE} does not allow {} as its {argument}", quoted(value));
                return Err(SourceFault::new(at, message));
            }
            cursor.skip_value()?;
        }
        Ok(hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &str) -> Result<CacheHint, SourceFault> {
        CacheHint::read(&mut Cursor::new(arguments)?)
    }

    #[test]
    fn each_argument_is_read() {
        let hint = |max_age, private, inherit| Ok(CacheHint { max_age, private, inherit });
        assert_eq!(read("()"), Ok(CacheHint::NONE));
        assert_eq!(read("(maxAge: 60)"), hint(Some(60), false, false));
        assert_eq!(read("(maxAge: 0, scope: PRIVATE)"), hint(Some(0), true, false));
        assert_eq!(read("(scope: PUBLIC inheritMaxAge: true)"), hint(None, false, true));
        assert_eq!(read("(maxAge: null, scope: null, inheritMaxAge: false)"), Ok(CacheHint::NONE));
        assert_eq!(read("(swr: {a: [1]}, maxAge: 5, on: \"x\")"), hint(Some(5), false, false));
    }

    #[test]
    fn what_is_no_hint_is_a_fault() {
        for bad in [
            "(maxAge: -1)",
            "(maxAge: 1.5)",
            "(maxAge: \"60\")",
            "(maxAge: 4294967296)",
            "(maxAge: forever)",
            "(scope: private)",
            "(scope: \"PRIVATE\")",
            "(inheritMaxAge: 1)",
            "(inheritMaxAge: yes)",
            "(maxAge: [1])",
            "(maxAge:)",
            "(maxAge: 1",
            "(1)",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn two_hints_on_one_place_are_as_strict_as_both() {
        let one = CacheHint { max_age: Some(60), private: false, inherit: true };
        let two = CacheHint { max_age: Some(5), private: true, inherit: false };
        let both = CacheHint { max_age: Some(5), private: true, inherit: true };
        assert_eq!((one.and(two), two.and(one), one.and(CacheHint::NONE)), (both, both, one));
    }
}
