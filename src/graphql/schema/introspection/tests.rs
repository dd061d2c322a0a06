use super::*;
use crate::graphql::analysis_of;
use proptest::prelude::*;
use serde_json::{Value, json};

const SDL: &str = "
    schema { query: Root mutation: Changes }
    type Root { node(id: ID!, as: String): Node, hits(first: Int! = 10): [Hit!]! deep: [[Int!]!] }
    type Changes { make(input: Make!): Product }
    interface Node { id: ID! }
    interface Priced implements Node { id: ID!, price: Float }
    type Product implements Priced & Node { id: ID!, price: Float, colour: Colour, made: Date }
    type User implements Node { id: ID! }
    union Hit = User | Product
    enum Colour { RED }
    scalar Date
    input Make { name: String }
";

fn named(kind: &str, name: &str) -> Value {
    json!({ "kind": kind, "name": name, "ofType": null })
}

fn wrapped(kind: &str, of: Value) -> Value {
    json!({ "kind": kind, "name": null, "ofType": of })
}

fn nonnull(of: Value) -> Value {
    wrapped("NON_NULL", of)
}

fn list(of: Value) -> Value {
    wrapped("LIST", of)
}

fn field(name: &str, args: Value, of: Value) -> Value {
    json!({ "name": name, "description": "x", "args": args, "type": of, "isDeprecated": false })
}

fn object(name: &str, fields: Value, interfaces: Value) -> Value {
    json!({ "kind": "OBJECT", "name": name, "fields": fields, "interfaces": interfaces,
        "possibleTypes": null, "enumValues": null, "inputFields": null })
}

/// What a server would respond for the same schema.
fn answer() -> Value {
    let scalar = |name: &str| json!({ "kind": "SCALAR", "name": name, "fields": null });
    let argument = |name: &str, of: Value, default: Value| json!({ "name": name, "type": of, "defaultValue": default });
    let id = || field("id", json!([]), nonnull(named("SCALAR", "ID")));
    let price = || field("price", json!([]), named("SCALAR", "Float"));
    let node = || named("INTERFACE", "Node");
    json!({ "data": { "__schema": {
        "description": null,
        "queryType": { "name": "Root" },
        "mutationType": { "name": "Changes" },
        "subscriptionType": null,
        "types": [
            object("__Type", json!([field("name", json!([]), named("SCALAR", "String"))]), json!([])),
            scalar("Boolean"), scalar("String"), scalar("Int"), scalar("Date"), scalar("ID"),
            { "kind": "ENUM", "name": "Colour", "enumValues": [{ "name": "RED" }] },
            { "kind": "INPUT_OBJECT", "name": "Make", "inputFields": [] },
            { "kind": "UNION", "name": "Hit",
                "possibleTypes": [named("OBJECT", "User"), named("OBJECT", "Product")] },
            { "kind": "INTERFACE", "name": "Node", "fields": [id()], "interfaces": null,
                "possibleTypes": [named("OBJECT", "User"), named("OBJECT", "Product")] },
            { "kind": "INTERFACE", "name": "Priced", "fields": [id(), price()],
                "interfaces": [node()], "possibleTypes": [named("OBJECT", "Product")] },
            object("User", json!([id()]), json!([node()])),
            object("Product", json!([
                id(), price(),
                field("made", json!([]), named("SCALAR", "Date")),
                field("colour", json!([]), named("ENUM", "Colour")),
            ]), json!([node(), named("INTERFACE", "Priced")])),
            object("Changes", json!([field("make", json!([
                argument("input", nonnull(named("INPUT_OBJECT", "Make")), Value::Null),
            ]), named("OBJECT", "Product"))]), json!([])),
            object("Root", json!([
                field("node", json!([
                    argument("id", nonnull(named("SCALAR", "ID")), Value::Null),
                    argument("as", named("SCALAR", "String"), Value::Null),
                ]), node()),
                field("hits", json!([
                    argument("first", nonnull(named("SCALAR", "Int")), json!("10")),
                ]), nonnull(list(nonnull(named("UNION", "Hit"))))),
                field("deep", json!([]), list(nonnull(list(nonnull(named("SCALAR", "Int")))))),
            ]), json!([])),
        ],
        "directives": [],
    } }, "extensions": { "cost": 1 } })
}

fn find<'v>(schema: &'v mut Value, name: &str) -> &'v mut Value {
    let types = schema["types"].as_array_mut().unwrap();
    types.iter_mut().find(|one| one["name"] == name).unwrap()
}

