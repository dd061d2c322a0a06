use super::*;
use crate::json::Value;
use proptest::prelude::*;
use serde_json::Value as Tree;

/// The tree of a value, in which the last of several members with one name counts.
fn tree_of(value: Value<'_>) -> Tree {
    match value {
        Value::Null => Tree::Null,
        Value::Bool(value) => Tree::Bool(value),
        // Also numbers beyond what a double holds.
        Value::Number(text) => {
            let number: serde_json::Number = serde_json::from_str(text).unwrap();
            assert_eq!(number.to_string(), text, "spelled like serde_json");
            Tree::Number(number)
        }
        Value::String(text) => Tree::String(text.to_owned()),
        Value::Array(array) => array.iter().map(tree_of).collect(),
        Value::Object(object) => {
            object.iter().map(|(name, value)| (name.to_owned(), tree_of(value))).collect()
        }
    }
}

/// It reads what serde_json reads, and refuses what serde_json refuses.
fn agrees_with_serde(json: &[u8]) {
    let tree = serde_json::from_slice::<Tree>(json).ok();
    let index = Index::of(json);
    let text = String::from_utf8_lossy(json);
    assert_eq!(index.as_ref().map(|index| tree_of(index.root())), tree, "{text}");
}

#[test]
fn every_form_of_a_value() {
    for json in [
        "null",
        "true",
        "false",
        " 7 ",
        "-0",
        "0",
        "01",
        "-",
        "+1",
        ".5",
        "1.",
        "1.5",
        "1e",
        "1e5",
        "1E5",
        "1e+5",
        "1E+5",
        "1E-05",
        "-2.50e-3",
        "1e999",
        "12345678901234567890123",
        "0x1",
        "1 2",
        "NaN",
        "Infinity",
        "nul",
        "nulls",
        "tru",
        "falsy",
        "\"\"",
        "\"a\"",
        "\"",
        "\"a",
        "'a'",
        "\"\\",
        "\"\\\"",
        "\"\\n\\/\\\\\\\"\\u0041\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud83d\"",
        "\"\\ude00\"",
        "\"\\ud83dx\"",
        "\"\n\"",
        "\"\u{7f}\u{80}\u{e9}\u{1f600}\"",
        "[]",
        "[ ]",
        "[1,2 , 3]",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[",
        "]",
        "[1}",
        "{}",
        "{ }",
        "{\"a\":1}",
        "{ \"a\" : { \"b\" : [ { } , [ ] ] } , \"c\" : null }",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{1:2}",
        "{\"a\" 1}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":1]",
        "{",
        "}",
        "{\"a\":1,\"a\":2}",
        "{\"\\u0061\":1,\"a\":[2]}",
        "{\"\":{\"\":\"\"}}",
        "",
        " ",
        "\u{feff}1",
        "[] []",
        "/*1*/2",
        "\u{a0}1",
        "1\0",
        "[\"\\u0000\"]",
        "\t\r\n 1\t\r\n ",
    ] {
        agrees_with_serde(json.as_bytes());
    }
    for bytes in [&b"\"\xff\""[..], b"\xef\xbb\xbf1", b"\"\xc3\"", b"\"\xed\xa0\x80\"", b"[1]\xff"]
    {
        agrees_with_serde(bytes);
    }
}

#[test]
fn depth_is_limited_where_serde_limits_it() {
    for depth in [1, 126, 127, 128, 129, 100_000] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
            agrees_with_serde(format!("{}1{}", open.repeat(depth), close.repeat(depth)).as_bytes());
            agrees_with_serde(open.repeat(depth).as_bytes());
        }
    }
}

#[test]
fn no_control_character_hides_beside_another_byte() {
    for length in 0..20 {
        for place in 0..=length {
            for byte in (0..0x24).chain([b'\\', 0x7f]) {
                let mut string = "x".repeat(length).into_bytes();
                string.insert(place, byte);
                agrees_with_serde(&[b"[\"", string.as_slice(), b"\"]"].concat());
            }
        }
    }
}

