//! The schema of the API, as its introspection shows it.

use serde_json::{Value, json};

/// The origin's answer to the introspection query.
pub fn introspected() -> Value {
    let leaf = |name: &str| json!({ "kind": "SCALAR", "name": name });
    let object = |name: &str| json!({ "kind": "OBJECT", "name": name });
    let field = |name: &str, of: Value| json!({ "name": name, "args": [], "type": of, "isDeprecated": false });
    let members = || {
        json!([
            field("id", leaf("ID")),
            field("v", leaf("Int")),
            field("who", leaf("String")),
            field("service", leaf("Int")),
        ])
    };
    let of_kind = |kind: &str, name: &str, fields: Value| json!({ "kind": kind, "name": name, "fields": fields, "interfaces": [], "possibleTypes": null });
    let list = json!({ "kind": "LIST", "name": null, "ofType": object("Product") });
    let scalars = ["ID", "Int", "String"].map(|name| of_kind("SCALAR", name, Value::Null));
    let mut types = vec![
        of_kind("OBJECT", "Product", members()),
        of_kind("OBJECT", "User", members()),
        of_kind(
            "OBJECT",
            "Query",
            json!([
                field("product", object("Product")),
                field("products", list),
                field("me", object("User")),
                field("account", object("User")),
            ]),
        ),
        of_kind(
            "OBJECT",
            "Mutation",
            json!([
                field("updateProduct", object("Product")),
                field("touch", object("Product")),
                field("updateMe", object("User")),
            ]),
        ),
    ];
    types.extend(scalars);
    json!({ "data": { "__schema": {
        "queryType": { "name": "Query" },
        "mutationType": { "name": "Mutation" },
        "subscriptionType": null,
        "types": types,
    } } })
}
