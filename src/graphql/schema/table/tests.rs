use super::*;

const SHOP: &str = "
    type Query { node(id: ID!): Node, search(text: String! = \"\"): [Hit!]!, tags: [[String]] }
    interface Node { id: ID! }
    interface Priced implements Node { id: ID! price: Int }
    type Product implements Priced @cacheControl(maxAge: 60) { id: ID! price: Int, by: User }
    type User implements Node @cacheControl(scope: PRIVATE) { id: ID! }
    type Lonely { a: Int }
    union Hit @cacheControl(inheritMaxAge: true) = User | Product
    enum Colour { RED }
    input Filter { a: Int }
";

fn shop() -> Schema {
    Schema::from_sdl(SHOP).unwrap()
}

fn possible<'s>(schema: &'s Schema, name: &str) -> Vec<&'s str> {
    let id = schema.type_named(name).unwrap();
    schema.possible_types(id).map(|id| schema.name(id)).collect()
}

#[test]
fn types_are_found_by_name_and_kind() {
    let schema = shop();
    for (name, kind) in [
        ("Query", TypeKind::Object),
        ("Priced", TypeKind::Interface),
        ("Hit", TypeKind::Union),
        ("Colour", TypeKind::Leaf),
        ("Int", TypeKind::Leaf),
        ("Filter", TypeKind::Input),
    ] {
        let id = schema.type_named(name).unwrap();
        assert_eq!((schema.name(id), schema.kind(id)), (name, kind));
    }
    for unknown in ["", "Prod", "Products", "product", "\n", "id"] {
        assert_eq!(schema.type_named(unknown), None, "{unknown}");
    }
    let names: Vec<_> = schema.type_names().collect();
    assert!(names.is_sorted());
    assert_eq!(names, schema.types().map(|id| schema.name(id)).collect::<Vec<_>>());
    assert_eq!(names.len(), 9 + 5);
}

#[test]
fn roots_are_the_types_of_operations() {
    let schema = shop();
    assert_eq!(schema.root(OperationKind::Query), schema.type_named("Query"));
    assert_eq!(schema.root(OperationKind::Mutation), None);
    let schema =
        Schema::from_sdl("schema{query:A mutation:B subscription:C} type A type B type C").unwrap();
    for (kind, name) in [
        (OperationKind::Query, "A"),
        (OperationKind::Mutation, "B"),
        (OperationKind::Subscription, "C"),
    ] {
        assert_eq!(schema.root(kind).map(|id| schema.name(id)), Some(name));
    }
}

#[test]
fn fields_say_what_they_are() {
    let schema = shop();
    let query = schema.type_named("Query").unwrap();
    let field = |name: &str| {
        let info = schema.field(query, name).unwrap();
        (schema.name(info.type_id), info.list, info.nonnull, info.needs_arguments)
    };
    assert_eq!(field("node"), ("Node", false, false, true));
    assert_eq!(field("search"), ("Hit", true, true, false));
    assert_eq!(field("tags"), ("String", true, false, false));
    assert_eq!(schema.field(query, "id"), None);
    assert_eq!(schema.field(query, "__typename"), None);
    assert_eq!(schema.field(schema.type_named("Hit").unwrap(), "id"), None);
    assert_eq!(schema.field(schema.type_named("Filter").unwrap(), "a"), None);
    let names: Vec<_> = schema.fields(query).map(|(name, _)| name).collect();
    assert_eq!(names, ["node", "search", "tags"]);
}

#[test]
fn possible_types_are_those_that_may_stand_there() {
    let schema = shop();
    assert_eq!(possible(&schema, "Product"), ["Product"]);
    assert_eq!(possible(&schema, "Node"), ["Product", "User"], "also by way of Priced");
    assert_eq!(possible(&schema, "Priced"), ["Product"]);
    assert_eq!(possible(&schema, "Hit"), ["Product", "User"]);
    assert!(possible(&schema, "Colour").is_empty() && possible(&schema, "Filter").is_empty());
    for asked in schema.types() {
        let listed: Vec<_> = schema.possible_types(asked).map(|id| schema.name(id)).collect();
        for name in schema.type_names() {
            let is_possible_type = schema.is_possible_type(asked, name);
            assert_eq!(is_possible_type, listed.contains(&name), "{} {name}", schema.name(asked));
        }
        assert!(!schema.is_possible_type(asked, "Unknown"));
    }
}

#[test]
fn interfaces_in_circles_end() {
    let schema = Schema::from_sdl(
        "type Query interface A implements B & A interface B implements A type T implements A",
    )
    .unwrap();
    assert_eq!((possible(&schema, "A"), possible(&schema, "B")), (vec!["T"], vec!["T"]));
}

#[test]
fn hints_are_of_types_and_of_fields() {
    let schema = shop();
    let hint = |name: &str| schema.hint(schema.type_named(name).unwrap());
    assert_eq!(hint("Product"), CacheHint { max_age: Some(60), ..CacheHint::NONE });
    assert_eq!(hint("User"), CacheHint { private: true, ..CacheHint::NONE });
    assert_eq!(hint("Hit"), CacheHint { inherit: true, ..CacheHint::NONE });
    assert_eq!(hint("Query"), CacheHint::NONE);
}

#[test]
fn a_type_of_another_schema_is_harmless() {
    let small = Schema::from_sdl("type Query").unwrap();
    let schema = shop();
    let far = schema.types().last().unwrap();
    assert_eq!(
        (small.name(far), small.kind(far), small.hint(far)),
        ("", TypeKind::Leaf, CacheHint::NONE)
    );
    assert_eq!((small.field(far, "a"), small.possible_types(far).count()), (None, 0));
    assert!(!small.is_possible_type(far, "Query"));
}

#[test]
fn too_many_possible_types_are_refused() {
    let chain = |count: usize| -> String {
        let mut source = String::from("type Query interface I0");
        for at in 1..count {
            source.push_str(&format!(" interface I{at} implements I{}", at - 1));
        }
        for at in 0..count {
            source.push_str(&format!(" type T{at} implements I{}", count - 1));
        }
        source
    };
    assert!(Schema::from_sdl(&chain(500)).is_ok());
    let fault = Schema::from_sdl(&chain(1000)).unwrap_err();
    assert!(fault.message.contains("possible"), "{fault}");
}

#[test]
fn interfaces_that_are_too_entangled_are_refused() {
    // Each interface implements all others: few pairs, but many steps to find them.
    let entangled = |objects: usize| -> String {
        let all: String = (0..500).map(|at| format!("&I{at}")).collect();
        let interfaces = (0..500).map(|at| format!(" interface I{at} implements {all}"));
        let objects = (0..objects).map(|at| format!(" type T{at} implements I0"));
        format!("type Query{}{}", interfaces.collect::<String>(), objects.collect::<String>())
    };
    assert!(Schema::from_sdl(&entangled(10)).is_ok());
    assert!(Schema::from_sdl(&entangled(20)).unwrap_err().message.contains("possible"));
}
