use super::super::table::FieldInfo;
use super::*;
use proptest::prelude::*;

fn schema(source: &str) -> Schema {
    Schema::from_sdl(source).unwrap_or_else(|fault| panic!("{fault}: {source}"))
}

fn fault(source: &str) -> (String, Option<usize>) {
    let fault = Schema::from_sdl(source).err().unwrap_or_else(|| panic!("{source}"));
    (fault.message, fault.line)
}

fn field(schema: &Schema, of: &str, name: &str) -> FieldInfo {
    schema.field(schema.type_named(of).unwrap(), name).unwrap()
}

const EVERY_FORM: &str = r#"
    "What the shop shows" schema @link(url: "https://specs.apollo.dev", import: ["@key"]) {
        "Reads" query: Root
    }
    extend schema @composeDirective(name: "@d") { mutation: Changes }
    """Described""" directive @d("x" a: [Int!]! = [1, 2] @e, b: In = {a: {b: null}}) repeatable on
        | FIELD_DEFINITION | OBJECT
    directive @key(fields: String!, resolvable: Boolean = true) repeatable on OBJECT | INTERFACE
    directive @oneOf on INPUT_OBJECT
    "Described" type Root implements & A & B @d(a: [1]) @d(a: []) {
        "described" type(
            """x""" implements: [[Int!]!]! = [[1], []] @deprecated(reason: "no")
            on: In = {a: "}"}
        ): [Root!]! @d(a: "}")
        query: Int, input: String enum: Colour
    }
    type Changes
    type Empty {}
    interface A { type: [Root!]! }
    interface B implements A @key(fields: "id { a }", resolvable: false) { type: [Root!]! }
    union U @d = | Root | Changes
    union None @d
    enum Colour @d { "red" RED @deprecated GREEN }
    input In @oneOf { "a" a: [String!] = ["{"] @d(a: 1) b: In = {a: null} }
    scalar Date @specifiedBy(url: "https://example.com")
    extend type Changes implements A @d { type: [Root!]! }
    extend type Changes { more: Int! }
    extend interface A @d
    extend interface A { more: Date }
    extend union U = Empty
    extend enum Colour { BLUE }
    extend input In { c: Int }
    extend scalar Date @d
    extend type Elsewhere @key(fields: "id") { id: ID! @external }
"#;

#[test]
fn every_form_of_the_grammar_is_read() {
    let schema = schema(EVERY_FORM);
    let names: Vec<_> = schema.type_names().collect();
    assert_eq!(
        names,
        [
            "A",
            "B",
            "Boolean",
            "Changes",
            "Colour",
            "Date",
            "Elsewhere",
            "Empty",
            "Float",
            "ID",
            "In",
            "Int",
            "None",
            "Root",
            "String",
            "U"
        ]
    );
    let id = |name| schema.type_named(name).unwrap();
    assert_eq!(schema.root(OperationKind::Query), Some(id("Root")));
    assert_eq!(schema.root(OperationKind::Mutation), Some(id("Changes")));
    let fields = |name| schema.fields(id(name)).map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!(fields("Root"), ["enum", "input", "query", "type"]);
    assert_eq!(fields("Changes"), ["more", "type"]);
    assert_eq!(fields("A"), ["more", "type"]);
    assert_eq!(fields("Elsewhere"), ["id"]);
    assert!(fields("Empty").is_empty());
    let possible =
        |name| schema.possible_types(id(name)).map(|t| schema.name(t)).collect::<Vec<_>>();
    assert_eq!(possible("A"), ["Changes", "Root"]);
    assert_eq!(possible("B"), ["Root"]);
    assert_eq!(possible("U"), ["Changes", "Empty", "Root"]);
    assert!(possible("None").is_empty());
    let info = field(&schema, "Root", "type");
    assert_eq!((info.list, info.nonnull, info.needs_arguments), (true, true, false));
    assert_eq!(schema.name(field(&schema, "Root", "enum").type_id), "Colour");
}

#[test]
fn roots_are_named_or_have_the_default_names() {
    let roots = |source: &str| {
        let schema = schema(source);
        [OperationKind::Query, OperationKind::Mutation, OperationKind::Subscription]
            .map(|kind| schema.root(kind).map(|id| schema.name(id).to_owned()))
    };
    let named = |names: [Option<&str>; 3]| names.map(|name| name.map(str::to_owned));
    let all = "type Query type Mutation type Subscription";
    assert_eq!(roots(all), named([Some("Query"), Some("Mutation"), Some("Subscription")]));
    assert_eq!(roots("extend type Query { a: Int }"), named([Some("Query"), None, None]));
    assert_eq!(roots("type Query scalar Mutation"), named([Some("Query"), None, None]));
    assert_eq!(
        roots(&format!("schema {{ query: Query }} {all}")),
        named([Some("Query"), None, None]),
        "a definition of the schema names all of its roots"
    );
    assert_eq!(
        roots("extend schema @link(url: \"x\") { mutation: M } type Query type Mutation type M"),
        named([Some("Query"), Some("M"), None])
    );
    assert_eq!(
        roots("schema { query: Query mutation: Absent } type Query"),
        named([Some("Query"), Some("Absent"), None])
    );
}

