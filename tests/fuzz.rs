//! Fuzzing of everything that comes in from outside: documents, requests and responses, damaged at
//! random. No input causes a panic, and the results obey the laws below.
//!
//! Every run has the same cases. `EVERGRAPH_SEED` sets another seed, and `EVERGRAPH_CASES` another number
//! of cases. A case that fails is printed with its seed.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "fuzz/headers.rs"]
mod headers;

use evergraph::graphql::{
    Analysis, AnalysisError, ClientMessage, DeclaredVariable, DocumentSource, InjectedDocument,
    OperationKind, OperationRequest, RESERVED_PREFIX, RequestForm, RequestParts, RewrittenRequest,
    Schema, TypeKnowledge, analyze, array_of, elements, is_strippable, read_client_message,
    read_get, read_post, read_server_message, strip,
};
use evergraph::http::{Headers, form_pairs};
use evergraph::json::{Index, names_are_unique};
use evergraph::limits::Amounts;
use serde_json::Value;

const SEED: u64 = 20_261_121;
const CASES: usize = 6_000;

/// The schema of some of the documents.
const SCHEMA: &str = "
    type Query { product(id: ID!): Product products: [Product!]! user(id: ID!): User a: A }
    type Product { id: ID! name: String category: Category reviews: [Review!]! }
    type Category { _id: ID! name: String products: [Product] }
    type Review { uuid: ID! author: User }
    type User { databaseId: ID! name: String orders: [Order] }
    type Order { product: Product }
    interface A { id: ID! b: String }
    type B implements A { id: ID! b: String }";

/// Documents of every kind. Those at the end once showed faults.
const DOCUMENTS: [&str; 15] = [
    include_str!("../bench/documents/catalog.graphql"),
    include_str!("../bench/documents/product.graphql"),
    include_str!("../bench/documents/search.graphql"),
    include_str!("../bench/documents/account.graphql"),
    include_str!("../bench/documents/mutation.graphql"),
    "{ a }",
    "\"\"\"What\nit does\"\"\" query(\"id\" $id: ID!) { a(id: $id) { b } }",
    "query A { a { b } } mutation B { c { d } } subscription C { e { f } }",
    "{ a(x: {b: [1, -2.5e3, $v, \"\\u{1F600}\\uD83D\\uDE00\", \"\"\"é\n \\\"\"\"\"\"\", RED, null]}) { b } }",
    "query($v: [Int!]! = [1] @d(x: 1), $w: I = {a: null}) @e { ...F @include(if: $v) { a } }",
    "fragment F on T { a { ...G } } fragment G on T { b { c } } { a @skip(if: true) { b } ...F }",
    "{ __schema { types { name fields { name type { name ofType { name } } } } } }",
    "\u{FEFF}# é😀 {\r\n{ a { b },\r c { d } }",
    "query fragment($fragment: Int) { a(fragment: $fragment) { b } }",
    "query ($a: Int @d $b: Int) { a(a: $a, b: $b) }",
];

const WORDS: [&str; 40] = [
    "mutation",
    "\\u006dutation",
    "query",
    "subscription",
    "fragment",
    "on",
    "evergraph__",
    "__typename",
    "@include(if: true)",
    "@defer",
    "...",
    "\"",
    "\"\"\"",
    "\\",
    "\\u",
    "\\ud800",
    "\\u{",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    ":",
    ",",
    "$",
    "#",
    "\n",
    "\r",
    "\u{FEFF}",
    "é😀",
    "null",
    "1e999",
    "\"query\":\"{ b }\",",
    "\"variables\":{\"v\":2},",
    "\"extensions\":{\"x\":1},",
    "$serde_json::private::Number",
    "%",
    "&query=",
    "+",
];

/// Pseudo-random numbers from a seed (SplitMix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap()
    }

    fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        let at = self.below(list.len());
        &list[at]
    }

    /// A part of the bytes, at most 60 of them.
    fn range(&mut self, bytes: &[u8]) -> std::ops::Range<usize> {
        let start = self.below(bytes.len() + 1);
        start..start + self.below((bytes.len() - start + 1).min(60))
    }

    /// The bytes, slightly damaged. Most kinds of damage leave text that is nearly correct.
    fn damaged(&mut self, bytes: &[u8], others: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..self.below(4) {
            let range = self.range(&bytes);
            let at = range.start;
            match self.below(8) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                1 => bytes.truncate(at),
                2 => drop(bytes.drain(range)),
                3 => {
                    let part = bytes[range].to_vec();
                    let to = self.below(bytes.len() + 1);
                    bytes.splice(to..to, part);
                }
                4 => {
                    let other = self.pick(others);
                    let part = other[self.range(other)].to_vec();
                    bytes.splice(range, part);
                }
                _ => {
                    let word = self.pick(&WORDS).bytes();
                    bytes.splice(at..at, word);
                }
            }
        }
        bytes
    }
}

