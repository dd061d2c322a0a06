use super::super::json_scan::plain_length;
use super::*;
use crate::graphql::document::lexer;
use proptest::prelude::*;

/// A one-line document, so that columns move: `{ a { b } }` with one field inserted into each
/// selection set.
fn document() -> InjectedDocument {
    let inserted = |offset| (offset, "evergraph__typename:__typename ".to_owned());
    InjectedDocument::new("{ a { b } }", &[inserted(1), inserted(5)]).unwrap()
}

/// The output and the result for pushes of these lengths, which are repeated until the end.
fn pushed(body: &[u8], lengths: &[usize]) -> (Vec<u8>, Result<(), StripError>) {
    let document = document();
    let mut strip = ResponseStripper::new(&document);
    let mut headers_to_client = Vec::new();
    let mut rest = body;
    let mut lengths = lengths.iter().cycle();
    while !rest.is_empty() {
        let (chunk, later) = rest.split_at((*lengths.next().unwrap()).clamp(1, rest.len()));
        let mut out = b"before".to_vec();
        strip.push(chunk, &mut out);
        headers_to_client.extend_from_slice(out.strip_prefix(b"before").unwrap());
        rest = later;
    }
    let verdict = strip.finish(&mut headers_to_client);
    (headers_to_client, verdict)
}

/// The output, which must be the same however the input is cut.
fn output(body: &[u8]) -> (Vec<u8>, Result<(), StripError>) {
    let whole = pushed(body, &[body.len()]);
    for lengths in [&[1][..], &[2], &[3], &[7, 1], &[5, 11, 2]] {
        assert_eq!(pushed(body, lengths), whole, "{}", String::from_utf8_lossy(body));
    }
    whole
}

fn assert_stripped(cases: &[(&str, &str)]) {
    for (body, expected) in cases {
        let (found, verdict) = output(body.as_bytes());
        assert_eq!(String::from_utf8(found).unwrap(), *expected, "{body}");
        assert_eq!(verdict, Ok(()), "{body}");
    }
}

