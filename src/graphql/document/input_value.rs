//! Input values (GraphQL §2.9), read from tokens. Numbers and strings keep their source text; the
//! fields of an object keep their order, and duplicates stay.

use super::ast::Value;
use super::lexer::{Token, TokenKind};

/// The largest integer that JSON represents exactly everywhere (RFC 8259 §6).
const EXACT_INTEGER: u64 = 1 << 53;

/// The index after a value or a bracketed group. `None` if it has no end.
pub(crate) fn value_end(tokens: &[Token<'_>], at: usize) -> Option<usize> {
    match tokens.get(at)?.kind {
        TokenKind::Punctuator(b'$') => {
            (tokens.get(at + 1)?.kind == TokenKind::Name).then_some(at + 2)
        }
        TokenKind::Punctuator(b'(' | b'[' | b'{') => {
            let mut open = 0_usize;
            for (index, token) in tokens.iter().enumerate().skip(at) {
                match token.kind {
                    TokenKind::Punctuator(b'(' | b'[' | b'{') => open += 1,
                    TokenKind::Punctuator(b')' | b']' | b'}') => open -= 1,
                    _ => {}
                }
                if open == 0 {
                    return Some(index + 1);
                }
            }
            None
        }
        TokenKind::Punctuator(_) | TokenKind::Spread => None,
        _ => Some(at + 1),
    }
}

/// The value that begins at a token. `None` if no valid value begins there.
pub(crate) fn read_value(tokens: &[Token<'_>], at: usize) -> Option<Value> {
    let mut reader = Reader { tokens, at };
    reader.value()
}

/// Recursion is bounded by the lexer's limit on the depth of brackets.
struct Reader<'t, 'a> {
    tokens: &'t [Token<'a>],
    at: usize,
}

impl<'t, 'a> Reader<'t, 'a> {
    fn next(&mut self) -> Option<&'t Token<'a>> {
        let token = self.tokens.get(self.at)?;
        self.at += 1;
        Some(token)
    }

    fn take(&mut self, punctuator: u8) -> bool {
        let is = self.tokens.get(self.at).is_some_and(|token| token.is(punctuator));
        self.at += usize::from(is);
        is
    }

    fn name(&mut self) -> Option<String> {
        self.next().filter(|token| token.kind == TokenKind::Name).map(|token| token.text.to_owned())
    }

    fn value(&mut self) -> Option<Value> {
        let token = self.next()?;
        Some(match token.kind {
            TokenKind::Name => Value::Word(token.text.to_owned()),
            TokenKind::Int | TokenKind::Float | TokenKind::String | TokenKind::BlockString => {
                Value::Literal(token.text.to_owned())
            }
            TokenKind::Punctuator(b'$') => Value::Variable(self.name()?),
            TokenKind::Punctuator(b'[') => {
                let mut items = Vec::new();
                while !self.take(b']') {
                    items.push(self.value()?);
                }
                Value::List(items)
            }
            TokenKind::Punctuator(b'{') => {
                let mut fields = Vec::new();
                while !self.take(b'}') {
                    let name = self.name()?;
                    if !self.take(b':') {
                        return None;
                    }
                    fields.push((name, self.value()?));
                }
                Value::Object(fields)
            }
            TokenKind::Punctuator(_) | TokenKind::Spread => return None,
        })
    }
}

impl Value {
    /// `true` if it contains no variables (§2.9 Const).
    pub fn is_constant(&self) -> bool {
        match self {
            Self::Variable(_) => false,
            Self::Literal(_) | Self::Word(_) => true,
            Self::List(items) => items.iter().all(Self::is_constant),
            Self::Object(fields) => fields.iter().all(|(_, value)| value.is_constant()),
        }
    }

    /// The JSON that a client would send for a constant (§6.1.2). `None` if JSON may not mean
    /// exactly the same. An enum value becomes a string.
    pub fn to_json(&self) -> Option<serde_json::Value> {
        use serde_json::Value as Json;
        Some(match self {
            Self::Variable(_) => return None,
            Self::Literal(text) if text.starts_with('"') => Json::String(string_value(text)?),
            // A server may read other numbers with more precision from a document than from JSON.
            Self::Literal(text) => {
                let number: i64 = text.parse().ok()?;
                (number.unsigned_abs() <= EXACT_INTEGER).then(|| number.into())?
            }
            Self::Word(word) => match word.as_str() {
                "true" => Json::Bool(true),
                "false" => Json::Bool(false),
                "null" => Json::Null,
                other => Json::String(other.to_owned()),
            },
            Self::List(items) => {
                Json::Array(items.iter().map(Self::to_json).collect::<Option<_>>()?)
            }
            Self::Object(fields) => {
                let mut object = serde_json::Map::new();
                for (name, value) in fields {
                    object.insert(name.clone(), value.to_json()?);
                }
                Json::Object(object)
            }
        })
    }
}

/// The value of a StringValue (§2.9.4), which the lexer has accepted.
fn string_value(text: &str) -> Option<String> {
    if let Some(block) = text.strip_prefix("\"\"\"") {
        return Some(block_string_value(block.strip_suffix("\"\"\"")?));
    }
    let inside = text.strip_prefix('"')?.strip_suffix('"')?;
    // JSON has all of GraphQL's escapes except `\u{…}`.
    let mut json = String::from("\"");
    let mut rest = inside;
    while let Some((before, after)) = rest.split_once("\\") {
        json.push_str(&before.replace('\t', "\\t"));
        if let Some((digits, after)) = after.strip_prefix("u{").and_then(|one| one.split_once('}'))
        {
            let meant = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
            let quoted = serde_json::Value::from(meant.to_string()).to_string();
            json.push_str(quoted.get(1..quoted.len() - 1)?);
            rest = after;
        } else {
            let escaped = after.chars().next()?;
            json.push('\\');
            json.push(escaped);
            rest = after.get(escaped.len_utf8()..)?;
        }
    }
    json.push_str(&rest.replace('\t', "\\t"));
    json.push('"');
    serde_json::from_slice(json.as_bytes()).ok()
}

/// BlockStringValue (§2.9.4): removes the common indentation, and blank lines at both ends.
fn block_string_value(raw: &str) -> String {
    let raw = raw.replace("\\\"\"\"", "\"\"\"").replace("\r\n", "\n").replace('\r', "\n");
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let is_blank = |line: &&str| indent(line) == line.len();
    let mut lines: Vec<&str> = raw.split('\n').collect();
    let common = lines.iter().skip(1).filter(|line| !is_blank(line)).map(|line| indent(line)).min();
    for line in lines.iter_mut().skip(1) {
        *line = line.get(common.unwrap_or(0).min(line.len())..).unwrap_or_default();
    }
    let first = lines.iter().position(|line| !is_blank(line)).unwrap_or(lines.len());
    let last = lines.iter().rposition(|line| !is_blank(line)).map_or(first, |last| last + 1);
    lines.get(first..last).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_mean_what_the_specification_says() {
        for (text, meant) in [
            ("\"\"", ""),
            ("\"a\\\"\\n\\u00e9\\u{1F600}\\uD83D\\uDE00\"", "a\"\né😀😀"),
            ("\"\\u{22}\"", "\""),
            ("\"\\\\u{22}\"", "\\u{22}"),
            ("\"a\tb\"", "a\tb"),
            ("\"\"\"\"\"\"", ""),
            ("\"\"\"\n    a\n      b\\\"\"\"\n\n  \"\"\"", "a\n  b\"\"\""),
            ("\"\"\"one\r\n  two\r  three\"\"\"", "one\ntwo\nthree"),
            ("\"\"\"  x\n  y\"\"\"", "  x\ny"),
        ] {
            assert_eq!(string_value(text).as_deref(), Some(meant), "{text}");
        }
    }

    #[test]
    fn constants_are_what_a_client_would_send() {
        let object = Value::Object(vec![
            (
                "b".into(),
                Value::List(vec![Value::Literal("-1".into()), Value::Word("null".into())]),
            ),
            ("a".into(), Value::Word("RED".into())),
        ]);
        assert_eq!(object.to_json().unwrap().to_string(), "{\"a\":\"RED\",\"b\":[-1,null]}");
        assert_eq!(Value::List(vec![Value::Variable("x".into())]).to_json(), None);
        for inexact in ["1.0", "1e3", "9007199254740993", "99999999999999999999"] {
            assert_eq!(Value::Literal(inexact.into()).to_json(), None, "{inexact}");
        }
    }
}
