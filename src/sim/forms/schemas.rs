//! A schema in force: asked of the origin, uploaded, changed and taken back.

use super::schedule::{Schedule, any_isolate};
use crate::sim::fleet::Fleet;
use crate::sim::origin::introspected;
use crate::sim::requests::admin;
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

pub(super) async fn live(fleet: Rc<Fleet>, times: Schedule) {
    while times.pass(&fleet).await {
        let universe = &fleet.universe;
        universe.takes(0, 10_000).await;
        let which = any_isolate(&fleet);
        let (method, body) = match universe.random.below(10) {
            0..7 => ("POST", sdl(universe.random.below(3))),
            7 => ("POST", UNTRUE.to_owned()),
            8 => ("POST", introspected().to_string()),
            _ => ("DELETE", String::new()),
        };
        universe.trace(|| format!("an operator: {method} schema of {} bytes", body.len()));
        fleet.ask(which, admin(method, "schema"), body.into_bytes()).await;
    }
}
