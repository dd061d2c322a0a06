//! Detects duplicate member names in JSON.
//!
//! RFC 8259 §4 leaves open which of two members with the same name counts: most parsers use the
//! last, some the first. Such a text might mean one thing to Evergraph and another to the origin.
//! Not in scope: whether the text is valid JSON, which its parser determines.

use super::string::string_end;
use std::borrow::Cow;

/// The maximum nesting of brackets. The JSON parser stops at 128.
const MOST_DEPTH: usize = 256;

/// Why the names may not be unique.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ambiguous {
    /// An object has two members with the same name.
    DuplicateName,
    /// Brackets nest too deep to be checked.
    TooDeep,
}

/// Checks that no object has two members with the same name. Different spellings of a name, `"a"`
/// and `"\u0061"`, are the same name. A text that is not JSON may pass.
///
/// The text is read once. The names of an object are sorted and compared where it ends.
pub fn names_are_unique(json: &[u8]) -> Result<(), Ambiguous> {
    // The names of all open objects, and the index of each object's first name. Arrays have none.
    let mut names: Vec<Cow<'_, [u8]>> = Vec::new();
    let mut open: Vec<Option<usize>> = Vec::new();
    let mut expects_name = false;
    let mut at = 0;
    while let Some(&byte) = json.get(at) {
        at += 1;
        match byte {
            b'"' => {
                let end = string_end(json, at);
                if expects_name {
                    names.push(name(json.get(at - 1..end).unwrap_or_default()));
                    expects_name = false;
                }
                at = end;
            }
            b'{' | b'[' if open.len() >= MOST_DEPTH => return Err(Ambiguous::TooDeep),
            b'{' | b'[' => {
                expects_name = byte == b'{';
                open.push(expects_name.then_some(names.len()));
            }
            b'}' | b']' => {
                expects_name = false;
                let Some(Some(first)) = open.pop() else { continue };
                if has_duplicates(names.get_mut(first..).unwrap_or_default()) {
                    return Err(Ambiguous::DuplicateName);
                }
                names.truncate(first);
            }
            b',' => expects_name = matches!(open.last(), Some(Some(_))),
            _ => {}
        }
    }
    Ok(())
}

/// A name without quotes and escapes. A malformed string is taken as it is written.
fn name(quoted: &[u8]) -> Cow<'_, [u8]> {
    let plain = quoted.strip_prefix(b"\"").unwrap_or(quoted);
    let plain = plain.strip_suffix(b"\"").unwrap_or(plain);
    if !plain.contains(&b'\\') {
        return Cow::Borrowed(plain);
    }
    match serde_json::from_slice::<String>(quoted) {
        Ok(name) => Cow::Owned(name.into_bytes()),
        Err(_) => Cow::Borrowed(plain),
    }
}

fn has_duplicates(names: &mut [Cow<'_, [u8]>]) -> bool {
    names.sort_unstable();
    names.windows(2).any(|pair| matches!(pair, [one, other] if one == other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn finds_duplicates_wherever_they_are() {
        for twice in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"query":"{evil}","\u0071uer\u0079":"{good}"}"#,
            r#"{"\ud83d\ude00":1,"😀":2}"#,
            r#"{"\/":1,"/":2}"#,
            r#"{"":1,"b":2,"":3}"#,
            r#"{"x":{"a":1,"b":2,"a":3}}"#,
            r#"{"x":[1,[{"a":1,"a":2}]]}"#,
            r#"[{"b":1},{"a":{},"c":[],"a":null}]"#,
            "{ \"a\" :\t\"x\" ,\n\"a\" : {} }",
            r#"{"a":"\\","a":1}"#,
        ] {
            assert_eq!(
                names_are_unique(twice.as_bytes()),
                Err(Ambiguous::DuplicateName),
                "{twice}"
            );
        }
    }

    #[test]
    fn takes_nothing_else_for_a_duplicate() {
        for once in [
            "",
            "7",
            "null",
            r#""a""#,
            r#"{"a":"a","b":"a"}"#,
            r#"{"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]}"#,
            r#"["a","a",{"a":["a","a"]},"a"]"#,
            r#"{"a":1,"A":2,"a ":3,"\\u0061":4,"a\u0000":5}"#,
            r#"{"a":"{\"b\":1,\"b\":2}"}"#,
            r#"{"a":",","b":"\",\"a\":"}"#,
        ] {
            assert_eq!(names_are_unique(once.as_bytes()), Ok(()), "{once}");
        }
    }

    #[test]
    fn what_is_no_json_ends_too() {
        for text in
            ["{", "}", "]]]", "{\"a", "{\"a\\", "\"", "{]}[", "{\"a\":1,\"a\"", "{\"\\ud800\":1}"]
        {
            assert_eq!(names_are_unique(text.as_bytes()), Ok(()), "{text}");
        }
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(names_are_unique(nested(MOST_DEPTH).as_bytes()), Ok(()));
        for deep in [nested(MOST_DEPTH + 1), "{\"a\":".repeat(100_000)] {
            assert_eq!(names_are_unique(deep.as_bytes()), Err(Ambiguous::TooDeep));
        }
    }

    /// A JSON text, and whether a name is repeated in it.
    #[derive(Debug, Clone)]
    struct Model {
        text: String,
        has_duplicates: bool,
    }

    /// Names that often collide, each in one of its spellings.
    fn spelled_name() -> impl Strategy<Value = (String, String)> {
        let names = prop::sample::select(vec!["a", "b", "ab", "", "é", "\"", "\\", "😀"]);
        (names, any::<bool>()).prop_map(|(name, escaped)| {
            let text = match escaped {
                true => name.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect(),
                false => name.replace('\\', "\\\\").replace('"', "\\\""),
            };
            (name.to_owned(), format!("\"{text}\""))
        })
    }

    fn model() -> impl Strategy<Value = Model> {
        let leaf = prop::sample::select(vec!["1", "null", "\"a\"", "\",\\\"a\\\":{\"", "-2.5e3"]);
        let leaf = leaf.prop_map(|text| Model { text: text.to_owned(), has_duplicates: false });
        leaf.prop_recursive(4, 40, 5, |inner| {
            let array = prop::collection::vec(inner.clone(), 0..5).prop_map(|items| Model {
                has_duplicates: items.iter().any(|item| item.has_duplicates),
                text: format!(
                    "[{}]",
                    items.iter().map(|item| item.text.as_str()).collect::<Vec<_>>().join(" , ")
                ),
            });
            let object = prop::collection::vec((spelled_name(), inner), 0..5).prop_map(|members| {
                let twice = members.iter().enumerate().any(|(n, ((name, _), _))| {
                    members.iter().skip(n + 1).any(|((other, _), _)| other == name)
                });
                let texts: Vec<String> = members
                    .iter()
                    .map(|((_, spelled), value)| format!("{spelled} :{}", value.text))
                    .collect();
                Model {
                    has_duplicates: twice || members.iter().any(|(_, value)| value.has_duplicates),
                    text: format!("{{{}}}", texts.join(",\n")),
                }
            });
            prop_oneof![array, object]
        })
    }

    proptest! {
        #[test]
        fn agrees_with_a_naive_reader(model in model()) {
            let found = names_are_unique(model.text.as_bytes());
            prop_assert!(serde_json::from_str::<serde_json::Value>(&model.text).is_ok());
            prop_assert_eq!(found.is_err(), model.has_duplicates, "{}", model.text);
        }
    }
}