/// Runs a law over many damaged inputs, and prints the one that breaks it.
fn fuzz(name: &str, inputs: &[Vec<u8>], law: impl Fn(&[u8], &mut Chance)) {
    struct Shown<'a>(&'a str, u64, usize, &'a [u8]);
    impl Drop for Shown<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                let Self(name, seed, case, input) = self;
                let text = String::from_utf8_lossy(input);
                eprintln!("{name}: EVERGRAPH_SEED={seed}, case {case}: {text:?}");
            }
        }
    }
    let set = |name| std::env::var(name).ok().and_then(|value| value.parse().ok());
    let seed = set("EVERGRAPH_SEED").unwrap_or(SEED);
    let cases = set("EVERGRAPH_CASES").map_or(CASES, |cases| usize::try_from(cases).unwrap());
    for input in inputs {
        let _shown = Shown(name, 0, 0, input);
        law(input, &mut Chance(seed));
    }
    for case in 0..cases {
        let mut chance = Chance(seed ^ (case as u64).rotate_left(32));
        let whole = chance.pick(inputs).clone();
        let input = chance.damaged(&whole, inputs);
        let _shown = Shown(name, seed, case, &input);
        law(&input, &mut chance);
    }
}

fn contains(bytes: &[u8], what: &str) -> bool {
    bytes.windows(what.len()).any(|window| window == what.as_bytes())
}

fn understood(document: &str) -> Option<Analysis> {
    understood_with(document, None).ok()
}

fn understood_with(document: &str, schema: Option<&Schema>) -> Result<Analysis, AnalysisError> {
    let knowledge = TypeKnowledge { schema, keys: &Default::default() };
    analyze(document, None, &Amounts::default_limits(), &knowledge)
}

#[test]
fn documents() {
    let inputs: Vec<Vec<u8>> = DOCUMENTS.map(|document| document.as_bytes().to_vec()).into();
    let schema = Schema::from_sdl(SCHEMA).unwrap();
    let knowledge = TypeKnowledge { schema: None, keys: &Default::default() };
    fuzz("documents", &inputs, |input, chance| {
        let Ok(document) = std::str::from_utf8(input) else { return };
        let name = chance.pick(&["A", "B", "C", "Product"]);
        if let Ok(named) = analyze(document, Some(name), &Amounts::most(), &knowledge) {
            assert_eq!(named.name.as_deref(), Some(*name));
        }
        let Some(analysis) = understood(document) else { return };
        assert_eq!(understood(document).unwrap().digest, analysis.digest);
        if analysis.kind == OperationKind::Mutation {
            assert!(document.contains("mutation"));
        }
        agrees_with_another_parser(document, &analysis);
        let informed = understood_with(document, Some(&schema)).unwrap();
        assert_eq!(informed.digest, analysis.digest);
        for injected in [&analysis.injected, &informed.injected].into_iter().flatten() {
            only_adds(document, &analysis, injected);
        }
    });
}

/// The text with additions means the same as the source, and without the additions it is the source.
fn only_adds(document: &str, analysis: &Analysis, injected: &InjectedDocument) {
    let mut pieces = injected.text().split(RESERVED_PREFIX);
    let mut without = pieces.next().unwrap().to_owned();
    pieces.for_each(|piece| without.push_str(piece.split_once(' ').unwrap().1));
    assert_eq!(without, document);
    let again = understood(injected.text()).unwrap();
    assert_eq!(
        (again.kind, again.name, again.roots.keys().collect(), again.variables),
        (
            analysis.kind,
            analysis.name.clone(),
            analysis.roots.keys().collect::<Vec<_>>(),
            analysis.variables.clone()
        )
    );
    assert_eq!(again.injected, None);
}

