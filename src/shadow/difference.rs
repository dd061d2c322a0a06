//! Where two JSON texts differ, as paths such as `data.products[].price`.
//!
//! A path has the names of members, and `[]` for every element of a list. It has no value: a member whose
//! name looks like data, such as an id, appears as `*`. The order of members does not matter, and that of
//! elements does.

use crate::order;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The path of a difference in the status.
pub const STATUS: &str = "status";
/// The path of a difference in a body that is not JSON.
pub const BODY: &str = "body";

/// How many paths are found in one comparison.
const PATHS: usize = 20;
/// How many bytes a path has at most.
const PATH_BYTES: usize = 200;
/// How many bytes a member's name has at most that appears in a path.
const NAME_BYTES: usize = 64;
/// So many digits in a row look like an id.
const DIGITS: usize = 3;

/// The paths at which two values differ, sorted, each once, and at most 20. A top-level member named
/// `ignored` is left out.
pub fn json_differences(served: &Value, fetched: &Value, ignored: Option<&str>) -> Vec<String> {
    let mut found = Differences { path: String::new(), paths: BTreeSet::new() };
    match (served, fetched) {
        (Value::Object(served), Value::Object(fetched)) => found.members(served, fetched, ignored),
        _ => found.compare(served, fetched),
    }
    found.paths.into_iter().collect()
}

struct Differences {
    path: String,
    paths: BTreeSet<String>,
}

impl Differences {
    /// The depth of both values is bounded: `serde_json` reads no deeper than 128.
    fn compare(&mut self, served: &Value, fetched: &Value) {
        if self.paths.len() >= PATHS {
            return;
        }
        match (served, fetched) {
            (Value::Object(served), Value::Object(fetched)) => self.members(served, fetched, None),
            (Value::Array(served), Value::Array(fetched)) => self.within("[]", |found| {
                if served.len() != fetched.len() {
                    return found.note();
                }
                for (served, fetched) in served.iter().zip(fetched) {
                    found.compare(served, fetched);
                }
            }),
            _ if served != fetched => self.note(),
            _ => {}
        }
    }

    fn members(
        &mut self,
        served: &Map<String, Value>,
        fetched: &Map<String, Value>,
        ignored: Option<&str>,
    ) {
        let names = order::set_of(served.keys().chain(fetched.keys()));
        for name in names.into_iter().filter(|name| Some(name.as_str()) != ignored) {
            let shown = shown_name(name);
            let dot = if self.path.is_empty() { "" } else { "." };
            self.within(&format!("{dot}{shown}"), |found| {
                match (served.get(name), fetched.get(name)) {
                    (Some(served), Some(fetched)) => found.compare(served, fetched),
                    _ => found.note(),
                }
            });
        }
    }

    /// Compares what is below a further segment of the path.
    fn within(&mut self, segment: &str, compare: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        self.path.push_str(segment);
        compare(self);
        self.path.truncate(length);
    }

    fn note(&mut self) {
        if self.paths.len() < PATHS {
            let end = self.path.floor_char_boundary(PATH_BYTES);
            let path = self.path.get(..end).unwrap_or_default();
            self.paths.insert(if path.is_empty() { BODY.to_owned() } else { path.to_owned() });
        }
    }
}

/// The name of a member, or `*` if it looks like data.
fn shown_name(name: &str) -> &str {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'$');
    let looks_like_name = !name.is_empty() && name.len() <= NAME_BYTES && name.bytes().all(is_word);
    let digits = name.as_bytes().windows(DIGITS).any(|run| run.iter().all(u8::is_ascii_digit));
    let has_letter = name.bytes().any(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    if looks_like_name && has_letter && !digits { name } else { "*" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn a_difference_has_the_path_of_its_member() {
        let served = json!({ "data": {
            "product": { "price": 1, "name": "a", "tags": ["x", "y"] },
            "list": [{ "id": 1, "n": 1 }, { "id": 2, "n": 1 }],
        } });
        for (pointer, value, path) in [
            ("/data/product/price", json!(2), "data.product.price"),
            ("/data/product/price", json!("1"), "data.product.price"),
            ("/data/product/price", json!(null), "data.product.price"),
            ("/data/product/tags", json!(["y", "x"]), "data.product.tags[]"),
            ("/data/product/tags", json!(["x"]), "data.product.tags[]"),
            ("/data/product/tags", json!({}), "data.product.tags"),
            ("/data/list/1/n", json!(2), "data.list[].n"),
            ("/data", json!(null), "data"),
            ("", json!([]), "body"),
        ] {
            let mut fetched = served.clone();
            *fetched.pointer_mut(pointer).unwrap() = value;
            assert_eq!(json_differences(&served, &fetched, None), [path], "{pointer}");
            assert_eq!(json_differences(&fetched, &served, None), [path], "{pointer}");
        }
        assert_eq!(json_differences(&served, &served, None), [] as [&str; 0]);
    }

    #[test]
    fn members_that_only_one_has_differ() {
        let (one, both) = (json!({ "a": 1 }), json!({ "b": 1, "a": 1 }));
        assert_eq!(json_differences(&one, &both, None), ["b"]);
        assert_eq!(json_differences(&both, &one, None), ["b"]);
        assert_eq!(json_differences(&both, &one, Some("b")), [] as [&str; 0]);
        // Only at the top.
        let nested = |n: u64| json!({ "data": { "extensions": n } });
        assert_eq!(
            json_differences(&nested(1), &nested(2), Some("extensions")),
            ["data.extensions"]
        );
    }

    #[test]
    fn names_that_look_like_data_are_not_shown() {
        for name in ["42", "user-10042", "a b", "alice@example.com", "", "é", &"x".repeat(65)] {
            let (one, other) = (json!({ "by": { name: 1 } }), json!({ "by": { name: 2 } }));
            assert_eq!(json_differences(&one, &other, None), ["by.*"], "{name}");
        }
        for name in ["price", "_id", "address2", "kebab-case", "$ref"] {
            let (one, other) = (json!({ name: 1 }), json!({ name: 2 }));
            assert_eq!(json_differences(&one, &other, None), [name]);
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (0..3_u64).prop_map(Value::from),
            "[a-c]{0,2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 60, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map("[a-z0-9]{1,70}", inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn there_is_a_path_if_and_only_if_the_values_differ(one in value(), other in value()) {
            let paths = json_differences(&one, &other, None);
            prop_assert_eq!(paths.is_empty(), one == other);
            prop_assert_eq!(&paths, &json_differences(&other, &one, None));
            prop_assert!(paths.len() <= PATHS && paths.iter().all(|path| path.len() <= PATH_BYTES));
        }
    }
}
