use super::*;
use crate::graphql::document::lexer;
use proptest::prelude::*;

/// A one-line document, so that columns move: `{ a { b } }` with one field inserted into each
/// selection set.
fn document() -> InjectedDocument {
    let inserted = |offset| (offset, "evergraph__typename:__typename ".to_owned());
    InjectedDocument::new("{ a { b } }", &[inserted(1), inserted(5)]).unwrap()
}

/// The output. `None` if it is not certain, or if the input is not JSON.
fn output(body: &str) -> Option<String> {
    let index = Index::of(body.as_bytes())?;
    strip(&index, &document()).map(Cow::into_owned)
}

fn assert_stripped(cases: &[(&str, &str)]) {
    for (body, expected) in cases {
        assert_eq!(output(body).as_deref(), Some(*expected), "{body}");
    }
}

fn assert_unchanged(bodies: &[&str]) {
    for body in bodies {
        let index = Index::of(body.as_bytes()).unwrap();
        let stripped = strip(&index, &document());
        assert!(
            matches!(stripped, Some(Cow::Borrowed(same)) if same == *body),
            "{body} {stripped:?}"
        );
    }
}

#[test]
fn members_go_with_one_comma() {
    assert_stripped(&[
        (r#"{"data":{"evergraph__t":"A","x":1}}"#, r#"{"data":{"x":1}}"#),
        (r#"{"data":{"x":1,"evergraph__t":"A"}}"#, r#"{"data":{"x":1}}"#),
        (r#"{"data":{"x":1,"evergraph__t":"A","y":2}}"#, r#"{"data":{"x":1,"y":2}}"#),
        (r#"{"data":{"evergraph__t":"A"}}"#, r#"{"data":{}}"#),
        (r#"{"data":{"evergraph__a":1,"evergraph__b":2}}"#, r#"{"data":{}}"#),
        (r#"{"data":{"evergraph__a":1,"evergraph__b":2,"x":3}}"#, r#"{"data":{"x":3}}"#),
        (r#"{"data":{"x":3,"evergraph__a":1,"evergraph__b":2}}"#, r#"{"data":{"x":3}}"#),
        (
            r#"{"data":{"evergraph__a":1,"x":{"evergraph__b":2},"evergraph__c":3,"y":[{"evergraph__d":4}],"evergraph__e":5}}"#,
            r#"{"data":{"x":{},"y":[{}]}}"#,
        ),
        (
            r#"{"data":[[{"evergraph__a":1},{"x":[{"evergraph__a":1,"y":2}]}]]}"#,
            r#"{"data":[[{},{"x":[{"y":2}]}]]}"#,
        ),
        (r#"{"data":{"evergraph__":1,"x":2}}"#, r#"{"data":{"x":2}}"#),
    ]);
}

#[test]
fn any_leaf_goes() {
    for value in [
        "null",
        "true",
        "-1.5e+3",
        "\"\"",
        r#""\"}\\""#,
        r#""\u00e9\\\"""#,
        r#""é","evergraph__u":1"#,
    ] {
        let body = format!(r#"{{"data":{{"evergraph__t":{value},"x":1}},"y":2}}"#);
        assert_stripped(&[(&body, r#"{"data":{"x":1},"y":2}"#)]);
        let body = format!(r#"{{"data":{{"x":1 , "evergraph__t" : {value} }},"y":2}}"#);
        assert_stripped(&[(&body, r#"{"data":{"x":1 },"y":2}"#)]);
    }
}

#[test]
fn what_no_document_adds_is_not_removed() {
    for value in [
        r#"{"evergraph__a":{"b":[1,{"c":"]"}]},"data":{"x":1}}"#,
        "[ ]",
        "{ }",
        r#"[{"evergraph__a":1,"locations":[{"line":1,"column":34}]},[[]]]"#,
    ] {
        let body = format!(r#"{{"data":{{"evergraph__t":{value},"x":1}},"y":2}}"#);
        assert_eq!(output(&body), None, "{body}");
    }
    for name in [r#"\u0065vergraph__a"#, r#"evergraph\u005f_a"#] {
        assert_eq!(output(&format!(r#"{{"data":{{"x":1,"{name}":1}}}}"#)), None, "{name}");
    }
}

#[test]
fn white_space_is_as_the_serializer_would_have_written_it() {
    assert_stripped(&[
        (r#"{"data": {"evergraph__t": "A", "x": 1}}"#, r#"{"data": {"x": 1}}"#),
        (r#"{"data": {"x": 1, "evergraph__t": "A", "y": 2}}"#, r#"{"data": {"x": 1, "y": 2}}"#),
        (r#"{"data": {"x": 1, "evergraph__t": "A"}}"#, r#"{"data": {"x": 1}}"#),
        (r#"{ "data" : { "x" : 1 , "evergraph__t" : "A" } }"#, r#"{ "data" : { "x" : 1 } }"#),
        (r#"{ "data" : { "evergraph__t" : "A" , "x" : 1 } }"#, r#"{ "data" : { "x" : 1 } }"#),
        (
            r#"{ "data" : { "x" : 1 , "evergraph__t" : "A" , "y" : 2 } }"#,
            r#"{ "data" : { "x" : 1 , "y" : 2 } }"#,
        ),
        ("{\"data\": {\n\t\"evergraph__t\": 1,\n\t\"x\": 2\n}}", "{\"data\": {\n\t\"x\": 2\n}}"),
        ("{\"data\": {\n\t\"x\": 2,\n\t\"evergraph__t\": 1\n}}", "{\"data\": {\n\t\"x\": 2\n}}"),
        ("{\"data\": {\r\n \"evergraph__t\": 1\r\n}}", "{\"data\": {}}"),
        ("{\"data\": { } }\n", "{\"data\": { } }\n"),
        ("{ \"data\": {\n  \"x\": 1\n, \"evergraph__t\": 1\n}}", "{ \"data\": {\n  \"x\": 1\n}}"),
    ]);
}

#[test]
fn only_data_is_stripped() {
    assert_unchanged(&[
        r#"{"evergraph__a":1,"extensions":{"evergraph__b":1,"data":{"evergraph__c":1}}}"#,
        r#"{"errors":[{"evergraph__a":1,"data":{"evergraph__a":1}}],"data":null}"#,
        r#"{"Data":{"evergraph__a":1},"data2":{"evergraph__a":1}}"#,
        r#"[[{"data":{"evergraph__a":1}}],{"x":{"data":{"evergraph__a":1}}}]"#,
        r#"[{"data":{"evergraph__a":1}},1]"#,
        r#"{"data":{"x":1},"evergraph__a":1}"#,
        r#"{"data":1,"evergraph__a":[{"evergraph__a":1}]}"#,
        r#""evergraph__a""#,
    ]);
    assert_stripped(&[
        (r#"{"d\u0061ta":{"evergraph__a":1},"x":2}"#, r#"{"d\u0061ta":{},"x":2}"#),
        (
            r#"{"data":{"evergraph__a":1},"errors":[],"data":{"evergraph__a":1}}"#,
            r#"{"data":{},"errors":[],"data":{}}"#,
        ),
    ]);
}

#[test]
fn only_keys_with_the_prefix_go() {
    assert_unchanged(&[
        r#"{"data":{"evergraph_":1,"evergraph_a":2,"Evergraph__a":3,"xevergraph__a":4,"":5}}"#,
        r#"{"data":{"\"evergraph__a":3}}"#,
        r#"{"data":{"x":"evergraph__a","y":["evergraph__a"],"z":"\",\"evergraph__a\":1"}}"#,
    ]);
}

#[test]
fn every_other_byte_stays() {
    assert_unchanged(&[
        "{\"data\":{\"x\":1E400,\"x\":-0.0,\"y\":\"\\u00e9\\/\u{7f}\"}}",
        "\t1 ",
        "{\"data\":{\"x\":{ \"y\" :[ 1 , { } ] }\n,\"z\":\"\"}}\r\n",
    ]);
}

#[test]
fn locations_get_the_columns_of_the_source() {
    assert_stripped(&[
        (
            r#"{"errors":[{"message":"m","locations":[{"line":1,"column":34}]}],"data":{"evergraph__a":1}}"#,
            r#"{"errors":[{"message":"m","locations":[{"line":1,"column":3}]}],"data":{}}"#,
        ),
        (
            r#"{"data":{"evergraph__a":1},"errors":[{"locations":[{"column":69,"line":1},{"line":1,"column":1}]},{"locations":[ { "line" : 1 , "column" : 69 , "x" : {"line":7} } ]}]}"#,
            r#"{"data":{},"errors":[{"locations":[{"column":7,"line":1},{"line":1,"column":1}]},{"locations":[ { "line" : 1 , "column" : 7 , "x" : {"line":7} } ]}]}"#,
        ),
        (
            r#"{"errors":[{"locations":[{"l\u0069ne":1,"column":34,"x":[{"y":1}]}]}]}"#,
            r#"{"errors":[{"locations":[{"l\u0069ne":1,"column":3,"x":[{"y":1}]}]}]}"#,
        ),
    ]);
}

#[test]
fn nothing_else_is_a_location() {
    let location = r#"{"line":1,"column":34}"#;
    for place in [
        r#"{"errors":[{"locations":@}]}"#,
        r#"{"errors":[{"locations":[[@]]}]}"#,
        r#"{"errors":[{"locations":[{"x":@}]}]}"#,
        r#"{"errors":[{"locations":{"x":[@]}}]}"#,
        r#"{"errors":[{"locations":{"x":@}}]}"#,
        r#"{"errors":[{"locations":[],"x":[@]}]}"#,
        r#"{"errors":[{"locations":[]},[[@]]]}"#,
        r#"{"errors":[{"extensions":{"locations":[@]}}]}"#,
        r#"{"errors":[[{"locations":[@]}]]}"#,
        r#"{"errors":{"x":{"locations":[@]}}}"#,
        r#"{"errors":{"locations":[@]}}"#,
        r#"{"errors":[],"locations":[@]}"#,
        r#"{"data":{"locations":[@],"errors":[{"locations":[@]}]}}"#,
        r#"{"extensions":{"errors":[{"locations":[@]}]},"x":[{"locations":[@]}]}"#,
        r#"[[{"errors":[{"locations":[@]}]}]]"#,
        r#"[{"errors":[{"locations":[@]}]}]"#,
    ] {
        assert_unchanged(&[&place.replace('@', location)]);
    }
    for location in [
        r#"{"line":1}"#,
        r#"{"column":34}"#,
        r#"{"line":1,"column":34.0}"#,
        r#"{"line":1,"column":"34"}"#,
        r#"{"line":1,"column":[34]}"#,
        r#"{"line":null,"column":34}"#,
        r#"{"line":-1,"column":34}"#,
        r#"{"line":1,"column":34e0}"#,
        r#"{"line":1,"column":99999999999999999999}"#,
        r#"{"line":1,"column":500}"#,
        r#"{"line":2,"column":34}"#,
        r#"{"line":0,"column":0}"#,
        r#"{}"#,
    ] {
        assert_unchanged(&[&format!(r#"{{"errors":[{{"locations":[{location}]}}]}}"#)]);
    }
}

#[test]
fn the_last_of_two_coordinates_counts() {
    assert_stripped(&[(
        r#"{"errors":[{"locations":[{"line":2,"column":1,"line":1,"column":34}]}]}"#,
        r#"{"errors":[{"locations":[{"line":2,"column":1,"line":1,"column":3}]}]}"#,
    )]);
}

/// A JSON value whose scalars are already serialized.
#[derive(Debug, Clone)]
enum Tree {
    Scalar(String),
    List(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

/// How a serializer writes white space.
#[derive(Debug, Clone, Copy)]
enum Style {
    Compact,
    /// `", "` and `": "`.
    Spaced,
    Pretty(&'static str),
}

const STYLES: [Style; 4] =
    [Style::Compact, Style::Spaced, Style::Pretty("  "), Style::Pretty("\t")];

impl Tree {
    fn object(members: &[(&str, Tree)]) -> Self {
        Self::Object(members.iter().map(|(key, tree)| ((*key).to_owned(), tree.clone())).collect())
    }

    fn write(&self, style: Style) -> String {
        let mut out = String::new();
        self.write_at(style, 0, &mut out);
        out
    }

    fn write_at(&self, style: Style, depth: usize, out: &mut String) {
        let line = |out: &mut String, depth: usize| {
            if let Style::Pretty(indent) = style {
                out.push('\n');
                out.push_str(&indent.repeat(depth));
            }
        };
        let items: Vec<(Option<&str>, &Self)> = match self {
            Self::Scalar(text) => {
                out.push_str(text);
                return;
            }
            Self::List(items) => items.iter().map(|item| (None, item)).collect(),
            Self::Object(members) => {
                members.iter().map(|(key, value)| (Some(key.as_str()), value)).collect()
            }
        };
        let brackets = if matches!(self, Self::List(_)) { ['[', ']'] } else { ['{', '}'] };
        out.push(brackets[0]);
        for (index, (key, value)) in items.iter().enumerate() {
            if index > 0 {
                out.push_str(if matches!(style, Style::Spaced) { ", " } else { "," });
            }
            line(out, depth + 1);
            if let Some(key) = key {
                out.push_str(&format!("\"{key}\""));
                out.push_str(if matches!(style, Style::Compact) { ":" } else { ": " });
            }
            value.write_at(style, depth + 1, out);
        }
        if !items.is_empty() {
            line(out, depth);
        }
        out.push(brackets[1]);
    }

    /// The tree with additions in its objects, at the beginning or anywhere.
    fn with_ours(&self, anywhere: bool, chance: &mut Chance) -> Self {
        match self {
            Self::Scalar(_) => self.clone(),
            Self::List(items) => {
                Self::List(items.iter().map(|item| item.with_ours(anywhere, chance)).collect())
            }
            Self::Object(members) => {
                let inner = |(key, value): &(String, Self)| {
                    (key.clone(), value.with_ours(anywhere, &mut *chance))
                };
                let mut members: Vec<_> = members.iter().map(inner).collect();
                for _ in 0..chance.below(4) {
                    let at = if anywhere { chance.below(members.len() + 1) } else { 0 };
                    let name = ["typename", "key_Product_sku", "", "1"][chance.below(4)];
                    let ours = (format!("evergraph__{name}"), chance.value());
                    members.insert(at, ours);
                }
                Self::Object(members)
            }
        }
    }
}

/// Seeded random numbers (xorshift), equal in each run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % bound.max(1)
    }

    fn value(&mut self) -> Tree {
        let scalar = |text: &str| Tree::Scalar(text.to_owned());
        match self.below(8) {
            0 => scalar("null"),
            1 => scalar("-12.5e3"),
            2 => scalar("true"),
            3 => scalar("\"]\""),
            4 => scalar("\"\\\\\\\",\\u00e9}\""),
            _ => scalar("\"Product\""),
        }
    }
}

fn keys() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z]{0,3}",
        1 => Just("evergraph_".to_owned()),
        1 => Just("x\\u005f_a".to_owned()),
        1 => Just("\\\"evergraph__".to_owned()),
        1 => Just("data".to_owned()),
        1 => Just("errors".to_owned()),
        1 => Just("é😀".to_owned()),
    ]
}

fn trees() -> impl Strategy<Value = Tree> {
    let scalar = prop_oneof![
        "-?[1-9][0-9]{0,4}(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?",
        Just("true".to_owned()),
        Just("null".to_owned()),
        "\"([a-z{}\\[\\]:, é😀]|\\\\\"|\\\\\\\\|\\\\u00e9|evergraph__){0,20}\"",
    ];
    scalar.prop_map(Tree::Scalar).prop_recursive(5, 60, 5, |inner| {
        prop_oneof![
            1 => proptest::collection::vec(inner.clone(), 0..5).prop_map(Tree::List),
            3 => proptest::collection::vec((keys(), inner), 0..5).prop_map(Tree::Object),
        ]
    })
}

/// Responses without and with additions. Columns in errors are those before and after mapping.
fn answers() -> impl Strategy<Value = (Tree, Tree)> {
    let parts = (trees(), trees(), any::<bool>(), any::<u64>(), 0_usize..6);
    parts.prop_map(|(data, extensions, anywhere, seed, order)| {
        let mut chance = Chance(seed | 1);
        let errors = |column: &str| {
            let number = |digits: &str| Tree::Scalar(digits.to_owned());
            let place = Tree::object(&[("line", number("1")), ("column", number(column))]);
            let locations = ("locations", Tree::List(vec![place]));
            Tree::List(vec![Tree::object(&[("message", number("\"m\"")), locations])])
        };
        let extensions = extensions.with_ours(true, &mut chance);
        let with = data.with_ours(anywhere, &mut chance);
        let answer = |data: &Tree, column: &str| {
            let mut members = [
                ("data", data.clone()),
                ("errors", errors(column)),
                ("extensions", extensions.clone()),
            ];
            members.rotate_left(order % 3);
            if order >= 3 {
                members.swap(0, 1);
            }
            Tree::object(&members)
        };
        (answer(&data, "7"), answer(&with, "69"))
    })
}

proptest! {
    #[test]
    fn the_answer_is_as_if_nothing_had_been_inserted((plain, with) in answers()) {
        for style in STYLES {
            prop_assert_eq!(output(&with.write(style)), Some(plain.write(style)));
        }
    }

    #[test]
    fn what_looks_like_json_breaks_it_no_more(
        body in "(\\{|\\}|\\[|\\]|,|:|\"|\\\\|1| |\"data\":|\"errors\":|\"locations\":|\"line\":1|\"x\"){0,40}"
    ) {
        if let Some(found) = output(&body) {
            prop_assert_eq!(found, body);
        }
    }
}

#[test]
fn damaged_answers_only_shrink() {
    let mut chance = Chance(0x2545_F491_4F6C_DD1D);
    let bodies = [
        r#"{"data":{"evergraph__typename":"Query","a":{"evergraph__typename":"A","b":[{"evergraph__key_A_sku":"s","c":1},{}]},"evergraph__x":null},"errors":[{"message":"m","locations":[{"line":1,"column":69}],"path":["a"]}],"extensions":{"evergraph__a":1}}"#,
        "{\n  \"errors\": [{\"locations\": [{\"column\": 34, \"line\": 1}]}],\n  \"data\": {\n    \"x\": 1,\n    \"evergraph__typename\": \"Query\"\n  , \"evergraph__a\": \"b\" , \"c\": \"\\\"\"}}",
    ];
    let mut stripped = 0;
    for _ in 0..8_000 {
        let mut body = bodies[chance.below(bodies.len())].as_bytes().to_vec();
        for _ in 0..chance.below(4) {
            let at = chance.below(body.len());
            match chance.below(5) {
                0 => body.truncate(at),
                1 => drop(body.remove(at)),
                2 => body.insert(at, b"{}[]\",: \\e1"[chance.below(11)]),
                _ => body[at] ^= 1 << chance.below(8),
            }
            if body.is_empty() {
                break;
            }
        }
        let Ok(body) = String::from_utf8(body) else { continue };
        let Some(found) = output(&body) else { continue };
        stripped += 1;
        assert!(found.len() <= body.len(), "{body}");
        let tree: serde_json::Value = serde_json::from_str(&found).unwrap();
        assert!(!tree["data"].to_string().contains("\"evergraph__"), "{body}");
    }
    assert!(stripped > 1_000, "{stripped}");
}

#[test]
fn a_real_document_and_its_answer() {
    let source = "query {\n  shop { name }\n}";
    let braces = lexer::tokens(
        source,
        &crate::limits::Amounts::most(),
        &mut crate::limits::Amounts::ZERO.clone(),
    )
    .unwrap();
    let insertions: Vec<(usize, String)> = braces
        .iter()
        .filter(|token| token.is(b'{'))
        .map(|token| token.text.as_ptr().addr() - source.as_ptr().addr() + 1)
        .map(|offset| (offset, "evergraph__typename:__typename ".to_owned()))
        .collect();
    let document = InjectedDocument::new(source, &insertions).unwrap();
    let body = r#"{"errors":[{"message":"No name","locations":[{"line":2,"column":41}],"path":["shop","name"]}],"data":{"evergraph__typename":"Query","shop":{"evergraph__typename":"Shop","name":null}}}"#;
    let expected = r#"{"errors":[{"message":"No name","locations":[{"line":2,"column":10}],"path":["shop","name"]}],"data":{"shop":{"name":null}}}"#;
    let index = Index::of(body.as_bytes()).unwrap();
    assert_eq!(strip(&index, &document).unwrap(), expected);
}
