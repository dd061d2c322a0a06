//! Paths into a JSON body: a small subset of JSONPath (RFC 9535).
//!
//! In scope: `$`, `.name`, `['name']`, `["name"]`, `[n]` and `[*]`. Not in scope: filters, slices
//! and descendants, because tags name values at known places and need no search
//! (docs/decisions/0022).

use crate::json::plain_decimal;
use serde_json::Value;
use std::borrow::Cow;

/// A path into JSON, such as `$.items[*].id`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct JsonPath(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Step {
    Name(String),
    Item(usize),
    All,
}

/// The values that a path leads to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundValues {
    /// The strings and numbers, as they are written.
    pub values: Vec<String>,
    /// Whether every branch of the path led to a string or a number.
    pub complete: bool,
}

impl JsonPath {
    /// Parses a path. The error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = |rest: &str| {
            format!(
                "expected \"$\" and steps of the forms .name, ['name'], [0] and [*], found {rest:?} in {text:?}"
            )
        };
        let mut rest = text.strip_prefix('$').ok_or_else(|| wrong(text))?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let (step, after) = step(rest).ok_or_else(|| wrong(rest))?;
            steps.push(step);
            rest = after;
        }
        Ok(Self(steps))
    }

    /// Finds the values of a path. `None` if it leads to more than `at_most` places.
    pub fn find(&self, json: &Value, at_most: usize) -> Option<FoundValues> {
        let mut complete = true;
        let mut places = vec![json];
        for step in &self.0 {
            let mut next = Vec::with_capacity(places.len());
            for place in places {
                let before = next.len();
                match (step, place) {
                    (Step::Name(name), Value::Object(object)) => next.extend(object.get(name)),
                    (Step::Item(index), Value::Array(items)) => next.extend(items.get(*index)),
                    // RFC 9535 §2.3.2: `[*]` selects the members of an object as well.
                    (Step::All, Value::Array(items)) => next.extend(items.iter().take(at_most + 1)),
                    (Step::All, Value::Object(object)) => {
                        next.extend(object.values().take(at_most + 1));
                    }
                    _ => {}
                }
                // An empty list is complete: it contains nothing that could lack a value.
                let is_empty_list = place.as_array().is_some_and(Vec::is_empty);
                complete &= next.len() > before || (*step == Step::All && is_empty_list);
                if next.len() > at_most {
                    return None;
                }
            }
            places = next;
        }
        let values: Vec<String> = places.iter().filter_map(|value| text_of(value)).collect();
        let complete = complete && values.len() == places.len();
        Some(FoundValues { values, complete })
    }
}

/// A string or number, in the form of a GraphQL ID. `None` for other values.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => plain_decimal(number.as_str()).map(Cow::into_owned),
        _ => None,
    }
}

/// Parses the first step of a path. Returns it with the rest (RFC 9535 §2.5.1).
fn step(text: &str) -> Option<(Step, &str)> {
    if let Some(rest) = text.strip_prefix('.') {
        let end = rest.find(|c: char| !is_name_char(c)).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let begins_well = name.starts_with(|c: char| !c.is_ascii_digit());
        return begins_well.then(|| (Step::Name(name.to_owned()), after));
    }
    let inner = text.strip_prefix('[')?;
    for quote in ['\'', '"'] {
        let Some(rest) = inner.strip_prefix(quote) else { continue };
        let (name, after) = rest.split_once(quote)?;
        // Escapes are not supported, and must not be misread.
        let plain = !name.contains(|c: char| c == '\\' || c.is_control());
        return Some((Step::Name(name.to_owned()), after.strip_prefix(']')?)).filter(|_| plain);
    }
    let (selector, after) = inner.split_once(']')?;
    if selector == "*" {
        return Some((Step::All, after));
    }
    let digits = !selector.is_empty() && selector.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = selector == "0" || !selector.starts_with('0');
    let index = selector.parse().ok().filter(|_| digits && canonical)?;
    Some((Step::Item(index), after))
}

fn is_name_char(c: char) -> bool {
    c == '_' || c.is_ascii_alphanumeric() || !c.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found(path: &str, json: &Value) -> (Vec<String>, bool) {
        let found = JsonPath::parse(path).unwrap().find(json, 4).unwrap();
        (found.values, found.complete)
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn follows_names_items_and_all() {
        let json = json!({
            "id": 7, "a b": "x", "é": ["p", "q"], "by": { "one": { "id": "m" }, "two": { "id": 1.50 } },
            "items": [{ "id": "1" }, { "id": 2 }],
        });
        for (path, expected) in [
            ("$.id", &["7"][..]),
            ("$['a b']", &["x"]),
            ("$[\"a b\"]", &["x"]),
            ("$.é[1]", &["q"]),
            ("$.items[*].id", &["1", "2"]),
            ("$.items[0]['id']", &["1"]),
            ("$.by[*].id", &["m", "1.5"]),
        ] {
            assert_eq!(found(path, &json), (texts(expected), true), "{path}");
        }
        assert_eq!(found("$", &json!("x")), (texts(&["x"]), true));
    }

    #[test]
    fn says_what_is_lacking() {
        let json =
            json!({ "a": [{ "id": 1 }, { "id": null }, {}], "b": [], "c": [[1], []], "e": "" });
        for (path, values, complete) in [
            ("$.a[*].id", &["1"][..], false),
            ("$.a[1].id", &[], false),
            ("$.a[3].id", &[], false),
            ("$.b[*].id", &[], true),
            ("$.c[*][*]", &["1"], true),
            ("$.c[*]", &[], false),
            ("$.d", &[], false),
            ("$.e", &[], false),
            ("$.a.id", &[], false),
        ] {
            assert_eq!(found(path, &json), (texts(values), complete), "{path}");
        }
    }

    #[test]
    fn leads_to_so_many_places_and_no_more() {
        let path = JsonPath::parse("$[*][*]").unwrap();
        assert_eq!(path.find(&json!([[1, 2], [3, 4]]), 4).unwrap().values.len(), 4);
        assert_eq!(path.find(&json!([[1, 2], [3, 4, 5]]), 4), None);
        assert_eq!(path.find(&json!([[], [], [], [], []]), 4), None);
    }

    #[test]
    fn refuses_other_syntax() {
        for text in [
            "",
            "id",
            "$id",
            "$.",
            "$..id",
            "$.*",
            "$.1a",
            "$.a-b",
            "$[-1]",
            "$[01]",
            "$[+1]",
            "$[]",
            "$[1:2]",
            "$[0,1]",
            "$[?@.a]",
            "$['a",
            "$['a'",
            "$['a\\n']",
            "$['a'x]",
            "$.a ",
            "$[ 0 ]",
            "$[99999999999999999999999]",
        ] {
            let fault = JsonPath::parse(text).unwrap_err();
            assert!(fault.starts_with("expected \"$\" and steps"), "{text}: {fault}");
        }
    }
}