/// Whatever graphql-parser can read is read with the same meaning.
fn agrees_with_another_parser(document: &str, analysis: &Analysis) {
    use graphql_parser::query::{Definition, OperationDefinition as Operation};
    let Ok(parsed) = graphql_parser::parse_query::<&str>(document) else { return };
    let operations: Vec<_> = parsed
        .definitions
        .iter()
        .filter_map(|definition| match definition {
            Definition::Operation(Operation::SelectionSet(_)) => {
                Some((OperationKind::Query, None, 0))
            }
            Definition::Operation(Operation::Query(one)) => {
                Some((OperationKind::Query, one.name, one.variable_definitions.len()))
            }
            Definition::Operation(Operation::Mutation(one)) => {
                Some((OperationKind::Mutation, one.name, one.variable_definitions.len()))
            }
            Definition::Operation(Operation::Subscription(one)) => {
                Some((OperationKind::Subscription, one.name, one.variable_definitions.len()))
            }
            Definition::Fragment(_) => None,
        })
        .collect();
    let found = (analysis.kind, analysis.name.as_deref(), analysis.variables.len());
    assert_eq!(operations, [found]);
}

/// Two documents have the same digest only if they mean the same: if graphql-parser prints the same text
/// for both, and neither has anything that can be written in two ways.
#[test]
fn digests() {
    let inputs: Vec<Vec<u8>> = DOCUMENTS.map(|document| document.as_bytes().to_vec()).into();
    fuzz("digests", &inputs, |input, chance| {
        let other = chance.damaged(input, &inputs);
        let (Ok(one), Ok(other)) = (std::str::from_utf8(input), std::str::from_utf8(&other)) else {
            return;
        };
        let open = |text: &str| ["fragment", "@skip", "@include"].iter().any(|w| text.contains(w));
        if one == other || open(one) || open(other) {
            return;
        }
        let (Some(first), Some(second)) = (understood(one), understood(other)) else { return };
        // A query needs no keyword.
        let written = |text| {
            let document = graphql_parser::parse_query::<&str>(text).ok()?.to_string();
            Some(document.trim_start_matches("query {").trim_start_matches('{').to_owned())
        };
        if let (Some(one), Some(other)) = (written(one), written(other))
            && one != other
        {
            assert_ne!(first.digest, second.digest, "{other}");
        }
    });
}

fn bodies() -> Vec<Vec<u8>> {
    let quoted = |document: &str| Value::from(document).to_string();
    let mut bodies: Vec<String> =
        DOCUMENTS.iter().map(|document| format!("{{\"query\":{}}}", quoted(document))).collect();
    let product = quoted(DOCUMENTS[1]);
    bodies.extend([
        format!("{{\"operationName\":\"Product\",\"variables\":{{\"id\":\"7\"}},\"query\":{product}}}"),
        format!(
            "{{ \"query\" : {product} ,\n \"variables\" : {{ \"id\" : 1.0 , \"x\" : [ 1e3 , null , \"\\u00e9\" ] }} , \"other\" : true }}"
        ),
        format!(
            "{{\"query\":{product},\"extensions\":{{\"clientLibrary\":{{\"name\":\"x\"}},\"mine\":1}},\"id\":\"x\"}}"
        ),
        format!("{{\"query\":{product},\"query\":\"mutation {{ a }}\",\"QUERY\":1}}"),
        format!("[{{\"query\":{product}}},{{\"query\":\"mutation {{ a }}\"}}]"),
        format!(
            "{{\"extensions\":{{\"persistedQuery\":{{\"version\":1,\"sha256Hash\":\"{}\"}}}}}}",
            "a0".repeat(32)
        ),
        "{\"id\":\"mutation\",\"variables\":null,\"operationName\":\"\"}".to_owned(),
        "{\"query\":\"\\u006dutation { a }\"}".to_owned(),
    ]);
    bodies.into_iter().map(String::into_bytes).collect()
}

