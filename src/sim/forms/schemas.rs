//! A schema in force: asked of the origin, uploaded, changed and taken back.

use super::{Times, admin, somewhere};
use crate::sim::clients::Fleet;
use serde_json::{Value, json};
use std::rc::Rc;

const OBJECT: &str = "{ id: ID! v: Int who: String service: Int }";

/// A schema of the API; of those there are several, all of them true.
fn sdl(kind: u64) -> String {
    let product = match kind {
        0 => format!("type Product {OBJECT}"),
        1 => format!("interface Node {{ id: ID! }} type Product implements Node {OBJECT}"),
        _ => format!("type Product {OBJECT} type Extra {{ id: ID! more: Product }}"),
    };
    format!(
        "{product} type User {OBJECT} \
         type Query {{ product(id: ID!): Product products: [Product!]! me: User account: User }} \
         type Mutation {{ updateProduct(id: ID!, write: Int!): Product \
         touch(id: ID!, write: Int!): Product updateMe(write: Int!): User }}"
    )
}

/// One that lacks a type which answers show.
const UNTRUE: &str =
    "type Query { product(id: ID!): Thing products: [Thing!]! } type Thing { id: ID! v: Int }";

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

pub(super) async fn live(fleet: Rc<Fleet>, times: Times) {
    while times.pass(&fleet).await {
        let universe = &fleet.universe;
        universe.takes(0, 10_000).await;
        let which = somewhere(&fleet);
        let (method, body) = match universe.random.below(10) {
            0..7 => ("POST", sdl(universe.random.below(3))),
            7 => ("POST", UNTRUE.to_owned()),
            8 => ("POST", introspected().to_string()),
            _ => ("DELETE", String::new()),
        };
        universe.tell(|| format!("an operator: {method} schema of {} bytes", body.len()));
        fleet.ask(which, admin(method, "schema"), body.into_bytes()).await;
    }
}