fn assert_unchanged(bodies: &[&str]) {
    for body in bodies {
        assert_stripped(&[(body, body)]);
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
fn any_value_goes() {
    for value in [
        "null",
        "true",
        "-1.5e+3",
        "NaN",
        "\"\"",
        r#""\"}\\""#,
        r#"{"evergraph__a":{"b":[1,{"c":"]"}]},"data":{"x":1}}"#,
        "[ ]",
        "{ }",
        r#"[{"evergraph__a":1,"locations":[{"line":1,"column":34}]},[[]]]"#,
    ] {
        let body = format!(r#"{{"data":{{"evergraph__t":{value},"x":1}},"y":2}}"#);
        assert_stripped(&[(&body, r#"{"data":{"x":1},"y":2}"#)]);
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
        r#"{"Data":{"evergraph__a":1},"d\u0061ta":{"evergraph__a":1},"data2":{"evergraph__a":1}}"#,
        r#"[[{"data":{"evergraph__a":1}}],{"x":{"data":{"evergraph__a":1}}}]"#,
        r#"{"data":{"x":1},"evergraph__a":1}"#,
        r#"{"data":1,"evergraph__a":[{"evergraph__a":1}]}"#,
        r#""evergraph__a""#,
    ]);
    assert_stripped(&[
        (
            r#"[{"data":{"evergraph__a":1}}, {"x":1,"data":{"evergraph__a":1,"y":2}},1]"#,
            r#"[{"data":{}}, {"x":1,"data":{"y":2}},1]"#,
        ),
        (
            r#"{"data":{"evergraph__a":1},"errors":[],"data":{"evergraph__a":1}}"#,
            r#"{"data":{},"errors":[],"data":{}}"#,
        ),
    ]);
}

#[test]
fn only_keys_with_the_literal_prefix_go() {
    assert_unchanged(&[
        r#"{"data":{"evergraph_":1,"evergraph_a":2,"Evergraph__a":3,"xevergraph__a":4,"":5}}"#,
        r#"{"data":{"\u0065vergraph__a":1,"evergraph\u005f_a":2,"\"evergraph__a":3}}"#,
        r#"{"data":{"x":"evergraph__a","y":["evergraph__a"],"z":"\",\"evergraph__a\":1"}}"#,
    ]);
}

#[test]
fn every_other_byte_stays() {
    assert_unchanged(&[
        "\u{FEFF}{\"data\":{}}",
        "{\"data\":{\"x\":1E400,\"x\":-0.0,\"x\":NaN,\"y\":\"\\u00e9\\/\u{1}\"}}",
        "\t1 ",
        "{\"data\":{\"x\":{ \"y\" :[ 1 , { } ] }\n,\"z\":\"\"}}\r\n",
    ]);
    let (found, verdict) =
        output(b"{\"data\":{\"evergraph__a\":\"\xFF\",\"\xC3\":\"\xFF\\\xFF\"}}");
    assert_eq!(found, b"{\"data\":{\"\xC3\":\"\xFF\\\xFF\"}}");
    assert_eq!(verdict, Ok(()));
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
            r#"[{"data":1},{"errors":[{"locations":[{"line":1,"column":34}]}]}]"#,
            r#"[{"data":1},{"errors":[{"locations":[{"line":1,"column":3}]}]}]"#,
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
    ] {
        assert_unchanged(&[&place.replace('@', location)]);
    }
    for location in [
        r#"{"line":1}"#,
        r#"{"column":34}"#,
        r#"{"line":1,"column":34.0}"#,
        r#"{"line":1,"column":+34}"#,
        r#"{"line":1,"column":"34"}"#,
        r#"{"line":1,"column":[34]}"#,
        r#"{"line":null,"column":34}"#,
        r#"{"line":-1,"column":34}"#,
        r#"{"line":1,"column":34e0}"#,
        r#"{"line":1,"column":99999999999999999999}"#,
        r#"{"line":1,"column":500}"#,
        r#"{"line":2,"column":34}"#,
        r#"{"line":0,"column":0}"#,
        r#"{"l\u0069ne":1,"column":34}"#,
        r#"{}"#,
    ] {
        assert_unchanged(&[&format!(r#"{{"errors":[{{"locations":[{location}]}}]}}"#)]);
    }
}

#[test]
fn long_locations_keep_their_columns() {
    let location = |length: usize, column: u64| {
        let filler = "x".repeat(length - format!(r#"{{"line":1,"column":{column},"x":""}}"#).len());
        format!(r#"{{"line":1,"column":{column},"x":"{filler}"}}"#)
    };
    let body = |inner: &str| format!(r#"{{"errors":[{{"locations":[{inner}]}}]}}"#);
    let fits = location(LOCATION_BYTES, 34);
    assert_stripped(&[(&body(&fits), &body(&fits.replace(":34,", ":3,")))]);
    assert_unchanged(&[&body(&location(LOCATION_BYTES + 1, 34))]);
}

#[test]
fn each_answer_of_a_batch_has_its_document() {
    let other = InjectedDocument::new("{ a }", &[(1, "x ".to_owned())]).unwrap();
    let body = br#"[{"data":[1,2]},{"errors":[{"locations":[{"line":1,"column":5}]}]}]"#;
    let run = |documents: Vec<&InjectedDocument>| {
        let mut strip = ResponseStripper::of_batch(documents);
        let mut out = Vec::new();
        strip.push(body, &mut out);
        strip.finish(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    let column = |column: u8| {
        format!(
            r#"[{{"data":[1,2]}},{{"errors":[{{"locations":[{{"line":1,"column":{column}}}]}}]}}]"#
        )
    };
    let document = document();
    assert_eq!(run(vec![&document, &other]), column(3));
    assert_eq!(run(vec![&other, &document]), column(1));
    assert_eq!(run(vec![&other]), column(3));
    assert_eq!(run(Vec::new()), column(5));
}

#[test]
fn broken_answers_pass_on_and_are_told() {
    for body in [
        "",
        " ",
        "\u{FEFF}",
        "{",
        "}",
        "{\"data\":{\"x\":1}",
        "{\"data\":{\"x\":1]}",
        "{\"data\":{\"x\" 1}}",
        "{\"data\":{\"x\":}}",
        "{\"data\":{\"x\":1,}}",
        "{\"data\":{\"x\":1 \"y\":2}}",
        "{\"data\":{x:1}}",
        "{\"data\":[1,]}",
        "{\"data\":[,1]}",
        "{\"data\":[1 2]}",
        "{,}",
        "{} {}",
        "{}x",
        "1,2",
        "\"x",
        "\"x\\",
        "{\"data\":{\"x\"",
        "{\"data\":{\"everg",
        "{\"errors\":[{\"locations\":[{\"line\":1,\"column\":34",
        "<html>",
        "/**/{}",
        "\u{FEFF}\u{FEFF}{}",
    ] {
        let (found, verdict) = output(body.as_bytes());
        assert_eq!(String::from_utf8(found).unwrap(), body);
        assert_eq!(verdict, Err(StripError), "{body}");
        assert_eq!(strip(body.as_bytes(), &document()), None);
    }
    // Half a byte-order mark is not one.
    for body in [&b"\xEF{}"[..], b"\xEF\xBB{}"] {
        assert_eq!(output(body), (body.to_vec(), Err(StripError)));
    }
    for (body, expected) in [
        // What was recognized as an addition before the fault stays removed.
        (r#"{"data":{"evergraph__a":{]},"x":1}}"#, r#"{"data":{]},"x":1}}"#),
        (r#"{"data":{"evergraph__a":1,}}"#, r#"{"data":{}}"#),
        (
            r#"{"data":{"x":1, "evergraph__a":1!"evergraph__b":2}}"#,
            r#"{"data":{"x":1, !"evergraph__b":2}}"#,
        ),
        (r#"{"data":{"evergraph__a":1]"#, r#"{"data":{]"#),
        (r#"{"data":{"x":1, "evergraph__a":tr"#, r#"{"data":{"x":1, "#),
    ] {
        let (found, verdict) = output(body.as_bytes());
        assert_eq!(String::from_utf8(found).unwrap(), expected, "{body}");
        assert_eq!(verdict, Err(StripError), "{body}");
    }
}

#[test]
fn depth_is_limited() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_unchanged(&[&nested(DEPTH)]);
    let (found, verdict) = output(nested(DEPTH + 1).as_bytes());
    assert_eq!((found, verdict), (nested(DEPTH + 1).into_bytes(), Err(StripError)));
}

#[test]
fn gaps_are_limited() {
    let gap = " ".repeat(GAP_BYTES);
    for place in [
        r#"{"data":{@"evergraph__a":1}}"#,
        r#"{"data":{"evergraph__a":1@}}"#,
        r#"{"data":{"x":1@}}"#,
        r#"{"data":{"x":1,@"evergraph__a":1}}"#,
        r#"{"data":{"x":1@,"evergraph__a":1}}"#,
        r#"{"data":{"evergraph__a":1@,"x":1}}"#,
    ] {
        // A comma before or after the white space belongs to the gap.
        let comma = usize::from(place.contains(",@") || place.contains("@,\"e"));
        let at_limit = &" ".repeat(GAP_BYTES - comma);
        assert_eq!(output(place.replace('@', at_limit).as_bytes()).1, Ok(()), "{place}");
        let beyond = place.replace('@', &format!("{at_limit} "));
        assert_eq!(output(beyond.as_bytes()).1, Err(StripError), "{place}");
    }
    let around = r#"{"data":{@"evergraph__a":1@}}"#.replace('@', &gap);
    assert_eq!(output(around.as_bytes()), (br#"{"data":{}}"#.to_vec(), Ok(())));
    for place in
        [r#"{"data":{"evergraph__a"@:@1,@"x":1},@"y":[@1@]@}@"#, r#"@{@"data":{"x"@:@[@1@,@2@]}}"#]
    {
        let wide = place.replace('@', &gap).replace(' ', "  ");
        assert_eq!(output(wide.as_bytes()).1, Ok(()), "{place}");
    }
}

#[test]
fn an_endless_answer_streams_through() {
    let document = document();
    let mut strip = ResponseStripper::new(&document);
    let mut out = Vec::new();
    let mut push = |chunk: &[u8]| {
        out.clear();
        strip.push(chunk, &mut out);
        assert!(strip.held.capacity() <= 2 * GAP_BYTES);
        out.clone()
    };
    // What is certain is passed on at once.
    assert_eq!(push(b"{\"data\":{"), b"{\"data\":{");
    assert_eq!(push(b" \"ev"), b"");
    assert_eq!(push(b"ery"), b" \"every");
    assert_eq!(push(b"thing\": "), b"thing\": ");
    assert_eq!(push(b"\"a\\"), b"\"a\\");
    assert_eq!(push(b"\"b"), b"\"b");
    assert_eq!(push(b"\" ,"), b"\"");
    assert_eq!(push(b"\"evergraph__"), b"");
    assert_eq!(push(b"typename\": \"A"), b"");
    assert_eq!(push(b"\", "), b"");
    assert_eq!(push(b" \"x"), b" ,\"x");
    assert_eq!(push(b"\":12"), b"\":12");
    for endless in [&b"\":\""[..], &[b'x'; 1000]] {
        for _ in 0..100 {
            push(endless);
        }
    }
}

#[test]
fn what_never_ends_holds_no_memory() {
    let document = document();
    for (beginning, endless, breaks) in [
        (r#"{"data":{"#, " ", true),
        (r#"{"data":{"x":1"#, "\n\t", true),
        (r#"{"data":{"x":1,"#, " ", true),
        (r#"{"data":{"evergraph__a":1"#, " ", true),
        (r#"{"data":{"evergraph__a":"#, "[", true),
        (r#"{"data":{"evergraph__a":""#, "x", false),
        (r#"{"errors":[{"locations":[{"line":1"#, " ", false),
        (r#"{"errors":[{"locations":[{"x":""#, "x", false),
        (r#"{"errors":[{"locations":[{"line":"#, "1", false),
        (r#"{"errors":[{"locations":["#, r#"{"line":1,"column":34},"#, false),
    ] {
        let mut strip = ResponseStripper::new(&document);
        let mut out = Vec::new();
        strip.push(beginning.as_bytes(), &mut out);
        for _ in 0..100 {
            out.clear();
            strip.push(endless.repeat(100).as_bytes(), &mut out);
            assert!(strip.held.capacity() <= 2 * GAP_BYTES, "{beginning}");
        }
        assert_eq!(strip.state == State::Broken, breaks, "{beginning}");
        if breaks {
            assert_eq!((strip.held.len(), strip.location.is_none()), (0, true), "{beginning}");
        }
    }
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
            3 => Tree::List(vec![scalar("\"]\""), Tree::object(&[("x", scalar("1"))])]),
            4 => Tree::object(&[("evergraph__a", scalar("1")), ("b", Tree::List(Vec::new()))]),
            _ => scalar("\"Product\""),
        }
    }
}

fn keys() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z]{0,3}",
        1 => Just("evergraph_".to_owned()),
        1 => Just("evergraph\\u005f_a".to_owned()),
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

/// Responses, alone or in a batch, without and with additions. Columns in errors are those before
/// and after mapping.
fn answers() -> impl Strategy<Value = (Tree, Tree)> {
    let parts = (trees(), trees(), any::<bool>(), any::<u64>(), 0_usize..6, 0_usize..3);
    parts.prop_map(|(data, extensions, anywhere, seed, order, batch)| {
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
            let answer = Tree::object(&members);
            if batch == 0 { answer } else { Tree::List(vec![answer; batch]) }
        };
        (answer(&data, "7"), answer(&with, "69"))
    })
}

proptest! {
    #[test]
    fn the_answer_is_as_if_nothing_had_been_inserted(
        (plain, with) in answers(),
        lengths in proptest::collection::vec(1_usize..40, 1..8),
    ) {
        for style in STYLES {
            let body = with.write(style);
            let expected = (plain.write(style), Ok(()));
            let text = |(out, verdict)| (String::from_utf8(out).unwrap(), verdict);
            prop_assert_eq!(text(pushed(body.as_bytes(), &[body.len()])), expected.clone());
            prop_assert_eq!(text(pushed(body.as_bytes(), &lengths)), expected.clone());
            prop_assert_eq!(text(pushed(body.as_bytes(), &[1])), expected);
        }
    }

    #[test]
    fn no_bytes_break_it(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(output(&body).0, body);
    }

    #[test]
    fn what_looks_like_json_breaks_it_no_more(
        body in "(\\{|\\}|\\[|\\]|,|:|\"|\\\\|1| |\"data\":|\"errors\":|\"locations\":|\"line\":1|\"x\"){0,40}"
    ) {
        let (found, _) = output(body.as_bytes());
        prop_assert_eq!(found, body.into_bytes());
    }

    #[test]
    fn plain_length_is_that_before_the_first_special_byte(
        bytes in proptest::collection::vec(
            prop_oneof![any::<u8>(), Just(b'!'), Just(b'#'), Just(b'"'), Just(b'\\'), Just(b']')],
            0..40,
        )
    ) {
        let special = bytes.iter().position(|byte| matches!(byte, b'"' | b'\\'));
        prop_assert_eq!(plain_length(&bytes), special.unwrap_or(bytes.len()));
    }

    #[test]
    fn what_serde_reads_is_not_broken((_, with) in answers()) {
        let body = with.write(Style::Compact);
        let stripped = strip(body.as_bytes(), &document()).unwrap();
        let value: serde_json::Value = serde_json::from_slice(&stripped).unwrap();
        prop_assert!(value.is_object() || value.is_array());
    }
}

#[test]
fn damaged_answers_only_shrink() {
    let mut chance = Chance(0x2545_F491_4F6C_DD1D);
    let bodies = [
        r#"{"data":{"evergraph__typename":"Query","a":{"evergraph__typename":"A","b":[{"evergraph__key_A_sku":"s","c":1},{}]},"evergraph__x":null},"errors":[{"message":"m","locations":[{"line":1,"column":69}],"path":["a"]}],"extensions":{"evergraph__a":1}}"#,
        "[{\n  \"errors\": [{\"locations\": [{\"column\": 34, \"line\": 1}]}],\n  \"data\": {\n    \"x\": 1,\n    \"evergraph__typename\": \"Query\"\n  }\n}, {\"data\": {\"evergraph__a\": {\"b\": [1]}, \"c\": \"\\\"\"}}]",
    ];
    for _ in 0..4_000 {
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
        let (found, verdict) = output(&body);
        let shown = String::from_utf8_lossy(&body);
        assert!(found.len() <= body.len(), "{shown}");
        assert_eq!(
            pushed(&body, &[1 + chance.below(50), 1 + chance.below(50)]).0,
            found,
            "{shown}"
        );
        if serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_ok() {
            assert_eq!(verdict, Ok(()), "{shown}");
            serde_json::from_slice::<serde::de::IgnoredAny>(&found).unwrap();
        }
    }
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
    let body = br#"{"errors":[{"message":"No name","locations":[{"line":2,"column":41}],"path":["shop","name"]}],"data":{"evergraph__typename":"Query","shop":{"evergraph__typename":"Shop","name":null}}}"#;
    let expected = br#"{"errors":[{"message":"No name","locations":[{"line":2,"column":10}],"path":["shop","name"]}],"data":{"shop":{"name":null}}}"#;
    assert_eq!(strip(body, &document).unwrap(), expected);
}