#[test]
fn posts() {
    let headers: Headers = [("content-type", "application/json")].into_iter().collect();
    let limits = Amounts::default_limits();
    fuzz("posts", &bodies(), |body, _| {
        let read = |body: &[u8]| read_post(&headers, None, body, &limits);
        let form = read(body);
        let value: Option<Value> = serde_json::from_slice(body).ok();
        // serde_json represents numbers as objects with a private key.
        if let Some(value) = value.as_ref().filter(|_| !contains(body, "private")) {
            let unique = members(value) == colons(body);
            assert_eq!(names_are_unique(body).is_ok(), unique);
            assert!(
                unique || matches!(form, RequestForm::Unreadable { may_be_mutation: true, .. }),
                "{form:?}"
            );
        }
        hides_no_mutation(body, value.as_ref(), &form);
        match form {
            RequestForm::Single(query) => {
                let value = value.unwrap();
                says_what_json_says(&query, &value);
                let declared = declared(&query);
                let again = |text: Option<&str>, with_hash| {
                    let parts = RequestParts::Keyed { declared: &declared, with_hash };
                    match query.rewritten(text, parts) {
                        Some(RewrittenRequest::Json(json)) => (read(json.as_bytes()), json),
                        other => panic!("{other:?}"),
                    }
                };
                same_again(&query, &declared, again);
            }
            RequestForm::Batch(queries) => {
                let values = value.unwrap();
                assert_eq!(values.as_array().unwrap().len(), queries.len());
                for (query, value) in queries.iter().zip(values.as_array().unwrap()) {
                    says_what_json_says(query, value);
                    let again: Value = serde_json::from_str(&query.as_element().unwrap()).unwrap();
                    assert_eq!(&again, value);
                }
            }
            RequestForm::Unreadable { .. } => {}
        }
    });
}

/// How many members the objects of a value have. Each name counts once.
fn members(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(members).sum(),
        Value::Object(object) => object.len() + object.values().map(members).sum::<usize>(),
        _ => 0,
    }
}

/// How many colons there are outside the strings of a JSON text: one for each member.
fn colons(json: &[u8]) -> usize {
    let (mut count, mut in_string, mut escaped) = (0, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => in_string = !in_string,
            b':' if !in_string => count += 1,
            _ => {}
        }
    }
    count
}

/// A document that counts as no mutation contains none, however it is written.
fn hides_no_mutation(body: &[u8], value: Option<&Value>, form: &RequestForm) {
    let documents: Vec<&str> = match form {
        RequestForm::Unreadable { may_be_mutation: true, .. } => return,
        RequestForm::Unreadable { .. } => Vec::new(),
        RequestForm::Single(query) => document_of(query).into_iter().collect(),
        RequestForm::Batch(queries) => queries.iter().filter_map(document_of).collect(),
    };
    for document in &documents {
        if understood(document).is_some_and(|found| found.kind == OperationKind::Mutation) {
            assert!(document.contains("mutation"));
        }
    }
    if let RequestForm::Unreadable { .. } = form {
        assert!(!contains(body, "mutation"), "{form:?}");
        assert!(!value.is_some_and(|value| mentions(value, "mutation")), "{form:?}");
    }
}

fn mentions(value: &Value, word: &str) -> bool {
    match value {
        Value::String(text) => text.contains(word),
        Value::Array(items) => items.iter().any(|item| mentions(item, word)),
        Value::Object(members) => members.values().any(|value| mentions(value, word)),
        _ => false,
    }
}

fn document_of(query: &OperationRequest) -> Option<&str> {
    match &query.source {
        DocumentSource::Text { document, .. } => Some(document),
        DocumentSource::Hash(_) | DocumentSource::Id(_) => None,
    }
}

/// The variables of a request that a document could declare: all but those with an x in their names.
fn declared(query: &OperationRequest) -> Vec<DeclaredVariable> {
    let names = query.variables.iter().flat_map(|variables| variables.keys());
    let names = names.filter(|name| !name.contains('x'));
    names
        .map(|name| DeclaredVariable { name: name.clone(), default: None, inexact_default: false })
        .collect()
}

/// A request has the members that another JSON parser finds in it.
fn says_what_json_says(query: &OperationRequest, value: &Value) {
    let member = |name: &str| value.get(name).filter(|value| !value.is_null());
    if let Some(document) = document_of(query) {
        assert_eq!(member("query").unwrap(), document);
    }
    assert_eq!(member("variables").and_then(Value::as_object), query.variables.as_ref());
    let name = member("operationName").and_then(Value::as_str).filter(|name| !name.is_empty());
    assert_eq!(name, query.operation_name.as_deref());
}

