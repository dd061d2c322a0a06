use super::*;

const BASE: &str = "
    type Query { a(x: Int): A, hit: Hit, node: Node }
    type Mutation { b: B }
    interface Node { id: ID! }
    type A implements Node { id: ID!, e: E, b: [B] }
    type B { id: ID! }
    union Hit = A
    enum E { X }
    input In { a: Int }
";

fn changed(from: &str, to: &str) -> Vec<String> {
    assert!(BASE.contains(from), "{from}");
    let (old, new) = (BASE.to_owned(), BASE.replacen(from, to, 1));
    let [old, new] = [old, new].map(|source| Schema::from_sdl(&source).unwrap());
    let there = changed_types(&old, &new);
    assert_eq!(there, changed_types(&new, &old), "a change has no direction");
    there.into_iter().collect()
}

#[test]
fn what_a_type_shows_makes_it_another() {
    let none: [&str; 0] = [];
    for (from, to, expected) in [
        ("type B { id: ID! }", "type B { id: ID!, c: Int }", &["B"][..]),
        ("type B { id: ID! }", "type B { id: ID }", &["B"]),
        ("type B { id: ID! }", "type B { id: String! }", &["B"]),
        ("type B { id: ID! }", "type B @cacheControl(maxAge: 1) { id: ID! }", &["B"]),
        ("type B { id: ID! }", "type B { id: ID! @cacheControl(scope: PRIVATE) }", &["B"]),
        ("type B { id: ID! }", "type B implements Node { id: ID! }", &["B", "Node"]),
        ("b: [B]", "b: B", &["A"]),
        ("a(x: Int)", "a(x: Int!)", &["Query"]),
        ("= A", "= A | B", &["Hit"]),
        ("union Hit = A", "type Hit", &["Hit", "Query"]),
        ("enum E { X }", "type E { x: Int }", &["A", "E"]),
        ("enum E { X }", "enum E { X } type New", &["New"]),
        ("enum E { X }", "enum E { X } interface New", &["New"]),
        ("interface Node", "interface Node @cacheControl(maxAge: 1)", &["Node"]),
        // Differences that the table does not hold.
        ("enum E { X }", "scalar E", &none),
        ("a: Int }", "a: String }", &none),
        ("x: Int", "y: String = \"\"", &none),
        ("{ id: ID! }", "{ id: ID! @deprecated }", &none),
        ("input In", "input Other", &none),
    ] {
        assert_eq!(changed(from, to), expected, "{from} -> {to}");
    }
}

#[test]
fn another_kind_is_a_change_even_where_nothing_else_is() {
    let [old, new] = ["type Query interface A", "type Query union A"]
        .map(|source| Schema::from_sdl(source).unwrap());
    assert_eq!(changed_types(&old, &new), ["A".to_owned()].into());
}

#[test]
fn an_interface_changes_with_what_implements_it_by_way_of_another() {
    let source = |of: &str| {
        format!(
            "type Query interface A interface B implements A interface C {of} type T implements C"
        )
    };
    let [old, new] = [source(""), source("implements B")].map(|s| Schema::from_sdl(&s).unwrap());
    assert_eq!(changed_types(&old, &new), ["A", "B", "C"].map(str::to_owned).into());
}

#[test]
fn another_root_is_a_change_of_both() {
    assert_eq!(
        changed("type Mutation", "schema { query: Query mutation: B } type Mutation"),
        ["B", "Mutation"]
    );
    assert_eq!(changed("type Mutation", "schema { query: Query } type Mutation"), ["Mutation"]);
    assert_eq!(
        changed("type Query", "schema { query: B mutation: Mutation } type Query"),
        ["B", "Query"]
    );
}

#[test]
fn numbers_that_move_are_no_change() {
    assert_eq!(changed("enum E { X }", "enum E { X } scalar AAA scalar ZZZ"), [""; 0]);
}

#[test]
fn what_a_null_was_taken_for_is_touched_where_it_may_now_be_more() {
    let touched = |from: &str, to: &str| -> Vec<String> {
        assert!(BASE.contains(from), "{from}");
        let [old, new] =
            [BASE, &BASE.replacen(from, to, 1)].map(|source| Schema::from_sdl(source).unwrap());
        affected_types(&old, &new).into_iter().collect()
    };
    for (from, to, expected) in [
        ("= A", "= A | B", &["A", "Hit"][..]),
        ("type B {", "type B implements Node {", &["A", "B", "Node"]),
        ("a(x: Int): A", "a(x: Int): B", &["A", "Query"]),
        ("a(x: Int): A", "a(x: Int): [A]", &["A", "Query"]),
        ("a(x: Int): A, ", "", &["A", "Query"]),
        ("hit: Hit", "hit: B", &["A", "Query"]),
        // Changes that do not affect nulls.
        ("a(x: Int): A", "a(x: Int!): A!", &["Query"]),
        ("hit: Hit", "hit: Hit, new: B", &["Query"]),
        ("b: [B]", "b: B", &["A"]),
        ("enum E { X }", "scalar E", &[]),
    ] {
        assert_eq!(touched(from, to), expected, "{from} -> {to}");
    }
}