#[test]
fn arguments_are_needed_where_they_have_no_default_and_no_null() {
    for (arguments, needed) in [
        ("", false),
        ("()", false),
        ("(a: Int)", false),
        ("(a: Int! = 1)", false),
        ("(a: [Int!])", false),
        ("(a: Int, b: [Int]!)", true),
        ("(a: Int!, b: Int)", true),
        ("(a: Int! @d(x: 1) b: Int = 1)", true),
    ] {
        let schema = schema(&format!("type Query {{ a{arguments}: Int }}"));
        assert_eq!(field(&schema, "Query", "a").needs_arguments, needed, "{arguments}");
    }
}

#[test]
fn hints_are_read_from_their_directive_alone() {
    let schema = schema(
        "type Query @other(maxAge: 1) @cacheControl(maxAge: 2) @more {
            a: Int @cacheControl(scope: PRIVATE) @other(maxAge: 3)
            b(x: Int @cacheControl(maxAge: 4)): Int
            c: Int @cacheControl
        }
        extend type Query @cacheControl(maxAge: 5, inheritMaxAge: true)",
    );
    let query = schema.type_named("Query").unwrap();
    assert_eq!(schema.hint(query), CacheHint { max_age: Some(2), private: false, inherit: true });
    let hint = |name| field(&schema, "Query", name).hint;
    assert_eq!(hint("a"), CacheHint { private: true, ..CacheHint::NONE });
    assert_eq!((hint("b"), hint("c")), (CacheHint::NONE, CacheHint::NONE));
    assert_eq!(
        fault("type Query {\n a: Int @cacheControl(\n maxAge: \"1\") }"),
        ("@cacheControl does not allow `\"1\"` as its maxAge".to_owned(), Some(3))
    );
}

#[test]
fn what_is_not_defined_is_what_its_place_says() {
    let schema = schema(
        "type Query implements Absent { a: Unknown, b: [Member!], c: Absent } union U = Member",
    );
    let kind = |name| schema.kind(schema.type_named(name).unwrap());
    assert_eq!(kind("Unknown"), TypeKind::Leaf);
    assert_eq!(kind("Member"), TypeKind::Object);
    assert_eq!(kind("Absent"), TypeKind::Interface);
    assert!(schema.is_possible_type(schema.type_named("Absent").unwrap(), "Query"));
}

#[test]
fn types_of_introspection_are_passed_over() {
    let source = "type Query { a: Int } type __Type { name: String } type __Type { name: String }";
    assert_eq!(schema(source), schema("type Query { a: Int }"));
}

#[test]
fn faults_say_what_and_where() {
    for (source, message, line) in [
        ("", "the schema has no root type for queries", 1),
        ("type A { a: Int }", "the schema has no root type for queries", 1),
        ("interface Query", "the schema has no root type for queries", 1),
        ("\nschema { query: A }", "the root type for queries, `A`, is not defined", 2),
        ("schema { query: A } scalar A", "root type `A` is not an object", 1),
        ("type Query\n\ntype Query", "type `Query` is defined twice", 3),
        ("scalar A\nenum A", "type `A` is defined twice", 2),
        ("type A\nextend interface A", "type `A` is defined with two kinds", 2),
        ("type Query {\n a: Int\n\n a: Int }", "`Query` has `a` twice", 4),
        ("type Query { a: Int }\nextend type Query { a: Int }", "`Query` has `a` twice", 2),
        ("type Query\ntype A implements Query", "`A` names `Query`, which is not an interface", 2),
        (
            "type Query\nunion U = Query | Int2\nscalar Int2",
            "`U` names `Int2`, which is not an object",
            2,
        ),
        ("schema { query: A }\nschema { query: A }", "the schema is defined twice", 2),
        ("schema { query: A\nquery: A }", "an operation has two root types", 2),
        ("schema { read: A }", "expected an operation, found `read`", 1),
        ("{ a }", "expected a name, found `{`", 1),
        ("query Q { a }", "expected a definition of a type, found `query`", 1),
        ("extend directive @a on FIELD", "expected a definition of a type, found `directive`", 1),
        ("\"only a description\"", "expected a name, found the end", 1),
        ("type Query \"late\"", "expected a name, found the end", 1),
        ("type Query {\n a Int }", "expected `:`, found `Int`", 2),
        ("type Query { a: }", "expected a name, found `}`", 1),
        ("type Query { a: [Int }", "expected `]`, found `}`", 1),
        ("type Query { a: Int!! }", "expected a name, found `!`", 1),
        ("type Query { a: Int", "expected a name, found the end", 1),
        ("type Query { a(b: Int = ): Int }", "expected a value, found `)`", 1),
        ("type Query { a(b: Int = $c): Int }", "expected a value, found `$`", 1),
        ("type Query implements { a: Int }", "expected a name, found `{`", 1),
        ("union U = \n| \"x\"", "expected a name, found a string", 2),
        ("enum E {\n A ) }", "expected the bracket that closes the last one, found `)`", 2),
        ("directive @a(b: Int)", "expected `on`, found the end", 1),
        ("type Query\n# said so\n { a: \"\n\" }", "no GraphQL token begins here", 3),
        ("type Query %", "no GraphQL token begins here", 1),
    ] {
        assert_eq!(fault(source), (message.to_owned(), Some(line)), "{source}");
    }
}