/// A request that is rewritten reads as the same request. With another document it differs in nothing
/// else.
fn same_again(
    query: &OperationRequest,
    declared: &[DeclaredVariable],
    again: impl Fn(Option<&str>, bool) -> (RequestForm, String),
) {
    let parts = |query: &OperationRequest| {
        let mut variables = query.variables.clone();
        let is_declared = |name: &String| declared.iter().any(|one| one.name == *name);
        variables.iter_mut().for_each(|variables| variables.retain(|name, _| is_declared(name)));
        (query.operation_name.clone(), variables, query.other_members.clone())
    };
    let (form, text) = again(None, true);
    let RequestForm::Single(same) = form else { panic!("{form:?}") };
    assert_eq!((&same.source, parts(&same)), (&query.source, parts(query)));
    assert!(!same.must_be_rewritten(declared));
    let rewritten =
        same.rewritten(None, RequestParts::Keyed { declared, with_hash: true }).unwrap();
    assert!(
        matches!(rewritten, RewrittenRequest::Json(again) | RewrittenRequest::Url(again) if again == text)
    );
    if let DocumentSource::Text { .. } = query.source {
        let document = "{ other(é: \"&+%\\n\") }";
        let (RequestForm::Single(other), _) = again(Some(document), false) else { panic!() };
        assert_eq!(
            other.source,
            DocumentSource::Text { document: document.to_owned(), hash: None }
        );
        assert_eq!(parts(&other), parts(query));
    }
}

/// A client's message on a socket runs an operation only if its JSON says so. A control message is one
/// however its members are read.
#[test]
fn messages() {
    let inputs: Vec<Vec<u8>> = bodies()
        .iter()
        .flat_map(|body| {
            let payload = String::from_utf8_lossy(body);
            ["subscribe", "start", "ping", "complete", "next", "data", "error"].map(|kind| {
                format!("{{\"id\":\"1\",\"type\":\"{kind}\",\"payload\":{payload}}}").into_bytes()
            })
        })
        .collect();
    fuzz("messages", &inputs, |input, _| {
        let Ok(text) = std::str::from_utf8(input) else { return };
        let (message, answer) = (read_client_message(text), read_server_message(text));
        // JSON allows payloads that are not values, such as half a surrogate pair.
        let Ok(value) = serde_json::from_str::<Value>(text) else { return };
        let member = |name: &str| value.get(name);
        let kind = member("type").and_then(Value::as_str).unwrap_or_default();
        match message {
            ClientMessage::Operation(payload) => {
                assert!(matches!(kind, "subscribe" | "start"));
                assert_eq!(serde_json::from_str(&payload).ok().as_ref(), member("payload"));
            }
            ClientMessage::Control => {
                assert!(!matches!(kind, "subscribe" | "start") && member("type").is_some());
            }
            ClientMessage::Unclear => {}
        }
        if let Some(answer) = answer {
            let answer: Value = serde_json::from_str(&answer).unwrap();
            let is_result = matches!(kind, "next" | "data") && Some(&answer) == member("payload");
            assert!(is_result || (kind == "error" && answer["errors"].is_array()));
        }
    });
}

#[test]
fn gets() {
    let encoded = |text: &str| evergraph::http::form_encoded(text);
    let mut inputs: Vec<Vec<u8>> =
        DOCUMENTS.map(|document| format!("query={}", encoded(document)).into_bytes()).into();
    inputs.extend(
        [
            "query=%7Ba%7D&variables=%7B%22a%22%3A1.0%7D&operationName=&x=%20+&&flag",
            "a=1&query={a}&extensions=%7B%22mine%22%3A1%7D&id=7",
            "id=x&variables={}&variables={}",
            "query={a}&variables=%7B%22a%22%3A1.0,%22x%22%3A%22%26%22%7D&y",
            "query={a}&variables=&variables=%7B%22a%22%3A1%7D",
        ]
        .map(|text| text.as_bytes().to_vec()),
    );
    fuzz("gets", &inputs, |input, _| {
        let Ok(url_query) = std::str::from_utf8(input) else { return };
        let form = read_get(Some(url_query));
        let RequestForm::Single(query) = form else { return };
        let pairs = form_pairs(url_query).unwrap();
        let value = |name: &str| pairs.iter().find(|(found, _)| found == name).map(|(_, v)| v);
        if let Some(document) = document_of(&query) {
            assert_eq!(value("query").unwrap(), document);
        }
        let variables = value("variables").filter(|text| !text.is_empty());
        let variables: Option<Value> = variables.map(|text| serde_json::from_str(text).unwrap());
        assert_eq!(query.variables.as_ref(), variables.as_ref().and_then(Value::as_object));
        let declared = declared(&query);
        let rewritten = |document: Option<&str>, with_hash| {
            query.rewritten(document, RequestParts::Keyed { declared: &declared, with_hash })
        };
        if rewritten(Some(&"x".repeat(100)), true).is_none() {
            assert!(url_query.len() > 2_000, "only a long URL cannot be rewritten");
            return;
        }
        same_again(&query, &declared, |document, hash| match rewritten(document, hash) {
            Some(RewrittenRequest::Url(url)) => (read_get(Some(&url)), url),
            other => panic!("{other:?}"),
        });
    });
}