fn read_value(answer: &Value) -> Result<Schema, SchemaFault> {
    Schema::from_introspection(answer.to_string().as_bytes())
}

fn message(answer: &Value) -> String {
    read_value(answer).unwrap_err().message
}

#[test]
fn the_same_schema_makes_the_same_table_either_way() {
    let from_sdl = Schema::from_sdl(SDL).unwrap();
    assert_eq!(read_value(&answer()).unwrap(), from_sdl);
    assert_eq!(read_value(&answer()["data"]).unwrap(), from_sdl);
    let escaped = answer().to_string().replace("Product", "\\u0050roduct");
    assert_eq!(Schema::from_introspection(escaped.as_bytes()).unwrap(), from_sdl);
}

#[test]
fn the_query_is_one_that_evergraph_itself_understands() {
    let analysis = analysis_of(INTROSPECTION_QUERY);
    assert_eq!(analysis.kind, OperationKind::Query);
    assert_eq!(analysis.name.as_deref(), Some("EvergraphIntrospection"));
    assert!(analysis.roots.keys().eq(["__schema"]));
    assert_eq!(INTROSPECTION_QUERY.matches("ofType").count(), 7);
    assert!(!INTROSPECTION_QUERY.contains("  "));
}

#[test]
fn what_is_no_such_answer_is_a_fault() {
    for bad in ["", "null", "[]", "{}", "{\"data\":null}", "{\"data\":{}}", "{\"errors\":[]}", "{"]
    {
        let fault = Schema::from_introspection(bad.as_bytes()).unwrap_err();
        assert!(
            fault.message.starts_with("this is not a response to an introspection query"),
            "{bad}"
        );
    }
    let fault = Schema::from_introspection(b"{\n\"data\":\n7}").unwrap_err();
    assert_eq!(fault.line, Some(3));
    assert!(Schema::from_introspection(&vec![b' '; limits::SCHEMA_BYTES + 1]).is_err());
}

#[test]
fn an_answer_that_leaves_something_out_is_a_fault() {
    let without = |change: &dyn Fn(&mut Value)| {
        let mut answer = answer();
        change(&mut answer["data"]["__schema"]);
        message(&answer)
    };
    let lacking = |name: &'static str, what: &'static str| {
        without(&move |schema| find(schema, name)[what] = Value::Null)
    };
    assert_eq!(lacking("User", "fields"), "type `User` has no `fields`");
    assert_eq!(lacking("Node", "fields"), "type `Node` has no `fields`");
    assert_eq!(lacking("User", "interfaces"), "type `User` has no `interfaces`");
    assert_eq!(lacking("Hit", "possibleTypes"), "type `Hit` has no `possibleTypes`");
    let shallow = without(&|schema| {
        find(schema, "User")["fields"][0]["type"]["ofType"] = Value::Null;
    });
    assert!(shallow.contains("more deeply"), "{shallow}");
    for missing in ["queryType", "types"] {
        let text = without(&|schema| {
            schema.as_object_mut().unwrap().remove(missing);
        });
        assert!(text.contains(missing), "{text}");
    }
    let renamed = without(&|schema| find(schema, "User")["name"] = json!("a b\n"));
    assert_eq!(renamed, "`a b\n` is not a name");
    let wrapper = without(&|schema| find(schema, "User")["kind"] = json!("LIST"));
    assert_eq!(wrapper, "`User` is a wrapping type");
    let unknown = without(&|schema| find(schema, "User")["kind"] = json!("THING"));
    assert!(unknown.contains("THING"), "{unknown}");
    let twice = without(&|schema| find(schema, "User")["name"] = json!("Product"));
    assert_eq!(twice, "type `Product` is defined twice");
}

#[test]
fn types_nest_to_a_limit() {
    let mut of = named("SCALAR", "Int");
    for _ in 0..200 {
        of = list(of);
    }
    let fields = json!([field("a", json!([]), of)]);
    let types = json!([object("Query", fields, json!([]))]);
    let deep = json!({ "__schema": { "queryType": { "name": "Query" }, "types": types } });
    assert!(message(&deep).contains("recursion"), "{}", message(&deep));
}

proptest! {
    #[test]
    fn no_bytes_break_it(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Schema::from_introspection(&bytes);
    }

    #[test]
    fn no_changed_answer_breaks_it(at in any::<prop::sample::Index>(), by in any::<u8>()) {
        let mut bytes = answer().to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = by;
        let _ = Schema::from_introspection(&bytes);
        let _ = Schema::from_introspection(&bytes[..at]);
    }
}