#[test]
fn size_is_limited() {
    let spaces = |count| format!("type Query{}", " ".repeat(count));
    assert!(Schema::from_sdl(&spaces(limits::SCHEMA_BYTES - 10)).is_ok());
    assert!(Schema::from_sdl(&spaces(limits::SCHEMA_BYTES - 9)).is_err());

    let many =
        |count: usize, each: &dyn Fn(usize) -> String| -> String { (0..count).map(each).collect() };
    // Query and the five built-in scalars count too.
    let scalars = |count| format!("type Query {}", many(count, &|at| format!("scalar S{at} ")));
    assert!(Schema::from_sdl(&scalars(limits::SCHEMA_TYPES - 6)).is_ok());
    assert!(fault(&scalars(limits::SCHEMA_TYPES - 5)).0.contains("types"));

    let fields = |count| format!("type Query {{{}}}", many(count, &|at| format!("f{at}:Int ")));
    assert!(Schema::from_sdl(&fields(limits::SCHEMA_FIELDS)).is_ok());
    assert!(fault(&fields(limits::SCHEMA_FIELDS + 1)).0.contains("fields"));

    let of_unknown =
        |count| format!("type Query {{{}}}", many(count, &|at| format!("a{at}:B{at} ")));
    assert!(fault(&of_unknown(limits::SCHEMA_TYPES)).0.contains("types"));

    let members = format!("type Query union U = Query {}", "|Query".repeat(limits::SCHEMA_FIELDS));
    assert!(fault(&members).0.contains("members"));

    let deep = |depth| format!("type Query {{ a: {}A{} }}", "[".repeat(depth), "]".repeat(depth));
    assert!(Schema::from_sdl(&deep(limits::SCHEMA_DEPTH)).is_ok());
    assert!(fault(&deep(limits::SCHEMA_DEPTH + 1)).0.contains("deep"));
    assert!(fault(&format!("type Query @a(b: {}", "[".repeat(100_000))).0.contains("deep"));
}

/// Words of the grammar in any order.
fn words() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "type",
        "interface",
        "union",
        "enum",
        "input",
        "scalar",
        "schema",
        "directive",
        "extend",
        "implements",
        "on",
        "repeatable",
        "query",
        "Query",
        "A",
        "B",
        "@cacheControl",
        "@d",
        "maxAge",
        "scope",
        "PRIVATE",
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        ":",
        "=",
        "|",
        "&",
        "!",
        "1",
        "\"s\"",
        "\"\"\"b\"\"\"",
    ]);
    prop::collection::vec(word, 0..60).prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn no_text_breaks_it(source in ".{0,200}") {
        let _ = Schema::from_sdl(&source);
    }

    #[test]
    fn no_order_of_words_breaks_it(source in words()) {
        let _ = Schema::from_sdl(&format!("type Query {{ a: Int }} {source}"));
        let _ = Schema::from_sdl(&source);
    }

    #[test]
    fn no_schema_cut_off_breaks_it(at in any::<prop::sample::Index>()) {
        let source = "\"x\" type Query implements A & B @cacheControl(maxAge: 1) { a(b: [Int!] = [1]): \
            [A!]! } union U = Query | B interface A extend schema { mutation: M }";
        let _ = Schema::from_sdl(source.get(..at.index(source.len())).unwrap());
    }
}