/// Responses to the injected text of this document.
const ASKED: &str = "{ shop { name items { id data price } } me { id } }";

const ANSWERS: [&str; 5] = [
    r#"{"data":{"shop":{"evergraph__typename":"Shop","name":"é\u00e9\"{","items":[{"evergraph__typename":"Item","id":1,"data":{"a":[{}]},"price":-1.5e3},null,{"id":2,"evergraph__typename":"Item"}]},"me":{"evergraph__typename":"User"}}}"#,
    r#"{"errors":[{"message":"no","locations":[{"line":1,"column":70},{"column":3,"line":1}],"path":["shop",0]}],"data":{"shop":null,"me":{"evergraph__typename":"User","id":"7"}},"extensions":{"cost":{"a":1}}}"#,
    "{\n  \"data\": {\n    \"shop\": {\n      \"evergraph__typename\": \"Shop\",\n      \"items\": [ ]\n    },\n    \"me\": { \"evergraph__typename\": \"User\" }\n  }\n}\n",
    r#"[{"data":{"shop":{"evergraph__typename":"Shop"}}},{"errors":[{"locations":[{"line":1,"column":45}]}]}]"#,
    r#"{"data":null,"errors":[{"message":"","locations":[{"line":2,"column":1}]}]}"#,
];

#[test]
fn answers() {
    let analysis = understood(ASKED).unwrap();
    let injected = analysis.injected.as_ref().unwrap();
    let inputs: Vec<Vec<u8>> = ANSWERS.map(|answer| answer.as_bytes().to_vec()).into();
    fuzz("answers", &inputs, |body, _| {
        let index = Index::of(body);
        let before = serde_json::from_slice::<Value>(body);
        // serde_json takes an object with its private key for a number.
        assert!(index.is_some() == before.is_ok() || contains(body, "$serde_json"));
        let (Some(index), Ok(before)) = (index, before) else { return };
        if let Value::Array(items) = &before {
            let found = elements(body, items.len()).unwrap();
            assert_eq!(elements(body, items.len() + 1), None);
            assert_eq!(&serde_json::from_slice::<Value>(&array_of(found)).unwrap(), &before);
        }
        // What is not written like an addition is not removed.
        let Some(stripped) = strip(&index, injected) else { return };
        let after: Value = serde_json::from_str(&stripped).unwrap();
        assert_eq!(after, without_additions(before, injected));
        if is_strippable(index.root(), &analysis.shape) {
            assert!(!mentions_key(&after), "{after}");
        }
    });
}

fn mentions_key(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(mentions_key),
        Value::Object(members) => members
            .iter()
            .any(|(key, value)| key.starts_with(RESERVED_PREFIX) || mentions_key(value)),
        _ => false,
    }
}

/// What `strip` has to leave, computed on the parsed tree.
fn without_additions(mut answer: Value, injected: &InjectedDocument) -> Value {
    if let Some(data) = answer.get_mut("data") {
        drop_reserved(data);
    }
    let errors = answer.get_mut("errors").and_then(Value::as_array_mut);
    for error in errors.into_iter().flatten() {
        let locations = error.get_mut("locations").and_then(Value::as_array_mut);
        locations.into_iter().flatten().for_each(|location| move_back(location, injected));
    }
    answer
}

fn drop_reserved(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(drop_reserved),
        Value::Object(members) => {
            members.retain(|key, _| !key.starts_with(RESERVED_PREFIX));
            members.values_mut().for_each(drop_reserved);
        }
        _ => {}
    }
}

fn move_back(location: &mut Value, injected: &InjectedDocument) {
    let Value::Object(members) = location else { return };
    let number = |name: &str| {
        let Some(Value::Number(number)) = members.get(name) else { return None };
        number.to_string().parse::<u64>().ok()
    };
    let (Some(line), Some(column)) = (number("line"), number("column")) else { return };
    let (line, column) = injected.position_in_source(line, column);
    members.insert("line".to_owned(), line.into());
    members.insert("column".to_owned(), column.into());
}
