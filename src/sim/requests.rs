//! The requests that clients send, and the documents that they name.

use super::plan::TOKEN;
use crate::http::{Headers, Method, Request, Url};
use serde_json::{Value, json};

pub const PRODUCT: &str = "query P($id: ID!) { product(id: $id) { __typename id v who service } }";
pub const PRODUCTS_QUERY: &str = "query L { products { __typename id v who service } }";
pub const ME: &str = "query Me { me { __typename id v who service } }";
pub const UPDATE: &str = "mutation U($id: ID!, $write: Int!) { updateProduct(id: $id, write: $write) { __typename id v who service } }";
/// A mutation that says nothing of what it changes.
pub const TOUCH: &str =
    "mutation T($id: ID!, $write: Int!) { touch(id: $id, write: $write) { id v who service } }";
pub const UPDATE_ME: &str =
    "mutation M($write: Int!) { updateMe(write: $write) { __typename id v who service } }";

/// The documents that are uploaded, by their ids.
pub fn documents() -> Value {
    json!({ "d-product": PRODUCT, "d-products": PRODUCTS_QUERY })
}

/// A GraphQL request without a body.
pub fn graphql(who: Option<&str>) -> Request {
    let mut request = request("POST", "/graphql");
    request.headers.set("content-type", "application/json");
    if let Some(who) = who {
        request.headers.set("authorization", who);
    }
    request
}

/// A request without headers.
pub fn request(method: &str, path: &str) -> Request {
    Request {
        method: Method::parse(method),
        url: Url::parse(&format!("https://api.example{path}")).unwrap(),
        headers: Headers::new(),
    }
}

/// A request to one of the admin routes.
pub fn admin(method: &str, route: &str) -> Request {
    let mut request = request(method, &format!("/__evergraph/{route}"));
    request.headers.set("authorization", format!("Bearer {TOKEN}"));
    request
}
