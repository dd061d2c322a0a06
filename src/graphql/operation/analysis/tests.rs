use super::*;
use proptest::prelude::*;
use std::collections::HashMap;
use std::path::PathBuf;

fn analyze(source: &str, name: Option<&str>) -> Result<Analysis, AnalysisError> {
    let knowledge = TypeKnowledge { schema: None, keys: &Default::default() };
    super::analyze(source, name, &Amounts::default_limits(), &knowledge)
}

fn lex(source: &str) -> Result<Vec<lexer::Token<'_>>, lexer::LexError> {
    lexer::tokens(source, &Amounts::default_limits(), &mut Amounts::ZERO.clone())
}

fn digest(source: &str) -> Digest {
    analyze(source, None).unwrap_or_else(|refusal| panic!("{refusal:?}: {source}")).digest
}

#[test]
fn layout_and_the_order_of_arguments_do_not_count() {
    let one = "query Q($a: Int, $b: Int) { x(p: $a, o: {k: 1, j: [$b]}) { y } }";
    let other = "query Q($b:Int,$a:Int){ # c\n x(o:{j:[$b] k:1},,p:$a)\u{FEFF}{y}}";
    assert_eq!(digest(one), digest(other));
}

#[test]
fn what_the_answer_follows_counts() {
    let same = digest("{ a b }");
    for other in
        ["{ b a }", "{ x: a b }", "query Q { a b }", "{ a { b } }", "{ a b @include(if: $v) }"]
    {
        assert_ne!(same, digest(other), "{other}");
    }
    assert_ne!(digest("{ a(x: 1) }"), digest("{ a(x: 1.0) }"));
    assert_ne!(digest("{ a(x: \"1\") }"), digest("{ a(x: 1) }"));
    assert_ne!(digest("{ a(x: A) }"), digest("{ a(x: \"A\") }"));
    assert_ne!(digest("{ a(x: 1e400) }"), digest("{ a(x: 1e401) }"));
    assert_ne!(
        digest("query($v: Int = 1) { a(x: $v) }"),
        digest("query($v: Int = 2) { a(x: $v) }")
    );
}

#[test]
fn a_variables_directives_are_its_own() {
    let forms = [
        "query($v: Int, $w: Int) { a(x: $v, y: $w) }",
        "query($v: Int @d, $w: Int) { a(x: $v, y: $w) }",
        "query($v: Int, $w: Int @d) { a(x: $v, y: $w) }",
        "query($v: Int, $w: Int) @d { a(x: $v, y: $w) }",
        "query($v: Int @d, $w: Int @d) { a(x: $v, y: $w) }",
        "query($v: Int, $w: Int @d @d) { a(x: $v, y: $w) }",
    ];
    for (n, one) in forms.iter().enumerate() {
        for other in &forms[n + 1..] {
            assert_ne!(digest(one), digest(other), "{one} {other}");
        }
    }
}

#[test]
fn what_literals_skip_is_as_if_it_were_not_there() {
    for (one, other) in [
        ("{ a b @include(if: true) }", "{ a b }"),
        ("{ a b @skip(if: true) }", "{ a }"),
        ("{ a ...F @include(if: false) } fragment F on Q { b }", "{ a }"),
        ("{ a ... @skip(if: false) { b } }", "{ a ... { b } }"),
        ("{ a { b @skip(if: false) @d } }", "{ a { b @d } }"),
    ] {
        assert_eq!(digest(one), digest(other), "{one}");
    }
    for (one, other) in [
        ("{ a { b @skip(if: true) } }", "{ a }"),
        ("query($v: Boolean!) { a b @skip(if: $v) }", "query($v: Boolean!) { a b }"),
        (
            "query($v: Boolean!) { a b @skip(if: $v) }",
            "query($v: Boolean!) { a b @include(if: $v) }",
        ),
        ("{ a b @skip(if: TRUE) }", "{ a }"),
        ("{ a b @other(if: false) }", "{ a }"),
    ] {
        assert_ne!(digest(one), digest(other), "{one}");
    }
    assert!(analyze("{ a b @skip(if: true) }", None).unwrap().roots.keys().eq(["a"]));
}

#[test]
fn a_field_twice_in_an_object_counts_twice() {
    assert_ne!(digest("{ a(x: {k: 1, k: 2}) }"), digest("{ a(x: {k: 2}) }"));
}

