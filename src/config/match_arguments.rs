//! The arguments of a match such as `graphql:Query.search(kind: PRODUCT, lang: "en")`.
//!
//! They are written as constant values of GraphQL (§2.9), and read as the JSON that a client would
//! send for them as variables (§6.1.2): the example gives `{"kind": "PRODUCT", "lang": "en"}`.
//!
//! In scope: numbers, quoted strings, booleans, null, enum values, lists and objects. Not in scope:
//! variables and block strings, which a match does not need.

use crate::order;
use serde_json::Value;

/// How deeply lists and objects may nest.
const DEPTH: usize = 16;

/// Reads the text after an opening parenthesis, up to the closing one at the end.
pub(super) fn arguments(text: &str) -> Result<Vec<(String, Value)>, String> {
    let fault = || {
        format!(
            "expected arguments such as (kind: PRODUCT, first: 10), found {:?}",
            format!("({text}")
        )
    };
    let mut reader = Reader { rest: text };
    let fields = reader.fields(')', DEPTH).filter(|fields| !fields.is_empty()).ok_or_else(fault)?;
    if !reader.rest.trim().is_empty() {
        return Err(fault());
    }
    let is_twice = |name: &str| fields.iter().filter(|(other, _)| other == name).count() > 1;
    match fields.iter().find(|(name, _)| is_twice(name)) {
        Some((name, _)) => Err(format!("the argument {name:?} is given twice")),
        None => Ok(fields),
    }
}

struct Reader<'t> {
    rest: &'t str,
}

impl<'t> Reader<'t> {
    /// Skips what GraphQL ignores (§2.1.7).
    fn skip(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n', ',']);
    }

    fn take(&mut self, punctuator: char) -> bool {
        self.skip();
        let after = self.rest.strip_prefix(punctuator);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    /// Takes the longest word of characters that belong to it. `None` if there is no such character.
    fn word(&mut self, belongs: impl Fn(char) -> bool) -> Option<&'t str> {
        self.skip();
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        (!word.is_empty()).then_some(word)
    }

    fn name(&mut self) -> Option<&'t str> {
        let name = self.word(|c| c == '_' || c.is_ascii_alphanumeric())?;
        (!name.starts_with(|c: char| c.is_ascii_digit())).then_some(name)
    }

    /// Reads `name: value` pairs up to a closing punctuator.
    fn fields(&mut self, end: char, depth: usize) -> Option<Vec<(String, Value)>> {
        let mut fields = Vec::new();
        while !self.take(end) {
            let name = self.name()?;
            if !self.take(':') {
                return None;
            }
            fields.push((name.to_owned(), self.value(depth.checked_sub(1)?)?));
        }
        Some(fields)
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if self.take('[') {
            let mut items = Vec::new();
            while !self.take(']') {
                items.push(self.value(depth.checked_sub(1)?)?);
            }
            return Some(Value::Array(items));
        }
        if self.take('{') {
            return Some(Value::Object(order::object_of(self.fields('}', depth)?)));
        }
        if self.rest.starts_with('"') {
            return self.string();
        }
        if self.rest.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
            let number = self.word(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))?;
            return serde_json::from_slice(number.as_bytes()).ok();
        }
        Some(match self.name()? {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "null" => Value::Null,
            name => Value::String(name.to_owned()),
        })
    }

    /// Reads a quoted string as JSON, which has all of GraphQL's escapes but `\u{…}`.
    fn string(&mut self) -> Option<Value> {
        let mut escaped = false;
        let is_end = |c: char| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        };
        let inside = self.rest.strip_prefix('"')?;
        let end = inside.find(is_end)? + 2;
        let (string, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        serde_json::from_slice(string.as_bytes()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_what_a_client_would_send() {
        let read = |text: &str| {
            let fields = arguments(text).unwrap();
            Value::Object(fields.into_iter().collect())
        };
        assert_eq!(read("drafts: true)"), json!({ "drafts": true }));
        assert_eq!(
            read(" kind : PRODUCT , lang: \"e\\\"n)\" first:-10, none:null ) "),
            json!({ "kind": "PRODUCT", "lang": "e\"n)", "first": -10, "none": null })
        );
        assert_eq!(
            read("where: {ids: [\"1\", \"2\"], price: {gt: 1.5}, not: {}}, of: [])"),
            json!({ "where": { "ids": ["1", "2"], "price": { "gt": 1.5 }, "not": {} }, "of": [] })
        );
    }

    #[test]
    fn refuses_what_is_no_list_of_arguments() {
        for text in [
            "",
            ")",
            "a)",
            "a:)",
            "a: 1",
            "a: 1) b",
            "1: 2)",
            "a: $x)",
            "a: \"x)",
            "a: [1)",
            "a: 01)",
            "a: 1, a: 2)",
            "a: {b: {c: 1})",
            "a: \"\"\"x\"\"\")",
        ] {
            assert!(arguments(text).is_err(), "{text}");
        }
        let deep = format!("a: {}{})", "[".repeat(1_000), "]".repeat(1_000));
        assert!(arguments(&deep).is_err());
    }
}
