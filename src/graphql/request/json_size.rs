//! Estimates the memory of a JSON text as a tree, without building the tree.

use crate::json::string_end;

/// The size of a JSON text as a tree of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonSize {
    /// An upper bound on the number of values.
    pub values: usize,
    /// An approximate upper bound on the tree's size in bytes.
    pub bytes: usize,
}

/// The bytes of a value in a list: the value, its text's allocation, and the list's spare capacity.
const VALUE_BYTES: usize = 64;

/// The bytes of an object: the first node of its map.
const OBJECT_BYTES: usize = 320;

/// The bytes of an object's member in addition to its value: the name, and the map's nodes as they
/// split.
const MEMBER_BYTES: usize = 48;

impl JsonSize {
    /// Estimates a text. It need not be valid JSON.
    pub fn of(json: &[u8]) -> Self {
        let (mut values, mut objects, mut members) = (1_usize, 0_usize, 0_usize);
        let mut at = 0;
        while let Some(byte) = json.get(at) {
            at += 1;
            match byte {
                b'"' => at = string_end(json, at),
                b',' | b'[' => values += 1,
                b'{' => (values, objects) = (values + 1, objects + 1),
                b':' => members += 1,
                _ => {}
            }
        }
        let bytes =
            json.len() + values * VALUE_BYTES + objects * OBJECT_BYTES + members * MEMBER_BYTES;
        Self { values, bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn values_in(value: &Value) -> usize {
        match value {
            Value::Array(items) => 1 + items.iter().map(values_in).sum::<usize>(),
            Value::Object(members) => 1 + members.values().map(values_in).sum::<usize>(),
            _ => 1,
        }
    }

    #[test]
    fn counts_values_and_not_what_is_in_strings() {
        for (json, values) in [
            ("7", 1),
            ("[0,0,0]", 4),
            ("{\"a\":[1,2],\"b\":null}", 5),
            ("\"[,{:\"", 1),
            ("[\"\\\"\",\"[[[\"]", 3),
        ] {
            assert_eq!(JsonSize::of(json.as_bytes()).values, values, "{json}");
        }
        assert!(JsonSize::of(b"[,[,{,\"").values < 10);
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<u32>().prop_map(Value::from),
            "[\"\\\\\\[{,:a]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 64, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                prop::collection::btree_map("[a,\"]{0,3}", inner, 0..8)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        /// Never fewer values than there are, and no more than one for each empty list beside.
        #[test]
        fn no_value_goes_uncounted(value in json()) {
            let text = value.to_string();
            let (size, values) = (JsonSize::of(text.as_bytes()), values_in(&value));
            prop_assert!(values <= size.values && size.values <= 2 * values);
            prop_assert!(size.bytes >= text.len() + values * VALUE_BYTES);
        }
    }
}