#[test]
fn says_what_it_needs_of_each_limit() {
    let source = "query A { x: a { y: b ...F ...F } } query B { c } fragment F on T { d e }";
    let needed = analyze(source, Some("A")).unwrap().needed;
    let of = |limit| needed.of(limit);
    assert_eq!((of(Limit::Operations), of(Limit::Aliases), of(Limit::Depth)), (2, 2, 2));
    assert_eq!((of(Limit::Selections), of(Limit::Tokens)), (8, 29));
    for limit in [Limit::Operations, Limit::Aliases, Limit::Selections, Limit::Tokens] {
        let mut limits = Amounts::default_limits();
        limits.set(limit, needed.of(limit) - 1);
        let knowledge = TypeKnowledge { schema: None, keys: &Default::default() };
        let refused = super::analyze(source, Some("A"), &limits, &knowledge).unwrap_err();
        assert_eq!(refused, AnalysisError::OverLimit(limit));
    }
}

#[test]
fn names_and_places_of_fragments_do_not_count_but_what_they_hold_does() {
    let one = "{ ...A ...B } fragment A on Q { a } fragment B on Q { b }";
    let renamed = "fragment Y on Q { b } fragment X on Q { a } { ...X ...Y }";
    let unused = "{ ...A ...B } fragment A on Q { a } fragment B on Q { b } fragment C on Q { c }";
    let swapped = "{ ...A ...B } fragment A on Q { b } fragment B on Q { a }";
    assert_eq!(digest(one), digest(renamed));
    assert_eq!(digest(one), digest(unused));
    assert_ne!(digest(one), digest(swapped));
}

#[test]
fn two_operations_of_one_document_never_share() {
    let document = "query A { a } query B { a }";
    let of = |name| analyze(document, Some(name)).unwrap().digest;
    assert_ne!(of("A"), of("B"));
}

#[test]
fn refuses_with_a_reason() {
    let refused = |source: &str, name| analyze(source, name).unwrap_err();
    assert_eq!(refused("{", None), AnalysisError::Unparsable);
    assert_eq!(refused("{ ...Missing }", None), AnalysisError::Unparsable);
    assert_eq!(refused("query A { a } query B { a }", None), AnalysisError::NoSuchOperation);
    assert_eq!(refused("query A { a }", Some("B")), AnalysisError::NoSuchOperation);
    assert_eq!(
        refused("query A { a } mutation A { a }", Some("A")),
        AnalysisError::NoSuchOperation
    );
    assert_eq!(refused(&"{a".repeat(60), None), AnalysisError::OverLimit(Limit::Depth));
}

#[test]
fn answers_in_parts_are_foreseen() {
    for source in
        ["{ ...F @defer } fragment F on Q { a }", "query @live { a }", "{ a { b @stream } }"]
    {
        assert!(analyze(source, None).unwrap().incremental, "{source}");
    }
    assert!(!analyze("{ a @include(if: true) }", None).unwrap().incremental);
}

#[test]
fn fragments_in_circles_or_without_end_are_over_the_limit() {
    let circle = "{ ...A } fragment A on Q { b { ...B } } fragment B on Q { a { ...A } }";
    assert_eq!(analyze(circle, None).unwrap_err(), AnalysisError::OverLimit(Limit::Selections));
    let mut doubling = String::from("{ ...F0 }");
    for n in 0..40 {
        let next = n + 1;
        doubling
            .push_str(&format!(" fragment F{n} on Q {{ a {{ ...F{next} }} b {{ ...F{next} }} }}"));
    }
    doubling.push_str(" fragment F40 on Q { c }");
    assert_eq!(analyze(&doubling, None).unwrap_err(), AnalysisError::OverLimit(Limit::Selections));
}

#[test]
fn root_fields_come_through_fragments_and_aliases() {
    let analysis = analyze(
        "query { x: products { id } ...F } fragment F on Query { ... { user { id } } }",
        None,
    )
    .unwrap();
    assert!(analysis.roots.keys().eq(["products", "user"]));
}

/// A small document of fields, arguments, fragments and literals, written in two ways.
fn selections() -> impl Strategy<Value = String> {
    let literal = prop::sample::select(vec![
        "1",
        "1.5",
        "-2",
        "\"s,#\"",
        "\"\"\"b # \"\"\"",
        "null",
        "E",
        "[1, 2]",
        "{a: 1, b: \"x\"}",
    ]);
    let leaf = ("[a-d]", prop::option::of(literal)).prop_map(|(name, argument)| match argument {
        Some(literal) => format!("{name}(y: {literal}, x: 1)"),
        None => name,
    });
    leaf.prop_recursive(4, 24, 4, |inner| {
        ("[a-d]", prop::option::of("[k-m]"), prop::collection::vec(inner, 1..4)).prop_map(
            |(name, alias, children)| {
                let alias = alias.map(|alias| format!("{alias}: ")).unwrap_or_default();
                format!("{alias}{name} {{ {} }}", children.join(" "))
            },
        )
    })
}

fn rewritten(source: &str) -> String {
    let tokens = lex(source).unwrap();
    let texts: Vec<_> = tokens.iter().map(|token| token.text).collect();
    format!("\u{FEFF}# a comment, \"with\" {{ marks\r\n{}", texts.join(" ,\t\n # x\n"))
}