#[test]
fn both_members_with_one_name_are_there_and_the_last_counts() {
    let index = Index::of(br#"{"a":1,"b":2,"\u0061":{"c":3}}"#).unwrap();
    let object = index.root().as_object().unwrap();
    assert_eq!(object.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["a", "b", "a"]);
    assert_eq!(object.get("a").and_then(|value| value.get("c")), Some(Value::Number("3")));
    assert_eq!(object.get("c"), None);
}

#[test]
fn names_and_places_are_those_of_the_text() {
    let json = r#"{"a":[{"b":"é","\u0063":7}],"":{"a":"x\n"}}"#;
    let index = Index::of(json.as_bytes()).unwrap();
    assert_eq!(index.json(), json);
    assert_eq!(index.root().names().collect::<Vec<_>>(), ["a", "b", "c", "", "a"]);
    let place = |part: &str| index.place_of(part).and_then(|at| json.get(at..at + part.len()));
    let places = index.root().names().map(place).collect::<Vec<_>>();
    assert_eq!(places, [Some("a"), Some("b"), None, Some(""), Some("a")]);
    let object = index.root().get("a").unwrap().as_array().unwrap().iter().next().unwrap();
    let Value::Number(seven) = object.get("c").unwrap() else { panic!() };
    assert_eq!(index.place_of(seven), json.find('7'));
    assert_eq!(object.get("b").unwrap().names().count(), 0);
    assert_eq!(
        index.place_of(index.root().get("").unwrap().get("a").unwrap().as_str().unwrap()),
        None
    );
}

#[test]
fn the_default_is_null() {
    assert_eq!(Index::default().root(), Value::Null);
}

#[test]
fn memory_is_asked_for_before_it_is_taken() {
    let json = format!("[{}\"\\n\"]", "0,".repeat(10_000));
    let mut taken = 0;
    let index = Index::read(json.as_bytes(), &mut |bytes| {
        taken += bytes;
        true
    });
    let index = index.unwrap();
    let held = index.nodes.capacity() * size_of::<Node>() + index.text.capacity();
    assert!((held..6 * held).contains(&taken), "{taken} for {held}");
    for most in [0, 1, json.len(), taken / 2, taken - 1] {
        let mut left = most;
        let read = Index::read(json.as_bytes(), &mut |bytes| {
            let has_room = bytes <= left;
            left = left.saturating_sub(bytes);
            has_room
        });
        assert_eq!(read, Err(IndexFault::NoRoom), "{most}");
    }
}

fn strings() -> impl Strategy<Value = String> {
    prop_oneof!["[a-c]{0,3}", "[ -~]{0,20}", "\\PC{0,12}", "[\"\\\\\u{0}-\u{1f}é😀x]{0,10}"]
}

fn trees() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        Just(Tree::Null),
        any::<bool>().prop_map(Tree::from),
        any::<i64>().prop_map(Tree::from),
        any::<f64>().prop_map(Tree::from),
        strings().prop_map(Tree::from),
    ];
    leaf.prop_recursive(6, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Tree::from),
            prop::collection::vec((strings(), inner), 0..6)
                .prop_map(|members| Tree::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn a_tree_comes_back(tree in trees(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&tree) } else { serde_json::to_string(&tree) };
        agrees_with_serde(text.unwrap().as_bytes());
    }

    #[test]
    fn a_damaged_text_is_refused_like_serde_refuses_it(
        tree in trees(),
        damages in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3), 1..4),
    ) {
        let mut text = tree.to_string().into_bytes();
        for (place, byte, kind) in damages {
            let at = place.index(text.len().max(1));
            match kind {
                0 if at < text.len() => text[at] = byte,
                1 if at < text.len() => drop(text.remove(at)),
                _ => text.insert(at.min(text.len()), byte),
            }
        }
        agrees_with_serde(&text);
    }

    #[test]
    fn what_looks_like_json_is_read_like_serde_reads_it(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "{", "}", "[", "]", ",", ":", "\"a\"", "\"b\":", "\"\\u0061\":", "1", "-0.5e1", "2E3", "null", "true",
                " ", "\n", "\"", "\\", "\"\\ud800\"", "\"\\ud83d\\ude00\"", "é",
            ]),
            0..16,
        ),
    ) {
        agrees_with_serde(parts.concat().as_bytes());
    }
}