proptest! {
    #[test]
    fn documents_that_differ_in_layout_share_a_digest(source in selections()) {
        let source = format!("query Q {{ {source} }}");
        prop_assert_eq!(digest(&source), digest(&rewritten(&source)));
    }

    #[test]
    fn the_digest_is_the_one_of_the_canonical_text(source in selections()) {
        let source = format!("query Q {{ {source} }}");
        let text = canonical_document(&source, None, &Amounts::default_limits());
        let digest_of = |text: String| DigestBuilder::new("operation").part(text.as_bytes()).finish();
        prop_assert_eq!(text.map(digest_of), analyze(&source, None).ok().map(|of| of.digest));
    }

    #[test]
    fn documents_that_ask_differently_do_not(one in selections(), other in selections()) {
        let plain = |source: &str| lex(source).unwrap().iter().map(|t| t.text).collect::<Vec<_>>().join(" ");
        let (one, other) = (format!("{{ {one} }}"), format!("{{ {other} }}"));
        prop_assert_eq!(plain(&one) == plain(&other), digest(&one) == digest(&other));
    }

    #[test]
    fn no_text_breaks_it(source in "[a-z{}()$:@!.\"\\[\\]= \n]{0,120}") {
        let _ = analyze(&source, None);
    }
}

/// The shared corpus of real documents, if it is there.
fn corpus() -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("skipped: no corpus of documents beside the project");
    None
}

fn lines(path: PathBuf) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn real_documents_are_understood_as_the_reference_does() {
    let Some(corpus) = corpus() else { return };
    for truth in lines(corpus.join("truth/ops.jsonl")) {
        let file = truth["file"].as_str().unwrap();
        let source = std::fs::read_to_string(corpus.join(file)).unwrap();
        for operation in truth["operations"].as_array().unwrap() {
            let name = operation["name"].as_str();
            let analysis = analyze(&source, name).unwrap_or_else(|r| panic!("{r:?}: {file}"));
            let kind = match operation["type"].as_str().unwrap() {
                "query" => OperationKind::Query,
                "mutation" => OperationKind::Mutation,
                _ => OperationKind::Subscription,
            };
            let mut fields: Vec<_> = operation["rootFields"]
                .as_array()
                .unwrap()
                .iter()
                .map(|field| field["name"].as_str().unwrap())
                .collect();
            fields.sort_unstable();
            fields.dedup();
            assert_eq!(
                (analysis.kind, analysis.roots.keys().map(String::as_str).collect()),
                (kind, fields),
                "{file}"
            );
        }
    }
}

#[test]
fn rewritten_real_documents_share_a_key_when_they_must_and_only_when_they_may() {
    let Some(corpus) = corpus() else { return };
    let mut originals = HashMap::new();
    for truth in lines(corpus.join("truth/ops.jsonl")) {
        let file = truth["file"].as_str().unwrap();
        let source = std::fs::read_to_string(corpus.join(file)).unwrap();
        originals.insert(truth["id"].as_str().unwrap().to_owned(), source);
    }
    let mut counted: HashMap<String, usize> = HashMap::new();
    for variant in lines(corpus.join("truth/variants.jsonl")) {
        let id = variant["id"].as_str().unwrap();
        let how = format!("{id}: {}", variant["how"]);
        let original = analyze(&originals[id], None);
        let changed = analyze(variant["text"].as_str().unwrap(), None);
        let shared = match (&original, &changed) {
            (Ok(one), Ok(other)) => one.digest == other.digest,
            _ => false,
        };
        let relation = variant["rel"].as_str().unwrap();
        match relation {
            "equal" => assert!(shared, "{how}: {:?}", changed.err()),
            "different" | "key-order" => assert!(!shared, "{how}"),
            _ => {}
        }
        *counted.entry(format!("{relation}, shared {shared}")).or_default() += 1;
    }
    println!("{counted:?}");
}

#[test]
fn documents_that_the_reference_accepts_are_lexed_and_those_it_refuses_are_not_understood() {
    let Some(corpus) = corpus() else { return };
    let (mut understood, mut refused) = (0, 0);
    for truth in lines(corpus.join("truth/syntax.jsonl")) {
        let file = truth["file"].as_str().unwrap();
        let Ok(source) = std::fs::read_to_string(corpus.join(file)) else { continue };
        let accepted = truth["parses"] == true;
        let token_count = lex(&source);
        let parsed = token_count.as_ref().ok().and_then(|tokens| parser::parse(tokens));
        if accepted {
            assert!(!matches!(token_count, Err(lexer::LexError::Syntax)), "{file}");
            understood += usize::from(parsed.is_some());
        } else {
            assert!(parsed.is_none(), "understood what the reference refuses: {file}\n{source}");
            refused += 1;
        }
    }
    println!("understood {understood}, refused {refused}");
}
